/**
 * Narrow entries: the same groups in about 0.6 of the bytes, for rows whose integers fit int32. A slice has a table of
 * narrow entries and one of wide entries; a key may be in both, and firing merges the two.
 *
 *   narrow entry: key | rows u32, bit 31 = occupied | per aggregate, without padding:
 *     [number of values u32, where it is nullable] accumulator (narrow-layout.ts)
 *
 * Invariants
 *  1. Aggregates with a narrow form are exact and do not depend on the order of rows; a plan with another one has no
 *     narrow entries. So which of the two tables takes a row cannot be seen in a result.
 *  2. A narrow table takes at most NARROW_ROWS_MAX rows, each with int32 values: no number in its entries overflows.
 * Not here: finding entries (locate.ts), wide accumulators (aggregate/).
 */
import { columnValidity, columnValues, F64, I64, isValid } from '../abi';
import { integerAt } from '../aggregate/column';
import { maxAdd } from '../aggregate/max';
import { minAdd } from '../aggregate/min';
import { AVG, COUNT, MAX, MIN, SUM } from '../aggregate/codes';
import { aggregateCreate } from '../aggregate/registry';
import { keyBytesOf, OCCUPIED, OCCUPIED_NARROW } from '../hash/table';
import { copyWords } from '../memory/words';
import {
  AGGREGATE_CODE,
  AGGREGATE_COLUMN,
  AGGREGATE_FILTER,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  AGGREGATE_TYPE,
  PLAN_AGGREGATE_COUNT,
  PLAN_KEY_KIND,
  PLAN_NARROW_OFFSETS,
  PLAN_SCRATCH,
  planAggregate,
  SCRATCH_ENTRIES,
  SCRATCH_ROWS,
  SCRATCH_SOME_ENTRIES,
  SCRATCH_SOME_ROWS,
  SCRATCH_WIDE_FLAGS,
  SCRATCH_WIDE_ROWS,
} from './plan';

export const NARROW_ROWS_MAX: u64 = 0x7fffffff;
/** What makes every number of int32 one below 2^32. */
const INT32_BIAS: i64 = 0x80000000;
function narrowOffset(planPtr: u32, index: u32): u32 {
  return load<u32>(load<u32>(planPtr, PLAN_NARROW_OFFSETS) + (index << 2));
}

/** Whether the aggregate reads integers that may be too large for a narrow entry. */
function mayBeWide(aggregatePtr: u32): bool {
  return load<u32>(aggregatePtr, AGGREGATE_TYPE) == I64 && load<u32>(aggregatePtr, AGGREGATE_CODE) != COUNT;
}

/** Whether all integers of the run's rows fit int32; values of rows that count as nulls may make it false. */
function allFit(planPtr: u32, n: u32): bool {
  const rows = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS;
  let seen: u32 = 0;
  let bits: u64 = 0;
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    if (!mayBeWide(aggregate)) continue;
    const values = columnValues(load<u32>(aggregate, AGGREGATE_COLUMN));
    // Several aggregates of one column often stand side by side.
    if (values == seen) continue;
    seen = values;
    for (let k: u32 = 0; k < n << 2; k += 4) {
      bits |= <u64>(load<i64>(values + (load<u32>(rows + k) << 3)) + INT32_BIAS);
    }
  }
  return bits >> 32 == 0;
}

/** Moves the run's rows with an integer beyond int32 to SCRATCH_WIDE_ROWS, in order; how many they are. */
export function takeWideRows(planPtr: u32, n: u32): u32 {
  if (allFit(planPtr, n)) return 0;
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  memory.fill(scratch + SCRATCH_WIDE_FLAGS, 0, n);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    if (mayBeWide(planAggregate(planPtr, i))) flagWide(planAggregate(planPtr, i), scratch, n);
  }
  let wide: u32 = 0;
  let narrow: u32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const row = load<u32>(scratch + SCRATCH_ROWS + (k << 2));
    if (load<u8>(scratch + SCRATCH_WIDE_FLAGS + k) != 0) {
      store<u32>(scratch + SCRATCH_WIDE_ROWS + (wide << 2), row);
      wide++;
    } else {
      store<u32>(scratch + SCRATCH_ROWS + (narrow << 2), row);
      narrow++;
    }
  }
  return wide;
}

function flagWide(aggregatePtr: u32, scratch: u32, n: u32): void {
  const column = load<u32>(aggregatePtr, AGGREGATE_COLUMN);
  for (let k: u32 = 0; k < n; k++) {
    const row = load<u32>(scratch + SCRATCH_ROWS + (k << 2));
    const value = load<i64>(columnValues(column) + (row << 3));
    if (<u64>(value + INT32_BIAS) >> 32 != 0 && hasValue(aggregatePtr, row)) {
      store<u8>(scratch + SCRATCH_WIDE_FLAGS + k, 1);
    }
  }
}

