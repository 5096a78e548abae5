/** Windows of the oracle against tables worked out by hand. */
import { describe, expect, it } from 'vitest';
import { slicingOf, type WindowSpec, windowsOf } from './windows.ts';

const bounds = (window: WindowSpec, at: number): number[][] =>
  windowsOf(window, at).map(({ start, end }) => [start, end]);
const utc = (text: string): number => Date.parse(`${text}Z`);
const texts = (window: WindowSpec, at: string): string[] =>
  windowsOf(window, utc(at)).map(({ start, end }) =>
    [start, end].map((each) => new Date(each).toISOString().slice(0, 16)).join(' '),
  );

describe('windows', () => {
  it('are half-open and aligned to the epoch, before it too', () => {
    const tumbling: WindowSpec = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 };
    expect([0, 9, 10, -1, -10, -11].map((at) => bounds(tumbling, at)[0]?.[0])).toEqual([0, 0, 10, -10, -10, -20]);
  });

  it('shift by their offset, and hop', () => {
    expect(bounds({ kind: 'tumbling', sizeMs: 10, offsetMs: 3 }, 2)).toEqual([[-7, 3]]);
    expect(bounds({ kind: 'tumbling', sizeMs: 10, offsetMs: -3 }, 7)).toEqual([[7, 17]]);
    const hopping: WindowSpec = { kind: 'hopping', sizeMs: 10, slideMs: 5, offsetMs: 0 };
    expect(bounds(hopping, 12)).toEqual([
      [5, 15],
      [10, 20],
    ]);
    expect(bounds({ ...hopping, offsetMs: 1 }, 0)).toEqual([
      [-9, 1],
      [-4, 6],
    ]);
    expect(bounds({ ...hopping, sizeMs: 2 }, 6)).toEqual([[5, 7]]);
    expect(bounds({ ...hopping, sizeMs: 2 }, 7)).toEqual([]);
  });

  it('cumulate from a common start', () => {
    const window: WindowSpec = { kind: 'cumulating', sizeMs: 30, stepMs: 10, offsetMs: 5 };
    expect(bounds(window, 4)).toEqual([[-25, 5]]);
    expect(bounds(window, 20)).toEqual([
      [5, 25],
      [5, 35],
    ]);
    expect(slicingOf(window).slicesPerWindow).toBe(3);
  });

  it('are days of 23 and 25 hours where clocks change', () => {
    const day: WindowSpec = { kind: 'tumbling', sizeMs: 86_400_000, offsetMs: 0, zone: 'America/Los_Angeles' };
    expect(texts(day, '2021-03-14T09:59')).toEqual(['2021-03-14T08:00 2021-03-15T07:00']);
    expect(texts(day, '2021-11-07T09:30')).toEqual(['2021-11-07T07:00 2021-11-08T08:00']);
    expect(texts(day, '2021-11-08T08:00')).toEqual(['2021-11-08T08:00 2021-11-09T08:00']);
    // Midnight does not come: the day starts at 1:00.
    expect(texts({ ...day, zone: 'America/Havana' }, '2021-03-14T05:00')).toEqual([
      '2021-03-14T05:00 2021-03-15T04:00',
    ]);
  });

  it('of half an hour are longer once in autumn, and missing in spring', () => {
    const half: WindowSpec = { kind: 'tumbling', sizeMs: 1_800_000, offsetMs: 0, zone: 'Europe/Berlin' };
    expect(texts(half, '2021-10-31T00:20')).toEqual(['2021-10-31T00:00 2021-10-31T00:30']);
    expect(texts(half, '2021-10-31T01:10')).toEqual(['2021-10-31T00:30 2021-10-31T02:00']);
    expect(texts(half, '2021-03-28T00:40')).toEqual(['2021-03-28T00:30 2021-03-28T01:00']);
    expect(texts(half, '2021-03-28T01:10')).toEqual(['2021-03-28T01:00 2021-03-28T01:30']);
  });

  it('are months of the calendar', () => {
    expect(texts({ kind: 'months', months: 1, offsetMs: 0 }, '2024-02-29T12:00')).toEqual([
      '2024-02-01T00:00 2024-03-01T00:00',
    ]);
    expect(texts({ kind: 'months', months: 3, offsetMs: 0, zone: 'Europe/Berlin' }, '2021-03-31T21:59')).toEqual([
      '2020-12-31T23:00 2021-03-31T22:00',
    ]);
    expect(texts({ kind: 'months', months: 12, offsetMs: 0 }, '1969-12-31T23:59')).toEqual([
      '1969-01-01T00:00 1970-01-01T00:00',
    ]);
  });
});
