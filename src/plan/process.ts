/**
 * What a function with state (ProcessNode of logical.ts) keeps and how it is to be run. Plain data, but for what the user
 * wrote.
 *
 * Not here: the operator (runtime/operators/process.ts), what users write (api/process.ts, api/state.ts).
 */
import type { TableSchema } from '../data/schema.ts';
import type { ColumnType } from '../data/types.ts';

export type StateClock = 'event time' | 'processing time';

export interface StateExpiry {
  readonly ttlMs: number;
  readonly refresh: 'write' | 'access';
  readonly clock: StateClock;
}

/** How a state that folds takes a value in: reducing and aggregating. */
export interface Fold {
  /** What the state is after the first value. */
  readonly first: (value: never) => unknown;
  readonly add: (accumulator: never, value: never) => unknown;
  readonly finish: (accumulator: never) => unknown;
}

/** One named state of a function. */
export interface StateSpec {
  readonly name: string;
  readonly kind: 'value' | 'list' | 'map' | 'fold';
  /** What it holds; a single column, named 'value', when `isColumn`. */
  readonly type: TableSchema;
  readonly isColumn: boolean;
  /** Of a map. */
  readonly key: ColumnType | undefined;
  /** What a value reads as before it is set; undefined when it has none. */
  readonly initial: unknown;
  readonly expiry: StateExpiry | undefined;
  readonly fold: Fold | undefined;
}

/** What instants read as in functions. */
export interface Clocks {
  readonly eventTime: (epochMs: number) => unknown;
  readonly processingTime: (epochMs: number) => unknown;
}

export type OnError = 'fail' | 'dead letter';
