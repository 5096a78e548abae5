/** Which edition of the kernels a plan needs (assembly/edition.ts). */
import { grows } from '../../plan/aggregates.ts';
import type { AggregateCall, WindowAggregateNode } from '../../plan/logical.ts';
import type { PhysicalPlan } from '../../plan/physical.ts';
import { partsOf } from './parts.ts';

/** Aggregates of the core edition, of anything but text. */
const PLAIN: ReadonlySet<string> = new Set<AggregateCall['fn']>([
  'count',
  'sum',
  'min',
  'max',
  'avg',
  'stddev',
  'variance',
  'any',
  'all',
]);

/** Whether the core edition runs a plan: tumbling windows of plain aggregates, and nothing that is a part of its own. */
export const coreKernelsRun = (plan: PhysicalPlan): boolean =>
  partsOf(plan).size === 0
  && plan.nodes.every(({ operator }) => {
    if (operator.kind === 'watermark') return operator.strategy.kind !== 'adaptive';
    return operator.kind !== 'windowAggregate' || isPlain(operator);
  });

const isPlain = ({ window, aggregates, input, results, allowedLatenessMs }: WindowAggregateNode): boolean =>
  window.kind === 'tumbling'
  && (results === 'final' || allowedLatenessMs === 0)
  && aggregates.every((call) => PLAIN.has(call.fn) && !grows(call, input.schema));
