/**
 * Whether a plan may go on with what a checkpoint holds.
 *
 * Invariants
 *  1. What a checkpoint holds for an operator that the plan no longer has is never dropped silently (E1405).
 *  2. An operator never goes on with state that is of something else (E1406). What a manifest does not say is not asked.
 *  3. A finished job never passes over input that came after its end without a word (E1407): its windows are closed.
 * Answers instead of throwing, to be free of imports that pages have cut elsewhere: they load it when a job goes on.
 * Not here: what state is of (plan/state-identity.ts).
 */
import type { ErrorDetails } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { SourceSplit } from '../../connector/source.ts';
import { MAY_GROW, stateIdentityOf } from '../../plan/state-identity.ts';
import type { StateArena } from '../../state/arena.ts';
import type { Manifest, NodeDescriptions } from '../../state/manifest.ts';

/** What a UserError is made of. */
export type Refusal = readonly [
  code: 'E1405' | 'E1406' | 'E1407',
  params:
    | { readonly uids: string }
    | { readonly uid: string; readonly changes: string }
    | { readonly uid: string; readonly splits: string },
  details: ErrorDetails,
];

/** `now`: of the plan. `arena` as restored, before an operator opens anything in it. Undefined: it may go on. */
export function refusalOf(now: NodeDescriptions, restored: Manifest, arena: StateArena): Refusal | undefined {
  for (const uid of Object.keys(now.kinds)) {
    const changes = changesOf(uid, now, restored, arena);
    if (changes.length === 0) continue;
    const hint =
      'Run the job as it was, or begin anew with another state folder. Under another uid the operator begins without state, once nothing is held for this one.';
    return ['E1406', { uid, changes: changes.join('; ') }, { location: { operator: uid }, hint }];
  }
  const lost = lostOf(now, restored, arena);
  if (lost.length === 0) return undefined;
  const hint =
    'The job has changed. Give its operators explicit uids and keep them, or start anew with another state folder.';
  return ['E1405', { uids: lost.join(', ') }, { hint }];
}

function lostOf({ kinds }: NodeDescriptions, restored: Manifest, arena: StateArena): readonly string[] {
  const known = Object.keys(kinds);
  const isHeld = (uid: string): boolean =>
    (restored.ledgers[uid]?.['held'] ?? 0) > 0 || arena.statesOf(uid).some(({ entries }) => entries > 0);
  return Object.keys(restored.kinds).filter(
    (uid) => !known.includes(uid) && (Object.hasOwn(restored.sources, uid) || isHeld(uid)),
  );
}

function changesOf(uid: string, now: NodeDescriptions, restored: Manifest, arena: StateArena): readonly string[] {
  const { kinds, states, ledgers, operators, sources } = restored;
  const [was, is] = [kinds[uid], now.kinds[uid]];
  // The manifest of a start knows kinds and nothing else.
  if (was === undefined || !(Object.hasOwn(operators, uid) || Object.hasOwn(sources, uid))) return [];
  if (was !== is) return difference('it', was, is);
  const hasState = arena.statesOf(uid).length > 0 || (ledgers[uid]?.['held'] ?? 0) > 0;
  const before = states[uid] ?? null;
  if (before === null || !hasState) return [];
  const [old, young] = [stateIdentityOf(before), stateIdentityOf(now.states[uid] ?? null)];
  return Object.keys({ ...old, ...young }).flatMap((name) => difference(name, old[name], young[name]));
}

/** `listed`: what the sources have now, by uid. Undefined: nothing has come since the end, or there was none. */
export function unreadOf(
  listed: ReadonlyMap<string, readonly SourceSplit[]>,
  { finished, sources }: Manifest,
): Refusal | undefined {
  if (!finished) return undefined;
  for (const [uid, splits] of listed) {
    // Dead letters that are fed back are told of by whoever asked for them.
    const unread = splits.filter(({ id, once }) => once !== true && !wasRead(sources[uid], id));
    if (unread.length === 0) continue;
    const named = unread.slice(0, SPLITS_NAMED).map(({ id }) => id);
    const more = unread.length - named.length;
    const hint =
      'To read all of it, run the job with another state and output. A job that is to go on with new files follows them (follow: true).';
    return ['E1407', { uid, splits: named.join(', ') + (more > 0 ? ` and ${more} more` : '') }, { hint }];
  }
  return undefined;
}

/** Splits that an error names. */
const SPLITS_NAMED = 3;

function wasRead(source: Json | undefined, id: string): boolean {
  // What the source's snapshot wrote; the manifest's checksum was verified.
  const { splits } = (source ?? { splits: {} }) as { readonly splits: { readonly [id: string]: Json } };
  return Object.hasOwn(splits, id);
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null;

/** Where two values differ, each place with both. */
function difference(path: string, before: unknown, after: unknown): readonly string[] {
  if (before === after) return [];
  if (!isObject(before) || !isObject(after)) return [`${path} was ${shown(before)} and is ${shown(after)}`];
  const names = Object.keys(MAY_GROW.has(path) ? before : { ...before, ...after });
  return names.flatMap((name) => difference(`${path}.${name}`, before[name], after[name]));
}

const shown = (value: unknown): string =>
  value === undefined ? 'not there' : typeof value === 'string' ? value : JSON.stringify(value);
