/**
 * Growth in slices: the same rows into hopping windows of 1 to 3,600 slices, every key with rows in every slice, so that each
 * slide fires all keys. Sums of floats and counts, by the kernels, on one thread, in CPU time; rows that come in order, over two
 * windows and more. All that is fired is added up and must be what the rows say.
 *
 *   slices    a row per key and slice, so a result per row: the slowest over the fastest. Windows of one slice have nothing to
 *             merge. Others merge a slice into what windows share two or three times in its life, and twice two running parts
 *             make a result; mergesPerRow counts it. Here a slice is one row, so nothing is saved by having slices
 *   hopping   the same without the windows of one slice: what more slices cost
 *   busy      32 rows per key and slice: merging is by slice and key, so the more rows those have the less it shows
 */
import { kernelsBase64 } from '#kernels';
import { Physical } from '../src/data/types.ts';
import { Arena } from '../src/kernel/arena.ts';
import { KernelInstance } from '../src/kernel/instance.ts';
import { compileKernels } from '../src/kernel/module.ts';
import { WindowAggregate, type WindowInput } from '../src/kernel/window-aggregate.ts';
import { specOf } from '../test/support/aggregate-specs.ts';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from './bench.ts';

const SLICES = [1, 10, 100, 1000, 3600];
const KEYS = 200;
const SLIDE_MS = 1000;
const ROUNDS = 5;
/** Of the busy rounds: rows per key and slice, keys, slices. */
const BUSY_ROWS = 32;
const BUSY_KEYS = 100;
const BUSY_ROUNDS = 3;
const BUSY_SLICES = [1, 100, 3600];

interface Round {
  readonly nsPerRow: number;
  readonly results: number;
  readonly merges: number;
}

/** What comes in a slide: each key in turn, so many times. */
interface Slide {
  readonly keys: number;
  readonly rowsPerKey: number;
}

function fillSlide(kernels: KernelInstance, input: WindowInput, slide: number): void {
  const times = input.times >>> 3;
  kernels.memory.i64.fill(BigInt(slide * SLIDE_MS), times, times + input.selected);
}

/** Values are small integers, so that sums are exact whatever their order. */
function openInput(kernels: KernelInstance, { keys, rowsPerKey }: Slide): WindowInput {
  const { memory } = kernels;
  const rows = keys * rowsPerKey;
  const key = { values: memory.allocate(rows * 8), validity: 0 };
  const value = { values: memory.allocate(rows * 8), validity: 0 };
  for (let i = 0; i < rows; i++) {
    memory.i64[(key.values >>> 3) + i] = BigInt(i % keys);
    memory.f64[(value.values >>> 3) + i] = i % keys;
  }
  const times = memory.allocate(rows * 8);
  return { selected: rows, selection: 0, key, times, watermarks: 0, columns: [value, undefined], filters: [0, 0] };
}

function fireThrough(kernels: KernelInstance, aggregate: WindowAggregate, watermark: number): [number, number] {
  let [results, total] = [0, 0];
  while (aggregate.due(watermark)) {
    const rows = aggregate.fire();
    const at = (aggregate.output.results[0]?.values ?? 0) >>> 3;
    const { f64 } = kernels.memory;
    for (let i = 0; i < rows; i++) total += f64[at + i] ?? 0;
    results += rows;
  }
  return [results, total];
}

