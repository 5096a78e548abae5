/**
 * count() and count(column). Without column and filter the rows of the entry are the answer; otherwise the number of
 * values that every nullable accumulator carries (registry.ts). It has no bytes of its own.
 */

export function countFinish(count: u64, outPtr: u32): void {
  store<u64>(outPtr, count);
}
