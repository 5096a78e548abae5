/**
 * Windowed aggregation against the row-by-row reference: any batches, any disorder, interrupted and restored anywhere.
 */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom, uniform } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import type { WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { AGGREGATES } from '../../../src/plan/aggregates.ts';
import { newCoreKernels, newKernels } from '../../support/kernels.ts';
import { type FiredRow, WindowHarness } from './harness.ts';
import { type ReferenceAggregate, ReferenceWindows, type Row, type Value } from './reference.ts';
import { drain, restored } from './snapshots.ts';
import { type AggregateName, type NamedAggregate, type NamedSpec, specOf } from '../../support/aggregate-specs.ts';

const TYPES = [Physical.I32, Physical.I64, Physical.F64] as const;
const NUMERIC: readonly string[] = ['count', 'sum', 'avg', 'stddev', 'variance', 'quantile', 'median'];
const LISTS: readonly string[] = ['topK', 'collectList', 'joinText'];
// Each entry is a kernel; the first ones, which have narrow forms, stand twice.
const FUNCTIONS = (['count', 'sum', 'min', 'max', 'avg'] as AggregateName[]).concat(
  // The keys of AGGREGATES are its names.
  Object.keys(AGGREGATES) as AggregateName[],
);
const MIN_TIME = Number.MIN_SAFE_INTEGER;

type NamedWindowSpec = Omit<WindowAggregateSpec, 'aggregates'> & { readonly aggregates: readonly NamedSpec[] };

interface Case {
  readonly spec: NamedWindowSpec;
  readonly reference: readonly ReferenceAggregate[];
  readonly rows: readonly Row[];
}

function makeCase(random: Random): Case {
  const pick = <T>(items: readonly T[]): T => items[below(random, items.length)] as T;
  const aggregates: NamedSpec[] = Array.from({ length: below(random, 5) }, (_, i) =>
    specOf(randomAggregate(random, `a${i}`)),
  );
  aggregates.push(specOf({ name: 'rows', fn: 'count', input: undefined, nullable: below(random, 2) === 0 }));
  const slideMs = pick([10, 100, 1000]);
  const sizeMs = slideMs * pick([1, 1, 3, 2.5, 6, 12.5, 60]);
  const key = pick([Physical.I64, Physical.I64, Physical.VIEW, Physical.VIEW, Physical.I32, undefined]);
  const keys = pick(sizeMs > slideMs * 3 ? [1, 5, 20] : [1, 5, 100, 3000]);
  const spec = { state: 1 + below(random, 255), key, sizeMs, slideMs, offsetMs: pick([0, 3, -7]), aggregates };
  const rows = makeRows(random, spec, keys, 500 + below(random, 3000));
  return { spec, rows, reference: aggregates.map(referenceOf) };
}

const referenceOf = ({ fn, input, by, parameter = 0 }: NamedSpec): ReferenceAggregate => ({
  fn,
  parameter,
  float: input === Physical.F64,
  byFloat: by === Physical.F64,
});

function randomAggregate(random: Random, name: string): NamedAggregate {
  const pick = <T>(items: readonly T[]): T => items[below(random, items.length)] as T;
  const fn = pick(FUNCTIONS);
  const nullable = below(random, 2) === 0;
  if (fn === 'any' || fn === 'all') return { name, fn, input: Physical.BOOL, nullable };
  const input = NUMERIC.includes(fn)
    ? pick(TYPES)
    : fn === 'joinText'
      ? Physical.VIEW
      : pick([...TYPES, Physical.VIEW]);
  const more = parametersOf(random, fn, input);
  return fn.startsWith('arg') ? { name, fn, input, nullable, by: pick(TYPES) } : { name, fn, input, nullable, ...more };
}

const COLUMN_KINDS = { [Physical.VIEW]: 'utf8', [Physical.F64]: 'float64' } as const;

/** What the API would tell the kernels besides columns. */
function parametersOf(random: Random, fn: string, input: Physical): Partial<NamedAggregate> {
  if (fn === 'median') return { parameter: 0.5 };
  if (fn === 'quantile') return { parameter: below(random, 11) / 10 };
  if (fn === 'joinText') return { parameter: 1 + below(random, 9), text: ', ' };
  if (fn !== 'topK' && fn !== 'collectList') return {};
  const kind = input === Physical.VIEW || input === Physical.F64 ? COLUMN_KINDS[input] : 'int64';
  return { parameter: 1 + below(random, 12), list: { of: { kind, nullable: false }, counted: fn === 'topK' } };
}

function makeRows(random: Random, spec: NamedWindowSpec, keys: number, count: number): Row[] {
  const start = below(random, 2) === 0 ? -5000 : 1_700_000_000_000;
  const delay = below(random, 3) * spec.slideMs;
  const step = 1 + below(random, 4);
  let at = start;
  let watermark = MIN_TIME;
  return Array.from({ length: count }, () => {
    at += below(random, step * 2);
    const time = at - (below(random, 4) === 0 ? below(random, spec.sizeMs * 3) : 0);
    const row = {
      key: makeKey(random, spec.key, keys),
      time,
      watermark,
      values: spec.aggregates.map((a) => makeValue(random, a)),
      by: spec.aggregates.map((a) => (a.by === undefined ? null : makeValue(random, { ...a, input: a.by }))),
    };
    watermark = Math.max(watermark, time - delay - 1);
    return row;
  });
}

function makeKey(random: Random, type: Physical | undefined, keys: number): bigint | string | null {
  const number = below(random, keys);
  if (type === undefined) return null;
  if (type === Physical.VIEW) return 'k'.repeat(number % 29) + number;
  return type === Physical.I64 && number % 7 === 0 ? -(2n ** 63n) + BigInt(number) : BigInt(number) - 3n;
}

function makeValue(random: Random, { fn, input, nullable }: NamedSpec): Value {
  if (nullable && below(random, 3) === 0) return null;
  if (input === undefined) return 1;
  if (input === Physical.BOOL) return BigInt(below(random, 8) !== 0);
  if (input === Physical.VIEW) return 'text '.repeat(below(random, 8)) + below(random, 100);
  if (input === Physical.F64) return floatValue(random, fn);
  const near = BigInt(below(random, 2000) - 1000);
  // The ends of int32, and what lies just beyond them: the border between narrow and wide entries.
  if (input === Physical.I64 && below(random, 30) === 0) return DEVIATIONS.includes(fn) ? near : pickBorder(random);
  if (LISTS.includes(fn)) return near;
  // Values near the ends of int64 leave it on the way in a sum; that their end is representable is seen to by the sign.
  return input === Physical.I64 && fn !== 'sum' && !DEVIATIONS.includes(fn) && below(random, 20) === 0
    ? near + 2n ** 62n * (near < 0n ? -1n : 1n)
    : near;
}

const DEVIATIONS: readonly string[] = ['stddev', 'variance'];
const BORDERS = [2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), -(2n ** 31n) - 1n];
const pickBorder = (random: Random): bigint => BORDERS[below(random, BORDERS.length)] ?? 0n;

