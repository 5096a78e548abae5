/**
 * Functions with state and time as users write them. Types only: how they become a node is process-node.ts.
 *
 * Invariants
 *  1. Nothing of what a function is given is a wall clock but `now`, which is of type ProcessingTime and mixes with no
 *     instant of event time.
 *  2. Names of states, timers and sides are known to the compiler.
 */
import type { Columns, NewRow, Row } from './kind.ts';
import type { Schema } from './schema.ts';
import type { FoldState, ListState, MapState, ValueState } from './state.ts';
import type { EventTime, ProcessingTime } from './time.ts';

/** Side outputs of a function, by name: the schema of each. */
export interface Sides {
  readonly [name: string]: Schema<Columns>;
}
export type ColumnsOf<S> = S extends Schema<infer C> ? C : never;
export type TimerName<T> = [T] extends [never] ? "declare it first: timers: ['name']" : T;
/** What event-time timers take: an instant, when the stream has event time. */
export type Instant<F> = 'event time' extends F ? EventTime : 'no watermark: call .watermark(column, strategy) before';

/** Timers of the key at hand: registering one that is there changes nothing. */
export interface Timers<T, F> {
  /**
   * Fires when the watermark reaches the instant, once however often it is set. In the past: when the watermark moves
   * next.
   */
  eventTime(at: Instant<F>, name: TimerName<T>): void;
  processingTime(at: ProcessingTime, name: TimerName<T>): void;
  deleteEventTime(at: Instant<F>, name: TimerName<T>): void;
  deleteProcessingTime(at: ProcessingTime, name: TimerName<T>): void;
}

/** What every function is given. */
export interface Emitting<O, X, F> {
  /** How far event time has come: nothing at or before it follows, but what is late. */
  readonly watermark: Instant<F>;
  /** The clock of the machine. What depends on it is not the same when a tape is replayed. */
  readonly now: ProcessingTime;
  emit(row: NewRow<O>): void;
  side<N extends keyof X>(name: N, row: NewRow<ColumnsOf<X[N]>>): void;
}

/** What a function with state gets beside its row: key, state, timers, clocks, outputs. Valid during the call. */
export interface Context<C, K extends keyof C, S, O, T extends string, X, F> extends Emitting<O, X, F> {
  readonly key: Row<Pick<C, K>>;
  readonly state: S;
  readonly timers: Timers<T, F>;
}

/** Which timer fired: its clock tells what `at` is. */
export type Fired<T, F> = { readonly name: T } & (
  | ('event time' extends F ? { readonly clock: 'event time'; readonly at: EventTime } : never)
  | { readonly clock: 'processing time'; readonly at: ProcessingTime }
);

/** What an entry of a state held when it expired. */
type Entry<St> =
  St extends MapState<infer K, infer V>
    ? { readonly entry: K; readonly value: V }
    : St extends ValueState<infer V, infer _>
      ? { readonly value: V }
      : St extends ListState<infer V>
        ? { readonly value: V }
        : St extends FoldState<infer _, infer V>
          ? { readonly value: V }
          : never;
/**
 * Which state expired, what it held, and when: at the event time of its last write (or read) and its ttl. A value, an
 * element of a list, or an entry of a map, whose key is `entry`.
 */
export type Expired<S, F> = {
  readonly [N in keyof S]: { readonly name: N; readonly at: Instant<F> } & Entry<S[N]>;
}[keyof S];

export interface Common<S, T extends string, X> {
  /** Names the state in checkpoints and in questions to the running job. */
  readonly uid?: string;
  readonly state?: S;
  readonly timers?: readonly T[];
  /** Further outputs, by name. */
  readonly sides?: X;
  /**
   * When a function throws on a row: 'fail' ends the job; 'dead letter' puts the row aside and goes on. What the function
   * had emitted and stored before it threw stays.
   */
  readonly onError?: 'fail' | 'dead letter';
}

/** A function with state and timers, row by row of each key. */
export interface Process<C, K extends keyof C, S, O, T extends string, X, F> extends Common<S, T, X> {
  row(row: Row<C>, context: Context<C, K, S, O, T, X, F>): void;
  timer?(context: Context<C, K, S, O, T, X, F> & Fired<T, F>): void;
  /**
   * Called for each entry of a state with a ttl when event time reaches its end; the entry is gone by then. In order of
   * time, before timers of the same instant; of one instant by state, then by key. What it emits has that instant's time.
   */
  onExpire?(context: Context<C, K, S, O, T, X, F> & Expired<S, F>): void;
}

/** Two streams by key: their rows of one key meet in one state. */
export interface CoProcess<C, K extends keyof C, D, S, O, T extends string, X, F> extends Common<S, T, X> {
  left(row: Row<C>, context: Context<C, K, S, O, T, X, F>): void;
  right(row: Row<D>, context: Context<C, K, S, O, T, X, F>): void;
  timer?(context: Context<C, K, S, O, T, X, F> & Fired<T, F>): void;
  /**
   * Called for each entry of a state with a ttl when event time reaches its end; the entry is gone by then. In order of
   * time, before timers of the same instant; of one instant by state, then by key. What it emits has that instant's time.
   */
  onExpire?(context: Context<C, K, S, O, T, X, F> & Expired<S, F>): void;
}

/** What may be read of a broadcast state. */
export type ReadOnly<B> = {
  readonly [N in keyof B]: Omit<B[N], 'set' | 'add' | 'delete' | 'clear'>;
};

/** A stream by key and rows that are for all keys. */
export interface BroadcastProcess<C, K extends keyof C, D, B, S, O, T extends string, X, F> extends Common<S, T, X> {
  row(row: Row<C>, context: Context<C, K, S, O, T, X, F> & { readonly broadcast: ReadOnly<B> }): void;
  broadcast(row: Row<D>, context: Emitting<O, X, F> & { readonly broadcast: B }): void;
  timer?(context: Context<C, K, S, O, T, X, F> & Fired<T, F> & { readonly broadcast: ReadOnly<B> }): void;
  /**
   * Called for each entry of a state with a ttl when event time reaches its end; the entry is gone by then. In order of
   * time, before timers of the same instant; of one instant by state, then by key. What it emits has that instant's time.
   */
  onExpire?(context: Context<C, K, S, O, T, X, F> & Expired<S, F> & { readonly broadcast: ReadOnly<B> }): void;
}
