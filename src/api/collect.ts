/**
 * Sinks that hand rows to the program: into an array, to a function, out of an async iterator.
 *
 * Given the schema of a stream (`perHour.schema`) rows are typed; without one their values are unknown. Timestamps are
 * EventTime. With `changelog` they take updates and deletes, and each row begins with `op`: '+I', '-U', '+U' or '-D'.
 */
import { callbackSink, iteratorSink } from '../format/callback-sink.ts';
import { collectSink, type CollectSinkOptions } from '../format/collect-sink.ts';
import type { Row as Cells, TimestampHook } from '../format/row-view.ts';
import { located } from './call-site.ts';
import type { Columns, Row } from './kind.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';
import { type Accepts, makeSink, type Sink } from './port.ts';
import { type Schema, tableOf } from './schema.ts';
import { eventTimeOf } from './time.ts';

/** Without a schema: any columns. */
export interface AnyRow {
  readonly [column: string]: unknown;
}
/** What a row of a changelog does to the result before. */
export interface Change {
  readonly op: '+I' | '-U' | '+U' | '-D';
}

/** Says that a sink takes updates and deletes; its rows then begin with `op`. */
export interface Changelog {
  readonly changelog: true;
}

type Inserts = 'inserts only';
type Changes = 'inserts, updates and deletes';

/** What `collect` fills. */
export interface Collected<out R> {
  /** The rows of completed checkpoints, each once, in order. */
  readonly rows: readonly R[];
}

/** What `iterate` gives: rows for `for await`, as they come. */
export interface Iterated<out R> extends AsyncIterable<R> {
  /** Ends the iteration after the rows so far. The end of the job does not: it may be started again. */
  end(): void;
}

const timestamp: TimestampHook = (epochMs) => eventTimeOf(epochMs);

/** What the overloads below have in common once they are told apart. */
interface Given {
  readonly schema: Schema<Columns> | undefined;
  readonly accepts: Accepts;
  readonly options: CollectSinkOptions;
}

/** `schema` and `options` may both be left out; a schema is told by being one. */
function given(first: unknown, second: unknown, where: string): Given {
  const isSchema = second !== undefined || (isRecord(first) && 'columns' in first);
  const options = (isSchema ? second : first) ?? {};
  requireKnownOptions(options, ['changelog'], where);
  const changelog = isRecord(options) && options['changelog'] === true;
  if (isSchema) tableOf(first, `the schema of ${where}`);
  return {
    // tableOf has refused anything else.
    schema: isSchema ? (first as Schema<Columns>) : undefined,
    accepts: changelog ? 'inserts, updates and deletes' : 'inserts only',
    options: { changelog, timestamp },
  };
}

const sinkOf = ({ schema, accepts }: Given, connector: Parameters<typeof makeSink>[1], label: string): object =>
  schema === undefined ? makeSink(accepts, connector, label) : makeSink(accepts, connector, label, schema);

/** Rows into `rows` of the result, exactly once: at each checkpoint those that came since the one before. */
export function collect(): Sink<Inserts> & Collected<AnyRow>;
export function collect(options: Changelog): Sink<Changes> & Collected<AnyRow & Change>;
export function collect<C extends Columns>(schema: Schema<C>): Sink<Inserts, C> & Collected<Row<C>>;
export function collect<C extends Columns>(
  schema: Schema<C>,
  options: Changelog,
): Sink<Changes, C> & Collected<Row<C> & Change>;
export function collect(first?: unknown, second?: unknown): unknown {
  return located(() => {
    const asked = given(first, second, 'collect');
    const connector = collectSink(asked.options);
    return Object.assign(sinkOf(asked, connector, 'collect'), { rows: connector.rows });
  });
}

/** What it gives is awaited, and otherwise of no interest. */
type Callback<R> = (rows: readonly R[]) => unknown;

/**
 * Rows to a function as they come, one call after the other; the job waits for the promise that it gives. Rows since the
 * last checkpoint come again after a restart.
 */
export function callback(fn: Callback<AnyRow>): Sink<Inserts>;
export function callback(fn: Callback<AnyRow & Change>, options: Changelog): Sink<Changes>;
export function callback<C extends Columns>(schema: Schema<C>, fn: Callback<Row<C>>): Sink<Inserts, C>;
export function callback<C extends Columns>(
  schema: Schema<C>,
  fn: Callback<Row<C> & Change>,
  options: Changelog,
): Sink<Changes, C>;
export function callback(first: unknown, second?: unknown, third?: unknown): unknown {
  return located(() => {
    const isPlain = typeof first === 'function';
    const fn = isPlain ? first : second;
    const asked = isPlain ? given(second, undefined, 'callback') : given(first, third ?? {}, 'callback');
    if (typeof fn !== 'function') throw mistake('callback', 'given a function', fn);
    // The overloads tie the function to the rows that it is given.
    const call = fn as (rows: readonly Cells[]) => void | Promise<void>;
    return sinkOf(asked, callbackSink(call, asked.options), 'callback');
  });
}

/** Rows out of `for await (const row of sink)`; the job waits for its reader, and so do its checkpoints. */
export function iterate(): Sink<Inserts> & Iterated<AnyRow>;
export function iterate(options: Changelog): Sink<Changes> & Iterated<AnyRow & Change>;
export function iterate<C extends Columns>(schema: Schema<C>): Sink<Inserts, C> & Iterated<Row<C>>;
export function iterate<C extends Columns>(
  schema: Schema<C>,
  options: Changelog,
): Sink<Changes, C> & Iterated<Row<C> & Change>;
export function iterate(first?: unknown, second?: unknown): unknown {
  return located(() => {
    const asked = given(first, second, 'iterate');
    const connector = iteratorSink(asked.options);
    return Object.assign(sinkOf(asked, connector, 'iterate'), {
      end: () => connector.end(),
      [Symbol.asyncIterator]: () => connector[Symbol.asyncIterator](),
    });
  });
}
