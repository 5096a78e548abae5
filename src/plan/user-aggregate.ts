/**
 * An aggregate that a user's functions make: what it reads, what it keeps of a group, what it answers.
 *
 * How it runs comes with it (`entries`, `running`) and not from a table of the runtime, so that a job without such
 * aggregates does not load what runs them. Not here: how users write one (api/define-aggregate.ts).
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
  /** Makes the accumulators of an aggregation that has such calls: runtime/aggregates/mixed-entries.ts. */
  readonly entries: unknown;
  /** Makes the operator of one without windows: runtime/operators/general-aggregate.ts. */
  readonly running: unknown;
}
