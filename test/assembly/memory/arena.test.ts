/**
 * The arena under random allocation, writing and freeing, with snapshots drained at random moments, against plain
 * copies.
 */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
import { Arena, BLOCK_BYTES, DRAIN_BYTES_MIN, PAGE_BYTES } from '../../../src/kernel/arena.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { newKernels } from '../../support/kernels.ts';

interface Extent {
  readonly ref: number;
  readonly pages: number;
  readonly state: number;
}

const STATES = 3;
const DRAIN_BYTES_MAX = 1 << 20;

class Model {
  readonly kernels: KernelInstance;
  readonly arena: Arena;
  readonly extents: Extent[] = [];
  readonly #random: Random;
  readonly #out: number;

  constructor(kernels: KernelInstance, budgetBytes: number, random: Random) {
    this.kernels = kernels;
    this.arena = new Arena(kernels, budgetBytes);
    this.#random = random;
    this.#out = kernels.memory.allocate(DRAIN_BYTES_MAX);
    for (let state = 1; state <= STATES; state++) kernels.function('stateOpen')(state, 7);
  }

  address(extent: Extent): number {
    return this.kernels.function('resolve')(extent.ref) >>> 0;
  }

  bytes(extent: Extent): Uint8Array {
    const at = this.address(extent);
    return this.kernels.memory.u8.slice(at, at + extent.pages * PAGE_BYTES);
  }

