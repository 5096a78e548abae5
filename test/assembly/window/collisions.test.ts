/** Keys whose hashes are all the same, which a user can make at will: slow, but right. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import type { WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { newKernels } from '../../support/kernels.ts';
import { WindowHarness } from './harness.ts';
import type { Row } from './reference.ts';
import { specOf } from '../../support/aggregate-specs.ts';

const MASK = (1n << 64n) - 1n;

/** The factor that undoes a multiplication by an odd number modulo 2^64, by Newton's iteration. */
function inverse(odd: bigint): bigint {
  let x = odd;
  for (let i = 0; i < 6; i++) x = (x * (2n - odd * x)) & MASK;
  return x;
}

const undoShift = (value: bigint): bigint => value ^ (value >> 33n);

/** An int64 whose key hash is `hash`; one for each `low`. */
function keyWithHash(hash: number, low: number): bigint {
  let h = undoShift((BigInt(hash) << 32n) | BigInt(low));
  h = undoShift((h * inverse(0xc4ceb9fe1a85ec53n)) & MASK);
  h = undoShift((h * inverse(0xff51afd7ed558ccdn)) & MASK);
  return BigInt.asIntN(64, h - 0x9e3779b97f4a7c15n);
}

const SPEC: WindowAggregateSpec = {
  state: 1,
  key: Physical.I64,
  sizeMs: 1,
  slideMs: 1,
  offsetMs: 0,
  aggregates: [specOf({ name: 'n', fn: 'count', input: undefined, nullable: false })],
};

test('keys of one hash are kept apart, more of them than a segment of the usual size holds, fire in the order of their values, and survive any size of step', async () => {
  const hash = 0x9abcdef0;
  const random = seededRandom(4);
  const keys = Array.from({ length: 4000 }, (_, i) => keyWithHash(hash, i));
  const harness = new WindowHarness(await newKernels(), SPEC);
  const rows: Row[] = Array.from({ length: 8000 }, (_, i) => ({
    key: keys[i < keys.length ? i : below(random, keys.length)] ?? 0n,
    time: 0,
    watermark: -1,
    values: [1],
  }));
  harness.add(rows, 0, rows.length, 512);
  expect(harness.arena.countsHold(1)).toBe(true);
  const probe = harness.kernels.memory.allocate(8);
  harness.kernels.memory.i64[probe >>> 3] = keys[17] ?? 0n;
  expect(harness.kernels.function('hashInt64At')(probe) >>> 0).toBe(hash);
  harness.fireRows = 509;
  harness.fireThrough(0);
  const counts = new Map<bigint | string | null, bigint>();
  for (const { key } of rows) counts.set(key, (counts.get(key) ?? 0n) + 1n);
  const expected = [...counts].sort(([a], [b]) => (BigInt(a ?? 0) < BigInt(b ?? 0) ? -1 : 1));
  expect(harness.fired.map((row) => [row.key, row.results[0]])).toEqual(expected);
});

test('a few keys of one hash among many others come in order, one row at a time', async () => {
  const harness = new WindowHarness(await newKernels(), SPEC);
  const shared = [5, 3, 9, 1].map((low) => keyWithHash(0x12345678, low));
  const keys = [...Array.from({ length: 300 }, (_, i) => BigInt(i)), ...shared];
  harness.add(
    keys.map((key) => ({ key, time: 0, watermark: -1, values: [1] })),
    0,
    keys.length,
    64,
  );
  harness.fireRows = 1;
  harness.fireThrough(0);
  const fired = harness.fired.map((row) => row.key);
  expect(new Set(fired)).toEqual(new Set(keys));
  expect(fired.length).toBe(keys.length);
  expect(fired.filter((key) => shared.includes(key as bigint))).toEqual(shared.toSorted((a, b) => (a < b ? -1 : 1)));
});
