/** Columns of 64-bit integers as numbers, without a bigint for each: exact up to 2^53, as instants are. */
import type { Ptr } from '../data/record-batch.ts';

/** Views of memory. */
interface Words {
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
}

/** The integer whose lower half is at index `at`. */
export const wide = ({ i32, u32 }: Words, at: number): number => (i32[at + 1] ?? 0) * 2 ** 32 + (u32[at] ?? 0);

export const readMs = (words: Words, column: Ptr, row: number): number => wide(words, (column >>> 2) + row * 2);

export function writeMs({ i32 }: Words, column: Ptr, row: number, ms: number): void {
  const at = (column >>> 2) + row * 2;
  i32[at] = ms | 0;
  i32[at + 1] = Math.floor(ms / 2 ** 32);
}
