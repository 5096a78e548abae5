/**
 * The arena at size: 10 M int64 keys with count, sum, min and max of a float64; then rounds that update 1% of the keys,
 * with a checkpoint each. Pauses, bytes per key, bytes written per changed entry, restore, and the checksum's rate.
 * Checked: the restored state counts as many entries as the live one, and a walk over it agrees.
 */
import { kernelsBase64 } from '#kernels';
import type { Bench, BenchOptions, BenchResult } from '../bench.ts';
import { seededRandom, below } from '../../src/base/random.ts';
import { Physical } from '../../src/data/types.ts';
import { Arena } from '../../src/kernel/arena.ts';
import { Checksum } from '../../src/kernel/checksum.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { WindowAggregate, type WindowInput } from '../../src/kernel/window-aggregate.ts';
import { specOf } from '../../test/support/aggregate-specs.ts';

const BATCH = 4096;
const ENTRY_BYTES = 40;
const DRAIN_BYTES = 1 << 18;

interface Setup {
  readonly kernels: KernelInstance;
  readonly arena: Arena;
  readonly aggregate: WindowAggregate;
  readonly input: WindowInput;
  readonly out: number;
}

async function open(keys: number): Promise<Setup> {
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 2 ** 31);
  const arena = new Arena(kernels, keys * 100 + (32 << 20));
  const value = { input: Physical.F64, nullable: false } as const;
  const aggregate = new WindowAggregate(
    kernels,
    {
      state: 1,
      key: Physical.I64,
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
  const column = { values: kernels.memory.allocate(BATCH * 8), validity: 0 };
  const values = { values: kernels.memory.allocate(BATCH * 8), validity: 0 };
  const times = kernels.memory.allocate(BATCH * 8);
  kernels.memory.i64.fill(5n, times >>> 3, (times >>> 3) + BATCH);
  const input = {
    selected: BATCH,
    selection: 0,
    key: column,
    times,
    watermarks: 0,
    columns: [values, values, values],
    filters: [0, 0, 0],
  };
  return { kernels, arena, aggregate, input, out: kernels.memory.allocate(DRAIN_BYTES) };
}

/** Adds one batch of keys; how long it took. */
function addKeys({ kernels, aggregate, input }: Setup, key: (i: number) => number): number {
  const words = kernels.memory.u32;
  const at = (input.key?.values ?? 0) >>> 2;
  for (let i = 0; i < BATCH; i++) {
    words[at + i * 2] = key(i);
    words[at + i * 2 + 1] = 0;
  }
  const began = performance.now();
  if (aggregate.add(input, 0) !== BATCH) throw new Error(`stopped: ${aggregate.status}`);
  return performance.now() - began;
}

/** Drains to the end and calls `take` with every chunk; the longest single call in ms. */
function drainAll({ arena, out, kernels }: Setup, take: (chunk: Uint8Array) => void): number {
  let longest = 0;
  for (;;) {
    const began = performance.now();
    const bytes = arena.drainSnapshot(out, DRAIN_BYTES);
    longest = Math.max(longest, performance.now() - began);
    if (bytes === 'spoiled') throw new Error('no memory for captures');
    if (bytes === 0) return longest;
    take(kernels.memory.u8.subarray(out, out + bytes));
  }
}

function fill(setup: Setup, keys: number, figures: { [name: string]: number }): void {
  let longest = 0;
  const began = performance.now();
  let spent = 0;
  for (let at = 0; at < keys; at += BATCH) {
    const took = addKeys(setup, (i) => (at + i) % keys);
    spent += took;
    longest = Math.max(longest, took);
    if (at % (BATCH * 256) === 0)
      figures[`bytesPerKeyAt${Math.round(at / 1e6)}M`] =
        setup.arena.stateBytes(1) / Math.max(1, setup.arena.stateEntries(1));
  }
  figures['insertM/s'] = keys / spent / 1000;
  figures['insertWallS'] = (performance.now() - began) / 1000;
  figures['longestInsertBatchMs'] = longest;
  figures['bytesPerKey'] = setup.arena.stateBytes(1) / setup.arena.stateEntries(1);
}

function checkpoints(setup: Setup, keys: number, figures: { [name: string]: number }): Uint8Array[] {
  const random = seededRandom(11);
  const chunks: Uint8Array[] = [];
  let pause = 0;
  let began = performance.now();
  const blocks = setup.arena.beginSnapshot();
  figures['firstPauseMs'] = performance.now() - began;
  began = performance.now();
  let bytes = 0;
  figures['longestDrainMs'] = drainAll(setup, (chunk) => {
    bytes += chunk.length;
    chunks.push(chunk.slice());
  });
  figures['fullDrainGB/s'] = bytes / (performance.now() - began) / 1e6;
  figures['fullBlocks'] = blocks;
  let changed = 0;
  let written = 0;
  for (let round = 0; round < 10; round++) {
    for (let at = 0; at < keys / 100; at += BATCH) addKeys(setup, () => below(random, keys));
    changed += Math.ceil(keys / 100 / BATCH) * BATCH;
    began = performance.now();
    setup.arena.beginSnapshot();
    pause = Math.max(pause, performance.now() - began);
    drainAll(setup, (chunk) => {
      written += chunk.length;
      chunks.push(chunk.slice());
    });
  }
  figures['pauseMs'] = pause;
  figures['bytesPerChangedByte'] = written / (changed * ENTRY_BYTES);
  return chunks;
}

async function restore(
  chunks: readonly Uint8Array[],
  live: Setup,
  keys: number,
  figures: { [name: string]: number },
): Promise<void> {
  const setup = await open(keys);
  const checksum = new Checksum(setup.kernels);
  let bytes = 0;
  let sums = 0;
  const began = performance.now();
  for (const chunk of chunks) {
    setup.kernels.memory.u8.set(chunk, setup.out);
    const mark = performance.now();
    checksum.of(setup.out, chunk.length);
    sums += performance.now() - mark;
    if (setup.arena.restoreRuns(setup.out, chunk.length) !== 'ok') throw new Error('not restored');
    bytes += chunk.length;
  }
  if (setup.arena.reopen() !== 'ok') throw new Error('not restored');
  const took = performance.now() - began;
  figures['restoreGB/s'] = bytes / took / 1e6;
  figures['checksumGB/s'] = bytes / sums / 1e6;
  if (setup.arena.stateEntries(1) !== live.arena.stateEntries(1) || !setup.arena.countsHold(1))
    throw new Error('restored state differs');
}

/** The twin: as many keys into a Map of objects, in M keys/s. */
function mapInsertRate(keys: number): number {
  const map = new Map<number, { rows: number; sum: number; min: number; max: number }>();
  const began = performance.now();
  for (let key = 0; key < keys; key++) map.set(key, { rows: 1, sum: key, min: key, max: key });
  return map.size / (performance.now() - began) / 1000;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const keys = short ? 100_000 : 10_000_000;
  const figures: { [name: string]: number } = {};
  const setup = await open(keys);
  fill(setup, keys, figures);
  const chunks = checkpoints(setup, keys, figures);
  await restore(chunks, setup, keys, figures);
  const mapKeys = Math.min(keys, 2_000_000);
  figures['insertToMap'] = (figures['insertM/s'] ?? 0) / mapInsertRate(mapKeys);
  const counters = {
    keys: setup.arena.stateEntries(1),
    stateBytes: setup.arena.stateBytes(1),
    chunks: chunks.length,
    mapKeys,
  };
  return { figures, spread: {}, counters };
}

export const bench: Bench = {
  id: 'arena',
  title: 'kernel: state of ten million keys, its checkpoints and restore; inserts against a Map of objects',
  targets: {},
  run,
};
