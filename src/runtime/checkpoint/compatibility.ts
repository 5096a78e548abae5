/**
 * Whether a plan may go on with what a checkpoint holds.
 *
 * Invariant: what a checkpoint holds for an operator that the plan no longer has is never dropped silently (E1405).
 */
import { UserError } from '../../base/errors.ts';
import type { PhysicalPlan } from '../../plan/physical.ts';
import type { StateArena } from '../../state/arena.ts';
import type { Manifest } from '../../state/manifest.ts';

/** `arena` as restored, before an operator opens anything in it. */
export function requireCompatible({ nodes }: PhysicalPlan, { kinds, ledgers }: Manifest, arena: StateArena): void {
  const known = new Set(nodes.map(({ uid }) => uid));
  // Where one uid begins with another and a slash, so do the names of its states.
  const isOfAnother = (name: string, uid: string): boolean =>
    [...known].some((other) => other.startsWith(`${uid}/`) && (name === other || name.startsWith(`${other}/`)));
  const isHeld = (uid: string): boolean =>
    (ledgers[uid]?.['held'] ?? 0) > 0
    || arena.statesOf(uid).some(({ name, entries }) => entries > 0 && !isOfAnother(name, uid));
  const lost = Object.keys(kinds).filter((uid) => !known.has(uid) && (kinds[uid] === 'source' || isHeld(uid)));
  if (lost.length === 0) return;
  throw new UserError(
    'E1405',
    { uids: lost.join(', ') },
    {
      hint: 'The job has changed. Give its operators explicit uids and keep them, or start anew with another state folder.',
    },
  );
}
