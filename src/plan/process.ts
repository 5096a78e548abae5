/**
 * A user's function with state and time: for each key of one input, or of two that are connected. Plain data, but for
 * what the user wrote.
 *
 * Not here: the operator (runtime/operators/process.ts), what users write (api/process.ts, api/state.ts).
 */
import type { TableSchema } from '../data/schema.ts';
import type { ColumnType } from '../data/types.ts';
import type { LogicalNode } from './logical.ts';

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

export interface ProcessInput {
  readonly node: LogicalNode;
  /** Undefined: its rows are for every key (broadcast). */
  readonly keys: readonly string[] | undefined;
  /** Without it, it does not hold the watermark of the others back. */
  readonly hasEventTime: boolean;
  readonly run: (row: never, context: never) => unknown;
}

/** What instants read as in functions. */
export interface Clocks {
  readonly eventTime: (epochMs: number) => unknown;
  readonly processingTime: (epochMs: number) => unknown;
}

export type OnError = 'fail' | 'dead letter';

export interface ProcessNode {
  readonly kind: 'process';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly inputs: readonly ProcessInput[];
  /** Columns of the key, as functions see them: those of the first input. */
  readonly key: TableSchema;
  readonly states: readonly StateSpec[];
  /** The same for all keys; written by the broadcast input, read by the other. */
  readonly broadcast: readonly StateSpec[];
  readonly timers: readonly string[];
  readonly timer: ((context: never) => unknown) | undefined;
  /** Port 1 + i has the rows of sides[i]. */
  readonly sides: readonly { readonly name: string; readonly schema: TableSchema }[];
  readonly hasEventTime: boolean;
  readonly onError: OnError;
  readonly clocks: Clocks;
}
