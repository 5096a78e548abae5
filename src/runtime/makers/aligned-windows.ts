/** Windows over slices. */
import { LATE_PORT } from '../../plan/logical.ts';
import type { Conditions } from '../aggregate-inputs.ts';
import { WindowAggregate } from '../operators/window-aggregate.ts';
import type { KernelWindowOptions } from '../windows/kernel-rows.ts';
import type { Site } from './site.ts';

/** What operators over window kernels are made of. */
export const kernelWindowOptions = (
  { uid, node, kernels, arena, port, deadLetter }: Site<'windowAggregate'>,
  conditions: Conditions | undefined,
): KernelWindowOptions => ({
  uid,
  kernels,
  arena,
  output: port(0),
  late: port(LATE_PORT),
  node,
  conditions,
  deadLetter,
});

export const makeAlignedWindow = (site: Site<'windowAggregate'>, conditions: Conditions | undefined): WindowAggregate =>
  new WindowAggregate(kernelWindowOptions(site, conditions));
