/** The sources and sinks of this host as users write them. */
import type { Accepts, Columns, Schema, Sink, Source } from '../src/index.ts';
import { makeSink, makeSource, tableOf } from '../src/platform.ts';
import * as files from './connectors/ndjson-files.ts';
import * as sinks from './connectors/ndjson-sink.ts';

/**
 * Lines of JSON in the files that a glob (or several) names: each file is a split, replayable by byte offset. Columns are read
 * by name in any order; a line that is no object of this schema is a dead letter. No file at all is an error (E1504).
 */
export function ndjsonFiles<C extends Columns>(glob: string | readonly string[], schema: Schema<C>): Source<C> {
  const label = `ndjsonFiles(${(typeof glob === 'string' ? [glob] : glob).map((each) => `'${each}'`).join(', ')})`;
  return makeSource(schema, files.ndjsonFiles(glob, tableOf(schema, `the schema of ${label}`)), label);
}

/** Lines of JSON on standard input. They cannot be read again, so a job continues after a crash with what follows. */
export function stdin<C extends Columns>(schema: Schema<C>): Source<C> {
  return makeSource(schema, files.stdin(tableOf(schema, 'the schema of stdin')), 'stdin');
}

/**
 * Part files of JSON lines in a folder, each row exactly once: rows become visible at checkpoints, and the parts read in the
 * order of their names are the output in its order. With `changelog` each line begins with what it does ("op").
 */
export function ndjsonSink(folder: string): Sink<'inserts only'>;
export function ndjsonSink(folder: string, options: { readonly changelog: true }): Sink<'inserts, updates and deletes'>;
export function ndjsonSink(folder: string, options: { readonly changelog?: true } = {}): Sink<Accepts> {
  const connector = sinks.ndjsonSink(folder, options);
  return makeSink(
    options.changelog === true ? 'inserts, updates and deletes' : 'inserts only',
    connector,
    `ndjsonSink('${folder}')`,
  );
}
