/** What a window holds of one key, for those who ask. Changes nothing but scratch. */
import { keyBytesOf, OCCUPIED_NARROW, rowsOf } from '../hash/table';
import { findEntry, readKeys } from './locate';
import { PLAN_KEY_KIND, PLAN_SCRATCH, PLAN_STATE, SCRATCH_ROWS } from './plan';
import { NARROW, sliceAtOrAfter, sliceCount, sliceStart, sliceTable, TABLE_KINDS } from './slices';
import { sliceOf } from './time';

/** Rows of the key of the plan's first input row that the slices of the window [start, end) hold. */
export function windowHeld(planPtr: u32, start: f64, end: f64): f64 {
  const state = load<u32>(planPtr, PLAN_STATE);
  const last = sliceOf(planPtr, <i64>end - 1);
  store<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS, 0);
  readKeys(planPtr, 1);
  let rows: u64 = 0;
  for (let i = sliceAtOrAfter(state, sliceOf(planPtr, <i64>start)); i < sliceCount(state); i++) {
    if (sliceStart(state, i) > last) break;
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const table = sliceTable(state, i, kind);
      if (table != 0) rows += rowsIn(planPtr, table, kind);
    }
  }
  return <f64>rows;
}

function rowsIn(planPtr: u32, table: u32, kind: u32): u64 {
  const entry = findEntry(planPtr, table);
  if (entry == 0) return 0;
  const counted = entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  return kind == NARROW ? <u64>(load<u32>(counted) & ~OCCUPIED_NARROW) : rowsOf(load<u64>(counted));
}
