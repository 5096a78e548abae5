/**
 * Time, in exact milliseconds since 1970-01-01T00:00Z.
 *
 * Invariants
 *  1. Event time and processing time never mix: two brands inside the engine, two interfaces outside (api/time.ts).
 *  2. Intervals are half-open, [start, end); a window's last instant is end - 1.
 *  3. A watermark W means: nothing at or below W follows. MIN_TIME before the first record, MAX_TIME after the last.
 */
import { UserError } from './errors.ts';

declare const eventTime: unique symbol;
declare const processingTime: unique symbol;

/** Milliseconds of event time. A plain number underneath. */
export type EventTimeMs = number & { readonly [eventTime]: true };
/** Milliseconds of the clock of the machine. A plain number underneath. */
export type ProcessingTimeMs = number & { readonly [processingTime]: true };

// Brands are made here and nowhere else; a brand is a name for a number, so there is nothing to check.
export const MIN_TIME = Number.MIN_SAFE_INTEGER as EventTimeMs;
export const MAX_TIME = Number.MAX_SAFE_INTEGER as EventTimeMs; // as above

export const eventTimeMs = (ms: number): EventTimeMs => ms as EventTimeMs; // as above
export const processingTimeMs = (ms: number): ProcessingTimeMs => ms as ProcessingTimeMs; // as above

const UNITS = {
  ms: 1,
  s: 1000,
  minute: 60_000,
  minutes: 60_000,
  hour: 3_600_000,
  hours: 3_600_000,
  day: 86_400_000,
  days: 86_400_000,
} as const;

export type Unit = keyof typeof UNITS;
/** A duration as users write it: '10 s', '1 hour'. */
export type Duration = `${number} ${Unit}`;

/** Units of the calendar: how long they are depends on where and when. */
const CALENDAR_UNITS = {
  day: 'day',
  days: 'day',
  week: 'week',
  weeks: 'week',
  month: 'month',
  months: 'month',
  quarter: 'quarter',
  quarters: 'quarter',
  year: 'year',
  years: 'year',
} as const;
/** A time of the calendar as users write it: '1 day', '2 weeks', '1 month'. */
export type CalendarDuration = `${number} ${keyof typeof CALENDAR_UNITS}`;

/** Unit and count of '2 weeks'; undefined for other text, and for a count that is no whole number above 0. */
export function calendarDuration(
  text: string,
): { readonly unit: (typeof CALENDAR_UNITS)[keyof typeof CALENDAR_UNITS]; readonly count: number } | undefined {
  const [, count, unit] = /^([1-9]\d*) ([a-z]+)$/.exec(text) ?? [];
  return unit !== undefined && isCalendarUnit(unit) ? { unit: CALENDAR_UNITS[unit], count: Number(count) } : undefined;
}

const isCalendarUnit = (text: string): text is keyof typeof CALENDAR_UNITS => Object.hasOwn(CALENDAR_UNITS, text);

/**
 * Milliseconds of '10 s', '30 minutes', '1.5 hours'. Throws E1001 naming `what` when the text is not a duration, E1023
 * when only a calendar knows how long it is.
 */
export function durationMs(text: string, what: string): number {
  const match = /^(-?\d+(?:\.\d+)?) ([a-z]+)$/.exec(text);
  const unit = match?.[2];
  if (unit !== undefined && !isUnit(unit) && isCalendarUnit(unit)) throw new UserError('E1023', { text, what });
  if (match === null || unit === undefined || !isUnit(unit)) throw new UserError('E1001', { text, what });
  const ms = Math.round(Number(match[1]) * UNITS[unit]);
  if (Math.abs(ms) > CALENDAR_MS_MAX)
    throw new UserError('E1001', { text, what }, { hint: 'The most is 100000000 days.' });
  return ms;
}

/** 100 million days, which is as far as the calendar goes to either side of 1970: what ends beyond would never end. */
export const CALENDAR_MS_MAX = 8.64e15;

/** Own names only: '1 constructor' is no duration. */
const isUnit = (text: string): text is Unit => Object.hasOwn(UNITS, text);

/** As durationMs, and greater than zero (E1003). */
export function positiveDurationMs(text: string, what: string): number {
  const ms = durationMs(text, what);
  if (ms <= 0) throw new UserError('E1003', { what, text });
  return ms;
}

/** The duration as a person writes it, in the largest unit that divides it: '90 s', '1 hour', '2 days'. */
export function shortDuration(ms: number): string {
  const large = (['day', 'hour', 'minute'] as const).find((unit) => ms !== 0 && ms % UNITS[unit] === 0);
  if (large !== undefined) return `${ms / UNITS[large]} ${large}${Math.abs(ms / UNITS[large]) === 1 ? '' : 's'}`;
  return ms !== 0 && ms % UNITS.s === 0 ? `${ms / UNITS.s} s` : `${ms} ms`;
}

/** Whether a value is an instant that a column of event time may take: one of processing time is none. */
export const isInstant = (value: unknown): value is { readonly epochMs: unknown } =>
  typeof value === 'object' && value !== null && 'epochMs' in value && !isProcessingTime(value);

export const isProcessingTime = (value: object): boolean => 'clock' in value && value.clock === 'processing time';

// Date.parse reads text without a zone in the zone of the machine; here the same text means the same instant
// everywhere.
const INSTANT = /^[+-]?\d{4,6}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))$/;

// Date.parse takes February 30 for March 2 and 24:00 for the next day; in UTC a date that exists keeps its day.
function isInstantText(text: string): boolean {
  const [date = '', time = ''] = text.split('T');
  const midnight = INSTANT.test(text) && !time.startsWith('24') ? Date.parse(`${date}T00:00Z`) : Number.NaN;
  return !Number.isNaN(midnight) && new Date(midnight).getUTCDate() === Number(date.slice(-2));
}

/** Milliseconds of ISO text with its zone ('2001-01-03T10:00Z', '…+01:00'), or of a Date. Throws E1007. */
export function instantMs(instant: string | Date): number {
  const ms =
    typeof instant === 'string' ? (isInstantText(instant) ? Date.parse(instant) : Number.NaN) : instant.getTime();
  if (Number.isNaN(ms)) throw new UserError('E1007', { text: typeof instant === 'string' ? instant : 'Invalid Date' });
  return ms;
}

/** '2001-01-03T10:00:00.000Z', the name of an end of time, or milliseconds where no calendar reaches. Never throws. */
export function formatTime(ms: number): string {
  if (ms <= MIN_TIME) return 'the beginning of time';
  if (ms >= MAX_TIME) return 'the end of time';
  return Math.abs(ms) <= CALENDAR_MS_MAX ? new Date(ms).toISOString() : `${ms} ms`;
}
