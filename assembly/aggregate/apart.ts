/**
 * Sums, averages and moments of floats of which some may be taken back: no arithmetic takes a NaN or an infinity out of a
 * sum again, so they are counted apart from the finite values.
 *
 *   accumulator of the finite values (sum.ts, moments.ts) | NaN i64 | Infinity i64 | -Infinity i64
 *
 * Invariants
 *  1. What stands is what the values that were not taken back give: a NaN among them, or infinities of both signs, make a
 *     NaN; infinities of one sign the infinity of a sum; each of them makes variances NaN. Finite values are as without.
 *  2. The counts are signed: a value may be taken back before it comes.
 * Not here: finite values whose sum passes the largest float. Their infinity stays as long as the group.
 */
import { F64 } from '../abi';
import { AVG, NULL, PRESENT, SUM } from './codes';
import { MOMENTS_BYTES, momentsAdd, momentsMerge, momentsRetract } from './moments';
import { sumAdd, sumBytes, sumMerge, sumRetract } from './sum';

const COUNTS_BYTES: u32 = 24;
const UP: u32 = 8;
const DOWN: u32 = 16;

function isSum(code: u32): bool {
  return code == SUM || code == AVG;
}

/** Bytes of the accumulator of the finite values. */
function finiteBytes(code: u32): u32 {
  return isSum(code) ? sumBytes(F64) : MOMENTS_BYTES;
}

export function apartBytes(code: u32): u32 {
  return finiteBytes(code) + COUNTS_BYTES;
}

/** Counts a value that is not finite; false when it is. */
function countApart(code: u32, accPtr: u32, value: f64, by: i64): bool {
  if (value - value == 0) return false;
  const counted = accPtr + finiteBytes(code) + (value != value ? 0 : value > 0 ? UP : DOWN);
  store<i64>(counted, load<i64>(counted) + by);
  return true;
}

export function apartAdd(code: u32, entriesPtr: u32, rowsPtr: u32, n: u32, valuesPtr: u32, offset: u32): void {
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const value = load<f64>(valuesPtr + (load<u32>(rowsPtr + k) << 3));
    if (countApart(code, load<u32>(entriesPtr + k) + offset, value, 1)) continue;
    if (isSum(code)) sumAdd(F64, entriesPtr + k, rowsPtr + k, 1, valuesPtr, offset);
    else momentsAdd(F64, entriesPtr + k, rowsPtr + k, 1, valuesPtr, offset);
  }
}

/** Takes the value of a row back. */
export function apartRetract(code: u32, accPtr: u32, valuesPtr: u32, row: u32): void {
  if (countApart(code, accPtr, load<f64>(valuesPtr + (row << 3)), -1)) return;
  if (isSum(code)) sumRetract(F64, accPtr, valuesPtr, row);
  else momentsRetract(F64, accPtr, valuesPtr, row);
}

export function apartMerge(code: u32, intoPtr: u32, fromPtr: u32): void {
  if (isSum(code)) sumMerge(F64, intoPtr, fromPtr);
  else momentsMerge(intoPtr, fromPtr);
  for (let at = finiteBytes(code); at < apartBytes(code); at += 8) {
    store<i64>(intoPtr + at, load<i64>(intoPtr + at) + load<i64>(fromPtr + at));
  }
}

/** PRESENT or NULL when values apart decide the result, -1 when the finite ones do. */
export function apartFinish(code: u32, accPtr: u32, outPtr: u32): i32 {
  const counts = accPtr + finiteBytes(code);
  const none = max<i64>(0, load<i64>(counts));
  const up = max<i64>(0, load<i64>(counts, UP));
  const down = max<i64>(0, load<i64>(counts, DOWN));
  const apart = none + up + down;
  if (apart == 0) return -1;
  if (!isSum(code) && load<f64>(accPtr) + <f64>apart < 2) return NULL;
  store<f64>(outPtr, !isSum(code) || none > 0 || (up > 0 && down > 0) ? NaN : up > 0 ? Infinity : -Infinity);
  return PRESENT;
}
