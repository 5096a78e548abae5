/** Aggregates of the oracle by hand, and the order of floating sums where the order can be seen. */
import { describe, expect, it } from 'vitest';
import { aggregate, type AggregateKind, type Fold, type SlicedValue } from './aggregates.ts';
import { type Cell, compareCells, keyTextOf, sameCell } from './cells.ts';

const FOLD: Fold = { merge: 'left', firstSlice: 0, slicesPerWindow: 1 };
const slice0 = (values: readonly Cell[]): SlicedValue[] => values.map((value) => ({ slice: 0, value }));
const of = (kind: AggregateKind, ...values: Cell[]): Cell =>
  aggregate(kind, values.some((value) => typeof value === 'number') ? 'float64' : 'int64', slice0(values), FOLD);

describe('aggregates', () => {
  it('ignore nulls, except that count counts rows', () => {
    expect(of('count', null, 1n, null)).toBe(3n);
    expect(of('sum', null, 1n, 4n)).toBe(5n);
    expect(of('avg', null, 1n, 4n)).toBe(2.5);
    expect([of('min', null, 3n, 1n), of('max', 3n, null, 1n)]).toEqual([1n, 3n]);
  });

  it('are null over nothing but nulls', () => {
    for (const kind of ['sum', 'min', 'max', 'avg', 'stddev'] as const) expect(of(kind, null, null)).toBeNull();
    expect(of('count')).toBe(0n);
  });

  it('sum integers exactly', () => {
    expect(of('sum', 2n ** 53n, 1n, 1n)).toBe(2n ** 53n + 2n);
  });

  it('order floats with NaN above everything and -0 below 0', () => {
    expect([of('max', 1, NaN, Infinity), of('min', 1, NaN, -Infinity), of('min', NaN, 2)]).toEqual([NaN, -Infinity, 2]);
    expect(Object.is(of('min', 0, -0), -0)).toBe(true);
    expect(Object.is(of('max', -0, 0), 0)).toBe(true);
  });

  it('give the deviation of the sample', () => {
    // 2, 4, 4, 4, 5, 5, 7, 9: squares of deviations from 5 sum to 32; of 8 values, 32 / 7.
    expect(of('stddev', 2, 4, 4, 4, 5, 5, 7, 9)).toBeCloseTo(Math.sqrt(32 / 7), 14);
    expect(of('stddev', 2n, 4n, 4n, 4n, 5n, 5n, 7n, 9n)).toBe(Math.sqrt(32 / 7));
    expect(of('stddev', 3n)).toBeNull();
    expect(of('stddev', 1e15 + 1, 1e15 + 2, 1e15 + 3)).toBe(1);
  });
});

describe('floating sums', () => {
  const values: SlicedValue[] = [
    { slice: 4, value: 1 }, { slice: 5, value: 1e16 }, { slice: 6, value: -1e16 }, { slice: 4, value: 1 },
  ];

  it('follow record order inside a slice', () => {
    expect(of('sum', 1e16, 1, -1e16)).toBe(0);
    expect(of('sum', 1e16, -1e16, 1)).toBe(1);
  });

  it('merge slices in time order, from the left', () => {
    expect(aggregate('sum', 'float64', values, { merge: 'left', firstSlice: 4, slicesPerWindow: 3 })).toBe((2 + 1e16) - 1e16);
  });

  it('merge by blocks of absolute slice numbers: the earlier part backwards, the later forwards', () => {
    // Slices 4, 5, 6 with blocks of three: 4 and 5 lie in block 1, 6 in block 2.
    expect(aggregate('sum', 'float64', values, { merge: 'blocks', firstSlice: 4, slicesPerWindow: 3 })).toBe((2 + 1e16) + -1e16);
    // With blocks of four, 4 to 7 are one block and the window of 3 to 6 has 3 alone before it.
    const four = [...values, { slice: 3, value: 1 }];
    expect(aggregate('sum', 'float64', four, { merge: 'blocks', firstSlice: 3, slicesPerWindow: 4 })).toBe(1 + ((2 + 1e16) - 1e16));
    // 2 to 5 with blocks of six: all in block 0, so backwards: 1 + (1e16 + (-1e16 + 1)) keeps nothing of the first one.
    const six = [1, 1e16, -1e16, 1].map((value, i) => ({ slice: i + 2, value }));
    expect(aggregate('sum', 'float64', six, { merge: 'blocks', firstSlice: 2, slicesPerWindow: 6 })).toBe(1 + (1e16 + (-1e16 + 1)));
    expect(aggregate('sum', 'float64', six, { merge: 'left', firstSlice: 2, slicesPerWindow: 6 })).toBe(((1 + 1e16) - 1e16) + 1);
  });
});

describe('cells', () => {
  it('order text by code point, integers by value, and null below all', () => {
    expect(['b', '\u{10000}', '\uffff', '', null, 'a'].sort(compareCells)).toEqual([null, '', 'a', 'b', '\uffff', '\u{10000}']);
    expect(compareCells(2n ** 53n + 1n, 2 ** 53)).toBeGreaterThan(0);
  });

  it('tell keys of several columns apart', () => {
    expect(keyTextOf(['a', 'b,c'])).not.toBe(keyTextOf(['a,b', 'c']));
    expect(keyTextOf([null])).not.toBe(keyTextOf(['null']));
  });

  it('are the same by value whatever holds an integer, and bit for bit as floats', () => {
    expect([sameCell(1n, 1), sameCell(2n ** 53n + 1n, 2 ** 53), sameCell(1n, null), sameCell(NaN, NaN)]).toEqual([true, false, false, true]);
    expect([sameCell(0, -0), sameCell(1, 1 + 1e-12), sameCell(1, 1 + 1e-12, 1e-9), sameCell('a', 'a')]).toEqual([false, false, true, true]);
  });
});
