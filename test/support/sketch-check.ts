/**
 * Sketches against what is true, for one seed: errors within what the sketch states, and the same values cut into
 * slices in other ways, which are merged when the window fires, give the same (to the bit where that is promised).
 */
import { below, type Random, seededRandom, uniform } from '../../src/base/random.ts';
import { Physical } from '../../src/data/types.ts';
import type { Row, Value } from '../assembly/window/reference.ts';
import { WindowHarness } from '../assembly/window/harness.ts';
import { type NamedSpec, specOf } from './aggregate-specs.ts';
import { newKernels } from './kernels.ts';

const SLICES = 6;
const RANKS = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1];
/** Five standard errors of 1.6%. */
const DISTINCT_ERROR = 5 * (1.04 / Math.sqrt(4096));
const QUANTILE_ERROR = 0.01 * (1 + 1e-9);
const K = 5;
const COUNTERS = 64;

const quantileSpec = (parameter: number): NamedSpec =>
  specOf({ name: `q${parameter}`, fn: 'quantile', input: Physical.F64, nullable: false, parameter });

const SPECS: readonly NamedSpec[] = [
  specOf({ name: 'distinct', fn: 'approxCountDistinct', input: Physical.I64, nullable: false }),
  specOf({
    name: 'top',
    fn: 'topK',
    input: Physical.I64,
    nullable: false,
    parameter: K,
    list: { of: { kind: 'int64', nullable: false }, counted: true },
  }),
  ...RANKS.map(quantileSpec),
];

interface Sample {
  readonly id: bigint;
  readonly frequent: bigint;
  readonly size: number;
}

function samplesOf(random: Random): Sample[] {
  const rows = [1, 50, 400, 5000][below(random, 4)] ?? 1;
  const ids = 1 + below(random, rows * 2);
  const spread = below(random, 40) / 4;
  const values = [3, 60, 500][below(random, 3)] ?? 3;
  return Array.from({ length: rows }, () => {
    const sign = below(random, 5) === 0 ? -1 : 1;
    return {
      id: BigInt(below(random, ids)) * 977n - 5n,
      // Small numbers are frequent.
      frequent: BigInt(Math.floor(values * uniform(random) ** 3)),
      size: below(random, 30) === 0 ? 0 : sign * Math.exp((uniform(random) - 0.5) * spread),
    };
  });
}

/** Results over all samples, each in a slice that `sliceOf` says. */
async function resultsOf(samples: readonly Sample[], sliceOf: (index: number) => number): Promise<readonly Value[]> {
  const spec = { state: 1, key: undefined, sizeMs: SLICES, slideMs: 1, offsetMs: 0, aggregates: SPECS };
  const harness = new WindowHarness(await newKernels(), spec);
  const rows: Row[] = samples.map(({ id, frequent, size }, i) => ({
    key: null,
    time: sliceOf(i),
    watermark: -1,
    values: SPECS.map(({ fn }) => (fn === 'quantile' ? size : fn === 'topK' ? frequent : id)),
  }));
  harness.add(rows, 0, rows.length, 512);
  if (!harness.arena.countsHold(1)) throw new Error('counts of the state do not hold');
  harness.fireThrough(100);
  return harness.fired.find(({ end }) => end === SLICES)?.results ?? [];
}

/** Throws, naming the seed, when a sketch breaks what it states. */
export async function checkSketches(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const samples = samplesOf(random);
  const whole = await resultsOf(samples, () => 0);
  const cuts = samples.map(() => below(random, SLICES));
  const cut = await resultsOf(samples, (i) => cuts[i] ?? 0);
  // The same parts in the opposite order.
  const turned = await resultsOf(samples, (i) => SLICES - 1 - (cuts[i] ?? 0));
  for (const results of [whole, cut, turned]) checkErrors(seed, samples, results);
  SPECS.forEach(({ fn, name }, i) => {
    if (fn === 'topK') return;
    if (!Object.is(cut[i], whole[i]) || !Object.is(turned[i], whole[i]))
      throw new Error(`seed ${seed}: ${name} depends on how values are merged: ${whole[i]}, ${cut[i]}, ${turned[i]}`);
  });
}

function checkErrors(seed: number, samples: readonly Sample[], results: readonly Value[]): void {
  const [distinct, top, ...quantiles] = results;
  const trueDistinct = new Set(samples.map(({ id }) => id)).size;
  if (Math.abs(Number(distinct) - trueDistinct) > Math.max(1, trueDistinct * DISTINCT_ERROR))
    throw new Error(`seed ${seed}: ${distinct} different values instead of ${trueDistinct}`);
  const sorted = samples.map(({ size }) => size).sort((a, b) => a - b);
  quantiles.forEach((found, i) => {
    const exact = sorted[Math.floor((RANKS[i] ?? 0) * (sorted.length - 1))] ?? 0;
    if (Math.abs(Number(found) - exact) > QUANTILE_ERROR * Math.abs(exact))
      throw new Error(`seed ${seed}: quantile ${RANKS[i]} is ${found} instead of ${exact}`);
  });
  checkTop(seed, samples, String(top));
}

function checkTop(seed: number, samples: readonly Sample[], text: string): void {
  const counts = new Map<number, number>();
  for (const { frequent } of samples) counts.set(Number(frequent), (counts.get(Number(frequent)) ?? 0) + 1);
  const bound = samples.length / COUNTERS;
  // What topK gives is this.
  const items = JSON.parse(text) as readonly { value: number; count: number; error: number }[];
  for (const { value, count, error } of items) {
    const exact = counts.get(value) ?? 0;
    if (error > bound || exact > count || count - error > exact)
      throw new Error(`seed ${seed}: value ${value} counted ${count} ± ${error} instead of ${exact}, bound ${bound}`);
  }
  const kth = [...counts.values()].sort((a, b) => b - a)[K - 1] ?? 0;
  const missing = [...counts].find(
    ([value, count]) => count > kth + bound && !items.some((item) => item.value === value),
  );
  if (missing !== undefined)
    throw new Error(`seed ${seed}: value ${missing[0]} stands ${missing[1]} times and is left out`);
}
