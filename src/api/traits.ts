/**
 * What is known of a stream beside its columns: where its event time stands, and whether it is a changelog.
 *
 * Event time stands in a column. Steps rename it, keep it, or leave it out; then what needs it says which step that
 * was.
 */
import type { ColumnType } from '../data/types.ts';
import type { Expression } from '../plan/expression.ts';
import type { EventTimeColumn } from '../plan/logical.ts';

/** What is known of a stream beside its node. */
export interface Traits {
  /** Undefined: no watermark comes before. */
  readonly time: EventTimeColumn | LostTime | undefined;
  readonly isChangelog: boolean;
}

/** There is event time, but a step left its column out. */
export interface LostTime {
  readonly lost: string;
  readonly by: string;
}

export interface Named {
  readonly name: string;
  readonly expression: Expression;
}

/** Every row has one, in milliseconds. */
export const canBeEventTime = (type: ColumnType): boolean =>
  type.kind === 'timestamp' && type.unit !== 'us' && !type.nullable;

/** Event time after a step that gives these columns: it follows its column through renaming. */
export function timeAfter(time: Traits['time'], columns: readonly Named[], by: string): Traits['time'] {
  if (time === undefined || 'lost' in time) return time;
  const carriers = columns.filter(({ expression }) => expression.op === 'column' && expression.name === time.column);
  const carrier = carriers.find(({ name }) => name === time.column) ?? carriers[0];
  return carrier === undefined ? { lost: time.column, by } : { ...time, column: carrier.name };
}

export function timeOfUnion(left: Traits, right: Traits): Traits['time'] {
  if (left.time === undefined || right.time === undefined) return undefined;
  if ('lost' in left.time) return left.time;
  if ('lost' in right.time) return right.time;
  const isSame = left.time.column === right.time.column && left.time.plusMs === right.time.plusMs;
  return isSame ? left.time : { lost: right.time.column, by: 'union' };
}
