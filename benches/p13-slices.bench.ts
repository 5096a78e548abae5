/**
 * Growth in slices: the same rows into hopping windows of 1 to 3,600 slices, every key with a row in every slice, so that
 * each slide fires all keys. Sums of floats and counts, by the kernels, on one thread; rows that come in order, over two
 * windows and more. The cost per row holds the row's own and that of one result; its growth (slices) is the slowest over the
 * fastest; without the windows of one slice, which share nothing, it is hopping. All that is fired is added up and must be what the rows say.
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

interface Round {
  readonly nsPerRow: number;
  readonly results: number;
  readonly merges: number;
}

/** One row per key and slide. Values are small integers, so that sums are exact whatever their order. */
function fillSlide(kernels: KernelInstance, input: WindowInput, slide: number): void {
  const times = input.times >>> 3;
  kernels.memory.i64.fill(BigInt(slide * SLIDE_MS), times, times + KEYS);
}

function openInput(kernels: KernelInstance): WindowInput {
  const { memory } = kernels;
  const key = { values: memory.allocate(KEYS * 8), validity: 0 };
  const value = { values: memory.allocate(KEYS * 8), validity: 0 };
  for (let i = 0; i < KEYS; i++) {
    memory.i64[(key.values >>> 3) + i] = BigInt(i);
    memory.f64[(value.values >>> 3) + i] = i;
  }
  const times = memory.allocate(KEYS * 8);
  return { selected: KEYS, selection: 0, key, times, watermarks: 0, columns: [value, undefined], filters: [0, 0] };
}

function fireThrough(kernels: KernelInstance, aggregate: WindowAggregate, watermark: number): [number, number] {
  let [results, total] = [0, 0];
  while (aggregate.due(watermark)) {
    const rows = aggregate.fire();
    const at = (aggregate.output.results[0]?.values ?? 0) >>> 3;
    for (let i = 0; i < rows; i++) total += kernels.memory.f64[at + i] ?? 0;
    results += rows;
  }
  return [results, total];
}

function round(module: WebAssembly.Module, slices: number, slides: number): Round {
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
    KEYS,
  );
  const input = openInput(kernels);
  let [results, total] = [0, 0];
  const began = performance.now();
  for (let slide = 0; slide < slides; slide++) {
    fillSlide(kernels, input, slide);
    if (aggregate.add(input, 0) !== KEYS) throw new Error(`stopped: ${aggregate.status}`);
    const [more, sum] = fireThrough(kernels, aggregate, (slide + 1) * SLIDE_MS - 1);
    results += more;
    total += sum;
  }
  const ms = performance.now() - began;
  // Every slide is in the windows that end with it or after it, as far as they fire.
  let windows = 0;
  for (let slide = 0; slide < slides; slide++) windows += Math.min(slices, slides - slide);
  const expected = (windows * KEYS * (KEYS - 1)) / 2;
  if (total !== expected) throw new Error(`over ${slices} slices the sums add up to ${total}, not ${expected}`);
  return { nsPerRow: (ms * 1e6) / (slides * KEYS), results, merges: aggregate.merges };
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const module = await compileKernels(kernelsBase64);
  const slides = short ? 300 : 9000;
  const counts = short ? [1, 10, 100] : SLICES;
  const costs = new Map<number, number[]>(counts.map((slices) => [slices, []]));
  let [results, merges] = [0, 0];
  round(module, 10, 300);
  for (let i = 0; i < (short ? 1 : ROUNDS); i++) {
    for (const slices of i % 2 === 0 ? counts : counts.toReversed()) {
      const one = round(module, slices, slides);
      costs.get(slices)?.push(one.nsPerRow);
      results += one.results;
      merges += one.merges;
    }
  }
  const middle = [...costs].map(([slices, all]): [string, number] => [`ns${slices}`, quantile(all, 0.5)]);
  const all = middle.map(([, ns]) => ns);
  const hopping = all.slice(1);
  return {
    figures: {
      ...Object.fromEntries(middle),
      slices: Math.max(...all) / Math.min(...all),
      hopping: Math.max(...hopping) / Math.min(...hopping),
    },
    spread: Object.fromEntries([...costs].map(([slices, all]) => [`ns${slices}`, spreadOf(all)])),
    counters: { rows: slides * KEYS * counts.length, results, merges },
  };
}

export const bench: Bench = {
  id: 'p13-slices',
  title: 'hopping windows of 1 to 3,600 slices, the same rows and results',
  targets: { slices: { atMost: 1.3 } },
  run,
};
