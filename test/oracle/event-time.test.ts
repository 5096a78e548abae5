import { describe, expect, it } from 'vitest';
import { type EventTimeQuery, type EventTimeResult, recompute } from './event-time.ts';
import { type Arrival, liveOrder } from './live-order.ts';
import { type OrderedRow, processingOrder } from './processing-order.ts';

/** Rows of one key: timestamp, value, watermark before. */
const rowsOf = (...rows: readonly (readonly [number, number, number])[]): OrderedRow[] =>
  rows.map(([timestamp, value, watermark], id) => ({
    row: { id, key: 'k', value },
    timestamp,
    watermark,
    isFuture: false,
  }));

const answer = (query: Partial<EventTimeQuery>, rows: readonly OrderedRow[]): EventTimeResult =>
  recompute(rows, {
    window: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
    latenessMs: 0,
    results: 'accumulating',
    hasCount: true,
    ...query,
  });

const results = (query: Partial<EventTimeQuery>, rows: readonly OrderedRow[]): string[] =>
  answer(query, rows).groups.flat();

describe('the oracle of windows', () => {
  const late = rowsOf([1, 5, -Infinity], [15, 1, 0], [2, 7, 9], [3, 9, 19]);

  it('closes a window at its last instant and the lateness', () => {
    expect(results({}, late)).toEqual(['+I k [0, 10) 1 5 5 5', '+I k [10, 20) 1 1 1 1']);
    expect(answer({}, late).late.map(({ row }) => row['id'])).toEqual([2, 3]);
    expect(answer({ latenessMs: 10 }, late).late.map(({ row }) => row['id'])).toEqual([3]);
    expect(answer({ latenessMs: 11 }, late).late).toEqual([]);
  });

  it('gives a row that comes after the firing by the mode of its results', () => {
    const given = (mode: EventTimeQuery['results']): string[] => results({ latenessMs: 10, results: mode }, late);
    expect(given('accumulating').slice(0, 2)).toEqual(['+I k [0, 10) 1 5 5 5', '+I k [0, 10) 2 12 5 7']);
    expect(given('discarding').slice(0, 2)).toEqual(['+I k [0, 10) 1 5 5 5', '+I k [0, 10) 1 7 7 7']);
    expect(given('retracting').slice(0, 3)).toEqual([
      '+I k [0, 10) 1 5 5 5',
      '-U k [0, 10) 1 5 5 5',
      '+U k [0, 10) 2 12 5 7',
    ]);
    expect(given('final')).toEqual(['+I k [0, 10) 2 12 5 7', '+I k [10, 20) 1 1 1 1']);
  });

  it('joins sessions that touch, and takes back what they gave', () => {
    const window = { kind: 'session', gapMs: 5 } as const;
    const rows = rowsOf([0, 1, -Infinity], [10, 2, 4], [5, 3, 4], [15, 4, 14], [30, 5, 14]);
    expect(results({ window, latenessMs: 5, results: 'retracting' }, rows)).toEqual([
      '+I k [0, 5) 1 1 1 1',
      '-D k [0, 5) 1 1 1 1',
      '+I k [0, 15) 3 6 1 3',
      '-D k [0, 15) 3 6 1 3',
      '+I k [0, 20) 4 10 1 4',
      '+I k [30, 35) 1 5 5 5',
    ]);
    expect(results({ window }, rows)).toEqual([
      '+I k [0, 5) 1 1 1 1',
      '+I k [5, 15) 2 5 2 3',
      '+I k [15, 20) 1 4 4 4',
      '+I k [30, 35) 1 5 5 5',
    ]);
  });

  it('numbers counted windows, and gives none that is not full', () => {
    const rows = rowsOf([0, 1, 0], [0, 2, 0], [0, 3, 0], [0, 4, 0]);
    expect(results({ window: { kind: 'count', rows: 3, slide: 1 } }, rows)).toEqual([
      '+I k [0) 3 6 1 3',
      '+I k [1) 3 9 2 4',
    ]);
    expect(results({ window: { kind: 'count', rows: 3, slide: 3 } }, rows)).toEqual(['+I k [0) 3 6 1 3']);
    expect(results({ window: { kind: 'global', everyRows: 2 }, results: 'discarding' }, rows)).toEqual([
      '+I k [) 2 3 1 2',
      '+I k [) 2 7 3 4',
    ]);
  });
});

describe('the order of rows', () => {
  const query = { timestamp: 'at', rule: { kind: 'by timestamp', delayMs: 0 }, skewMs: 100 } as const;

  it('waits for a second row of a split before it believes the first', () => {
    const rows = [500, 1, 2].map((at, i) => ({ row: { at }, offset: i }));
    const order = processingOrder([{ name: 'a', rows }], { ...query, quantumBytes: 100 });
    expect(order.map(({ watermark }) => watermark)).toEqual([-Infinity, -Infinity, 0]);
    const unguarded = processingOrder([{ name: 'a', rows }], { ...query, skewMs: undefined, quantumBytes: 100 });
    expect(unguarded.map(({ watermark }) => watermark)).toEqual([-Infinity, 499, 499]);
  });

  it('never goes back with what rows announce', () => {
    const rows = [7, null, 3].map((mark, i) => ({ row: { at: i, mark }, offset: i }));
    const announced = { ...query, rule: { kind: 'announced', column: 'mark' }, quantumBytes: 100 } as const;
    const order = processingOrder(
      [{ name: 'a', rows: [...rows, { row: { at: 9, mark: null }, offset: 3 }] }],
      announced,
    );
    expect(order.map(({ watermark }) => watermark)).toEqual([-Infinity, 7, 7, 7]);
  });

  it('does not wait for a live split that is silent, nor go back when it wakes', () => {
    const arrival = (at: number, split: number, time: number): Arrival => ({ at, split, row: { at: time } });
    const arrivals = [
      ...[arrival(1, 0, 10), arrival(2, 0, 20), arrival(3, 1, 5), arrival(4, 1, 6)],
      // Split 1 is silent from here on, until it wakes behind the others.
      ...[arrival(8, 0, 30), arrival(16, 0, 40), arrival(17, 1, 7), arrival(18, 0, 50), arrival(19, 1, 60)],
      ...[arrival(20, 0, 61), arrival(21, 1, 70)],
    ];
    const order = liveOrder(2, arrivals, { ...query, idleAfterMs: 10 });
    expect(order.map(({ watermark }) => watermark)).toEqual([
      ...[-Infinity, -Infinity, -Infinity, 4],
      ...[5, 29, 39, 39, 49, 49, 59],
    ]);
  });
});
