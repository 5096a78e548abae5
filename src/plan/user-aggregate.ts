/**
 * An aggregate that a user's functions make: what it reads, what it keeps of a group, what it answers.
 *
 * Not here: how users write one (api/define-aggregate.ts), how it runs (runtime/aggregates).
 */
import type { TableSchema } from '../data/schema.ts';
import type { ColumnType } from '../data/types.ts';

export interface UserAggregate {
  /** Type of its column. */
  readonly input: ColumnType;
  /** What is kept of a group; a single column, named 'value', when `isColumn`. */
  readonly accumulator: TableSchema;
  readonly isColumn: boolean;
  readonly result: ColumnType;
  /** Undefined: the first value is what is kept, and without values the result is null. */
  readonly create: (() => unknown) | undefined;
  readonly add: (accumulator: never, value: never) => unknown;
  readonly merge: (left: never, right: never) => unknown;
  readonly retract: ((accumulator: never, value: never) => unknown) | undefined;
  readonly finish: (accumulator: never) => unknown;
}
