/**
 * The clocks that open windows were made by, in checkpoints. Platforms bring time-zone data of their own, in versions that
 * they do not all tell: what a window depends on are the changes of its zone, so these are kept and compared.
 *
 * Invariants
 *  1. What is kept reaches from more than a year before the watermark to more than two after it: open windows lie there.
 *  2. Other clocks are an error only where windows with rows are open; windows to come are made by the clocks that there are.
 * Before the first watermark nothing is kept.
 */
import { DAY_MS } from '../../base/calendar.ts';
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, formatTime, MAX_TIME, MIN_TIME } from '../../base/time.ts';
import { TimeZone } from '../../base/time-zone.ts';
import type { WindowSpec } from '../../plan/logical.ts';

const BEFORE_MS = 400 * DAY_MS;
const AFTER_MS = 800 * DAY_MS;

/** Offset at the beginning, then each change: its instant and the offset from then on. */
type Clock = readonly (readonly [from: number, offsetMs: number])[];

interface Saved {
  readonly from: number;
  readonly to: number;
  readonly zones: { readonly [zone: string]: Clock };
}

/** The zone of a window, when it is one for all rows. */
export const fixedZones = (window: WindowSpec): readonly string[] =>
  'zone' in window && window.zone?.kind === 'fixed' ? [window.zone.name] : [];

/** What a snapshot says of these zones around the watermark; null: nothing. */
export function clocksOf(zones: readonly string[], watermark: EventTimeMs): Json {
  if (zones.length === 0 || watermark === MIN_TIME || watermark === MAX_TIME) return null;
  const [from, to] = [watermark - BEFORE_MS, watermark + AFTER_MS];
  const clocks = [...zones]
    .sort()
    .map((zone): [string, Json] => [zone, clockOf(zone, from, to).map((each) => [...each])]);
  return { from, to, zones: Object.fromEntries(clocks) };
}

/** Names of the zones that a snapshot says something of. */
export const zonesIn = (saved: Json): readonly string[] => Object.keys(savedIn(saved)?.zones ?? {});

/** E1414 when a zone has other clocks than a snapshot says, and windows with rows are open. */
export function requireClocks(uid: string, saved: Json, heldRows: number): void {
  const clocks = savedIn(saved);
  if (clocks === undefined || heldRows === 0) return;
  const { from, to, zones } = clocks;
  for (const [zone, before] of Object.entries(zones)) {
    const after = clockOf(zone, from, to);
    const at = before.findIndex((each, i) => String(each) !== String(after[i]));
    const differs = at >= 0 ? at : after.length > before.length ? before.length : -1;
    if (differs < 0) continue;
    throw new UserError(
      'E1414',
      { zone, uid, rows: heldRows, before: describe(before[differs]), after: describe(after[differs]) },
      {
        hint:
          'The time-zone data here is of another version. Go on with the version of Node or of the browser that wrote the '
          + 'checkpoint until these windows have fired, or start anew with another state folder.',
      },
    );
  }
}

function clockOf(zone: string, from: number, to: number): Clock {
  const clock = TimeZone.of(zone);
  return [[from, clock.offsetAt(from)], ...clock.changes(from, to).map(([at, , offset]) => [at, offset] as const)];
}

const savedIn = (saved: Json): Saved | undefined =>
  // What clocksOf wrote; the manifest's checksum was verified.
  typeof saved === 'object' && saved !== null && 'zones' in saved ? (saved as unknown as Saved) : undefined;

const describe = (change: Clock[number] | undefined): string =>
  change === undefined ? 'none' : `${change[1] / 60_000} minutes from UTC at ${formatTime(change[0])}`;
