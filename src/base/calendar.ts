/**
 * Calendar arithmetic on local time: milliseconds since 1970-01-01T00:00 on the clock of some place, in the proleptic
 * Gregorian calendar. No zones here: a local day always has 24 hours (time-zone.ts turns it into instants).
 *
 * Invariants
 *  1. `calendarStart(c, t) <= t < calendarNext(c, calendarStart(c, t))`.
 *  2. Periods of several units are counted from 1970-01-01, those of weeks from Monday 1969-12-29.
 * Background: days of the civil calendar after H. Hinnant, chrono-Compatible Low-Level Date Algorithms.
 */

export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year';

/** Periods of `count` units; `offsetMs` of local time later than the calendar's own: a day from 04:00 to 04:00. */
export interface Calendar {
  readonly unit: CalendarUnit;
  readonly count: number;
  readonly offsetMs: number;
}

export const DAY_MS = 86_400_000;
/** Monday 1969-12-29, the week of 1970-01-01. */
const MONDAY_MS = -3 * DAY_MS;
/** January 1970, in months from January of the year 0. */
const EPOCH_MONTH = 1970 * 12;
const MONTHS: { readonly [U in 'month' | 'quarter' | 'year']: number } = { month: 1, quarter: 3, year: 12 };

/** Days since 1970-01-01 of the first day of a month; months count from January of the year 0. */
function daysOfMonth(months: number): number {
  // The year begins in March here, so that the leap day is its last.
  const shifted = months - 2;
  const year = Math.floor(shifted / 12);
  const month = shifted - year * 12;
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = Math.floor((153 * month + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Days since 1970-01-01 of a date; months and days from 1 on. */
export const daysOfDate = (year: number, month: number, day: number): number =>
  daysOfMonth(year * 12 + month - 1) + day - 1;

/** The month of a day since 1970-01-01, counted from January of the year 0. */
function monthOfDays(days: number): number {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  return (era * 400 + yearOfEra) * 12 + month + 2;
}

/** Start of the fixed-size period that `time` lies in; periods start at `originMs`. */
export const floorTime = (time: number, sizeMs: number, originMs: number): number =>
  Math.floor((time - originMs) / sizeMs) * sizeMs + originMs;

/** Local start of the period that the local time lies in. */
export function calendarStart({ unit, count, offsetMs }: Calendar, local: number): number {
  if (unit === 'day') return floorTime(local, count * DAY_MS, offsetMs);
  if (unit === 'week') return floorTime(local, count * 7 * DAY_MS, MONDAY_MS + offsetMs);
  const step = MONTHS[unit] * count;
  const month = monthOfDays(Math.floor((local - offsetMs) / DAY_MS));
  return daysOfMonth(floorTime(month, step, EPOCH_MONTH)) * DAY_MS + offsetMs;
}

/** Local start of the period after the one that starts at `start`. */
export function calendarNext({ unit, count, offsetMs }: Calendar, start: number): number {
  if (unit === 'day') return start + count * DAY_MS;
  if (unit === 'week') return start + count * 7 * DAY_MS;
  const month = monthOfDays(Math.floor((start - offsetMs) / DAY_MS));
  return daysOfMonth(month + MONTHS[unit] * count) * DAY_MS + offsetMs;
}

/** '2024-03-10T02:30:00.000', without a zone. */
export const formatLocal = (local: number): string => new Date(local).toISOString().slice(0, -1);
