/**
 * Jobs as JSON, for those who want no code: the declarative part of the API, key by key.
 *
 *   {
 *     "name": "departures",
 *     "from": { "ndjsonFiles": "flights/*.ndjson", "schema": { "scheduled": "timestamp", "origin": "utf8", "delayMinutes": "int32?" } },
 *     "watermark": { "column": "scheduled", "boundedOutOfOrderness": "1 hour" },
 *     "where": { "gt": ["delayMinutes", 0] },
 *     "keyBy": ["origin"],
 *     "window": { "tumbling": "1 hour" },
 *     "aggregate": { "departures": "count", "worst": { "max": "delayMinutes" } },
 *     "to": { "ndjsonSink": "out" },
 *     "late": { "ndjsonSink": "late" }
 *   }
 *
 * Instead of "ndjsonFiles" there may be "csvFiles", with "header": false and "separator": ";" where it needs them. Both take
 * "follow", "startAt", "rate" and "sample", as in the API.
 * A type with a question mark may be null. In `where` a text is a column and a number, true or false a literal; a text literal
 * is { "text": "SFO" }. Watermarks and windows of other kinds: json-time.ts. Every key is checked; what is wrong is told with
 * its path (E1603).
 */
import { readFile } from 'node:fs/promises';
import * as millrace from '../../src/index.ts';
import { isRecord } from '../../src/state/shape.ts';
import { FILE_READ_OPTIONS } from '../connectors/read-options.ts';
import { csvFiles, type CsvFilesOptions, ndjsonFiles, ndjsonSink } from '../sources.ts';
import { isTexts, named, object, wrong } from './json-shape.ts';
import { watermarkOf, windowOf } from './json-time.ts';

/**
 * The fluent API without its types: in a JSON job columns are known at run time only, and the API's own run-time checks are
 * what names a mistake.
 */
interface Untyped {
  watermark(column: unknown, strategy: unknown, options: unknown): Untyped;
  where(condition: (fields: Fields) => unknown): Untyped;
  keyBy(...columns: unknown[]): Untyped;
  window(window: unknown, options: unknown): Untyped;
  aggregate(aggregates: unknown, options: { readonly uid: string }): Untyped;
  to(sink: unknown): millrace.Job;
  readonly late: Untyped;
}
type Fields = { readonly [column: string]: { readonly [method: string]: (...args: unknown[]) => unknown } };

const KEYS = ['name', 'from', 'watermark', 'where', 'keyBy', 'window', 'aggregate', 'to', 'late'];

/** Reads and builds a JSON job. Throws UserError for anything that is not one. */
export async function loadJsonJob(path: string): Promise<millrace.Job> {
  const text = await readFile(path, 'utf8');
  try {
    return jobOf(JSON.parse(text), path);
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(path, '', `it is not JSON: ${error.message}`);
    throw error;
  }
}

function jobOf(value: unknown, path: string): millrace.Job {
  const job = object(value, path, '', KEYS);
  const { name, to, late } = job;
  if (name !== undefined && typeof name !== 'string') throw wrong(path, 'name', 'it must be a text');
  const stream = pipelineOf(job, path);
  const output = stream.to(sinkOf(to, path, 'to'));
  const more = late === undefined ? [] : [stream.late.to(sinkOf(late, path, 'late'))];
  return name === undefined ? millrace.job(output, ...more) : millrace.job(name, output, ...more);
}

function pipelineOf(job: { readonly [key: string]: unknown }, path: string): Untyped {
  // See Untyped.
  let stream = millrace.from(sourceOf(job['from'], path), { uid: 'source' }) as unknown as Untyped;
  if (job['watermark'] !== undefined) {
    const { column, strategy, options } = watermarkOf(job['watermark'], path);
    stream = stream.watermark(column, strategy, options);
  }
  const { where } = job;
  if (where !== undefined) stream = stream.where((fields) => conditionOf(where, fields, path, 'where'));
  if (job['aggregate'] === undefined) return stream;
  const keys = job['keyBy'];
  if (keys !== undefined && !isTexts(keys)) throw wrong(path, 'keyBy', 'it must be a list of columns');
  if (keys !== undefined) stream = stream.keyBy(...keys);
  if (job['window'] !== undefined) {
    const { window, options } = windowOf(job['window'], path);
    stream = stream.window(window, options);
  }
  return stream.aggregate(aggregatesOf(job['aggregate'], path), { uid: 'aggregate' });
}

function sourceOf(value: unknown, path: string): millrace.Source<millrace.Columns> {
  const isCsv = isRecord(value) && value['csvFiles'] !== undefined;
  const format = isCsv ? 'csvFiles' : 'ndjsonFiles';
  const source = object(value, path, 'from', [
    format,
    'schema',
    ...(isCsv ? ['header', 'separator'] : []),
    ...FILE_READ_OPTIONS,
  ]);
  const files = source[format];
  if (typeof files !== 'string' && !isTexts(files))
    throw wrong(path, `from.${format}`, 'it must be a glob, or a list of globs');
  const schema = schemaOf(source['schema'], path);
  const given = ['header', 'separator', ...FILE_READ_OPTIONS].filter((name) => source[name] !== undefined);
  // The API checks what they are.
  const options = Object.fromEntries(given.map((name) => [name, source[name]])) as CsvFilesOptions;
  return isCsv ? csvFiles(files, schema, options) : ndjsonFiles(files, schema, options);
}

