/** The door `millrace/web`: jobs in a page, and what a browser has to read from and to keep state and results in. */
export { type FetchOptions, fetchNdjson, indexedDbSink, pageSink } from './ports.ts';
export type { Failure, StartOptions } from './protocol.ts';
export type { ResultRow } from './result-row.ts';
export { openResults, Results, type ResultsChange } from './results.ts';
export { deadLettersOf, run, type RunOptions } from './run.ts';
export type { RunningJob, WindowExplanation } from '../src/platform.ts';
export { serve } from './serve.ts';
export { JobFailure, type JobWorker, start, type StartSettings, type WorkerJob } from './start.ts';
export { IndexedDbStore, type IndexedDbOptions } from './state/indexeddb-store.ts';
