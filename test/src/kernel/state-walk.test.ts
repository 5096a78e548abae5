/** Walks over keyed states against Maps; those over windows are in test/src/runtime/growth. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { eventTimeMs } from '../../../src/base/time.ts';
import { StateWalk } from '../../../src/kernel/state-walk.ts';
import { ArenaKeyedState } from '../../../src/state/arena-keyed-state.ts';
import { StateArena } from '../../../src/state/arena.ts';
import { newKernels } from '../../support/kernels.ts';
import { bytesOf } from '../../support/keyed-sequences.ts';

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
  for (const bits of [0, 3]) {
    const found = new Map<string, number>();
    for (let share = 0; share < 2 ** bits; share++) {
      for (const { key, entries, bytes } of walk.entries(number, bits, share)) {
        const name = String.fromCharCode(...key);
        expect(found.has(name), name).toBe(false);
        expect(bytes).toBeGreaterThan(24 * entries);
        found.set(name, entries);
      }
    }
    expect(new Map([...found].sort())).toEqual(new Map([...expected].sort()));
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
  const names = arena.heaviestKeys('op/table', 2).map(({ key }) => String.fromCharCode(...key));
  expect(names).toEqual(['key 411', 'key 7']);
});
