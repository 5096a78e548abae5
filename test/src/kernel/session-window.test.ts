/** The door to session windows: what it refuses, and what it says of a session that is open. The kernels: test/assembly/session. */
import { expect, it } from 'vitest';
import { Physical } from '../../../src/data/types.ts';
import { SessionWindow } from '../../../src/kernel/session-window.ts';
import { StateArena } from '../../../src/state/arena.ts';
import { newKernels } from '../../support/kernels.ts';

it('refuses a session without a gap', async () => {
  const kernels = await newKernels();
  const state = new StateArena(kernels, 1 << 20).open('s');
  const spec = { state, key: Physical.I64, gapMs: 0, aggregates: [] };
  expect(() => new SessionWindow(kernels, spec, 16)).toThrow('a session gap of 0 ms');
});

it('tells what the open session of a key holds, and that there is none', async () => {
  const kernels = await newKernels();
  const { memory } = kernels;
  const state = new StateArena(kernels, 1 << 20).open('s');
  const sessions = new SessionWindow(kernels, { state, key: Physical.I64, gapMs: 10, aggregates: [] }, 16);
  const [keys, times, watermarks] = [memory.allocate(32), memory.allocate(32), memory.allocate(32)];
  memory.i64.set([7n, 8n, 7n], keys >>> 3);
  memory.i64.set([100n, 104n, 108n], times >>> 3);
  memory.i64.set([0n, 0n, 0n], watermarks >>> 3);
  const key = { values: keys, validity: 0 };
  const input = { selected: 3, selection: 0, key, times, watermarks, columns: [], by: [], filters: [] };
  expect(sessions.add(input)).toBe(true);
  expect(sessions.held(key, 105)).toEqual({ start: 100, end: 118, rows: 2 });
  expect(sessions.held(key, 130)).toBeUndefined();
  expect(sessions.due(112)).toBe(false);
  expect(sessions.due(113)).toBe(true);
});
