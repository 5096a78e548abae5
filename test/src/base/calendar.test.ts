import { expect, it } from 'vitest';
import { type Calendar, calendarNext, calendarStart, daysOfDate, formatLocal } from '../../../src/base/calendar.ts';
import { below, seededRandom, uniform } from '../../../src/base/random.ts';

const at = (text: string): number => Date.parse(`${text}Z`);

function periodOf(calendar: Partial<Calendar>, local: string): string {
  const whole: Calendar = { unit: 'day', count: 1, offsetMs: 0, ...calendar };
  const start = calendarStart(whole, at(local));
  return [start, calendarNext(whole, start)].map((ms) => formatLocal(ms).slice(0, 16)).join(' ');
}

it.each([
  [{ unit: 'day' }, '2024-02-29T23:59', '2024-02-29T00:00 2024-03-01T00:00'],
  [{ unit: 'day', offsetMs: 4 * 3_600_000 }, '2024-03-01T03:59', '2024-02-29T04:00 2024-03-01T04:00'],
  [{ unit: 'week' }, '2024-01-01T00:00', '2024-01-01T00:00 2024-01-08T00:00'],
  [{ unit: 'week' }, '1969-12-28T23:59', '1969-12-22T00:00 1969-12-29T00:00'],
  [{ unit: 'month' }, '2023-02-28T12:00', '2023-02-01T00:00 2023-03-01T00:00'],
  [{ unit: 'month' }, '1900-12-31T23:59', '1900-12-01T00:00 1901-01-01T00:00'],
  [{ unit: 'month', count: 6 }, '2024-07-01T00:00', '2024-07-01T00:00 2025-01-01T00:00'],
  [{ unit: 'month', count: 7 }, '1969-12-31T00:00', '1969-06-01T00:00 1970-01-01T00:00'],
  [{ unit: 'month', offsetMs: 86_400_000 }, '2024-03-01T23:00', '2024-02-02T00:00 2024-03-02T00:00'],
  [{ unit: 'quarter' }, '2024-06-30T23:59', '2024-04-01T00:00 2024-07-01T00:00'],
  [{ unit: 'year' }, '2000-12-31T23:59', '2000-01-01T00:00 2001-01-01T00:00'],
  [{ unit: 'year', count: 100 }, '1999-12-31T23:59', '1970-01-01T00:00 2070-01-01T00:00'],
] as const)('knows the period of %j at %s', (calendar, local, period) => {
  expect(periodOf(calendar, local)).toBe(period);
});

it('agrees with the calendar of the language on four thousand years of days', () => {
  const random = seededRandom(7);
  for (let i = 0; i < 5000; i++) {
    const day = new Date(Math.floor((uniform(random) - 0.5) * 4000 * 365.25) * 86_400_000);
    const days = daysOfDate(day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate());
    expect(days * 86_400_000).toBe(day.getTime());
    const first = new Date(day);
    first.setUTCDate(1);
    expect(calendarStart({ unit: 'month', count: 1, offsetMs: 0 }, day.getTime() + 5)).toBe(first.getTime());
  }
});

it('puts every local time into one period, which ends after it', () => {
  const random = seededRandom(11);
  for (let i = 0; i < 2000; i++) {
    const local = Math.floor((uniform(random) - 0.5) * 8e12);
    for (const unit of ['day', 'week', 'month', 'quarter', 'year'] as const) {
      const calendar: Calendar = { unit, count: 1 + below(random, 5), offsetMs: below(random, 1e8) };
      const start = calendarStart(calendar, local);
      expect(start).toBeLessThanOrEqual(local);
      expect(calendarNext(calendar, start)).toBeGreaterThan(local);
      expect(calendarStart(calendar, calendarNext(calendar, start))).toBe(calendarNext(calendar, start));
      expect(calendarStart(calendar, calendarNext(calendar, start) - 1)).toBe(start);
    }
  }
});
