/**
 * Where aggregates are easily wrong: the order of floats, sums beyond 2^53 and 2^64, small differences of large values.
 */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import { newKernels } from '../../support/kernels.ts';
import { WindowHarness } from '../window/harness.ts';
import type { Value } from '../window/reference.ts';
import { type AggregateName, specOf } from '../../support/aggregate-specs.ts';

/** One result over values that lie in the given slices of one hopping window. */
async function over(
  fn: AggregateName,
  input: Physical,
  slices: readonly (readonly (number | bigint)[])[],
): Promise<Value | undefined> {
  const size = Math.max(1, slices.length);
  const harness = new WindowHarness(await newKernels(), {
    state: 1,
    key: undefined,
    sizeMs: size,
    slideMs: 1,
    offsetMs: 0,
    aggregates: [specOf({ name: 'result', fn, input, nullable: false })],
  });
  const rows = slices.flatMap((values, time) =>
    values.map((value) => ({ key: null, time, watermark: -1, values: [value] })),
  );
  harness.add(rows, 0, rows.length, 100);
  harness.fireThrough(100);
  return harness.fired.find((row) => row.end === size)?.results[0];
}

test('orders floats as Double.compare: -0 below +0, NaN above everything', async () => {
  expect(await over('min', Physical.F64, [[0, -0]])).toBe(-0);
  expect(await over('min', Physical.F64, [[-0, 0]])).toBe(-0);
  expect(await over('max', Physical.F64, [[-0, 0]])).toBe(0);
  expect(await over('max', Physical.F64, [[0], [-0]])).toBe(0);
  expect(await over('max', Physical.F64, [[1, Number.NaN], [Infinity]])).toBe(Number.NaN);
  expect(await over('min', Physical.F64, [[Number.NaN, 5], [Number.NaN]])).toBe(5);
  expect(await over('min', Physical.F64, [[Number.NaN], [Number.NaN]])).toBe(Number.NaN);
  expect(await over('max', Physical.F64, [[-Infinity]])).toBe(-Infinity);
});

test('keeps the ends of int64 and int32', async () => {
  expect(await over('min', Physical.I64, [[2n ** 63n - 1n], [-(2n ** 63n)]])).toBe(-(2n ** 63n));
  expect(await over('max', Physical.I64, [[-(2n ** 63n)]])).toBe(-(2n ** 63n));
  expect(await over('sum', Physical.I32, [[2147483647, 2147483647], [2147483647]])).toBe(3n * 2147483647n);
  expect(await over('sum', Physical.I64, [[2n ** 63n - 1n, 1n, -1n], [0n]])).toBe(2n ** 63n - 1n);
});

test('averages of integers are the nearest float of the exact sum, divided once', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const values = Array.from({ length: 1 + below(random, 50) }, () =>
      BigInt.asIntN(64, (BigInt(random.u32()) << 32n) | BigInt(random.u32())),
    );
    const exact = values.reduce((a, b) => a + b, 0n);
    expect(await over('avg', Physical.I64, [values.slice(0, 9), values.slice(9)]), `seed ${seed}`).toBe(
      Number(exact) / values.length,
    );
  }
});

test('adds floats in record order, and slices in time order', async () => {
  expect(await over('sum', Physical.F64, [[1e16, 1, -1e16]])).toBe(0);
  expect(await over('sum', Physical.F64, [[1e16, -1e16, 1]])).toBe(1);
  expect(await over('sum', Physical.F64, [[1e16], [1], [-1e16]])).toBe(0);
  expect(await over('sum', Physical.F64, [[1e16], [-1e16], [1]])).toBe(1);
});

test('the standard deviation of values far from zero does not lose their differences, however slices divide them', async () => {
  for (const slices of [[[4, 7, 13, 16]], [[4], [7, 13], [16]], [[4, 7, 13], [16]]]) {
    const far = slices.map((slice) => slice.map((value) => value + 1e9));
    expect(await over('stddev', Physical.F64, far)).toBeCloseTo(Math.sqrt(30), 9);
  }
  expect(await over('stddev', Physical.F64, [[3]])).toBe(null);
  expect(await over('stddev', Physical.I64, [[3n], [3n]])).toBe(0);
});
