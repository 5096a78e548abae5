/**
 * firstValue, lastValue, argMin, argMax: one value of the group, picked by an order.
 *
 *   40 bytes: time i64 | order i64 (argMin, argMax) | value, 16 bytes: its bits u64, or of text a blob (blob.ts) | 1 when
 *   there is one, u32, spare
 *
 * Invariants
 *  1. first and last go by event time; of rows with one time, by record order. Without event time all times are one.
 *  2. argMin and argMax go by the second column (floats as min and max order them: -0 below 0, NaN above all); of equal
 *     ones the first by event time wins, then by record order. So it makes no difference how time is sliced.
 *  3. Rows without a value, or without one to order by, take no part.
 */
import { columnValidity, columnValues, F64, isValid, OUT_OF_MEMORY, VIEW } from '../abi';
import { blobSet, blobView } from './blob';
import {
  AGGREGATE_BLOBS,
  AGGREGATE_BY,
  AGGREGATE_BY_TYPE,
  AGGREGATE_COLUMN,
  AGGREGATE_TIMES,
  AGGREGATE_TYPE,
} from './call';
import { integerAt } from './column';

const PICK_ORDER: u32 = 8;
const PICK_VALUE: u32 = 16;
const PICK_THERE: u32 = 32;
export const PICK_BYTES: u32 = 40;

// How a pick is ordered.
export const BY_FIRST: u32 = 0;
export const BY_LAST: u32 = 1;
export const BY_LEAST: u32 = 2;
export const BY_MOST: u32 = 3;

/** Floats as integers of the same order: -0 below 0, all NaN alike above everything. */
function orderOf(type: u32, valuesPtr: u32, row: u32): i64 {
  if (type != F64) return integerAt(type, valuesPtr, row);
  const value = load<f64>(valuesPtr + (row << 3));
  if (value != value) return i64.MAX_VALUE;
  const bits = reinterpret<i64>(value);
  return bits ^ ((bits >> 63) & i64.MAX_VALUE);
}

/** Whether (time, order) of a later row takes the place of what the accumulator has. */
function wins(by: u32, accPtr: u32, time: i64, order: i64): bool {
  if (load<u32>(accPtr, PICK_THERE) == 0) return true;
  const had = load<i64>(accPtr);
  if (by == BY_FIRST) return time < had;
  if (by == BY_LAST) return time >= had;
  const best = load<i64>(accPtr, PICK_ORDER);
  if (order == best) return time < had;
  return by == BY_LEAST ? order < best : order > best;
}

/** False when there is no memory for a text. */
export function pickAdd(callPtr: u32, by: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const times = load<u32>(callPtr, AGGREGATE_TIMES);
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const byColumn = load<u32>(callPtr, AGGREGATE_BY);
  const byType = load<u32>(callPtr, AGGREGATE_BY_TYPE);
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const row = load<u32>(rowsPtr + k);
    const acc = load<u32>(entriesPtr + k) + offset;
    if (byColumn != 0 && !isValid(columnValidity(byColumn), row)) continue;
    const time: i64 = times == 0 ? 0 : load<i64>(times + (row << 3));
    const order: i64 = byColumn == 0 ? 0 : orderOf(byType, columnValues(byColumn), row);
    if (!wins(by, acc, time, order)) continue;
    if (type == VIEW) {
      const view = values + (row << 3);
      if (!blobSet(blobs, acc + PICK_VALUE, load<u32>(view), load<u32>(view, 4))) return false;
    } else {
      store<u64>(acc, bitsAt(type, values, row), PICK_VALUE);
    }
    store<i64>(acc, time);
    store<i64>(acc, order, PICK_ORDER);
    store<u32>(acc, 1, PICK_THERE);
  }
  return true;
}

function bitsAt(type: u32, valuesPtr: u32, row: u32): u64 {
  return type == F64 ? load<u64>(valuesPtr + (row << 3)) : <u64>integerAt(type, valuesPtr, row);
}

/** Every row that `from` picked came later than those of `into` with its time. The value of text stays where it is. */
export function pickMerge(by: u32, intoPtr: u32, fromPtr: u32): void {
  if (load<u32>(fromPtr, PICK_THERE) == 0) return;
  if (wins(by, intoPtr, load<i64>(fromPtr), load<i64>(fromPtr, PICK_ORDER))) memory.copy(intoPtr, fromPtr, PICK_BYTES);
}

/** 1 when the value was written, 0 when there is none, OUT_OF_MEMORY. */
export function pickFinish(callPtr: u32, accPtr: u32, outPtr: u32): i32 {
  if (load<u32>(accPtr, PICK_THERE) == 0) return 0;
  if (load<u32>(callPtr, AGGREGATE_TYPE) != VIEW) store<u64>(outPtr, load<u64>(accPtr, PICK_VALUE));
  else if (!blobView(load<u32>(callPtr, AGGREGATE_BLOBS), accPtr + PICK_VALUE, outPtr)) return OUT_OF_MEMORY;
  return 1;
}
