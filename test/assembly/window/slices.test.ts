/** The room that a window's table is given at once, which is planned from the windows beside it. */
import { expect, test } from 'vitest';
import { Physical } from '../../../src/data/types.ts';
import type { WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';
import { WindowHarness } from './harness.ts';
import type { Row } from './reference.ts';

const KEYS = 3000;
const SPEC: WindowAggregateSpec = {
  state: 1,
  key: Physical.I64,
  sizeMs: 10,
  slideMs: 10,
  offsetMs: 0,
  aggregates: [specOf({ name: 'n', fn: 'count', input: undefined, nullable: false })],
};

/** So many keys in the window that starts at `time`, each once. */
const rowsOf = (keys: number, time: number): Row[] =>
  Array.from({ length: keys }, (_, i) => ({ key: BigInt(i * 7), time, watermark: -1, values: [1] }));

function add(harness: WindowHarness, rows: readonly Row[]): void {
  harness.add(rows, 0, rows.length, 512);
}

test('a window beside a full one is given its room with the first row, and holds what any window holds', async () => {
  const harness = new WindowHarness(await newKernels(), SPEC);
  add(harness, rowsOf(KEYS, 0));
  const before = harness.arena.stateBytes(1);
  add(harness, rowsOf(1, 10));
  const planned = harness.arena.stateBytes(1) - before;
  expect(planned).toBeGreaterThan(before / 2);
  add(harness, rowsOf(KEYS, 10));
  expect(harness.arena.stateBytes(1) - before).toBeLessThan(planned * 1.5);
  expect(harness.arena.countsHold(1)).toBe(true);
  harness.fireThrough(100);
  expect(harness.fired.map(({ end }) => end)).toEqual([...Array(KEYS).fill(10), ...Array(KEYS).fill(20)]);
  const [first, second] = [harness.fired.slice(0, KEYS), harness.fired.slice(KEYS)];
  expect(second.map(({ key }) => key)).toEqual(first.map(({ key }) => key));
  expect(second.map(({ key, results }) => [key, results[0]])).toEqual(
    first.map(({ key }) => [key, key === 0n ? 2n : 1n]),
  );
  expect(harness.arena.countsHold(1)).toBe(true);
});

test.each([
  ['later and later', (i: number) => 10 + i * 10],
  ['earlier and earlier', (i: number) => 2000 - i * 10],
])('of many windows with one key, %s, beside a full one only one is given its room', async (_, timeOf) => {
  const harness = new WindowHarness(await newKernels(), SPEC);
  add(harness, rowsOf(KEYS, 0));
  const before = harness.arena.stateBytes(1);
  for (let i = 0; i < 200; i++) add(harness, rowsOf(1, timeOf(i)));
  expect(harness.arena.stateBytes(1) - before).toBeLessThan(before * 2 + 200 * 8192);
});

test('without memory for the planned room a window begins small', async () => {
  const measured = new WindowHarness(await newKernels(), SPEC);
  add(measured, rowsOf(KEYS, 0));
  const harness = new WindowHarness(await newKernels(), SPEC, measured.arena.usedBytes() + 65_536);
  add(harness, rowsOf(KEYS, 0));
  add(harness, rowsOf(20, 10));
  expect(harness.arena.countsHold(1)).toBe(true);
  harness.fireThrough(100);
  expect(harness.fired.length).toBe(KEYS + 20);
  expect(() => add(harness, rowsOf(KEYS * 4, 200))).toThrow('out of memory');
});
