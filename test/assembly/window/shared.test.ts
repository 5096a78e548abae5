/**
 * What overlapping windows share (assembly/window/shared.ts): the work of a firing, and that sharing never shows in a
 * result. Rows are dense, so that keys are in many slices each; sparse ones are in aggregate.test.ts.
 */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom, uniform } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import type { WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';
import { type FiredRow, WindowHarness } from './harness.ts';
import { ReferenceWindows, type Row } from './reference.ts';
import { drain, restored } from './snapshots.ts';

const MIN_TIME = Number.MIN_SAFE_INTEGER;
const SLIDE = 10;

const specFor = (slices: number, key: Physical = Physical.I64): WindowAggregateSpec => ({
  state: 1,
  key,
  sizeMs: slices * SLIDE,
  slideMs: SLIDE,
  offsetMs: 3,
  aggregates: [
    specOf({ name: 'sum', fn: 'sum', input: Physical.F64, nullable: false }),
    specOf({ name: 'most', fn: 'max', input: Physical.I64, nullable: true }),
  ],
});
/** As above, of integers only: small ones lie in narrow entries, beside large ones in wide ones. */
const integersFor = (slices: number, key: Physical = Physical.I64): WindowAggregateSpec => ({
  ...specFor(slices, key),
  aggregates: [
    specOf({ name: 'sum', fn: 'sum', input: Physical.I64, nullable: false }),
    specOf({ name: 'most', fn: 'max', input: Physical.I64, nullable: true }),
  ],
});

const REFERENCE = { float: [true, false], integers: [false, false] };

interface Shape {
  readonly keys: number;
  /** Slices of time that rows cover. */
  readonly spanSlices: number;
  /** One of so many rows is behind, by up to `behindSlices`. */
  readonly behindOneOf: number;
  readonly behindSlices: number;
}

/** Every slice has a row of about two keys of three. */
function makeRows(random: Random, spec: WindowAggregateSpec, shape: Shape): Row[] {
  const rows: Row[] = [];
  let watermark = MIN_TIME;
  const isFloat = spec.aggregates[0]?.input === Physical.F64;
  for (let slice = 0; slice < shape.spanSlices; slice++) {
    for (let number = 0; number < shape.keys; number++) {
      if (below(random, 3) === 0) continue;
      const isBehind = below(random, shape.behindOneOf) === 0;
      const time = (slice - (isBehind ? below(random, shape.behindSlices) : 0)) * SLIDE + below(random, SLIDE);
      const large = BigInt(below(random, 2000)) * (below(random, 9) === 0 ? 2n ** 40n : 1n);
      rows.push({
        key: spec.key === Physical.VIEW ? 'k'.repeat(number % 29) + number : BigInt(number),
        time,
        watermark,
        values: [isFloat ? (uniform(random) - 0.5) * 1000 : large, below(random, 2) === 0 ? null : large],
      });
    }
    watermark = Math.max(watermark, (slice + 1) * SLIDE - 1);
  }
  return rows;
}

function referenceOf(spec: WindowAggregateSpec, rows: readonly Row[]): ReferenceWindows {
  const isFloat = spec.aggregates[0]?.input === Physical.F64;
  const kinds = (isFloat ? REFERENCE.float : REFERENCE.integers).map((float, i) => ({
    fn: i === 0 ? ('sum' as const) : ('max' as const),
    float,
  }));
  const reference = new ReferenceWindows(spec, kinds);
  rows.forEach((row, i) => reference.add(row, i));
  reference.fireThrough(Number.MAX_SAFE_INTEGER);
  return reference;
}

const textOf = (end: number, key: FiredRow['key'], results: FiredRow['results']): string =>
  `${end} ${String(key)}: ${results.map((result) => (Object.is(result, -0) ? '-0' : String(result))).join(' ')}`;

/** All that was given out, and the same of the reference, in one order. */
function compared(fired: readonly FiredRow[], reference: ReferenceWindows): [string[], string[]] {
  const expected = reference.fired.flatMap(({ end, rows }) => [...rows].map(([key, row]) => textOf(end, key, row)));
  return [fired.map(({ end, key, results }) => textOf(end, key, results)).sort(), expected.sort()];
}

const DENSE: Shape = { keys: 4, spanSlices: 0, behindOneOf: Number.MAX_SAFE_INTEGER, behindSlices: 1 };

test.each([1, 10, 100, 1000, 3600])(
  'over %d slices a firing merges at most four entries per key, whatever their number',
  async (slices) => {
    const spec = specFor(slices);
    const rows = makeRows(seededRandom(slices), spec, { ...DENSE, spanSlices: slices * 2 + 500 });
    const harness = new WindowHarness(await newKernels(), spec);
    harness.add(rows, 0, rows.length, 512);
    expect(harness.fired.length).toBeGreaterThan(rows.length * 0.8);
    expect(harness.aggregate.merges / harness.fired.length).toBeLessThan(slices === 1 ? 0.01 : 4);
  },
);

test('windows that grow merge at most two entries per key and firing', async () => {
  const spec = { ...specFor(1000), cumulating: true };
  const rows = makeRows(seededRandom(5), spec, { ...DENSE, spanSlices: 2500 });
  const harness = new WindowHarness(await newKernels(), spec);
  harness.add(rows, 0, rows.length, 512);
  expect(harness.fired.length).toBeGreaterThan(rows.length);
  expect(harness.aggregate.merges / harness.fired.length).toBeLessThan(2);
});

test('rows behind the watermark, of slices that were merged long ago, are in every window that comes', async () => {
  for (let seed = 1; seed <= 24; seed++) {
    const random = seededRandom(seed);
    const slices = [5, 9, 16, 40][seed % 4] ?? 5;
    const key = seed % 3 === 0 ? Physical.VIEW : Physical.I64;
    const spec = seed % 2 === 0 ? specFor(slices, key) : integersFor(slices, key);
    const behindOneOf = [3, 30, 300][below(random, 3)] ?? 3;
    const shape = { keys: 7, spanSlices: slices * 4, behindOneOf, behindSlices: slices + 2 };
    const rows = makeRows(random, spec, shape);
    const harness = new WindowHarness(await newKernels(), spec);
    harness.fireRows = 1 + below(random, 20);
    harness.add(rows, 0, rows.length, 1 + below(random, 60));
    harness.fireThrough(Number.MAX_SAFE_INTEGER);
    const reference = referenceOf(spec, rows);
    const [found, expected] = compared(harness.fired, reference);
    expect(found, `seed ${seed}`).toEqual(expected);
    expect(harness.late, `seed ${seed}`).toEqual(reference.late);
    harness.arena.clear(1);
    expect(harness.arena.usedBytes(), `seed ${seed}`).toBe(0);
  }
});

test('a gap in time, shorter or longer than a window, loses nothing and repeats nothing', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seededRandom(seed);
    const spec = specFor(30);
    const shape = { keys: 5, spanSlices: 45 + below(random, 40), behindOneOf: 20, behindSlices: 9 };
    const first = makeRows(random, spec, shape);
    const jump = (shape.spanSlices + 1 + below(random, 70)) * SLIDE;
    const second = makeRows(random, spec, shape).map((row) => ({
      ...row,
      time: row.time + jump,
      watermark: Math.max(shape.spanSlices * SLIDE - 1, row.watermark + jump),
    }));
    const rows = [...first, ...second];
    const harness = new WindowHarness(await newKernels(), spec);
    harness.add(rows, 0, rows.length, 100);
    harness.fireThrough(Number.MAX_SAFE_INTEGER);
    const [found, expected] = compared(harness.fired, referenceOf(spec, rows));
    expect(found, `seed ${seed}`).toEqual(expected);
  }
});

