/**
 * Grouped aggregation into a tumbling window: count, sum, min and max of a float64 by an int64 or a string key, for few
 * and many keys, against a flat open-addressing table on typed arrays in JavaScript, and with a checkpoint draining all
 * the while. Every figure is checked: the fired totals must be those of the input.
 */
import { kernelsBase64 } from '#kernels';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from '../bench.ts';
import { below, seededRandom } from '../../src/base/random.ts';
import { Physical } from '../../src/data/types.ts';
import { Arena } from '../../src/kernel/arena.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { WindowAggregate, type WindowInput } from '../../src/kernel/window-aggregate.ts';
import { specOf } from '../../test/support/aggregate-specs.ts';

const BATCH = 4096;
const BATCHES = 64;

interface Figures {
  [name: string]: number;
}

/**
 * Input batches in linear memory: keys uniform over `keys`, times over `spreadMs`; written once and used again and
 * again.
 */
function makeInput(
  kernels: KernelInstance,
  keys: number,
  key: Physical,
  spreadMs: number,
  seed: number,
): { inputs: WindowInput[]; total: number } {
  const random = seededRandom(seed);
  const { memory } = kernels;
  let total = 0;
  const inputs = Array.from({ length: BATCHES }, () => {
    const column = { values: memory.allocate(BATCH * 8), validity: 0 };
    const values = { values: memory.allocate(BATCH * 8), validity: 0 };
    const times = memory.allocate(BATCH * 8);
    const text = key === Physical.VIEW ? memory.allocate(BATCH * 16) : 0;
    for (let i = 0; i < BATCH; i++) {
      const k = below(random, keys);
      if (key === Physical.VIEW) {
        const bytes = new TextEncoder().encode(`channel-${k}`);
        memory.u8.set(bytes, text + i * 16);
        memory.u32.set([text + i * 16, bytes.length], (column.values >>> 2) + i * 2);
      } else {
        memory.i64[(column.values >>> 3) + i] = BigInt(k);
      }
      const value = below(random, 1000);
      memory.f64[(values.values >>> 3) + i] = value;
      memory.i64[(times >>> 3) + i] = BigInt(below(random, spreadMs));
      total += value;
    }
    return {
      selected: BATCH,
      selection: 0,
      key: column,
      times,
      watermarks: 0,
      columns: [values, values, values],
      filters: [0, 0, 0],
    };
  });
  return { inputs, total };
}

function openAggregate(kernels: KernelInstance, key: Physical): WindowAggregate {
  const value = { input: Physical.F64, nullable: false } as const;
  return new WindowAggregate(
    kernels,
    {
      state: 1,
      key,
      sizeMs: 10_000,
      slideMs: 10_000,
      offsetMs: 0,
      aggregates: [
        specOf({ name: 'sum', fn: 'sum', ...value }),
        specOf({ name: 'min', fn: 'min', ...value }),
        specOf({ name: 'max', fn: 'max', ...value }),
      ],
    },
    BATCH,
  );
}

function addAll(
  aggregate: WindowAggregate,
  inputs: readonly WindowInput[],
  rounds: number,
  between: () => void,
): number {
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const input of inputs) {
      if (aggregate.add(input, 0) !== BATCH) throw new Error(`stopped: ${aggregate.status}`);
      between();
    }
  }
  return (rounds * BATCHES * BATCH) / (performance.now() - began) / 1000;
}

function checkTotal(kernels: KernelInstance, aggregate: WindowAggregate, expected: number): number {
  let total = 0;
  let keys = 0;
  const began = performance.now();
  while (aggregate.due(1e6)) {
    for (let rows = aggregate.fire(); rows > 0; rows = aggregate.fire()) {
      const at = (aggregate.output.results[0]?.values ?? 0) >>> 3;
      for (let i = 0; i < rows; i++) total += kernels.memory.f64[at + i] ?? 0;
      keys += rows;
    }
  }
  if (total !== expected) throw new Error(`fired a total of ${total} instead of ${expected}`);
  return keys / (performance.now() - began) / 1000;
}

/** The flat table that the paged one is measured against: typed arrays, linear probing, no checkpoints, no growth. */
function flatRate(kernels: KernelInstance, inputs: readonly WindowInput[], keys: number, rounds: number): number {
  const slots = 2 ** Math.ceil(Math.log2(keys * 1.5 + 16));
  const table = {
    key: new Int32Array(slots).fill(-1),
    rows: new Float64Array(slots),
    sum: new Float64Array(slots),
    min: new Float64Array(slots),
    max: new Float64Array(slots),
  };
  const words = kernels.memory.i32;
  const floats = kernels.memory.f64;
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const input of inputs)
      flatBatch(table, slots - 1, words, floats, (input.key?.values ?? 0) >>> 2, (input.columns[0]?.values ?? 0) >>> 3);
  }
  return (rounds * BATCHES * BATCH) / (performance.now() - began) / 1000;
}

