/**
 * Streams as users meet them: a step gives another stream, nothing runs. Names of columns go as text to `keyBy`,
 * `pick` and aggregates; `where`, `select` and `add` take expressions, which run as kernels; `filter`, `map` and
 * `flatMap` take functions over rows, which run in JavaScript.
 *
 * Invariants
 *  1. Everything is inferred from the schema: no step needs a type argument or a cast.
 *  2. Where people make mistakes there is one signature, so that the compiler prints one line; what a stream lacks
 *     for a step is a literal type that says what to do.
 *  3. Rows handed to functions are valid during the call only.
 * Not here: how steps become a plan (stream-builder.ts).
 */
import type { Aggregate, Retract } from './aggregate.ts';
import type { AsyncOptions, RequestContext } from './async.ts';
import type { DeduplicateOptions, DeduplicateOrder } from './deduplicate.ts';
import type { Condition, Exprs, Fields, KindsOf } from './expression.ts';
import type { Job } from './job.ts';
import type { Cols, Columns, Name, NewRow, Nullable, Row, Table, TimeName, utf8 } from './kind.ts';
import type { Accepts, Sink } from './port.ts';
import type { BroadcastProcess, ColumnsOf, CoProcess, Process, Sides } from './process.ts';
import type { AuditColumns, ExtremeColumns, GapColumns, ReorderOptions } from './reorder.ts';
import type { Schema } from './schema.ts';
import type { ResultMode } from '../plan/logical.ts';
import type { States } from './state.ts';
import type { Strategy, WatermarkOptions } from './watermark.ts';
import type { WindowOptions } from './trigger.ts';
import type { WindowFunction } from './window-function.ts';
import type { Bounds, Window } from './window.ts';

declare const traits: unique symbol;

/** What a stream has beyond its columns. */
export type Flag = 'event time' | 'changelog';

type Emits<F> = 'changelog' extends F ? 'inserts, updates and deletes' : Accepts;
type Runs<F> = 'changelog' extends F
  ? 'no window: these results update and delete rows'
  : 'event time' extends F
    ? 'a watermark'
    : 'no watermark: call .watermark(column, strategy) before';
/** Results of windows that end by event time have it; those of counted rows and of processing time have none. */
type Timed<F, N> = [N] extends [never] ? Exclude<F, 'event time'> : F;
/** Windows that take results back make a changelog. */
type Changes<R> = 'retracting' extends R ? 'changelog' : never;
type Retracts<F> = 'changelog' extends F ? 'can retract' : Retract;

/**
 * The name of a step's state in checkpoints. A changed job goes on with the state of every step whose uid it keeps, as long
 * as the state is of the same: key columns; aggregates in their order, with columns, types and conditions; the window with
 * its clock, zone, trigger, evictor, lateness and results; columns of rows that wait; named states with their types. Anything
 * else is refused (E1406), and so is a job without a uid that still has state (E1405). Steps above and below, watermarks,
 * names of results, sinks, times to live, limits and what functions do may change.
 */
export interface Uid {
  /**
   * Names the operator's state in checkpoints: text without '/', other than 'dead-letters'. Left out, it is derived from what
   * the step and all steps above it do.
   */
  readonly uid?: string;
}

/** Options of functions over rows. */
export interface FunctionOptions extends Uid {
  /** When the function throws on a row: 'fail' (the default) ends the job, 'dead letter' puts the row aside and goes on. */
  readonly onError?: 'fail' | 'dead letter';
}

/** Declares the columns of what a function gives, because types are not there at run time. */
export interface Out<O extends Columns> extends FunctionOptions {
  /** The columns of what the function gives. */
  readonly out: Schema<O>;
}

/** Rows on their way. Each step gives another stream; nothing runs until a host runs the job. */
export interface Stream<C extends Columns, F extends Flag = never> {
  readonly schema: Schema<C>;
  readonly [traits]: F;

  /** Event time: the column that holds it, and how far it has come after each row. */
  watermark(
    column: TimeName<C>,
    strategy: Strategy<Row<C>>,
    options?: WatermarkOptions,
  ): WithFuture<C, F | 'event time'>;

  /** Keeps the rows for which the condition is true. */
  where(condition: Condition<C>): Stream<C, F>;
  /**
   * A stream for each branch, and `otherwise`: a row goes to the first branch whose condition is true for it, and to
   * `otherwise` when none is. Rows of a stream that nothing reads are counted as filtered.
   */
  split<const B extends string>(branches: Branches<C, B>): Split<C, F, B>;
  /** Keeps these columns. */
  pick<const N extends keyof C & string>(...columns: [N, ...N[]]): Stream<Table<Cols<C, N>>, F>;
  /** Rows of these expressions. */
  select<E extends Exprs>(columns: (fields: Fields<C>) => E): Stream<Table<Cols<KindsOf<E>>>, F>;
  /** Adds columns, or replaces those of the same name. */
  add<E extends Exprs>(
    columns: (fields: Fields<C>) => E,
  ): Stream<Table<Cols<C, Exclude<keyof C, keyof E>> | Cols<KindsOf<E>>>, F>;

