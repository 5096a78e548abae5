/**
 * Each aggregate alone over 1,000 int64 keys in one window: rows a second, beside count, and the bytes of a key. The
 * number of rows is checked by the keys that fire.
 */
import { kernelsBase64 } from '#kernels';
import { type Bench, type BenchOptions, type BenchResult, quantile } from '../bench.ts';
import { below, seededRandom } from '../../src/base/random.ts';
import { Physical } from '../../src/data/types.ts';
import { Arena } from '../../src/kernel/arena.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { WindowAggregate, type WindowInput } from '../../src/kernel/window-aggregate.ts';
import { AGGREGATES } from '../../src/plan/aggregates.ts';
import { type AggregateName, type NamedAggregate, specOf } from '../../test/support/aggregate-specs.ts';

const BATCH = 4096;
const BATCHES = 32;
const KEYS = 1000;
const FLAGS: readonly string[] = ['any', 'all'];

function describe(fn: AggregateName): NamedAggregate {
  const one = { name: fn, fn, nullable: false } as const;
  if (fn === 'count') return { ...one, input: undefined };
  if (FLAGS.includes(fn)) return { ...one, input: Physical.BOOL };
  if (fn === 'joinText') return { ...one, input: Physical.VIEW, parameter: 10, text: ',' };
  if (fn === 'argMin' || fn === 'argMax') return { ...one, input: Physical.I64, by: Physical.I64 };
  return { ...one, input: Physical.I64, parameter: fn === 'quantile' || fn === 'median' ? 0.5 : 10 };
}

function makeInput(kernels: KernelInstance): { readonly times: number; readonly key: number; readonly values: number } {
  const random = seededRandom(11);
  const { memory } = kernels;
  const [times, key, values] = [memory.allocate(BATCH * 8), memory.allocate(BATCH * 8), memory.allocate(BATCH * 8)];
  for (let i = 0; i < BATCH; i++) {
    memory.i64[(times >>> 3) + i] = BigInt(below(random, 1000));
    memory.i64[(key >>> 3) + i] = BigInt(below(random, KEYS));
    memory.i64[(values >>> 3) + i] = BigInt(1 + below(random, 1000));
  }
  return { times, key, values };
}

/** A column of the type that an aggregate reads, made of the same numbers. */
function columnFor(kernels: KernelInstance, type: Physical | undefined, values: number): number {
  const { memory } = kernels;
  if (type !== Physical.VIEW && type !== Physical.BOOL) return values;
  const column = memory.allocate(BATCH * 8);
  for (let i = 0; i < BATCH; i++) {
    if (type === Physical.BOOL) memory.u8[column + i] = Number(memory.i64[(values >>> 3) + i] ?? 0n) & 1;
    else memory.u32.set([values + i * 8, 4], (column >>> 2) + i * 2);
  }
  return column;
}

async function measure(fn: AggregateName): Promise<{ readonly rate: number; readonly bytes: number }> {
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 2 ** 30);
  const arena = new Arena(kernels, 2 ** 29);
  const spec = specOf(describe(fn));
  const window = { state: 1, key: Physical.I64, sizeMs: 10_000, slideMs: 10_000, offsetMs: 0, aggregates: [spec] };
  const aggregate = new WindowAggregate(kernels, window, BATCH);
  const { times, key, values } = makeInput(kernels);
  const column = { values: columnFor(kernels, spec.input, values), validity: 0 };
  const input: WindowInput = {
    selected: BATCH,
    selection: 0,
    key: { values: key, validity: 0 },
    times,
    watermarks: 0,
    columns: [spec.input === undefined ? undefined : column],
    by: [spec.by === undefined ? undefined : { values, validity: 0 }],
    filters: [0],
  };
  const rates = Array.from({ length: 5 }, () => {
    const began = performance.now();
    for (let i = 0; i < BATCHES; i++) {
      if (aggregate.add(input, 0) !== BATCH) throw new Error(`${fn} stopped: ${aggregate.status}`);
    }
    return (BATCHES * BATCH) / (performance.now() - began) / 1000;
  });
  const bytes = arena.stateBytes(1) / arena.stateEntries(1);
  let fired = 0;
  while (aggregate.due(1e6)) for (let rows = aggregate.fire(); rows > 0; rows = aggregate.fire()) fired += rows;
  if (fired < KEYS * 0.9 || fired > KEYS) throw new Error(`${fn} fired ${fired} keys`);
  return { rate: quantile(rates.slice(1), 0.5), bytes };
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const figures: { [name: string]: number } = {};
  // The keys of AGGREGATES are its names.
  const names = Object.keys(AGGREGATES) as AggregateName[];
  for (const fn of short ? names.slice(0, 3) : names) {
    const { rate, bytes } = await measure(fn);
    figures[`${fn}M/s`] = rate;
    figures[`${fn}BytesPerKey`] = bytes;
  }
  return { figures, spread: {}, counters: { rows: 5 * BATCHES * BATCH } };
}

/** Rates in M rows/s of one aggregate at a time. */
export const bench: Bench = {
  id: 'aggregates',
  title: 'kernel: each aggregate alone over 1,000 keys',
  targets: {},
  run,
};