interface FlatTable {
  key: Int32Array;
  rows: Float64Array;
  sum: Float64Array;
  min: Float64Array;
  max: Float64Array;
}

function flatBatch(
  table: FlatTable,
  mask: number,
  words: Int32Array,
  floats: Float64Array,
  keyAt: number,
  valueAt: number,
): void {
  const { key, rows, sum, min, max } = table;
  for (let i = 0; i < BATCH; i++) {
    const k = words[keyAt + i * 2] as number;
    const value = floats[valueAt + i] as number;
    let at = (Math.imul(k, 0x9e3779b1) >>> 7) & mask;
    while (key[at] !== k && key[at] !== -1) at = (at + 1) & mask;
    if (key[at] === -1) {
      key[at] = k;
      min[at] = Infinity;
      max[at] = -Infinity;
    }
    rows[at] = (rows[at] as number) + 1;
    sum[at] = (sum[at] as number) + value;
    if (value < (min[at] as number)) min[at] = value;
    if (value > (max[at] as number)) max[at] = value;
  }
}

async function measure(keys: number, key: Physical, spreadMs: number, results: Results, name: string): Promise<void> {
  const { figures, spread, counters } = results;
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 2 ** 31);
  const arena = new Arena(kernels, 2 ** 30);
  const { inputs, total } = makeInput(kernels, keys, key, spreadMs, 7);
  const aggregate = openAggregate(kernels, key);
  const rounds = keys > 1e6 ? 12 : 24;
  addAll(aggregate, inputs, 4, () => {});
  const plain: number[] = [];
  const drained: number[] = [];
  const flat: number[] = [];
  const out = kernels.memory.allocate(1 << 16);
  let pauseMs = 0;
  let checkpoints = 0;
  let pending = false;
  const checkpointing = (): void => {
    if (pending) {
      pending = arena.drainSnapshot(out, 1 << 16) !== 0;
      return;
    }
    const began = performance.now();
    arena.beginSnapshot();
    pauseMs = Math.max(pauseMs, performance.now() - began);
    pending = true;
    checkpoints++;
  };
  const lap = Math.max(1, Math.floor(rounds / 3));
  for (let i = 0; i < 3; i++) {
    plain.push(addAll(aggregate, inputs, lap, () => {}));
    let batches = 0;
    drained.push(
      addAll(aggregate, inputs, lap, () => {
        if (pending || batches++ % 256 === 0) checkpointing();
      }),
    );
    if (key === Physical.I64) flat.push(flatRate(kernels, inputs, keys, lap));
  }
  figures[`${name}M/s`] = quantile(plain, 0.5);
  figures[`${name}Checkpointed`] = quantile(drained, 0.5);
  if (flat.length > 0) {
    const toFlat = drained.map((rate, i) => rate / (flat[i] ?? Number.NaN));
    spread[`${name}CheckpointedToFlat`] = spreadOf(toFlat);
    figures[`${name}FlatJs`] = quantile(flat, 0.5);
    figures[`${name}CheckpointedToFlat`] = quantile(toFlat, 0.5);
  }
  figures[`${name}PauseMs`] = pauseMs;
  counters[`${name}Checkpoints`] = checkpoints;
  counters[`${name}Rows`] = (4 + lap * 6) * BATCHES * BATCH;
  counters[`${name}Keys`] = arena.stateEntries(1);
  figures[`${name}BytesPerKey`] = arena.stateBytes(1) / arena.stateEntries(1);
  figures[`${name}FireM/s`] = checkTotal(kernels, aggregate, total * (4 + lap * 6));
}

interface Results {
  readonly figures: Figures;
  readonly spread: Figures;
  readonly counters: Figures;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const results: Results = { figures: {}, spread: {}, counters: {} };
  for (const [keys, label] of [
    [10, '10'],
    [1000, '1K'],
    [100_000, '100K'],
  ] as const) {
    await measure(keys, Physical.I64, 10_000, results, `int${label}`);
    await measure(keys, Physical.VIEW, 10_000, results, `text${label}`);
    if (short) return results;
  }
  await measure(1000, Physical.I64, 50_000, results, 'fiveWindows1K');
  return results;
}

/** Rates in M rows/s; `CheckpointedToFlat` is the rate with a checkpoint draining over that of the flat table. */
export const bench: Bench = {
  id: 'hash-aggregate',
  title: 'kernel: grouped aggregation against a flat table on typed arrays',
  targets: {},
  run,
};
