/** The door to keyed states: what answers point to, and that a state keeps its kind. */
import { expect, test } from 'vitest';
import { Arena } from '../../../src/kernel/arena.ts';
import { KeyedSelection, KeyedTableKernels, TimerKernels } from '../../../src/kernel/keyed.ts';
import { newKernels } from '../../support/kernels.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('answers with the bytes of a timer and its key after the timer is gone', async () => {
  const kernels = await newKernels(16 << 20);
  const arena = new Arena(kernels, 8 << 20);
  const selection = new KeyedSelection(kernels);
  const timers = new TimerKernels(kernels, 1, selection);
  selection.select(bytes(9, 8, 7, 6, 5, 4, 3, 2, 1), 77);
  expect(timers.register(-5, bytes(1, 2, 3))).toBe(true);
  expect(timers.register(-5, bytes(1, 2, 3))).toBe(false);
  selection.select(bytes(1), 5);
  expect(timers.next(-6)).toBe(false);
  expect(timers.next(-5)).toBe(true);
  expect([timers.time, ...timers.sub]).toEqual([-5, 1, 2, 3]);
  timers.selectAnswered();
  expect([...selection.key]).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(selection.hash).toBe(77);
  expect(timers.earliest).toBeNaN();
  expect(arena.countsHold(1)).toBe(true);
});

test('takes bytes that are views of state itself', async () => {
  const kernels = await newKernels(16 << 20);
  const arena = new Arena(kernels, 8 << 20);
  const selection = new KeyedSelection(kernels);
  const table = new KeyedTableKernels(kernels, 1, selection, undefined);
  selection.select(bytes(1), 5);
  expect(table.put(bytes(1), new Uint8Array(100).fill(3))).toBe('new');
  expect(table.get(bytes(1))).toBe(true);
  expect(table.put(table.value, table.value)).toBe('new');
  expect(table.get(new Uint8Array(100).fill(3))).toBe(true);
  expect(table.value).toEqual(new Uint8Array(100).fill(3));
  expect(arena.stateEntries(1)).toBe(2);
});

test('refuses to open timers as a table', async () => {
  const kernels = await newKernels(16 << 20);
  new Arena(kernels, 8 << 20);
  const selection = new KeyedSelection(kernels);
  new TimerKernels(kernels, 1, selection);
  expect(() => new KeyedTableKernels(kernels, 1, selection, undefined)).toThrow('another kind of state');
});

test('drops all of a state at once', async () => {
  const kernels = await newKernels(16 << 20);
  const arena = new Arena(kernels, 8 << 20);
  const selection = new KeyedSelection(kernels);
  const table = new KeyedTableKernels(kernels, 1, selection, { ttlMs: 10, onAccess: false });
  for (let i = 0; i < 2000; i++) {
    selection.select(bytes(i & 255, i >> 8), Math.imul(i, 0x9e3779b1) >>> 0);
    table.put(bytes(1), new Uint8Array(i));
  }
  expect(arena.stateKeys(1)).toBe(2000);
  arena.clear(1);
  expect([arena.usedBytes(), arena.stateEntries(1), arena.stateKeys(1)]).toEqual([0, 0, 0]);
  expect(table.get(bytes(1))).toBe(false);
  expect(table.put(bytes(1), bytes(2))).toBe('new');
  expect(arena.countsHold(1)).toBe(true);
});
