/**
 * Holds a zone of the engine against the clock of its file: at and around every change, and day by day.
 *
 * What is checked of every day from 1970 to the end of 2037: it begins where the day before ended, where the oracle says,
 * and holds exactly the instants from its start until before its end. Random amounts, summed by day, lose nothing.
 */
import { type Calendar, DAY_MS } from '../../src/base/calendar.ts';
import { below, seededRandom } from '../../src/base/random.ts';
import { TimeZone } from '../../src/base/time-zone.ts';
import { ZoneClock } from '../oracle/zone-clock.ts';
import type { ZoneChange, ZoneFile } from '../oracle/zone-file.ts';

export const FROM = Date.UTC(1970, 0, 1);
export const TO = Date.UTC(2038, 0, 1);
const HOUR_MS = 3_600_000;
const DAY: Calendar = { unit: 'day', count: 1, offsetMs: 0 };

export interface ZoneCheck {
  readonly changes: number;
  readonly days: number;
  /** Empty: all is well. */
  readonly problems: readonly string[];
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** `since`: from when on the zone and its file are of one mind. */
export function checkZone(name: string, file: ZoneFile, seed: number, since = FROM): ZoneCheck {
  const zone = TimeZone.of(name);
  const clock = new ZoneClock(file);
  const problems: string[] = [];
  const expectSame = (what: string, at: number, got: number, wanted: number): void => {
    if (got !== wanted) problems.push(`${name}: ${what} ${iso(at)} is ${iso(got)}, not ${iso(wanted)}`);
  };
  const changes = file.changes.filter(({ epoch }) => epoch >= since && epoch < TO);
  for (const change of changes) {
    checkInstants(zone, clock, change, expectSame);
    checkLocals(zone, clock, change, expectSame);
    checkSums(zone, clock, change, seed, problems);
  }
  const days = checkDays(zone, clock, since, expectSame);
  for (const unit of ['week', 'month', 'quarter', 'year'] as const) checkPeriods(zone, { ...DAY, unit }, expectSame);
  return { changes: changes.length, days, problems };
}

type Same = (what: string, at: number, got: number, wanted: number) => void;

function checkInstants(zone: TimeZone, clock: ZoneClock, { epoch }: ZoneChange, same: Same): void {
  for (const step of [-DAY_MS, -HOUR_MS, -1, 0, 1, HOUR_MS, DAY_MS]) {
    const at = epoch + step;
    same('local time of', at, zone.toLocal(at), clock.toLocal(at));
  }
}

/** Local times at the edges of the gap or overlap, and within it. */
function checkLocals(zone: TimeZone, clock: ZoneClock, { epoch, before, after }: ZoneChange, same: Same): void {
  const [low, high] = before < after ? [before, after] : [after, before];
  for (const offset of [low - 1, low, low + 1, Math.floor((low + high) / 2), high - 1, high, high + 1]) {
    const local = epoch + offset;
    const instants = clock.instantsOf(local);
    const gap = clock.gapAt(local);
    same('instant of local', local, zone.toEpoch(local), instants[0] ?? local - (gap?.before ?? 0));
    same('timer of local', local, zone.timerTime(local), instants.at(-1) ?? gap?.epoch ?? Number.NaN);
    same('first instant of local', local, zone.reaches(local), clock.reaches(local));
  }
}

function checkDays(zone: TimeZone, clock: ZoneClock, since: number, same: Same): number {
  let days = 0;
  let midnight = Math.floor(clock.toLocal(since) / DAY_MS) * DAY_MS;
  let from = clock.reaches(midnight);
  let start = zone.startOf(DAY, since);
  for (; midnight < TO; midnight += DAY_MS) {
    const to = clock.reaches(midnight + DAY_MS);
    // A day that the zone skipped.
    if (from === to) continue;
    same('the day in order begins at', midnight, start, from);
    const end = zone.endOf(DAY, from);
    same('end of the day from', from, end, to);
    same('start of the day at', to - 1, zone.startOf(DAY, to - 1), from);
    if (to - from !== DAY_MS) {
      const middle = Math.floor((from + to) / 2);
      same('start of the day at', middle, zone.startOf(DAY, middle), from);
      same('end of the day at', middle, zone.endOf(DAY, middle), to);
    }
    start = end;
    from = to;
    days++;
  }
  return days;
}

/** Longer periods follow each other without a gap, and each knows its last instant. */
function checkPeriods(zone: TimeZone, calendar: Calendar, same: Same): void {
  for (let start = zone.startOf(calendar, FROM); start < TO; ) {
    const end = zone.endOf(calendar, start);
    same(`start of the ${calendar.unit} at`, end - 1, zone.startOf(calendar, end - 1), start);
    same(`start of the ${calendar.unit} at`, end, zone.startOf(calendar, end), end);
    if (end <= start) return;
    start = end;
  }
}

/** Amounts at random instants around a change, summed by day: the same sums as by the oracle's days, and nothing lost. */
function checkSums(zone: TimeZone, clock: ZoneClock, { epoch }: ZoneChange, seed: number, problems: string[]): void {
  const random = seededRandom(seed);
  const sums = new Map<number, number>();
  const wanted = new Map<number, number>();
  const add = (to: Map<number, number>, start: number, amount: number): void =>
    void to.set(start, (to.get(start) ?? 0) + amount);
  for (let i = 0; i < 40; i++) {
    const at = epoch + below(random, 6 * DAY_MS) - 3 * DAY_MS;
    const amount = below(random, 1000);
    add(sums, zone.startOf(DAY, at), amount);
    add(wanted, dayStart(clock, at), amount);
  }
  const text = (of: ReadonlyMap<number, number>): string => JSON.stringify([...of].sort(([a], [b]) => a - b));
  if (text(sums) !== text(wanted)) {
    problems.push(`${zone.name}: sums by day around ${iso(epoch)} (seed ${seed}): ${text(sums)}, not ${text(wanted)}`);
  }
}

/** The latest midnight, as it is reached, at or before an instant. */
function dayStart(clock: ZoneClock, at: number): number {
  const midnight = Math.floor(clock.toLocal(at) / DAY_MS) * DAY_MS;
  const starts = [-1, 0, 1, 2].map((days) => clock.reaches(midnight + days * DAY_MS));
  return Math.max(...starts.filter((start) => start <= at));
}
