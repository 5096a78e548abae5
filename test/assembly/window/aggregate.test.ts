/** Windowed aggregation against the row-by-row reference: any batches, any disorder, interrupted and restored anywhere. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom, uniform } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import type { AggregateSpec, WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { newKernels } from '../../support/kernels.ts';
import { type FiredRow, WindowHarness } from './harness.ts';
import { type ReferenceAggregate, ReferenceWindows, type Row } from './reference.ts';

const TYPES = [Physical.I32, Physical.I64, Physical.F64] as const;
const FUNCTIONS = ['count', 'sum', 'min', 'max', 'avg', 'stddev'] as const;
const MIN_TIME = Number.MIN_SAFE_INTEGER;

interface Case {
  readonly spec: WindowAggregateSpec;
  readonly reference: readonly ReferenceAggregate[];
  readonly rows: readonly Row[];
}

function makeCase(random: Random): Case {
  const pick = <T>(items: readonly T[]): T => items[below(random, items.length)] as T;
  const aggregates: AggregateSpec[] = Array.from({ length: below(random, 5) }, (_, i) => ({
    name: `a${i}`, fn: pick(FUNCTIONS), input: pick(TYPES), nullable: below(random, 2) === 0,
  }));
  aggregates.push({ name: 'rows', fn: 'count', input: undefined, nullable: false });
  const slideMs = pick([10, 100, 1000]);
  const sizeMs = pick([slideMs, slideMs, slideMs * 3, slideMs * 2 + slideMs / 2]);
  const key = pick([Physical.I64, Physical.I64, Physical.VIEW, Physical.VIEW, Physical.I32, undefined]);
  const keys = pick([1, 5, 100, 3000]);
  const spec = { state: 1 + below(random, 255), key, sizeMs, slideMs, offsetMs: pick([0, 3, -7]), aggregates };
  const rows = makeRows(random, spec, keys, 500 + below(random, 3000));
  return { spec, rows, reference: aggregates.map(({ fn, input }) => ({ fn, float: input === Physical.F64 })) };
}

function makeRows(random: Random, spec: WindowAggregateSpec, keys: number, count: number): Row[] {
  const start = below(random, 2) === 0 ? -5000 : 1_700_000_000_000;
  const delay = below(random, 3) * spec.slideMs;
  const step = 1 + below(random, 4);
  let at = start;
  let watermark = MIN_TIME;
  return Array.from({ length: count }, () => {
    at += below(random, step * 2);
    const time = at - (below(random, 4) === 0 ? below(random, spec.sizeMs * 3) : 0);
    const row = { key: makeKey(random, spec.key, keys), time, watermark, values: spec.aggregates.map((a) => makeValue(random, a)) };
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

function makeValue(random: Random, { fn, input, nullable }: AggregateSpec): number | bigint | null {
  if (input === undefined) return 1;
  if (nullable && below(random, 3) === 0) return null;
  if (input === Physical.F64) return floatValue(random, fn);
  const near = BigInt(below(random, 2000) - 1000);
  // Values near the ends of int64 leave it on the way in a sum; that their end is representable is seen to by the sign.
  return input === Physical.I64 && fn !== 'sum' && fn !== 'stddev' && below(random, 20) === 0 ? near + (2n ** 62n) * (near < 0n ? -1n : 1n) : near;
}

function floatValue(random: Random, fn: string): number {
  const special = below(random, 40);
  if ((fn === 'min' || fn === 'max') && special < 3) return [Number.NaN, -0, 0][special] ?? 0;
  return (uniform(random) - 0.5) * 1000;
}

/** Same value: bit for bit, but for standard deviations, which the reference computes another way. */
function agrees(fn: string, found: number | bigint | null, expected: number | bigint | null): boolean {
  if (fn === 'stddev' && typeof found === 'number' && typeof expected === 'number') {
    return Math.abs(found - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
  }
  return Object.is(found, expected);
}

function compare({ spec, reference, rows }: Case, fired: readonly FiredRow[], late: readonly number[], seed: number): ReferenceWindows {
  const oracle = new ReferenceWindows(spec, reference);
  rows.forEach((row, i) => oracle.add(row, i));
  oracle.fireThrough(Number.MAX_SAFE_INTEGER);
  expect(late, `late rows, seed ${seed}`).toEqual(oracle.late);
  let at = 0;
  for (const window of oracle.fired) {
    const found = fired.slice(at, at + window.rows.size);
    at += window.rows.size;
    expect(new Set(found.map((row) => row.key)).size, `keys of window ${window.end}, seed ${seed}`).toBe(window.rows.size);
    for (const row of found) {
      const expected = window.rows.get(row.key);
      const same = row.end === window.end && expected?.every((value, i) => agrees(reference[i]?.fn ?? '', row.results[i] ?? null, value));
      if (same !== true) expect.fail(`seed ${seed}: window ${window.end} key ${row.key}: ${row.end} ${row.results} instead of ${expected}`);
    }
  }
  expect(fired.length, `rows fired, seed ${seed}`).toBe(at);
  return oracle;
}

test('fires the same windows and finds the same late rows as following row by row, however rows are batched', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const made = makeCase(random);
    const harness = new WindowHarness(await newKernels(), made.spec);
    harness.fireRows = 1 + below(random, 300);
    for (let at = 0; at < made.rows.length;) {
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
