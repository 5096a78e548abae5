/** Keyed state against Maps, its bounds in memory, and what it refuses. */
import { expect, test } from 'vitest';
import { eventTimeMs } from '../../../src/base/time.ts';
import { ArenaKeyedState } from '../../../src/state/arena-keyed-state.ts';
import { StateArena } from '../../../src/state/arena.ts';
import { newKernels } from '../../support/kernels.ts';
import { bytesOf, KeyedSequence } from '../../support/keyed-sequences.ts';

const SEQUENCES = 2000;

test('answers as Maps do, whatever is done, snapshotted and restored', async () => {
  const kernels = await newKernels(32 << 20);
  const arena = new StateArena(kernels, 16 << 20);
  const counts: { [operation: string]: number } = {};
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    try {
      new KeyedSequence(kernels, arena, seed, counts).run(seed % 20 === 0 ? 400 : 40);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  expect(counts['restore']).toBeGreaterThan(500);
  expect(counts['expire']).toBeGreaterThan(500);
});

const keyOf = (text: string): { readonly bytes: Uint8Array; readonly hash: number } => {
  let hash = 0x811c9dc5;
  for (const byte of bytesOf(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return { bytes: bytesOf(text), hash: Math.imul(hash, 0x9e3779b1) >>> 0 };
};

test('throws E1302 when memory is used up, keeps what it had, and goes on once there is room', async () => {
  const kernels = await newKernels(16 << 20);
  const arena = new StateArena(kernels, 512 * 1024);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('table', { ttlMs: 1000, refresh: 'write' });
  state.advance(eventTimeMs(0));
  const kept = new Map<string, number>();
  const timers = new Set<number>();
  let refused = 0;
  for (let i = 0; refused < 300; i++) {
    const [name, length] = [`key ${i % 3000}`, (i * 37) % (i % 50 === 0 ? 6000 : 90)];
    state.select(keyOf(name));
    try {
      table.put(bytesOf(`sub ${i % 20}`), new Uint8Array(length).fill(i));
      kept.set(`${name} sub ${i % 20}`, length);
      if (state.eventTimers.register(i, bytesOf(name))) timers.add(i);
    } catch (error) {
      expect(error).toMatchObject({ code: 'E1302' });
      refused++;
    }
    if (refused > 0 && refused % 100 === 0) expect(arena.verify()).toBe(true);
  }
  for (const [name, length] of kept) {
    const [, key = '', sub = ''] = /^(key \d+) (sub \d+)$/.exec(name) ?? [];
    state.select(keyOf(key));
    expect(table.get(bytesOf(sub))?.length).toBe(length);
  }
  expect(state.eventTimers.count).toBe(timers.size);
  expect(arena.verify()).toBe(true);
  state.advance(eventTimeMs(2000));
  while (state.expire(100, () => {}));
  while (state.eventTimers.next(Number.MAX_SAFE_INTEGER) !== undefined);
  expect(arena.states().map(({ entries }) => entries)).toEqual([0, 0]);
  expect(arena.usedBytes()).toBeLessThan(256 * 1024);
  table.put(bytesOf('again'), new Uint8Array(100_000));
  expect(arena.verify()).toBe(true);
});

test('refuses an entry that no extent can hold', async () => {
  const kernels = await newKernels(16 << 20);
  const arena = new StateArena(kernels, 8 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('large');
  state.select(keyOf('k'));
  table.put(bytesOf('fits'), new Uint8Array(1_044_000));
  expect(table.get(bytesOf('fits'))?.length).toBe(1_044_000);
  expect(() => table.put(bytesOf('x'), new Uint8Array(1_044_480))).toThrow(
    expect.objectContaining({
      code: 'E1337',
      message: "an entry of state 'large' has 1044482 bytes with its key; at most 1044416 can be kept",
    }),
  );
  expect(arena.verify()).toBe(true);
});

test.each(['write', 'access'] as const)(
  'holds no more than 1.2 times what lives, for thirty days of keys that come and go and are refreshed on %s',
  async (refresh) => {
    const kernels = await newKernels(32 << 20);
    const arena = new StateArena(kernels, 24 << 20);
    const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
    const hour = 3_600_000;
    const table = state.open('seen', { ttlMs: 24 * hour, refresh });
    const perHour = 100;
    let [atFirst, atMost, most, told] = [0, 0, 0, 0];
    for (let at = 0; at < 30 * 24; at++) {
      state.advance(eventTimeMs(at * hour));
      while (state.expire(64, () => void told++));
      for (let i = 0; i < perHour; i++) {
        state.select(keyOf(`user ${at}-${i}`));
        table.put(new Uint8Array(), new Uint8Array(20 + (i % 7)));
        state.select(keyOf(`user ${at}-${i & ~1}`));
        for (let again = 0; again < 2; again++) table.get(new Uint8Array());
      }
      const [size] = arena.states();
      most = Math.max(most, size?.entries ?? 0);
      if (at < 48) atFirst = Math.max(atFirst, size?.bytes ?? 0);
      else atMost = Math.max(atMost, size?.bytes ?? 0);
    }
    expect(most).toBeLessThanOrEqual(1.2 * perHour * 24);
    expect(atMost).toBeLessThanOrEqual(1.2 * atFirst);
    expect(told).toBe(perHour * 29 * 24);
    expect(arena.verify()).toBe(true);
  },
);

test('gives memory back: after all keys, timers and large values are gone almost nothing is held', async () => {
  const kernels = await newKernels(64 << 20);
  const arena = new StateArena(kernels, 48 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('table');
  const names = Array.from({ length: 20_000 }, (_, i) => `key ${(i * 7919) % 20_000}`);
  for (const [i, name] of names.entries()) {
    state.select(keyOf(name));
    table.put(bytesOf(`${i % 3}`), new Uint8Array(i % 400));
    state.eventTimers.register((i * 31) % 5000, bytesOf(name));
  }
  expect(arena.states().map(({ name, entries, keys }) => [name, entries, keys])).toEqual([
    ['op/table', 20_000, 20_000],
    ['op/event timers', 20_000, 20_000],
  ]);
  expect(arena.verify()).toBe(true);
  for (const [i, name] of names.entries()) {
    state.select(keyOf(name));
    expect(table.delete(bytesOf(`${i % 3}`))).toBe(true);
    expect(state.eventTimers.delete((i * 31) % 5000, bytesOf(name))).toBe(true);
  }
  expect(arena.verify()).toBe(true);
  expect(arena.statesOf('op').map(({ entries }) => entries)).toEqual([0, 0]);
  expect(arena.usedBytes()).toBeLessThan(50 * 4096);
});

test('walks a key that is selected again between two steps, and refuses to walk under another', async () => {
  const kernels = await newKernels(16 << 20);
  const state = new ArenaKeyedState({ kernels, arena: new StateArena(kernels, 8 << 20), uid: 'op' });
  const table = state.open('t');
  state.select(keyOf('a'));
  for (let i = 0; i < 3; i++) table.put(bytesOf(`${i}`), bytesOf('x'));
  const met: number[] = [];
  const walk = table.entries();
  for (let step = walk.next(); step.done !== true; step = walk.next()) {
    met.push(step.value.sub[0] ?? 0);
    state.select(keyOf('b'));
    table.put(bytesOf('other'), bytesOf('y'));
    table.clear();
    state.select(keyOf('a'));
  }
  expect(met).toEqual([...bytesOf('012')]);
  const another = table.entries();
  another.next();
  state.select(keyOf('b'));
  expect(() => another.next()).toThrow("another key is selected while 't' is walked");
});

test('keeps apart more keys of one hash than a bucket holds', async () => {
  const kernels = await newKernels(32 << 20);
  const arena = new StateArena(kernels, 16 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'op' });
  const table = state.open('t');
  const select = (i: number): void => state.select({ bytes: bytesOf(`key ${i}`), hash: 0xabcdef01 });
  for (let i = 0; i < 1500; i++) {
    select(i);
    table.put(bytesOf(''), bytesOf(`${i}`));
  }
  expect(arena.verify()).toBe(true);
  for (let i = 0; i < 1500; i += 2) {
    select(i);
    expect(table.delete(bytesOf(''))).toBe(true);
  }
  for (let i = 0; i < 1500; i++) {
    select(i);
    expect(table.get(bytesOf(''))).toEqual(i % 2 === 0 ? undefined : bytesOf(`${i}`));
  }
  expect(arena.verify()).toBe(true);
});
