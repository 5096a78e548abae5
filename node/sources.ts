/** The sources and sinks of this host as users write them. */
import type { Accepts, Columns, Schema, Sink, Source } from '../src/index.ts';
import { CSV_SEPARATORS } from '../src/format/csv.ts';
import { mistake } from '../src/base/mistake.ts';
import { requireKnownOptions } from '../src/api/options.ts';
import { makeSink, makeSource, tableOf } from '../src/platform.ts';
import * as csv from './connectors/csv-files.ts';
import * as files from './connectors/ndjson-files.ts';
import { FILE_READ_OPTIONS, type FileReadOptions, type ReadOptions } from './connectors/read-options.ts';
import * as sinks from './connectors/ndjson-sink.ts';

/**
 * Lines of JSON in the files that a glob (or several) names: each file is a split, replayable by byte offset. Columns are read
 * by name in any order; a line that is no object of this schema is a dead letter. No file at all is an error (E1504), unless files are
 * followed. Gzip
 * files, whatever they are called, are read as the text that they hold; offsets are places of that text, so a restart
 * decompresses a file again up to where it was.
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

/** How the records of CSV files are written, and how files are read. */
export interface CsvFilesOptions extends FileReadOptions {
  /** Whether the first record of each file names its fields: true, unless said otherwise. If not, fields are columns by position. */
  readonly header?: boolean;
  /** What stands between fields: ',' unless said otherwise. */
  readonly separator?: ',' | ';' | '\t' | '|';
}

/**
 * Records of CSV (RFC 4180) in the files that a glob (or several) names: each file is a split, replayable by byte offset.
 * Columns are found by the names of the header in any order; fields of no column are read past. An empty field is null,
 * "" the empty text; a number, an instant or a truth value may stand in quotes. A record that cannot be used (a wrong
 * number of fields, a quote in a wrong place, a value that does not fit, nothing where a value must be) is a dead letter;
 * where quotes stand wrong, reading goes on behind the line. Records longer than 1 MB are dead letters, so a quote that
 * is never closed costs no more. A header that lacks a column is an error (E1521), and so is no file at all (E1504).
 * Gzip files are read as by ndjsonFiles.
 */
export function csvFiles<C extends Columns>(
  glob: string | readonly string[],
  schema: Schema<C>,
  options: CsvFilesOptions = {},
): Source<C> {
  const names = (typeof glob === 'string' ? [glob] : glob).map((each) => `'${each}'`).join(', ');
  requireKnownOptions(options, ['header', 'separator', ...FILE_READ_OPTIONS], `csvFiles(${names})`);
  const { header = true, separator = ',', ...reading } = options;
  const label = `csvFiles(${names}${optionsText(reading)})`;
  if (typeof header !== 'boolean') throw mistake(`'header' of ${label}`, 'true or false', header);
  if (!CSV_SEPARATORS.includes(separator))
    throw mistake(`'separator' of ${label}`, "',', ';', '\\t' or '|'", separator);
  return makeSource(
    schema,
    csv.csvFiles(glob, tableOf(schema, `the schema of ${label}`), { header, separator }, reading),
    label,
  );
}

/**
 * Lines of JSON on standard input. They cannot be read again: what came behind the last checkpoint is gone with the process, so a
 * job that has a checkpoint of it is refused (E1506) rather than continued with a hole. What must survive is read from files.
 */
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