  /** Keeps the rows for which the function is true. */
  filter(keep: (row: Row<C>) => boolean, options?: FunctionOptions): Stream<C, F>;
  /** One row for each row. */
  map<O extends Columns, R extends NewRow<O>>(fn: (row: Row<C>) => Exact<R, O>, options: Out<O>): Stream<O, F>;
  /** Any number of rows for each row. */
  flatMap<O extends Columns>(fn: (row: Row<C>) => Iterable<NewRow<O>>, options: Out<O>): Stream<O, F>;

  /** One row for each row, asked for: a look-up, a call of a service. Requests under way are part of checkpoints. */
  mapAsync<O extends Columns, R extends NewRow<O>>(
    fn: (row: Row<C>, context: RequestContext) => Promise<Exact<R, O>>,
    options: Out<O> & AsyncOptions,
  ): Stream<O, F>;
  /** Any number of rows for each row, asked for. */
  flatMapAsync<O extends Columns>(
    fn: (row: Row<C>, context: RequestContext) => Promise<Iterable<NewRow<O>>>,
    options: Out<O> & AsyncOptions,
  ): Stream<O, F>;

  /** The rows of both, in columns of this one. Its event time is the earlier of the two. */
  union<D extends C, G extends Flag>(other: Stream<D, G>): Stream<C, (F & G) | Extract<F | G, 'changelog'>>;

  /** Rows that are for all keys of a stream that connects to them, with the states that they fill. */
  broadcast<B extends States>(states: B): Broadcast<C, B, F>;

  keyBy<const K extends keyof C & string>(...columns: [K, ...K[]]): Keyed<C, K, F>;
  /** Windows over all rows. */
  window<const R extends ResultMode = 'accumulating', B = Bounds, N extends Runs<F> = Runs<F>>(
    window: Window<N, B, Name<C, utf8>>,
    options?: WindowOptions<R>,
  ): Windowed<C, never, Timed<F, N>, R, B>;
  /** One result over all rows, which every row changes. */
  aggregate<const A extends Aggregates<C, F>>(
    aggregates: A,
    options?: FunctionOptions,
  ): Stream<Table<Cols<Results<A>>>, Exclude<F, 'event time'> | 'changelog'>;

  /** Where the rows go. */
  to(sink: Sink<Emits<F>, C>, options?: Uid): Job;
}

/** Conditions by the name of the stream of their rows, in the order in which they are asked. */
export type Branches<C, B extends string> = {
  readonly [N in B]: N extends 'otherwise' ? 'otherwise is the stream of the rows of no branch' : Condition<C>;
};
/** The streams that a split gives. */
export type Split<C extends Columns, F extends Flag, B extends string> = {
  readonly [N in B | 'otherwise']: Stream<C, F>;
};

/** Rows with event time, and beside them those dated so far ahead that they cannot be trusted. */
export interface WithFuture<C extends Columns, F extends Flag> extends Stream<C, F> {
  /** Without a reader they are counted only. */
  readonly future: Stream<C>;
}

/** R, or the reason: a literal with a column that `out` does not have. */
type Exact<R, O> = [Exclude<keyof R, keyof O>] extends [never]
  ? R
  : `'${Exclude<keyof R, keyof O> & string}' is not a column of out`;
export type Aggregates<C, F> = { readonly [name: string]: Aggregate<C, Nullable, Retracts<F>> };
type Results<A> = {
  -readonly [P in keyof A]: A[P] extends { readonly result: infer K extends Nullable } ? K : never;
} & {};
type Clash<A, Taken extends string> = {
  readonly [P in Extract<keyof A, Taken>]: `'${P}' is already a column of the result: choose another name`;
};

declare const keyOf: unique symbol;

/** A stream by key: rows with equal values in these columns belong together. */
export interface Keyed<C extends Columns, K extends keyof C & string, F extends Flag> {
  readonly [keyOf]: { readonly columns: C; readonly key: K; readonly traits: F };
  /** A function with state and timers for each key. */
  process<S extends States, O extends Columns, const T extends string = never, X extends Sides = {}>(
    spec: Process<C, K, S, O, T, X, F>,
    options: ProcessOut<O, F>,
  ): Processed<O, X, F>;
  /** With another stream of the same key, or with one that is broadcast. */
  connect<D extends Columns, B extends States, G extends Flag>(
    other: Broadcast<D, B, G>,
  ): BroadcastConnected<C, K, D, B, F | Extract<G, 'changelog'>>;
  connect<D extends Columns, L extends keyof D & string, G extends Flag>(
    other: Keyed<D, L, G>,
  ): Connected<C, K, D, (F & G) | Extract<F | G, 'changelog'>>;
  window<const R extends ResultMode = 'accumulating', B = Bounds, N extends Runs<F> = Runs<F>>(
    window: Window<N, B, Name<C, utf8>>,
    options?: WindowOptions<R>,
  ): Windowed<C, K, Timed<F, N>, R, B>;
  /** One row of each key: the first or the last of those that have it. */
  deduplicate<const P extends 'first' | 'last', const O extends Orders<F>>(
    options: DeduplicateOptions<P, O>,
  ): Deduplicated<C, F, P>;
  /** The rows of each key in order: by a number that they have, or by event time. */
  reorder<const A extends boolean = false>(options: ReorderOptions<C, F, A>): Reordered<C, K, F, A>;
  /** One result per key, which every row of the key changes. */
  aggregate<const A extends Aggregates<C, F>>(
    aggregates: A & Clash<A, K>,
    options?: FunctionOptions,
  ): Stream<Table<Cols<C, K> | Cols<Results<A>>>, Exclude<F, 'event time'> | 'changelog'>;
}

