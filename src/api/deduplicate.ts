/** Deduplication as users write it. Its plan node is plan/logical.ts's. */
import { type Duration, positiveDurationMs } from '../base/time.ts';
import { UserError } from '../base/errors.ts';
import type { DeduplicateNode, LogicalNode } from '../plan/logical.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions, uidOf } from './options.ts';
import type { Traits } from './traits.ts';

/** What first and last mean: by event time, by the machine's clock, or as rows arrive. */
export type DeduplicateOrder = 'event time' | 'processing time' | 'arrival';

/** Which of the rows of a key stays, by which order, and for how long a key is remembered. */
export interface DeduplicateOptions<K extends 'first' | 'last', O> {
  /** The first is given once, the last whenever there is another: a changelog. */
  readonly keep: K;
  /** By what a row is the first or the last. The first by event time is given when the watermark has reached it. */
  readonly order: O;
  /**
   * Rows of a key so far apart are no duplicates, and a key is forgotten after so long: in event time, or in processing
   * time when that is the order. Without it keys are kept for good.
   */
  readonly within?: Duration;
  /** Names the operator's state in checkpoints; derived from its place in the job when left out. */
  readonly uid?: string;
}

const ORDERS = ['event time', 'processing time', 'arrival'] as const;
const isOrder = (order: unknown): order is DeduplicateOrder => ORDERS.some((known) => known === order);

export function deduplicateNode(
  input: LogicalNode,
  traits: Traits,
  keys: readonly string[],
  options: DeduplicateOptions<'first' | 'last', unknown>,
): DeduplicateNode {
  const where = 'deduplicate';
  requireKnownOptions(options, ['keep', 'order', 'within', 'uid'], where);
  if (traits.isChangelog) throw new UserError('E1211', { where });
  const { keep, order } = options;
  if (keep !== 'first' && keep !== 'last') throw mistake(`keep of ${where}`, "'first' or 'last'", keep);
  if (!isOrder(order)) throw mistake(`the order of ${where}`, `one of ${ORDERS.join(', ')}`, order);
  const clock: 'event time' | 'processing time' = order === 'processing time' ? order : 'event time';
  const needsEventTime = order === 'event time' || (options.within !== undefined && clock === 'event time');
  if (needsEventTime && !traits.hasEventTime) throw new UserError('E1205', { where });
  const within =
    options.within === undefined ? undefined : { ms: positiveDurationMs(options.within, `within of ${where}`), clock };
  return {
    kind: 'deduplicate',
    schema: input.schema,
    uid: uidOf(options.uid === undefined ? {} : { uid: options.uid }, where),
    input,
    keys,
    keep,
    order,
    within,
    where: undefined,
    emits: keep === 'first' ? 'final' : 'every change',
    updateBefore: true,
    insert: true,
  };
}
