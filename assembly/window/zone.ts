/**
 * Wall-clock time of a zone, and the months of the calendar.
 *
 *   table of a zone: count u32 | 0 | per stretch of one offset, 24 bytes, ascending:
 *     start i64 (UTC; the first is the beginning of time) | offset i64 | ceiling i64, the largest wall-clock time that
 *     this stretch or one before it ends at
 *
 * Invariants
 *  1. Wall-clock time never goes back here: where clocks are put back, it stands still one millisecond before the
 *     change until they have caught up. So what begins in a repeated hour begins when it comes for the first time.
 *  2. A wall-clock time that is skipped is the instant of the change.
 * Not here: where the table comes from (src/runtime/aligned-window.ts).
 * Background: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms (days from civil, civil from days).
 */
const HEADER: u32 = 8;
const STRETCH_BYTES: u32 = 24;
const OFFSET: u32 = 8;
const CEILING: u32 = 16;

const DAY_MS: i64 = 86400000;
/** Days of 400 years of the Gregorian calendar, and from 0000-03-01 to 1970-01-01. */
const ERA_DAYS: i64 = 146097;
const EPOCH_DAYS: i64 = 719468;

/** Wall-clock time of an instant, counted as if it were UTC. */
export function localOf(zonePtr: u32, at: i64): i64 {
  let low: u32 = 0;
  let high = load<u32>(zonePtr);
  // The last stretch that starts at or before it.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (load<i64>(stretch(zonePtr, middle)) <= at) low = middle;
    else high = middle;
  }
  const local = at + load<i64>(stretch(zonePtr, low), OFFSET);
  return low == 0 ? local : max<i64>(local, load<i64>(stretch(zonePtr, low - 1), CEILING) - 1);
}

/** The first instant at which wall-clock time is not below `local`. */
export function instantOfLocal(zonePtr: u32, local: i64): i64 {
  let low: u32 = 0;
  let high = load<u32>(zonePtr) - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<i64>(stretch(zonePtr, middle), CEILING) > local) high = middle;
    else low = middle + 1;
  }
  const found = stretch(zonePtr, low);
  const at = local - load<i64>(found, OFFSET);
  return low == 0 ? at : max<i64>(at, load<i64>(found));
}

function stretch(zonePtr: u32, index: u32): u32 {
  return zonePtr + HEADER + index * STRETCH_BYTES;
}

function floorDiv(a: i64, b: i64): i64 {
  return a / b - i64(a % b < 0);
}

/** The month of a wall-clock time, counted from January of the year 0. */
export function monthOf(local: i64): i64 {
  const days = floorDiv(local, DAY_MS) + EPOCH_DAYS;
  const era = floorDiv(days, ERA_DAYS);
  const day = days - era * ERA_DAYS;
  const year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const dayOfYear = day - (365 * year + year / 4 - year / 100);
  // Months of a year that begins in March.
  return (era * 400 + year) * 12 + (5 * dayOfYear + 2) / 153 + 2;
}

/** Wall-clock time at which a month starts. */
export function monthStart(month: i64): i64 {
  const sinceMarch = month - 2;
  const years = floorDiv(sinceMarch, 12);
  const era = floorDiv(years, 400);
  const year = years - era * 400;
  const day = (153 * (sinceMarch - years * 12) + 2) / 5;
  return (era * ERA_DAYS + year * 365 + year / 4 - year / 100 + day - EPOCH_DAYS) * DAY_MS;
}
