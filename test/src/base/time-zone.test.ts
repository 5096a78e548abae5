import { describe, expect, it } from 'vitest';
import { type Calendar, DAY_MS, formatLocal } from '../../../src/base/calendar.ts';
import { MAX_TIME, MIN_TIME } from '../../../src/base/time.ts';
import { TimeZone } from '../../../src/base/time-zone.ts';
import { readZone } from '../../oracle/zone-file.ts';
import { findZoneFiles } from '../../support/find-zone-files.ts';
import { checkZone } from '../../support/zone-check.ts';

const HOUR_MS = 3_600_000;
const day: Calendar = { unit: 'day', count: 1, offsetMs: 0 };
const at = (text: string): number => Date.parse(`${text}Z`);

/** Hours of the day that an instant lies in, and when it begins. */
function dayOf(zone: string, instant: string): string {
  const start = TimeZone.of(zone).startOf(day, at(instant));
  const hours = (TimeZone.of(zone).endOf(day, at(instant)) - start) / HOUR_MS;
  return `${new Date(start).toISOString().slice(0, 16)} ${hours}`;
}

describe('a day', () => {
  it.each([
    ['America/Los_Angeles', '2024-03-10T20:00', '2024-03-10T08:00 23'],
    ['America/Los_Angeles', '2024-11-03T20:00', '2024-11-03T07:00 25'],
    ['Asia/Kolkata', '2024-03-10T20:00', '2024-03-10T18:30 24'],
    ['Australia/Lord_Howe', '2024-10-06T00:00', '2024-10-05T13:30 23.5'],
    ['America/Sao_Paulo', '2018-11-04T12:00', '2018-11-04T03:00 23'],
    ['America/Sao_Paulo', '2018-02-18T02:30', '2018-02-17T02:00 25'],
    ['Pacific/Apia', '2011-12-30T09:00', '2011-12-29T10:00 24'],
    ['Pacific/Apia', '2011-12-30T10:00', '2011-12-30T10:00 24'],
    ['Antarctica/Troll', '2024-03-31T12:00', '2024-03-31T00:00 22'],
    ['UTC', '2024-03-31T12:00', '2024-03-31T00:00 24'],
  ])('of %s at %s begins and lasts as people there say: %s', (zone, instant, expected) => {
    expect(dayOf(zone, instant)).toBe(expected);
  });

  it('begins at the earlier midnight when clocks go back behind it, and keeps the hour that is repeated', () => {
    // Until 2011 clocks of Newfoundland changed at one minute past midnight.
    expect(dayOf('America/St_Johns', '2010-11-07T02:30:30')).toBe('2010-11-07T02:30 25');
    expect(dayOf('America/St_Johns', '2010-11-07T02:31')).toBe('2010-11-07T02:30 25');
    expect(TimeZone.of('America/St_Johns').toLocal(at('2010-11-07T02:31'))).toBe(at('2010-11-06T23:01'));
  });
});

describe('local times', () => {
  const zone = TimeZone.of('America/Los_Angeles');
  const gap = at('2024-03-10T02:30');
  const twice = at('2024-11-03T01:30');

  it('in a gap move forward, and their timers wait for its end', () => {
    expect(zone.toEpoch(gap)).toBe(at('2024-03-10T10:30'));
    expect(zone.timerTime(gap)).toBe(at('2024-03-10T10:00'));
    expect(zone.reaches(gap)).toBe(at('2024-03-10T10:00'));
  });

  it('that come twice are the earlier, and their timers wait for the later', () => {
    expect(zone.toEpoch(twice)).toBe(at('2024-11-03T08:30'));
    expect(zone.timerTime(twice)).toBe(at('2024-11-03T09:30'));
    expect(zone.reaches(twice)).toBe(at('2024-11-03T08:30'));
  });

  it('share one window of a fixed size when they come twice', () => {
    const windows = ['2024-11-03T08:30', '2024-11-03T09:30'].map((text) => zone.floorLocal(HOUR_MS, 0, at(text)));
    expect(windows.map(formatLocal)).toEqual(['2024-11-03T01:00:00.000', '2024-11-03T01:00:00.000']);
  });

  it('have no zone at the ends of time', () => {
    for (const end of [MIN_TIME, MAX_TIME]) {
      expect([zone.toLocal(end), zone.toEpoch(end), zone.timerTime(end), zone.startOf(day, end)]).toEqual([
        end,
        end,
        end,
        end,
      ]);
    }
    expect(zone.toLocal(MAX_TIME - 1)).toBeLessThanOrEqual(MAX_TIME);
    expect(zone.toEpoch(MAX_TIME - 1)).toBe(MAX_TIME);
  });
});

it.each([
  'America/Los_Angeles',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Africa/Casablanca',
  'Africa/Monrovia',
  'Antarctica/Troll',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'America/Recife',
  'Australia/Lord_Howe',
  'Europe/Dublin',
  'Pacific/Apia',
])('agrees with the tz database on every change and every day of %s', (name) => {
  findZoneFiles();
  const file = readZone(name);
  if (file === undefined) throw new Error(`no file of ${name}`);
  const { problems, days } = checkZone(name, file, 3);
  expect(problems).toEqual([]);
  expect(days).toBeGreaterThan(24_800);
});

it('does not depend on the order in which times are asked for', () => {
  const times = Array.from({ length: 60 }, (_, i) => at('1950-01-01T00:00') + i * 777 * DAY_MS);
  const asked = (order: readonly number[], name: string): ReadonlyMap<number, number> =>
    new Map(order.map((time) => [time, TimeZone.of(name).startOf(day, time)]));
  // Two names of one zone are two zones here.
  const forward = asked(times, 'Europe/Berlin');
  const backward = asked([...times].reverse(), 'Arctic/Longyearbyen');
  expect(times.map((time) => forward.get(time))).toEqual(times.map((time) => backward.get(time)));
});

it('says which zone is unknown, and which was meant', () => {
  expect(() => TimeZone.of('Europe/Berlim')).toThrow("'Europe/Berlim' is not a time zone that is known here");
  expect(() => TimeZone.of('Europe/Berlim')).toThrow(
    expect.objectContaining({ code: 'E1021', hint: "Did you mean 'Europe/Berlin'?" }),
  );
  expect(() => TimeZone.of('+01:00')).toThrow(expect.objectContaining({ code: 'E1021' }));
});