function floatValue(random: Random, fn: string): number {
  const special = below(random, 40);
  if (/^(min|max|arg)/.test(fn) && special < 3) return [Number.NaN, -0, 0][special] ?? 0;
  return (uniform(random) - 0.5) * 1000;
}

/** Same value: bit for bit, but for deviations, which the reference computes another way. */
function agrees(fn: string, found: Value, expected: Value): boolean {
  if (DEVIATIONS.includes(fn) && typeof found === 'number' && typeof expected === 'number') {
    return Math.abs(found - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
  }
  if (fn === 'approxCountDistinct')
    return Math.abs(Number(found) - Number(expected)) <= Math.max(1, Number(expected) * 0.08);
  if ((fn === 'quantile' || fn === 'median') && typeof found === 'number' && typeof expected === 'number')
    return Object.is(found, expected) || Math.abs(found - expected) <= 0.010001 * Math.abs(expected);
  if (fn === 'topK' && typeof found === 'string' && typeof expected === 'string')
    return agreesOnCounts(found, expected);
  return Object.is(found, expected);
}

/** Counts within their errors, and these within the bound; `expected` has k and then the true counts by value. */
function agreesOnCounts(found: string, expected: string): boolean {
  const items = JSON.parse(found) as { value: unknown; count: number; error: number }[];
  const [k, ...counts] = JSON.parse(expected) as [number, ...[string, number][]];
  const rows = counts.reduce((sum, [, count]) => sum + count, 0);
  const bound = rows / Math.max(64, 8 * k);
  const byValue = new Map(counts);
  const within = items.every(({ value, count, error }) => {
    const true_ = byValue.get(JSON.stringify(value)) ?? 0;
    return count - error <= true_ && true_ <= count && error <= bound;
  });
  const frequent = counts.filter(([, count]) => count > bound).map(([, count]) => count);
  const least = frequent.sort((a, b) => b - a)[k - 1] ?? 0;
  return within && items.length === Math.min(k, counts.length) && items.every(({ count }) => count >= least);
}

function compare(
  { spec, reference, rows }: Case,
  fired: readonly FiredRow[],
  late: readonly number[],
  seed: number,
): ReferenceWindows {
  const oracle = new ReferenceWindows(spec, reference);
  rows.forEach((row, i) => oracle.add(row, i));
  oracle.fireThrough(Number.MAX_SAFE_INTEGER);
  expect(late, `late rows, seed ${seed}`).toEqual(oracle.late);
  let at = 0;
  for (const window of oracle.fired) {
    const found = fired.slice(at, at + window.rows.size);
    at += window.rows.size;
    expect(new Set(found.map((row) => row.key)).size, `keys of window ${window.end}, seed ${seed}`).toBe(
      window.rows.size,
    );
    for (const row of found) {
      const expected = window.rows.get(row.key);
      const same =
        row.end === window.end
        && expected?.every((value, i) => agrees(reference[i]?.fn ?? '', row.results[i] ?? null, value));
      if (same !== true)
        expect.fail(
          `seed ${seed}: window ${window.end} key ${row.key}: ${row.end} ${row.results} instead of ${expected}`,
        );
    }
  }
  expect(fired.length, `rows fired, seed ${seed}`).toBe(at);
  return oracle;
}

test('fires the same windows and finds the same late rows as following row by row, however rows are batched', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const made = makeCase(random);
    const harness = new WindowHarness(await newKernels(), made.spec);
    harness.fireRows = 1 + below(random, 300);
    for (let at = 0; at < made.rows.length; ) {
      const to = Math.min(made.rows.length, at + 1 + below(random, below(random, 2) === 0 ? 3 : 512));
      harness.addBatch(made.rows, at, to, below(random, 2) === 0);
      at = to;
      if (below(random, 10) === 0) expect(harness.arena.countsHold(made.spec.state), `counts, seed ${seed}`).toBe(true);
    }
    harness.fireThrough(Number.MAX_SAFE_INTEGER);
    compare(made, harness.fired, harness.late, seed);
    expect(harness.arena.stateEntries(made.spec.state), `entries at the end, seed ${seed}`).toBe(0);
    harness.arena.clear(made.spec.state);
    expect(harness.arena.usedBytes(), `bytes at the end, seed ${seed}`).toBe(0);
  }
});

