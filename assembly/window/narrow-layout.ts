/**
 * Accumulators of narrow entries (narrow.ts), for rows whose integers fit int32:
 *
 *   count: nothing | sum, avg of integers: i64 | min, max of integers: i32 | min, max of float64: f64
 *
 * Only aggregates that are exact and the same in any order of rows have a narrow form.
 */
import { F64, VIEW } from '../abi';
import { AVG, COUNT, MAX, MIN, SUM } from '../aggregate/codes';
import { aggregateCreate } from '../aggregate/registry';

/** There is no narrow form. */
export const NOT_NARROW: u32 = 0xffffffff;

/** Bytes of a narrow accumulator without the number of values. */
export function narrowBytes(code: u32, type: u32): u32 {
  if (code == COUNT) return 0;
  if (type == VIEW) return NOT_NARROW;
  if (code == MIN || code == MAX) return type == F64 ? 8 : 4;
  if ((code == SUM || code == AVG) && type < F64) return 8;
  return NOT_NARROW;
}

/** Makes zeroed bytes an accumulator that has seen nothing. */
export function narrowCreate(code: u32, type: u32, accPtr: u32): void {
  if (type == F64) aggregateCreate(code, type, accPtr);
  else if (code == MIN) store<i32>(accPtr, i32.MAX_VALUE);
  else if (code == MAX) store<i32>(accPtr, i32.MIN_VALUE);
}
