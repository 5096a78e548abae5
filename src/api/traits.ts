/**
 * What is known of a stream beside its columns: whether its rows have event time, and whether it is a changelog.
 *
 * Event time comes from a column and travels beside the columns from then on, so that no later step can lose it: a
 * window may follow a projection that leaves the column out. The results of a window belong to its last instant.
 */
import type { ColumnType } from '../data/types.ts';
import type { Expression } from '../plan/expression.ts';

/** What is known of a stream beside its node. */
export interface Traits {
  /** Whether a watermark comes before. */
  readonly hasEventTime: boolean;
  readonly isChangelog: boolean;
}

export interface Named {
  readonly name: string;
  readonly expression: Expression;
}

/** Every row has one, in milliseconds. */
export const canBeEventTime = (type: ColumnType): boolean =>
  type.kind === 'timestamp' && type.unit !== 'us' && !type.nullable;