/** Orders of rows; that by event time needs a watermark. */
export type Orders<F> = 'changelog' extends F
  ? 'no order: these results update and delete rows'
  : Exclude<DeduplicateOrder, 'event time' extends F ? never : 'event time'>;

/** The first rows of keys stay, the last ones change. */
export interface Deduplicated<C extends Columns, F extends Flag, P extends 'first' | 'last'>
  extends Stream<C, F | ('last' extends P ? 'changelog' : never)> {
  /** Rows that came too late to be the first by event time: the watermark had passed them. */
  readonly late: Stream<C>;
}

/** Rows in order, and beside them all that kept others from being so. */
export interface Reordered<C extends Columns, K extends keyof C & string, F extends Flag, A> extends Stream<C, F> {
  /** Numbers that were given up, when waiting for them was over. */
  readonly gaps: Stream<Table<Cols<C, K> | Cols<GapColumns>>>;
  /** Rows that could not be put in order, each with the reason. */
  readonly extremes: Stream<Table<Cols<C> | Cols<ExtremeColumns>>>;
  /** A chain of hashes over the rows in order. */
  readonly audit: true extends A
    ? Stream<Table<Cols<C, K> | Cols<AuditColumns>>>
    : 'no audit: ask for it with audit: true';
}

/** What functions give, and that they take rows which stay. */
export type ProcessOut<O extends Columns, F> = { readonly out: Schema<O> } & ('changelog' extends F
  ? { readonly input: 'cannot be a changelog: these results update and delete rows' }
  : unknown);

/** The results of a function, and its further outputs by name. */
export interface Processed<O extends Columns, X, F extends Flag> extends Stream<O, F> {
  readonly side: { readonly [N in keyof X]: Stream<ColumnsOf<X[N]>, F> };
}

declare const broadcastOf: unique symbol;

/** A stream whose rows are for all keys of a stream that connects to it, with the states that they fill. */
export interface Broadcast<D extends Columns, B extends States, G extends Flag> {
  readonly [broadcastOf]: { readonly columns: D; readonly states: B; readonly traits: G };
}

/** Two streams whose rows of one key meet. Event time is the earlier of the two. */
export interface Connected<C extends Columns, K extends keyof C & string, D extends Columns, F extends Flag> {
  process<S extends States, O extends Columns, const T extends string = never, X extends Sides = {}>(
    spec: CoProcess<C, K, D, S, O, T, X, F>,
    options: ProcessOut<O, F>,
  ): Processed<O, X, F>;
}

/** A stream by key, and rows that are for all keys. */
export interface BroadcastConnected<
  C extends Columns,
  K extends keyof C & string,
  D extends Columns,
  B extends States,
  F extends Flag,
> {
  process<S extends States, O extends Columns, const T extends string = never, X extends Sides = {}>(
    spec: BroadcastProcess<C, K, D, B, S, O, T, X, F>,
    options: ProcessOut<O, F>,
  ): Processed<O, X, F>;
}

/** A stream cut into windows, waiting for what is to be computed of each. */
export interface Windowed<
  C extends Columns,
  K extends keyof C & string,
  F extends Flag,
  R = 'accumulating',
  B = Bounds,
> {
  /** One row per key and window, when event time has passed its end: key columns, windowStart, windowEnd, results. */
  aggregate<const A extends Aggregates<C, F>>(
    aggregates: A & Clash<A, K | (keyof B & string)>,
    options?: FunctionOptions,
  ): WithLate<Table<Cols<C, K> | Cols<B> | Cols<Results<A>>>, C, F | Changes<R>>;
  /** What a function makes of all rows of a window, each time that it fires. */
  process<O extends Columns>(window: WindowFunction<C, O>): WithLate<O, C, F>;
}

/**
 * The results of windows, with the rows that came too late for theirs. Late rows nobody takes are counted and
 * sampled.
 */
export interface WithLate<C extends Columns, In extends Columns, F extends Flag> extends Stream<C, F> {
  readonly late: Stream<In>;
}
