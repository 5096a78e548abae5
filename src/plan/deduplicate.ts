/** One row of each key: the first or the last of those that have it. */
import { shortDuration } from '../base/time.ts';
import type { TableSchema } from '../data/schema.ts';
import type { LogicalNode } from './logical.ts';

export interface DeduplicateNode {
  readonly kind: 'deduplicate';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly keys: readonly string[];
  readonly keep: 'first' | 'last';
  /** By what a row is the first or the last. 'arrival' and 'processing time' differ in what `within` is measured by. */
  readonly order: 'event time' | 'processing time' | 'arrival';
  /** Rows of a key that are further apart are no duplicates. Undefined: a key is kept for good. */
  readonly within: { readonly ms: number; readonly clock: 'event time' | 'processing time' } | undefined;
  /**
   * 'final': inserts only, each when it can no longer change; not for the last. 'every change': a changelog. 'of a batch':
   * a changelog with at most one change for each key of an input batch.
   */
  readonly emits: 'final' | 'every change' | 'of a batch';
  /** Whether the changelog has rows that take back (-U), and tells the first of a key apart (+I) when it has not. */
  readonly updateBefore: boolean;
  readonly insert: boolean;
}

/** 'by id, the first by event time within 1 hour of event time: final' */
export function describeDeduplicate({ keys, keep, order, within, emits }: DeduplicateNode): string {
  const near = within === undefined ? '' : ` within ${shortDuration(within.ms)} of ${within.clock}`;
  return `by ${keys.join(', ')}, the ${keep} by ${order}${near}: ${emits}`;
}
