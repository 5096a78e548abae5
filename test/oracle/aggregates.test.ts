/** Aggregates of the oracle by hand, and the order of floating sums where the order can be seen. */
import { describe, expect, it } from 'vitest';
import { aggregate, type AggregateKind, type Fold, type SlicedValue, type SliceMerge } from './aggregates.ts';
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
  // Beside 1e16 a lone 1 is rounded away and a 2 is not, so each grouping of these shows in its sum.
  const [big, more] = [1e16, 1e16 + 2];
  const sumOf = (
    merge: SliceMerge,
    firstSlice: number,
    slicesPerWindow: number,
    ...values: (readonly [number, number])[]
  ): Cell =>
    aggregate(
      'sum',
      'float64',
      values.map(([slice, value]) => ({ slice, value })),
      { merge, firstSlice, slicesPerWindow },
    );

  it('follow record order inside a slice', () => {
    expect(of('sum', 1e16, 1, -1e16)).toBe(0);
    expect(of('sum', 1e16, -1e16, 1)).toBe(1);
  });

  it('merge slices in time order, from the left, in whatever order rows came', () => {
    expect(sumOf('left', 4, 3, [4, 1], [5, 1], [6, big])).toBe(more);
    expect(sumOf('left', 4, 3, [6, 1], [5, 1], [4, big])).toBe(big);
    expect(sumOf('left', 4, 3, [5, big], [4, 1], [4, 1])).toBe(more);
  });

  it('merge by blocks of absolute slice numbers: the earlier part backwards, the later forwards', () => {
    // Blocks of three: slices 1 and 2 end block 0, slice 3 begins block 1. (big + 1) + 1 against big + (1 + 1).
    expect(sumOf('blocks', 1, 3, [1, big], [2, 1], [3, 1])).toBe(big);
    // Slice 2 ends block 0; 3 and 4 begin block 1.
    expect(sumOf('blocks', 2, 3, [2, big], [3, 1], [4, 1])).toBe(more);
    expect(sumOf('left', 2, 3, [2, big], [3, 1], [4, 1])).toBe(big);
    // Blocks of four: 1, 2 and 3 end block 0, folded backwards, also when the key has nothing in slice 4.
    expect(sumOf('blocks', 1, 4, [1, big], [2, 1], [3, 1])).toBe(more);
    // A window that is a block folds forwards.
    expect(sumOf('blocks', 3, 3, [3, big], [4, 1], [5, 1])).toBe(big);
  });
});

describe('cells', () => {
  it('order text by code point, integers by value, and null below all', () => {
    expect(['b', '\u{10000}', '\uffff', '', null, 'a'].sort(compareCells)).toEqual([
      null,
      '',
      'a',
      'b',
      '\uffff',
      '\u{10000}',
    ]);
    expect(compareCells(2n ** 53n + 1n, 2 ** 53)).toBeGreaterThan(0);
  });

  it('tell keys of several columns apart', () => {
    expect(keyTextOf(['a', 'b,c'])).not.toBe(keyTextOf(['a,b', 'c']));
    expect(keyTextOf([null])).not.toBe(keyTextOf(['null']));
  });

  it('are the same by value whatever holds an integer, and bit for bit as floats', () => {
    expect([sameCell(1n, 1), sameCell(2n ** 53n + 1n, 2 ** 53), sameCell(1n, null), sameCell(NaN, NaN)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect([sameCell(0, -0), sameCell(1, 1 + 1e-12), sameCell(1, 1 + 1e-12, 1e-9), sameCell('a', 'a')]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
