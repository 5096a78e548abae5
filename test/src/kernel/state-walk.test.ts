/** Walks over keyed states against Maps; and over a window; what they tell of jobs is in test/src/runtime/growth. */
import { expect, test, vi } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { eventTimeMs } from '../../../src/base/time.ts';
import { StateWalk } from '../../../src/kernel/state-walk.ts';
import { Physical } from '../../../src/data/types.ts';
import { Arena } from '../../../src/kernel/arena.ts';
import { WindowAggregate } from '../../../src/kernel/window-aggregate.ts';
import { ArenaKeyedState } from '../../../src/state/arena-keyed-state.ts';
import { StateArena } from '../../../src/state/arena.ts';
import type { HeavyKey } from '../../../src/state/heaviest-keys.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';
import { bytesOf } from '../../support/keyed-sequences.ts';

/** Of keys, or of a search that is carried to its end. */
function namesOf(found: readonly HeavyKey[] | Generator<undefined, readonly HeavyKey[]>): string[] {
  if ('next' in found) {
    for (;;) {
      const step = found.next();
      if (step.done === true) return namesOf(step.value);
    }
  }
  return found.map(({ key }) => String.fromCharCode(...key));
}

const hashOf = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 0;

test('a walk meets every key once, share by share, with its entries', async () => {
  const kernels = await newKernels(32 << 20);
  const arena = new StateArena(kernels, 16 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('table', { ttlMs: 1000, refresh: 'write' });
  state.advance(eventTimeMs(0));
  const random = seededRandom(7);
  const expected = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const key = `key ${i}`;
    state.select({ bytes: bytesOf(key), hash: hashOf(i) });
    const entries = 1 + below(random, 4);
    for (let k = 0; k < entries; k++) table.put(bytesOf(`sub ${k}`), new Uint8Array(below(random, 60)));
    expected.set(key, entries);
  }
  const walk = new StateWalk(kernels);
  const number = arena.open('op/table');
  // Shares larger than a bucket, and smaller.
  for (const bits of [0, 3, 7, 11]) {
    const found = new Map<string, number>();
    for (let share = 0; share < 2 ** bits; share++) {
      let sum = 0;
      for (const { key, entries, bytes } of walk.entries(number, bits, share)) {
        const name = String.fromCharCode(...key);
        expect(found.has(name), name).toBe(false);
        expect(bytes).toBeGreaterThan(24 * entries);
        found.set(name, entries);
        sum += bytes;
      }
      expect(walk.weight(number, bits, share)).toBe(sum);
    }
    expect(new Map([...found].sort())).toEqual(new Map([...expected].sort()));
  }
});

test('a walk over a window meets every key once, share by share', async () => {
  const kernels = await newKernels(64 << 20);
  new Arena(kernels, 32 << 20);
  const fields = { key: Physical.I64, sizeMs: 1000, slideMs: 1000, offsetMs: 0 };
  const rows = specOf({ name: 'rows', fn: 'count', input: undefined, nullable: false });
  const keys = 40_000;
  const aggregate = new WindowAggregate(kernels, { state: 1, ...fields, aggregates: [rows] }, keys);
  const { memory } = kernels;
  const [key, times] = [memory.allocate(keys * 8), memory.allocate(keys * 8)];
  for (let i = 0; i < keys; i++) memory.i64[(key >>> 3) + i] = BigInt(i * 7);
  const column = { values: key, validity: 0 };
  const given = { selected: keys, selection: 0, key: column, times, watermarks: 0, columns: [undefined], filters: [0] };
  expect(aggregate.add(given, 0)).toBe(keys);
  const walk = new StateWalk(kernels);
  for (const bits of [0, 2, 6, 12]) {
    const found = new Set<number>();
    let entries = 0;
    for (let share = 0; share < 2 ** bits; share++) {
      let sum = 0;
      for (const { key: name, bytes } of walk.entries(1, bits, share)) {
        entries++;
        sum += bytes;
        found.add(new DataView(name.buffer, name.byteOffset).getUint32(0, true));
      }
      expect(walk.weight(1, bits, share)).toBe(sum);
    }
    expect([entries, found.size], `${bits} bits`).toEqual([keys, keys]);
  }
});

test('the heaviest keys are those with the most bytes', async () => {
  const kernels = await newKernels(32 << 20);
  const arena = new StateArena(kernels, 16 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('table', { ttlMs: 1000, refresh: 'write' });
  state.advance(eventTimeMs(0));
  for (let i = 0; i < 900; i++) {
    state.select({ bytes: bytesOf(`key ${i}`), hash: hashOf(i) });
    table.put(bytesOf('sub'), new Uint8Array(i === 411 ? 1500 : i === 7 ? 900 : 20));
  }
  for (const shareEntries of [1, 100, 10_000])
    expect(namesOf(arena.heaviestKeys('op/table', 2, { shareEntries, sharesMax: 2 ** 14 })), `${shareEntries}`).toEqual(
      ['key 411', 'key 7'],
    );
});

test('of keys that are all as heavy the first are told, and their bytes are read a bounded number of times', async () => {
  const kernels = await newKernels(32 << 20);
  const arena = new StateArena(kernels, 16 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('table', { ttlMs: 1000, refresh: 'write' });
  state.advance(eventTimeMs(0));
  const keys = 3000;
  for (let i = 0; i < keys; i++) {
    state.select({ bytes: bytesOf(`key ${String(i).padStart(4, '0')}`), hash: hashOf(i) });
    table.put(bytesOf('sub'), new Uint8Array(20));
  }
  const made = vi.spyOn(String, 'fromCharCode');
  const search = arena.heaviestKeys('op/table', 3);
  const found = search.next();
  expect(made.mock.calls.length).toBeLessThan(keys * 3);
  made.mockRestore();
  expect(found.done).toBe(true);
  expect(namesOf([found.value ?? []].flat())).toEqual(['key 0000', 'key 0001', 'key 0002']);
});

test('a search rests after each share, and between them the state may change', async () => {
  const kernels = await newKernels(32 << 20);
  const arena = new StateArena(kernels, 16 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('table', { ttlMs: 1000, refresh: 'write' });
  state.advance(eventTimeMs(0));
  const put = (i: number, bytes: number): void => {
    state.select({ bytes: bytesOf(`key ${i}`), hash: hashOf(i) });
    table.put(bytesOf('sub'), new Uint8Array(bytes));
  };
  for (let i = 0; i < 2000; i++) put(i, i === 411 ? 1500 : 20);
  const search = arena.heaviestKeys('op/table', 1, { shareEntries: 100, sharesMax: 32 });
  let rests = 0;
  let step = search.next();
  for (; step.done !== true; step = search.next()) put(2000 + rests++, 20);
  // All shares are weighed, and as none is lighter than the key, all are looked at.
  expect(rests).toBe(32 + 31);
  expect(namesOf(step.value)).toEqual(['key 411']);
});