  step(): void {
    const choice = below(this.#random, 10);
    if (choice < 2) this.allocate();
    else if (choice === 2) this.free();
    else this.write();
  }

  allocate(): void {
    const pages = below(this.#random, 20) === 0 ? 1 + below(this.#random, 255) : 1 + below(this.#random, 16);
    const state = 1 + below(this.#random, STATES);
    const ref = this.kernels.function('extentAlloc')(state, pages) >>> 0;
    if (ref === 0) return this.free();
    const extent = { ref, pages, state };
    if (this.bytes(extent).some((byte) => byte !== 0)) expect.fail('a new extent is not zero');
    this.extents.push(extent);
  }

  free(): void {
    if (this.extents.length === 0) return;
    const [extent] = this.extents.splice(below(this.#random, this.extents.length), 1);
    if (extent !== undefined) this.kernels.function('extentFree')(extent.state, extent.ref, extent.pages);
  }

  write(): void {
    const extent = this.extents[below(this.#random, this.extents.length)];
    if (extent === undefined) return;
    const length = 1 + below(this.#random, 600);
    const at = this.address(extent) + below(this.#random, extent.pages * PAGE_BYTES - length);
    this.kernels.function('touchRange')(at, length);
    this.kernels.memory.u8.fill(this.#random.u32(), at, at + length);
  }

  drain(maxBytes: number, into: Uint8Array[]): boolean {
    const out = this.#out;
    const bytes = this.arena.drainSnapshot(out, maxBytes);
    if (bytes === 'spoiled') throw new Error('no memory for captures');
    if (bytes > 0) into.push(this.kernels.memory.u8.slice(out, out + bytes));
    return bytes === 0;
  }

  pages(state: number): number {
    return this.extents.filter((extent) => extent.state === state).reduce((sum, extent) => sum + extent.pages, 0);
  }
}

async function putBack(runs: readonly Uint8Array[]): Promise<{ kernels: KernelInstance; arena: Arena }> {
  const kernels = await newKernels();
  const arena = new Arena(kernels, 64 << 20);
  const at = kernels.memory.allocate(DRAIN_BYTES_MAX);
  for (const run of runs) {
    kernels.memory.u8.set(run, at);
    expect(arena.restoreRuns(at, run.length)).toBe('ok');
  }
  expect(arena.reopen()).toBe('ok');
  return { kernels, arena };
}

test('a chain of drained snapshots is the state as it was when the last one began, whatever was written meanwhile', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seededRandom(seed);
    const model = new Model(await newKernels(256 << 20), 24 << 20, random);
    const chain: Uint8Array[] = [];
    for (let snapshot = 0; snapshot < 6; snapshot++) {
      for (let i = below(random, 400); i > 0; i--) model.step();
      const copy = model.extents.map((extent) => ({ extent, bytes: model.bytes(extent) }));
      model.arena.beginSnapshot();
      const runs: Uint8Array[] = [];
      const isGivenUp = below(random, 3) === 0;
      let left = isGivenUp ? below(random, 40) : Number.POSITIVE_INFINITY;
      while (left-- > 0 && !model.drain(DRAIN_BYTES_MIN + below(random, 60_000), runs)) {
        for (let i = below(random, 6); i > 0; i--) model.step();
      }
      if (isGivenUp) {
        model.arena.abortSnapshot();
        continue;
      }
      chain.push(...runs);
      if (snapshot < 5 && below(random, 3) > 0) continue;
      const restored = await putBack(chain);
      for (const { extent, bytes } of copy) {
        const at = restored.kernels.function('resolve')(extent.ref) >>> 0;
        const found = restored.kernels.memory.u8.subarray(at, at + bytes.length);
        if (Buffer.compare(found, bytes) !== 0)
          expect.fail(`extent ${extent.ref} after snapshot ${snapshot}, seed ${seed}`);
      }
    }
  }
});

test('counts the pages of each state as a walk over all regions does, and is empty when all is freed', async () => {
  for (let seed = 50; seed < 54; seed++) {
    const model = new Model(await newKernels(256 << 20), 24 << 20, seededRandom(seed));
    for (let i = 0; i < 1500; i++) model.step();
    for (let state = 1; state <= STATES; state++) {
      expect(model.arena.stateBytes(state), `state ${state}, seed ${seed}`).toBe(model.pages(state) * PAGE_BYTES);
      expect(model.kernels.function('scanPages')(state) * PAGE_BYTES, `scan of ${state}, seed ${seed}`).toBe(
        model.arena.stateBytes(state),
      );
    }
    while (model.extents.length > 0) model.free();
    expect(model.arena.usedBytes(), `seed ${seed}`).toBe(0);
  }
});

test('extents never overlap: what is written to one is found in it and nowhere else', async () => {
  const random = seededRandom(77);
  const model = new Model(await newKernels(256 << 20), 24 << 20, random);
  for (let i = 0; i < 800; i++) {
    if (below(random, 3) === 0) model.free();
    else model.allocate();
  }
  model.extents.forEach((extent, i) => {
    const at = model.address(extent);
    model.kernels.function('touchRange')(at, extent.pages * PAGE_BYTES);
    model.kernels.memory.u8.fill(1 + (i % 255), at, at + extent.pages * PAGE_BYTES);
  });
  expect(model.extents.every((extent, i) => model.bytes(extent).every((byte) => byte === 1 + (i % 255)))).toBe(true);
});

test('gives no page beyond the budget, and all of them again after they were freed', async () => {
  const model = new Model(await newKernels(), 100 * PAGE_BYTES, seededRandom(1));
  const take = (pages: number): number => model.kernels.function('extentAlloc')(1, pages) >>> 0;
  const first = take(60);
  expect(first).not.toBe(0);
  expect(take(41)).toBe(0);
  expect(take(40)).not.toBe(0);
  expect(take(1)).toBe(0);
  expect(model.arena.usedBytes()).toBe(100 * PAGE_BYTES);
  model.kernels.function('extentFree')(1, first, 60);
  expect(take(60)).not.toBe(0);
});

test('writes only what has changed: one touched block is one run of one block, and nothing is written twice', async () => {
  const model = new Model(await newKernels(), 8 << 20, seededRandom(1));
  const ref = model.kernels.function('extentAlloc')(1, 200) >>> 0;
  model.arena.beginSnapshot();
  const first: Uint8Array[] = [];
  while (!model.drain(DRAIN_BYTES_MAX, first)) {}
  expect(model.arena.beginSnapshot()).toBe(0);
  const at = (model.kernels.function('resolve')(ref) >>> 0) + 1000;
  model.kernels.function('touchRange')(at, 8);
  expect(model.arena.beginSnapshot()).toBe(1);
  const second: Uint8Array[] = [];
  while (!model.drain(DRAIN_BYTES_MAX, second)) {}
  expect(second.map((run) => run.length)).toEqual([DRAIN_BYTES_MIN]);
});

test('refuses runs that are cut off or point outside a region, and state of another format', async () => {
  const model = new Model(await newKernels(), 8 << 20, seededRandom(1));
  model.arena.beginSnapshot();
  const runs: Uint8Array[] = [];
  while (!model.drain(DRAIN_BYTES_MAX, runs)) {}
  const whole = runs[0] ?? new Uint8Array();
  const outcome = async (change: (bytes: Uint8Array) => Uint8Array): Promise<string> => {
    const kernels = await newKernels();
    const arena = new Arena(kernels, 8 << 20);
    const bytes = change(whole.slice());
    const at = kernels.memory.allocate(bytes.length + 64);
    kernels.memory.u8.set(bytes, at);
    const put = arena.restoreRuns(at, bytes.length);
    return put === 'ok' ? arena.reopen() : put;
  };
  expect(await outcome((bytes) => bytes)).toBe('ok');
  for (let cut = 1; cut < 400; cut += 7)
    expect(await outcome((bytes) => bytes.subarray(0, bytes.length - cut)), `cut ${cut}`).toBe('corrupt');
  const withWord =
    (at: number, word: number) =>
    (bytes: Uint8Array): Uint8Array => {
      new DataView(bytes.buffer).setUint32(at, word, true);
      return bytes;
    };
  expect(await outcome(withWord(0, 2 ** 20 / BLOCK_BYTES - 1))).toBe('corrupt');
  expect(await outcome(withWord(0, 0xfffff000))).toBe('out of memory');
  expect(await outcome(withWord(4, 0))).toBe('corrupt');
  expect(await outcome(withWord(4, 0xffffffff))).toBe('corrupt');
});