function round(module: WebAssembly.Module, slices: number, slides: number, each: Slide): Round {
  const kernels = new KernelInstance(module, 512 << 20);
  new Arena(kernels, 384 << 20);
  const aggregate = new WindowAggregate(
    kernels,
    {
      state: 1,
      key: Physical.I64,
      sizeMs: slices * SLIDE_MS,
      slideMs: SLIDE_MS,
      offsetMs: 0,
      aggregates: [
        specOf({ name: 'sum', fn: 'sum', input: Physical.F64, nullable: false }),
        specOf({ name: 'rows', fn: 'count', input: undefined, nullable: false }),
      ],
    },
    each.keys * each.rowsPerKey,
  );
  const input = openInput(kernels, each);
  let [results, total] = [0, 0];
  const began = process.cpuUsage();
  for (let slide = 0; slide < slides; slide++) {
    fillSlide(kernels, input, slide);
    if (aggregate.add(input, 0) !== input.selected) throw new Error(`stopped: ${aggregate.status}`);
    const [more, sum] = fireThrough(kernels, aggregate, (slide + 1) * SLIDE_MS - 1);
    results += more;
    total += sum;
  }
  const { user, system } = process.cpuUsage(began);
  // Every slide is in the windows that end with it or after it, as far as they fire.
  let windows = 0;
  for (let slide = 0; slide < slides; slide++) windows += Math.min(slices, slides - slide);
  const expected = (windows * each.rowsPerKey * each.keys * (each.keys - 1)) / 2;
  if (total !== expected) throw new Error(`over ${slices} slices the sums add up to ${total}, not ${expected}`);
  return { nsPerRow: ((user + system) * 1000) / (slides * input.selected), results, merges: aggregate.merges };
}

/** Nanoseconds per row and merges per row, by slices. */
interface Growth {
  readonly ns: ReadonlyMap<number, readonly number[]>;
  readonly merges: ReadonlyMap<number, number>;
  readonly results: number;
}

function grow(module: WebAssembly.Module, all: readonly number[], slides: number, each: Slide, rounds: number): Growth {
  const ns = new Map<number, number[]>(all.map((slices) => [slices, []]));
  const merges = new Map<number, number>();
  let results = 0;
  round(module, 10, 300, each);
  for (let i = 0; i < rounds; i++) {
    for (const slices of i % 2 === 0 ? all : all.toReversed()) {
      const one = round(module, slices, slides, each);
      ns.get(slices)?.push(one.nsPerRow);
      merges.set(slices, one.merges / (slides * each.keys * each.rowsPerKey));
      results += one.results;
    }
  }
  return { ns, merges, results };
}

const ratio = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);
const medians = ({ ns }: Growth): number[] => [...ns.values()].map((all) => quantile(all, 0.5));

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const module = await compileKernels(kernelsBase64);
  const slides = short ? 300 : 9000;
  const rounds = short ? 1 : ROUNDS;
  const slices = short ? [1, 10, 100] : SLICES;
  const single = grow(module, slices, slides, { keys: KEYS, rowsPerKey: 1 }, rounds);
  const busySlices = short ? [1, 100] : BUSY_SLICES;
  const busy = grow(module, busySlices, slides, { keys: BUSY_KEYS, rowsPerKey: BUSY_ROWS }, short ? 1 : BUSY_ROUNDS);
  const named = (name: string, growth: Growth): [string, number][] =>
    [...growth.ns].map(([of, all]) => [`${name}${of}`, quantile(all, 0.5)]);
  return {
    figures: {
      ...Object.fromEntries(named('ns', single)),
      slices: ratio(medians(single)),
      hopping: ratio(medians(single).slice(1)),
      ...Object.fromEntries(named('busyNs', busy)),
      busy: ratio(medians(busy)),
    },
    spread: Object.fromEntries([...single.ns].map(([of, all]) => [`ns${of}`, spreadOf(all)])),
    counters: {
      rows: slides * KEYS * slices.length,
      results: single.results + busy.results,
      ...Object.fromEntries([...single.merges].map(([of, merges]) => [`mergesPerRow${of}`, merges])),
      ...Object.fromEntries([...busy.merges].map(([of, merges]) => [`busyMergesPerRow${of}`, merges])),
    },
  };
}

export const bench: Bench = {
  id: 'p13-slices',
  title: 'hopping windows of 1 to 3,600 slices, the same rows and results',
  targets: { slices: { atMost: 1.3 }, hopping: { atMost: 1.3 } },
  // Windows of one slice merge nothing.
  idle: ['mergesPerRow1', 'busyMergesPerRow1'],
  run,
};
