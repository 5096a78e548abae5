/** The sources and sinks of this host as users write them. */
import type { Accepts, Columns, Schema, Sink, Source } from '../src/index.ts';
import { makeSink, makeSource, tableOf } from '../src/platform.ts';
import * as files from './connectors/ndjson-files.ts';
import type { FileReadOptions, ReadOptions } from './connectors/read-options.ts';
import * as sinks from './connectors/ndjson-sink.ts';

/**
 * Lines of JSON in the files that a glob (or several) names: each file is a split, replayable by byte offset. Columns are read
 * by name in any order; a line that is no object of this schema is a dead letter. No file at all is an error (E1504), unless
 * files are followed.
 */
export function ndjsonFiles<C extends Columns>(
  glob: string | readonly string[],
  schema: Schema<C>,
  options: FileReadOptions = {},
): Source<C> {
  const names = (typeof glob === 'string' ? [glob] : glob).map((each) => `'${each}'`).join(', ');
  const label = `ndjsonFiles(${names}${optionsText(options)})`;
  return makeSource(schema, files.ndjsonFiles(glob, tableOf(schema, `the schema of ${label}`), options), label);
}

/** What was asked for, as explain prints it. */
function optionsText(options: FileReadOptions | ReadOptions): string {
  const text = Object.entries(options).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return text.length === 0 ? '' : `, { ${text.join(', ')} }`;
}

/** Lines of JSON on standard input. They cannot be read again, so a job continues after a crash with what follows. */
export function stdin<C extends Columns>(schema: Schema<C>, options: ReadOptions = {}): Source<C> {
  const table = tableOf(schema, 'the schema of stdin');
  return makeSource(
    schema,
    files.stdin(table, process.stdin, options),
    `stdin${optionsText(options).replace(', ', ' ')}`,
  );
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