const TYPES: { readonly [name: string]: () => { nullable(): unknown } } = {
  bool: millrace.bool,
  int8: millrace.int8,
  int16: millrace.int16,
  int32: millrace.int32,
  int64: millrace.int64,
  float32: millrace.float32,
  float64: millrace.float64,
  utf8: millrace.utf8,
  json: millrace.json,
  bytes: millrace.bytes,
  timestamp: () => millrace.timestamp(),
  'timestamp(s)': () => millrace.timestamp('s'),
  'timestamp(us)': () => millrace.timestamp('us'),
};

function schemaOf(value: unknown, path: string): millrace.Schema<millrace.Columns> {
  const columns = Object.entries(object(value, path, 'from.schema')).map(([name, type]) => {
    const known = typeof type === 'string' ? named(TYPES, type.replace(/\?$/, '')) : undefined;
    if (known === undefined || typeof type !== 'string') {
      throw wrong(
        path,
        `from.schema.${name}`,
        `it must be one of ${Object.keys(TYPES).join(', ')}, with ? when it may be null`,
      );
    }
    return [name, type.endsWith('?') ? known().nullable() : known()] as const;
  });
  // The declarations come from the API's own constructors; which they are is known at run time only.
  return millrace.schema(Object.fromEntries(columns) as Parameters<typeof millrace.schema>[0]);
}

const FUNCTIONS: { readonly [name: string]: (column: never) => unknown } = {
  sum: millrace.sum,
  min: millrace.min,
  max: millrace.max,
  avg: millrace.avg,
  stddev: millrace.stddev,
  variance: millrace.variance,
  any: millrace.any,
  all: millrace.all,
  firstValue: millrace.firstValue,
  lastValue: millrace.lastValue,
  countDistinct: millrace.countDistinct,
  approxCountDistinct: millrace.approxCountDistinct,
  median: millrace.median,
};

function aggregatesOf(value: unknown, path: string): unknown {
  const calls = Object.entries(object(value, path, 'aggregate')).map(([name, call]) => {
    if (call === 'count') return [name, millrace.count()] as const;
    const [[fn, column] = ['', undefined]] = Object.entries(object(call, path, `aggregate.${name}`));
    const known = named(FUNCTIONS, fn);
    if (known === undefined)
      throw wrong(
        path,
        `aggregate.${name}`,
        `it must be "count" or one of ${Object.keys(FUNCTIONS).join(', ')} with a column`,
      );
    // The API checks that it is a column, and of which type.
    return [name, known(column as never)] as const;
  });
  return Object.fromEntries(calls);
}

const COMPARISONS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'like'];

function conditionOf(value: unknown, fields: Fields, path: string, at: string): unknown {
  const [[op, args] = ['', undefined]] = Object.entries(object(value, path, at));
  if (op === 'not') return method(conditionOf(args, fields, path, `${at}.not`), 'not')();
  if (!Array.isArray(args) || args.length < 2) throw wrong(path, `${at}.${op}`, 'it must be a list of two or more');
  if (op === 'and' || op === 'or') {
    const parts = args.map((part, i) => conditionOf(part, fields, path, `${at}.${op}[${i}]`));
    return parts.reduce((left, right) => method(left, op)(right));
  }
  if (!COMPARISONS.includes(op)) throw wrong(path, at, `'${op}' is not one of and, or, not, ${COMPARISONS.join(', ')}`);
  const [column, operand] = args;
  // A column that the schema does not have is the API's to refuse.
  return method(fields[String(column)], op)(literalOf(operand, fields));
}

/** A text names a column, { text } is a literal; everything else is itself. */
function literalOf(operand: unknown, fields: Fields): unknown {
  if (typeof operand === 'string') return fields[operand];
  return isRecord(operand) ? operand['text'] : operand;
}

function method(expression: unknown, name: string): (...args: unknown[]) => unknown {
  // Expressions are objects with methods; one that lacks the method is refused by the call.
  const methods = expression as { readonly [name: string]: (...args: unknown[]) => unknown };
  return (...args) => methods[name]?.(...args);
}

function sinkOf(value: unknown, path: string, at: string): unknown {
  const spec = object(value, path, at, ['ndjsonSink', 'changelog']);
  const folder = spec['ndjsonSink'];
  if (typeof folder !== 'string') throw wrong(path, `${at}.ndjsonSink`, 'it must be a folder');
  return spec['changelog'] === true ? ndjsonSink(folder, { changelog: true }) : ndjsonSink(folder);
}
