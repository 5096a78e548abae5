/** The door `millrace/node`: running jobs in Node, and what Node reads and writes. */
export { type Progress, run, type RunningJob, type RunOptions } from './run.ts';
export { ndjsonFiles, ndjsonSink, stdin } from './sources.ts';
