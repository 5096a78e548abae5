/**
 * min, 8 bytes: i64 or f64. Floats are ordered as Java's Double.compare does: -0 below +0, NaN above everything. So NaN
 * is the neutral element, and the minimum is NaN only when every value is.
 */
import { F64 } from '../abi';
import { integerAt } from './column';

export function minCreate(type: u32, accPtr: u32): void {
  if (type == F64) store<f64>(accPtr, NaN);
  else store<i64>(accPtr, i64.MAX_VALUE);
}

function lower(a: f64, b: f64): f64 {
  if (a != a) return b;
  return b != b ? a : min<f64>(a, b);
}

export function minAdd(type: u32, entriesPtr: u32, rowsPtr: u32, n: u32, valuesPtr: u32, offset: u32): void {
  const end = n << 2;
  if (type == F64) {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<f64>(acc, lower(load<f64>(acc), load<f64>(valuesPtr + (load<u32>(rowsPtr + k) << 3))));
    }
  } else {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<i64>(acc, min<i64>(load<i64>(acc), integerAt(type, valuesPtr, load<u32>(rowsPtr + k))));
    }
  }
}

export function minMerge(type: u32, intoPtr: u32, fromPtr: u32): void {
  if (type == F64) store<f64>(intoPtr, lower(load<f64>(intoPtr), load<f64>(fromPtr)));
  else store<i64>(intoPtr, min<i64>(load<i64>(intoPtr), load<i64>(fromPtr)));
}
