/** The door `millrace/web`: jobs in a page, and what a browser has to read from and to keep state in. */
export { fetchNdjson, type FetchNdjsonOptions } from './connectors/fetch-ndjson.ts';
export { browserClock, browserKernels, browserRandom } from './platform.ts';
export type { Failure, StartOptions } from './protocol.ts';
export { JobFailure, start, type StartSettings, type WorkerJob } from './start.ts';
export { IndexedDbStore, type IndexedDbOptions } from './state/indexeddb-store.ts';
export { type JobLink, type RunJob, serveJob } from './worker-host.ts';