const CORE: readonly string[] = ['count', 'sum', 'min', 'max', 'avg', 'stddev', 'variance', 'any', 'all'];
const isOfCore = ({ fn, input }: NamedSpec): boolean => CORE.includes(fn) && input !== Physical.VIEW;

/** The tumbling windows of a case with the aggregates alone that the core edition has. */
function coreCase({ spec, rows }: Case): Case {
  const kept = spec.aggregates.flatMap((aggregate, i) => (isOfCore(aggregate) ? [i] : []));
  const only = <T>(all: readonly T[]): T[] => kept.map((i) => all[i] as T);
  const aggregates = only(spec.aggregates);
  return {
    spec: { ...spec, sizeMs: spec.slideMs, aggregates },
    reference: aggregates.map(referenceOf),
    rows: rows.map((row) => ({ ...row, values: only(row.values), by: kept.map(() => null) })),
  };
}

test('the core edition does the same for tumbling windows of plain aggregates, and refuses the others', async () => {
  let refused = 0;
  for (let seed = 2001; seed <= 2030; seed++) {
    const random = seededRandom(seed);
    const whole = makeCase(random);
    const made = coreCase(whole);
    const kernels = await newCoreKernels();
    if (!whole.spec.aggregates.every(isOfCore)) {
      expect(() => new WindowHarness(kernels, whole.spec), `seed ${seed}`).toThrow();
      kernels.reset();
      refused++;
    }
    const harness = new WindowHarness(kernels, made.spec);
    harness.fireRows = 1 + below(random, 300);
    harness.add(made.rows, 0, made.rows.length, 1 + below(random, 512));
    harness.fireThrough(Number.MAX_SAFE_INTEGER);
    compare(made, harness.fired, harness.late, seed);
    expect(harness.arena.stateEntries(made.spec.state), `entries left, seed ${seed}`).toBe(0);
  }
  expect(refused).toBeGreaterThan(10);
});

