/**
 * Wall-clock time of a few zones, from their laws and not from any time-zone data base: right from 2008 to 2037.
 *
 *   America/Los_Angeles  UTC-8; summer from the second Sunday of March, 2:00, to the first of November, 2:00
 *   Europe/Berlin        UTC+1; summer from the last Sunday of March to the last of October, both at 1:00 UTC
 *   America/Havana       UTC-5; summer as in the United States, but changes at midnight and at 1:00 (since 2013)
 *   Australia/Lord_Howe  UTC+10:30; half an hour of summer from the first Sunday of October to the first of April, 2:00
 *   Asia/Kolkata         UTC+5:30
 */

/** From `at` on (UTC), the offset. */
interface Change {
  readonly at: number;
  readonly offsetMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Start of the n-th Sunday (from 1; 0: the last) of a month (from 0). */
function sunday(year: number, month: number, n: number): number {
  const first = Date.UTC(year, month, 1);
  const firstSunday = first + ((7 - new Date(first).getUTCDay()) % 7) * DAY;
  if (n > 0) return firstSunday + (n - 1) * 7 * DAY;
  let last = firstSunday;
  while (last + 7 * DAY < Date.UTC(year, month + 1, 1)) last += 7 * DAY;
  return last;
}

const years = (changes: (year: number) => readonly Change[]): readonly Change[] =>
  Array.from({ length: 31 }, (_, i) => changes(2007 + i)).flat();

const LAWS: Readonly<Record<string, readonly Change[]>> = {
  'America/Los_Angeles': years((year) => [
    { at: sunday(year, 2, 2) + 10 * HOUR, offsetMs: -7 * HOUR },
    { at: sunday(year, 10, 1) + 9 * HOUR, offsetMs: -8 * HOUR },
  ]),
  'Europe/Berlin': years((year) => [
    { at: sunday(year, 2, 0) + HOUR, offsetMs: 2 * HOUR },
    { at: sunday(year, 9, 0) + HOUR, offsetMs: HOUR },
  ]),
  'America/Havana': years((year) => [
    { at: sunday(year, 2, 2) + 5 * HOUR, offsetMs: -4 * HOUR },
    { at: sunday(year, 10, 1) + 5 * HOUR, offsetMs: -5 * HOUR },
  ]),
  'Australia/Lord_Howe': years((year) => [
    { at: sunday(year, 3, 1) - 9 * HOUR, offsetMs: 10.5 * HOUR },
    { at: sunday(year, 9, 1) + 2 * HOUR - 10.5 * HOUR, offsetMs: 11 * HOUR },
  ]),
  'Asia/Kolkata': [{ at: 0, offsetMs: 5.5 * HOUR }],
  UTC: [{ at: 0, offsetMs: 0 }],
};

function changesOf(zone: string): readonly Change[] {
  const changes = LAWS[zone];
  if (changes === undefined) throw new Error(`oracle: the law of ${zone} is not known`);
  return changes;
}

/** Wall-clock time of an instant, as if it were UTC. */
export function wallClock(zone: string, at: number): number {
  const changes = changesOf(zone);
  const last = changes.findLast((change) => change.at <= at) ?? changes[0];
  return at + (last?.offsetMs ?? 0);
}

/** The latest wall-clock time that has been shown until an instant: where clocks were put back, that of the moment before. */
export function reached(zone: string, at: number): number {
  const changes = changesOf(zone);
  const last = changes.findLast((change) => change.at <= at);
  if (last === undefined || last.at <= at - DAY) return wallClock(zone, at);
  const recent = changes.filter((change) => change.at <= at && change.at > at - DAY);
  return Math.max(wallClock(zone, at), ...recent.map((change) => wallClock(zone, change.at - 1)));
}

/** Borders come again with every row: their instants are kept. */
const known = new Map<string, Map<number, number>>();

/** The first instant at which the wall clock of the zone shows `wall` or more. */
export function instantOf(zone: string, wall: number): number {
  const instants = known.get(zone) ?? new Map<number, number>();
  known.set(zone, instants);
  const instant = instants.get(wall) ?? firstInstantOf(zone, wall);
  instants.set(wall, instant);
  return instant;
}

function firstInstantOf(zone: string, wall: number): number {
  // Offsets lie between -12 and +14 hours; clocks change twice in that time at no place of the list.
  const from = wall - 15 * HOUR;
  const to = wall + 13 * HOUR;
  const stops = [from, ...changesOf(zone).flatMap(({ at }) => (at > from && at < to ? [at] : []))];
  for (const [i, stop] of stops.entries()) {
    const end = stops[i + 1] ?? to;
    const offset = wallClock(zone, stop) - stop;
    if (end + offset > wall) return Math.max(stop, wall - offset);
  }
  throw new Error(`oracle: ${wall} never comes in ${zone}`);
}
