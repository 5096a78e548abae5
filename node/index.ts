/** The door `millrace/node`: running jobs in Node, and what Node reads and writes. */
export type { JobProgress as Progress, RunningJob, WindowExplanation } from '../src/platform.ts';
export type { FileReadOptions, FollowOptions, Rate, ReadOptions } from './connectors/read-options.ts';
export { run, type RunOptions } from './run.ts';
export { csvFiles, type CsvFilesOptions, ndjsonFiles, ndjsonSink, stdin } from './sources.ts';
