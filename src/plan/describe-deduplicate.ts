/** A deduplication as text, for explanations and derived uids. */
import { shortDuration } from '../base/time.ts';
import { formatExpression } from './expression.ts';
import type { DeduplicateNode } from './logical.ts';

/** 'by id, the first by event time within 1 hour of event time: final' */
export function describeDeduplicate({ keys, keep, order, within, emits, where }: DeduplicateNode): string {
  const near = within === undefined ? '' : ` within ${shortDuration(within.ms)} of ${within.clock}`;
  const only = where === undefined ? '' : ` where ${formatExpression(where)}`;
  return `by ${keys.join(', ')}, the ${keep} by ${order}${near}${only}: ${emits}`;
}