/** Whether a row counts for an aggregate: it has a value and passes the condition. */
export function hasValue(aggregatePtr: u32, row: u32): bool {
  const column = load<u32>(aggregatePtr, AGGREGATE_COLUMN);
  const filter = load<u32>(aggregatePtr, AGGREGATE_FILTER);
  return (column == 0 || isValid(columnValidity(column), row)) && (filter == 0 || load<u8>(filter + row) != 0);
}

/** One pass per aggregate over the narrow entries of rows [from, to) of the run. */
export function addNarrow(planPtr: u32, from: u32, to: u32): void {
  if (from == to) return;
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const entries = scratch + SCRATCH_ENTRIES + (from << 2);
  const rows = scratch + SCRATCH_ROWS + (from << 2);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const offset = narrowOffset(planPtr, i);
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) == 0) {
      addPresent(aggregate, entries, rows, to - from, offset);
    } else {
      const some = pickNarrow(aggregate, scratch, entries, rows, to - from, offset);
      addPresent(aggregate, scratch + SCRATCH_SOME_ENTRIES, scratch + SCRATCH_SOME_ROWS, some, offset + 4);
    }
  }
}

/** Keeps the rows that have a value, and counts them in their accumulators. */
function pickNarrow(aggregatePtr: u32, scratch: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): u32 {
  let some: u32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const row = load<u32>(rowsPtr + (k << 2));
    if (!hasValue(aggregatePtr, row)) continue;
    const entry = load<u32>(entriesPtr + (k << 2));
    store<u32>(entry + offset, load<u32>(entry + offset) + 1);
    store<u32>(scratch + SCRATCH_SOME_ENTRIES + (some << 2), entry);
    store<u32>(scratch + SCRATCH_SOME_ROWS + (some << 2), row);
    some++;
  }
  return some;
}

function addPresent(aggregatePtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): void {
  const code = load<u32>(aggregatePtr, AGGREGATE_CODE);
  const type = load<u32>(aggregatePtr, AGGREGATE_TYPE);
  const column = load<u32>(aggregatePtr, AGGREGATE_COLUMN);
  const values = column == 0 ? 0 : columnValues(column);
  const end = n << 2;
  if (type == F64) {
    if (code == MIN) minAdd(type, entriesPtr, rowsPtr, n, values, offset);
    else if (code == MAX) maxAdd(type, entriesPtr, rowsPtr, n, values, offset);
  } else if (code == SUM || code == AVG) {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<i64>(acc, load<i64>(acc) + integerAt(type, values, load<u32>(rowsPtr + k)));
    }
  } else if (code == MIN) {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<i32>(acc, min<i32>(load<i32>(acc), <i32>integerAt(type, values, load<u32>(rowsPtr + k))));
    }
  } else if (code == MAX) {
    for (let k: u32 = 0; k < end; k += 4) {
      const acc = load<u32>(entriesPtr + k) + offset;
      store<i32>(acc, max<i32>(load<i32>(acc), <i32>integerAt(type, values, load<u32>(rowsPtr + k))));
    }
  }
}

/** Writes the wide entry that says the same as a narrow one, but for its key beyond the image. */
export function widenEntry(planPtr: u32, narrowPtr: u32, widePtr: u32): void {
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  copyWords(widePtr, narrowPtr, keyBytes);
  store<u64>(widePtr + keyBytes, <u64>(load<u32>(narrowPtr + keyBytes) & ~OCCUPIED_NARROW) | OCCUPIED);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    let from = narrowPtr + narrowOffset(planPtr, i);
    let into = widePtr + load<u32>(aggregate, AGGREGATE_OFFSET);
    let isEmpty = false;
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) != 0) {
      isEmpty = load<u32>(from) == 0;
      store<u64>(into, <u64>load<u32>(from));
      from += 4;
      into += 8;
    }
    widenAccumulator(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE), from, into, isEmpty);
  }
}

function widenAccumulator(code: u32, type: u32, from: u32, into: u32, isEmpty: bool): void {
  if (code == COUNT) return;
  if (type == F64) {
    store<u64>(into, load<u64>(from));
  } else if (code == SUM || code == AVG) {
    const sum = load<i64>(from);
    store<i64>(into, sum);
    if (type == I64) store<i64>(into, sum >> 63, 8);
  } else if (isEmpty) {
    // The neutral element of int32 is not that of int64.
    aggregateCreate(code, type, into);
  } else {
    store<i64>(into, <i64>load<i32>(from));
  }
}
