/** Rows that reopen windows, by hand; generated ones go through the whole engine (test/simulation/oracle-windows.test.ts). */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import type { WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';
import { WindowHarness } from './harness.ts';
import type { Row } from './reference.ts';

const MIN_TIME = Number.MIN_SAFE_INTEGER;
const MAX_TIME = Number.MAX_SAFE_INTEGER;
const [INSERT, BEFORE, AFTER] = [0, 1, 2];

const SPEC: WindowAggregateSpec = {
  state: 1,
  key: Physical.I64,
  sizeMs: 10,
  slideMs: 10,
  offsetMs: 0,
  latenessMs: 20,
  aggregates: [specOf({ name: 'most', fn: 'max', input: Physical.I64, nullable: false })],
};

const row = (time: number, value: bigint, watermark = MIN_TIME, key = 1n): Row => ({
  key,
  time,
  watermark,
  values: [value],
});

async function after(spec: WindowAggregateSpec, rows: readonly Row[]): Promise<WindowHarness> {
  const harness = new WindowHarness(await newKernels(), spec);
  harness.add(rows, 0, rows.length, 100);
  return harness;
}

/** End, result and kind of every row that was given out. */
const given = ({ fired }: WindowHarness): unknown[][] =>
  fired.map(({ end, results, kind }) => (kind === undefined ? [end, results[0]] : [end, results[0], kind]));

// [0, 10) has passed at 9 and is closed at 29; a key that is new to it comes late, too.
const ROWS = [
  row(5, 3n),
  row(35, 1n),
  row(4, 7n, 20),
  row(3, 6n, 20),
  row(2, 1n, 20, 2n),
  row(1, 9n, 28),
  row(1, 99n, 29),
];

test('a late row gives the whole result again, until the window is closed', async () => {
  const harness = await after(SPEC, ROWS);
  expect(given(harness)).toEqual([
    [10, 3n],
    [10, 7n],
    [10, 7n],
    [10, 1n],
    [10, 9n],
  ]);
  expect(harness.late).toEqual([6]);
});

test('a late row alone gives its result when it is discarding, and enters no state', async () => {
  const harness = await after({ ...SPEC, results: 'discarding' }, ROWS);
  expect(given(harness)).toEqual([
    [10, 3n],
    [10, 7n],
    [10, 6n],
    [10, 1n],
    [10, 9n],
  ]);
  expect(harness.arena.stateEntries(1)).toBe(1);
});

test('a late row takes the earlier result back when it is retracting, but not when nothing changes', async () => {
  const harness = await after({ ...SPEC, results: 'retracting' }, ROWS);
  expect(given(harness)).toEqual([
    [10, 3n, INSERT],
    [10, 3n, BEFORE],
    [10, 7n, AFTER],
    [10, 1n, INSERT],
    [10, 7n, BEFORE],
    [10, 9n, AFTER],
  ]);
});

test('running behind the watermarks gives one result, with the rows that came in the meantime', async () => {
  const harness = await after({ ...SPEC, latenessMs: 0, delayMs: 20 }, ROWS);
  expect(given(harness)).toEqual([
    [10, 9n],
    [10, 1n],
  ]);
  expect(harness.late).toEqual([6]);
});

test('a late row fires every hopping window again that has passed and is not closed, in the order of their ends', async () => {
  const spec = { ...SPEC, sizeMs: 30, slideMs: 10, results: 'retracting' } as const;
  const harness = await after(spec, [row(5, 3n), row(21, 1n), row(5, 7n, 25)]);
  expect(given(harness)).toEqual([
    [10, 3n, INSERT],
    [20, 3n, INSERT],
    [10, 3n, BEFORE],
    [10, 7n, AFTER],
    [20, 3n, BEFORE],
    [20, 7n, AFTER],
  ]);
  harness.fireThrough(29);
  expect(given(harness).slice(6)).toEqual([[30, 7n, INSERT]]);
});

test('a row that reopens more windows than the output has room for gives the rest in further steps', async () => {
  const spec: WindowAggregateSpec = {
    ...SPEC,
    sizeMs: 36_000,
    slideMs: 10,
    latenessMs: 100_000,
    results: 'retracting',
  };
  const harness = await after(spec, [row(5, 3n), row(80_000, 1n, 50_000), row(5, 7n, 50_000)]);
  const corrections = harness.fired.filter(({ kind }) => kind !== INSERT);
  expect(corrections.length).toBe(2 * 3_600);
  expect(corrections.map(({ end }) => end)).toEqual(Array.from({ length: 7_200 }, (_, i) => 10 + (i >> 1) * 10));
  expect(new Set(corrections.map(({ results, kind }) => `${kind} ${results[0]}`))).toEqual(new Set(['1 3', '2 7']));
});

test('state is kept to the end of the lateness and not longer', async () => {
  const harness = await after(SPEC, [row(5, 3n), row(12, 1n)]);
  harness.fireThrough(28);
  expect(harness.arena.stateEntries(1)).toBe(2);
  harness.fireThrough(29);
  expect(harness.arena.stateEntries(1)).toBe(1);
  harness.fireThrough(MAX_TIME);
  expect(harness.arena.stateEntries(1)).toBe(0);
});

test('what a late row reopens is the same after a restore, whenever the snapshot was taken', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const spec: WindowAggregateSpec = {
      ...SPEC,
      ...[{ sizeMs: 30 }, { sizeMs: 10 }, { sizeMs: 30, cumulating: true }][below(random, 3)],
      results: (['accumulating', 'discarding', 'retracting'] as const)[below(random, 3)] ?? 'accumulating',
    };
    let watermark = MIN_TIME;
    const rows = Array.from({ length: 400 }, (_, i) => {
      const made = row(i - below(random, 60), BigInt(below(random, 1000)), watermark, BigInt(below(random, 5)));
      watermark = Math.max(watermark, made.time - 1);
      return made;
    });
    const live = new WindowHarness(await newKernels(), spec);
    const half = below(random, rows.length);
    live.add(rows, 0, half, 1 + below(random, 50));
    const before = live.fired.length;
    const copy = await copyOf(live, spec);
    live.add(rows, half, rows.length, 7);
    copy.add(rows, half, rows.length, 50);
    expect(copy.fired, `seed ${seed}`).toEqual(live.fired.slice(before));
    expect(live.fired.length, `seed ${seed}`).toBeGreaterThan(100);
  }
});

async function copyOf(live: WindowHarness, spec: WindowAggregateSpec): Promise<WindowHarness> {
  const copy = new WindowHarness(await newKernels(), spec);
  const [out, into] = [live, copy].map(({ kernels }) => kernels.memory.allocate(4096));
  if (out === undefined || into === undefined) throw new Error('no buffers');
  live.arena.beginSnapshot();
  for (let bytes = live.arena.drainSnapshot(out, 4096); bytes !== 0; bytes = live.arena.drainSnapshot(out, 4096)) {
    if (bytes === 'spoiled') throw new Error('no memory for captures');
    copy.kernels.memory.u8.set(live.kernels.memory.u8.slice(out, out + bytes), into);
    expect(copy.arena.restoreRuns(into, bytes)).toBe('ok');
  }
  expect(copy.arena.reopen()).toBe('ok');
  return copy;
}
