/**
 * sum: integers exactly, floats in record order.
 *
 *   int64 input, 16 bytes: low u64 | high i64, a 128-bit sum, so that passing the ends of int64 on the way does no harm
 *   narrower integers, 8 bytes: i64 (2^32 rows of int32 fit)
 *   float64, 8 bytes: f64
 *
 * Invariant: a sum that does not fit int64 when it is finished is reported, never wrapped.
 */
import { F64, I64 } from '../abi';
import { integerAt } from './column';

export function sumBytes(type: u32): u32 {
  return type == I64 ? 16 : 8;
}

/** Adds row rows[k] to the accumulator at entries[k] + offset, for k < n. */
export function sumAdd(type: u32, entriesPtr: u32, rowsPtr: u32, n: u32, valuesPtr: u32, offset: u32): void {
  const end = n << 2;
  if (type == F64) {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<f64>(acc, load<f64>(acc) + load<f64>(valuesPtr + (load<u32>(rowsPtr + k) << 3)));
    }
  } else if (type == I64) {
    for (let k: u32 = 0; k < end; k += 4) {
      addWide(load<u32>(entriesPtr + k) + offset, load<i64>(valuesPtr + (load<u32>(rowsPtr + k) << 3)));
    }
  } else {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<i64>(acc, load<i64>(acc) + integerAt(type, valuesPtr, load<u32>(rowsPtr + k)));
    }
  }
}

function addWide(accPtr: u32, value: i64): void {
  const before = load<u64>(accPtr);
  const low = before + <u64>value;
  store<u64>(accPtr, low);
  store<i64>(accPtr, load<i64>(accPtr, 8) + (value >> 63) + i64(low < before), 8);
}

/** Takes the value of a row back. Sums of integers are as if it had never come; floats keep what rounding left. */
export function sumRetract(type: u32, accPtr: u32, valuesPtr: u32, row: u32): void {
  if (type == F64) {
    store<f64>(accPtr, load<f64>(accPtr) - load<f64>(valuesPtr + (row << 3)));
  } else if (type == I64) {
    const value = load<i64>(valuesPtr + (row << 3));
    const before = load<u64>(accPtr);
    store<u64>(accPtr, before - <u64>value);
    store<i64>(accPtr, load<i64>(accPtr, 8) - (value >> 63) - i64(before < <u64>value), 8);
  } else {
    store<i64>(accPtr, load<i64>(accPtr) - integerAt(type, valuesPtr, row));
  }
}

export function sumMerge(type: u32, intoPtr: u32, fromPtr: u32): void {
  if (type == F64) {
    store<f64>(intoPtr, load<f64>(intoPtr) + load<f64>(fromPtr));
  } else if (type == I64) {
    const before = load<u64>(intoPtr);
    const low = before + load<u64>(fromPtr);
    store<u64>(intoPtr, low);
    store<i64>(intoPtr, load<i64>(intoPtr, 8) + load<i64>(fromPtr, 8) + i64(low < before), 8);
  } else {
    store<i64>(intoPtr, load<i64>(intoPtr) + load<i64>(fromPtr));
  }
}

/** Writes the sum (i64 or f64) and answers whether it fits. */
export function sumFinish(type: u32, accPtr: u32, outPtr: u32): bool {
  store<u64>(outPtr, load<u64>(accPtr));
  return type != I64 || load<i64>(accPtr, 8) == load<i64>(accPtr) >> 63;
}

/** The sum as the nearest float. */
export function sumAsFloat(type: u32, accPtr: u32): f64 {
  if (type == F64) return load<f64>(accPtr);
  const low = load<i64>(accPtr);
  if (type != I64 || load<i64>(accPtr, 8) == low >> 63) return <f64>low;
  return wideAsFloat(load<u64>(accPtr), load<i64>(accPtr, 8));
}

function wideAsFloat(low: u64, high: i64): f64 {
  if (high < 0) return -wideAsFloat(0 - low, ~high + i64(low == 0));
  const shift = 64 - clz<u64>(<u64>high);
  if (shift == 0) return <f64>low;
  // The top 64 bits, and a last bit that says whether anything below them is set: rounding once is then exact.
  const top = ((<u64>high) << (64 - shift)) | (shift == 64 ? 0 : low >> shift);
  const rest = u64(low << (64 - shift) != 0);
  return <f64>(top | rest) * reinterpret<f64>((<u64>1023 + shift) << 52);
}