test('goes on after a restore exactly as if nothing had happened, from snapshots taken between any two batches or firing steps', async () => {
  for (let seed = 1001; seed <= 1030; seed++) {
    const random = seededRandom(seed);
    const made = makeCase(random);
    const live = new WindowHarness(await newKernels(), made.spec);
    live.fireRows = 1 + below(random, 200);
    const confirmed: Uint8Array[] = [];
    let pending: Uint8Array[] | undefined;
    let cut = { row: 0, fired: 0, late: 0, firing: false };
    let best = cut;
    let batch = 0;
    live.pause = () => {
      if (pending !== undefined && drain(live, pending, 1 + below(random, 8))) {
        if (below(random, 4) === 0) {
          live.arena.abortSnapshot();
        } else {
          confirmed.push(...pending);
          best = cut;
        }
        pending = undefined;
      } else if (pending === undefined && below(random, 3) === 0) {
        live.arena.beginSnapshot();
        pending = [];
        cut = { row: batch, fired: live.fired.length, late: live.late.length, firing: live.aggregate.firing };
      }
    };
    // A batch of one row, so that a firing inside it stands for exactly one position.
    for (let i = 0; i < made.rows.length; i++) {
      batch = i;
      live.addBatch(made.rows, i, i + 1, false);
      batch = i + 1;
      if (i % 7 === 0) live.pause();
    }
    live.pause = () => {};
    live.fireThrough(Number.MAX_SAFE_INTEGER);
    compare(made, live.fired, live.late, seed);

    const again = await restored(made.spec, confirmed);
    if (best.row === 0) continue;
    expect(again.arena.countsHold(made.spec.state), `counts after restore, seed ${seed}`).toBe(true);
    expect(again.aggregate.firing, `firing after restore, seed ${seed}`).toBe(best.firing);
    if (best.firing) again.fireWindow();
    for (let at = best.row; at < made.rows.length; at += 100)
      again.addBatch(made.rows, at, Math.min(made.rows.length, at + 100), false);
    again.fireThrough(Number.MAX_SAFE_INTEGER);
    expect(again.fired, `fired after restore, seed ${seed}`).toEqual(live.fired.slice(best.fired));
    expect(again.late, `late after restore, seed ${seed}`).toEqual(live.late.slice(best.late));
    again.arena.clear(made.spec.state);
    expect(again.arena.usedBytes(), `bytes at the end, seed ${seed}`).toBe(0);
  }
});

test('stops without damage when the budget is used up, and the rows before are all in', async () => {
  for (const key of [Physical.I64, Physical.VIEW]) {
    const spec: WindowAggregateSpec = {
      state: 9,
      key,
      sizeMs: 1000,
      slideMs: 1000,
      offsetMs: 0,
      aggregates: [specOf({ name: 'total', fn: 'sum', input: Physical.I64, nullable: false })],
    };
    const harness = new WindowHarness(await newKernels(), spec, 60 * 4096);
    const rows: Row[] = Array.from({ length: 20_000 }, (_, i) => ({
      key: key === Physical.VIEW ? `a key that is too long to be inline ${i}` : BigInt(i),
      time: 5,
      watermark: MIN_TIME,
      values: [BigInt(i)],
    }));
    let failure = '';
    try {
      harness.add(rows, 0, rows.length, 100);
    } catch (error) {
      failure = String(error);
    }
    const added = Number(/row (\d+)/.exec(failure)?.[1]);
    expect(added).toBeGreaterThan(1000);
    expect(harness.arena.countsHold(9)).toBe(true);
    expect(harness.arena.usedBytes()).toBeLessThanOrEqual(60 * 4096);
    expect(harness.arena.stateEntries(9)).toBe(added);
    harness.fireThrough(1e6);
    expect(harness.fired.map((row) => row.results[0]).sort((a, b) => Number(a) - Number(b))).toEqual(
      rows.slice(0, added).map((row) => row.values[0]),
    );
    harness.arena.clear(9);
    expect(harness.arena.usedBytes()).toBe(0);
  }
});

