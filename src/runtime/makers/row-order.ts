/** What looks at the rows of a key one by one, without a user's function: deduplicate and reorder. */
import { LATE_PORT } from '../../plan/logical.ts';
import { REORDER_PORTS } from '../../plan/reorder.ts';
import { ArenaKeyedState } from '../../state/arena-keyed-state.ts';
import { Deduplicate } from '../operators/deduplicate.ts';
import { Reorder } from '../operators/reorder.ts';
import type { Site } from './site.ts';

export function makeDeduplicate({
  uid,
  node,
  kernels,
  arena,
  now,
  port,
  deadLetter,
}: Site<'deduplicate'>): Deduplicate {
  const state = new ArenaKeyedState({ kernels, arena, uid });
  return new Deduplicate({ uid, kernels, state, output: port(0), late: port(LATE_PORT), node, now, deadLetter });
}

export function makeReorder({ uid, node, kernels, arena, port, deadLetter }: Site<'reorder'>): Reorder {
  const state = new ArenaKeyedState({ kernels, arena, uid });
  return new Reorder({ uid, kernels, state, outputs: REORDER_PORTS.map((_, index) => port(index)), node, deadLetter });
}
