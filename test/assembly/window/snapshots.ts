/** Snapshots of a harness of windows, drained step by step, and restored into another process's memory. */
import { expect } from 'vitest';
import type { WindowAggregateSpec } from '../../../src/kernel/window-aggregate.ts';
import { newKernels } from '../../support/kernels.ts';
import { WindowHarness } from './harness.ts';

/** Drains the snapshot in progress; what is drained does not move when state goes on changing. */
export function drain(harness: WindowHarness, into: Uint8Array[], calls: number): boolean {
  const bytes = 4096;
  const out = harness.kernels.memory.allocate(bytes);
  for (let i = 0; i < calls; i++) {
    const count = harness.arena.drainSnapshot(out, bytes);
    if (count === 'spoiled') throw new Error('no memory for captures');
    if (count === 0) return true;
    into.push(harness.kernels.memory.u8.slice(out, out + count));
  }
  return false;
}

export async function restored(spec: WindowAggregateSpec, runs: readonly Uint8Array[]): Promise<WindowHarness> {
  const kernels = await newKernels();
  const harness = new WindowHarness(kernels, spec);
  const buffer = kernels.memory.allocate(4096);
  for (const run of runs) {
    kernels.memory.u8.set(run, buffer);
    expect(harness.arena.restoreRuns(buffer, run.length)).toBe('ok');
  }
  expect(harness.arena.reopen()).toBe('ok');
  return harness;
}