test('fires rows in the order of hash and key, also after tables grew in different orders', async () => {
  const spec: WindowAggregateSpec = {
    state: 1,
    key: Physical.I64,
    sizeMs: 10,
    slideMs: 10,
    offsetMs: 0,
    aggregates: [],
  };
  const rows: Row[] = Array.from({ length: 20_000 }, (_, i) => ({
    key: BigInt(i),
    time: 5,
    watermark: MIN_TIME,
    values: [],
  }));
  const forward = new WindowHarness(await newKernels(), spec);
  const backward = new WindowHarness(await newKernels(), spec);
  forward.add(rows, 0, rows.length, 512);
  backward.add(rows.toReversed(), 0, rows.length, 300);
  forward.fireThrough(100);
  backward.fireThrough(100);
  expect(backward.fired).toEqual(forward.fired);
  expect(forward.fired.length).toBe(rows.length);
  const probe = forward.kernels.memory.allocate(8);
  const hashes = forward.fired.map(({ key }) => {
    forward.kernels.memory.i64[probe >>> 3] = key as bigint;
    return forward.kernels.function('hashInt64At')(probe) >>> 0;
  });
  expect(hashes).toEqual(hashes.toSorted((a, b) => a - b));
});

test('a sum that leaves int64 and comes back is right, one that ends beyond it is an error', async () => {
  const spec: WindowAggregateSpec = {
    state: 1,
    key: undefined,
    sizeMs: 10,
    slideMs: 10,
    offsetMs: 0,
    aggregates: [specOf({ name: 'total', fn: 'sum', input: Physical.I64, nullable: false })],
  };
  const big = 2n ** 63n - 1n;
  const row = (time: number, value: bigint): Row => ({ key: null, time, watermark: MIN_TIME, values: [value] });
  const harness = new WindowHarness(await newKernels(), spec);
  harness.add([row(1, big), row(2, big), row(3, -big), row(4, -5n), row(11, -big), row(12, -2n)], 0, 6, 10);
  harness.fireThrough(9);
  expect(harness.fired.map((fired) => fired.results)).toEqual([[big - 5n]]);
  expect(() => harness.fireThrough(100)).toThrow(/'total'/);
});

test('groups of small integers take less than two thirds of the memory of groups of large ones', async () => {
  const bytes: number[] = [];
  for (const factor of [1n, 2n ** 33n]) {
    const spec: NamedWindowSpec = {
      state: 1,
      key: Physical.I64,
      sizeMs: 100,
      slideMs: 100,
      offsetMs: 0,
      aggregates: (['sum', 'min', 'max'] as const).map((fn) =>
        specOf({ name: fn, fn, input: Physical.I64, nullable: false }),
      ),
    };
    const harness = new WindowHarness(await newKernels(), spec);
    const rows: Row[] = Array.from({ length: 40_000 }, (_, i) => {
      const value = BigInt(i % 1000) * factor;
      return { key: BigInt(i % 20_000), time: 1, watermark: MIN_TIME, values: [value, value, value] };
    });
    harness.add(rows, 0, rows.length, 512);
    expect(harness.arena.countsHold(1)).toBe(true);
    // A few keys are in both tables: those that were seen before it was clear that values are large.
    expect(harness.arena.stateEntries(1)).toBeLessThan(21_200);
    bytes.push(harness.arena.usedBytes());
  }
  expect((bytes[0] ?? 0) / (bytes[1] ?? 0)).toBeLessThan(2 / 3);
});
