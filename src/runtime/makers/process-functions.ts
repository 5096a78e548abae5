/** A user's function with state and time. */
import { ArenaKeyedState } from '../../state/arena-keyed-state.ts';
import { Process } from '../operators/process.ts';
import type { Site } from './site.ts';

export function makeProcess({ uid, node, kernels, arena, timestamp, now, port, deadLetter }: Site<'process'>): Process {
  const stateOf = (name: string): ArenaKeyedState => new ArenaKeyedState({ kernels, arena, uid: name });
  return new Process({
    uid,
    kernels,
    node,
    timestamp,
    now,
    deadLetter,
    state: stateOf(uid),
    broadcast: node.broadcast.length === 0 ? undefined : stateOf(`${uid}/broadcast`),
    aging: node.states.some(({ expiry }) => expiry?.clock === 'processing time')
      ? stateOf(`${uid}/processing time`)
      : undefined,
    outputs: [0, ...node.sides.map((_, side) => side + 1)].map(port),
  });
}