test('what windows share is prepared in bounded steps, and goes on after a restore between any two of them', async () => {
  const slices = 90;
  const spec = specFor(slices);
  const shape = { keys: 1200, spanSlices: slices + 5, behindOneOf: 1000, behindSlices: 40 };
  const rows = makeRows(seededRandom(77), spec, shape);
  const at = rows.findIndex(({ watermark }) => watermark >= (slices + 1) * SLIDE);
  const live = new WindowHarness(await newKernels(), spec);
  live.add(rows, 0, at, 512);
  const through = rows[at]?.watermark ?? 0;
  let steps = 0;
  const cuts: { runs: Uint8Array[]; fired: number }[] = [];
  const before: Uint8Array[] = [];
  while (live.aggregate.due(through)) {
    const mergesBefore = live.aggregate.merges;
    const firedBefore = live.fired.length;
    live.fireOnce();
    expect(live.aggregate.merges - mergesBefore).toBeLessThan(20_000);
    if (live.fired.length === firedBefore && live.aggregate.firing) steps++;
    live.arena.beginSnapshot();
    while (!drain(live, before, 64));
    cuts.push({ runs: [...before], fired: live.fired.length });
  }
  expect(steps).toBeGreaterThan(2);
  live.add(rows, at, rows.length, 512);
  live.fireThrough(Number.MAX_SAFE_INTEGER);
  for (const cut of cuts.filter((_, i) => i % 2 === 0)) {
    const again = await restored(spec, cut.runs);
    again.fireThrough(through);
    again.add(rows, at, rows.length, 512);
    again.fireThrough(Number.MAX_SAFE_INTEGER);
    expect(again.fired.map(({ end, key, results }) => textOf(end, key, results))).toEqual(
      live.fired.slice(cut.fired).map(({ end, key, results }) => textOf(end, key, results)),
    );
  }
});

test('without memory to share, windows give the same', async () => {
  const spec = specFor(40);
  const rows = makeRows(seededRandom(3), spec, { keys: 300, spanSlices: 150, behindOneOf: 50, behindSlices: 30 });
  const ample = new WindowHarness(await newKernels(), spec);
  let most = 0;
  ample.pause = () => {
    most = Math.max(most, ample.arena.usedBytes());
  };
  ample.add(rows, 0, rows.length, 512);
  const merges: number[] = [];
  for (const part of [0.97, 0.85, 0.75]) {
    const tight = new WindowHarness(await newKernels(), spec, Math.floor((most * part) / 4096) * 4096);
    tight.add(rows, 0, rows.length, 512);
    expect(tight.fired).toEqual(ample.fired);
    merges.push(tight.aggregate.merges);
  }
  // They had to do without.
  expect(Math.max(...merges)).toBeGreaterThan(ample.aggregate.merges * 3);
});

test('what windows share takes a sixth of the memory of the slices when these are many', async () => {
  const spec = specFor(900);
  const rows = makeRows(seededRandom(4), spec, { ...DENSE, keys: 100, spanSlices: 1900 });
  const harness = new WindowHarness(await newKernels(), spec);
  const slicesOnly = new WindowHarness(await newKernels(), spec);
  const half = rows.findIndex(({ watermark }) => watermark >= 900 * SLIDE - 1);
  slicesOnly.add(
    rows.slice(0, half).map((row) => ({ ...row, watermark: MIN_TIME })),
    0,
    half,
    512,
  );
  let most = 0;
  harness.pause = () => {
    most = Math.max(most, harness.arena.usedBytes());
  };
  harness.add(rows, 0, rows.length, 512);
  expect(most / slicesOnly.arena.usedBytes()).toBeLessThan(1.17);
});
