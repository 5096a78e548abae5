/** Columns of 64-bit milliseconds as numbers, without a bigint for each. */
import type { Ptr } from '../../data/record-batch.ts';
import type { LinearMemory } from '../../kernel/memory.ts';

export function readMs(memory: LinearMemory, column: Ptr, row: number): number {
  const at = (column >>> 2) + row * 2;
  return (memory.i32[at + 1] ?? 0) * 2 ** 32 + (memory.u32[at] ?? 0);
}

export function writeMs(memory: LinearMemory, column: Ptr, row: number, ms: number): void {
  const at = (column >>> 2) + row * 2;
  memory.i32[at] = ms | 0;
  memory.i32[at + 1] = Math.floor(ms / 2 ** 32);
}
