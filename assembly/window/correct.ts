/**
 * Rows that reopen windows: they came after a window that holds them fired, and within the allowed lateness. Such a row
 * is taken alone, and each window that it reopens fires again for the row's key at once.
 *
 *   accumulating   one row: the result with this row
 *   discarding     one row: the result of this row alone, all before it has been given out
 *   retracting     the result before it (update before) and with it (update after); nothing when they are equal; insert
 *                  when the window had nothing of this key
 *
 * Invariants
 *  1. The windows of a row fire in the order of their ends. The row enters the state when all of them have: until then
 *     only the plan knows of it, so a full output can stop the kernel between two windows.
 *  2. What a window had given out before a row is what its slices hold: nothing is remembered beside them.
 *  3. Keys in the output are those of the input batch, as in changelog.ts.
 * Not here: which rows these are (aggregate.ts), windows that fire for the first time (fire.ts).
 */
import { BOOL, I32, INSERT, isValid, OUT_OF_MEMORY, UPDATE_AFTER, UPDATE_BEFORE, VIEW } from '../abi';
import { blobsFull } from '../aggregate/blob';
import { aggregateResultType } from '../aggregate/registry';
import { keyBytesOf, OCCUPIED } from '../hash/table';
import { findEntry, readKeys } from './locate';
import { widenEntry } from './narrow';
import {
  AGGREGATE_CODE,
  AGGREGATE_OUT_VALIDITY,
  AGGREGATE_OUT_VALUES,
  AGGREGATE_TYPE,
  EMIT_FIRST,
  FIRE_MERGED,
  FIRE_WIDENED,
  PLAN_AGGREGATE_COUNT,
  PLAN_ALONE,
  PLAN_BLOBS,
  PLAN_CORRECT_END,
  PLAN_CORRECTING,
  PLAN_CUMULATING,
  PLAN_ENTRY_BYTES,
  PLAN_FIRED,
  PLAN_KEY_COLUMN,
  PLAN_KEY_KIND,
  PLAN_KEY_TYPE,
  PLAN_LATENESS_MS,
  PLAN_OUT_KEYS,
  PLAN_OUT_KINDS,
  PLAN_OUT_MAX,
  PLAN_OUT_ROWS,
  PLAN_RESULTS,
  PLAN_SCRATCH,
  PLAN_SLIDE_MS,
  PLAN_STATUS,
  PLAN_TEMPLATE,
  PLAN_TIMES,
  planAggregate,
  RESULTS_ACCUMULATING,
  RESULTS_DISCARDING,
  SCRATCH_CORRECTED,
  SCRATCH_ENTRIES,
  SCRATCH_KEYS,
  SCRATCH_ROWS,
} from './plan';
import { mergeEntry, writeBounds, writeKey, writeResults } from './result';
import { addRun, addValues } from './run';
import { NARROW, sliceAtOrAfter, sliceCount, sliceStart, sliceTable, TABLE_KINDS } from './slices';
import { instantOf, isSameWindow, lastEndOf, nextEndOf, sliceOf, startOf } from './time';

/**
 * Fires again the passed windows of a row, and adds it to the state. 0 when done; EMIT_FIRST when the output is full,
 * then to be called again with the same row; OUT_OF_MEMORY; OVERFLOW.
 */
export function correctRow(planPtr: u32, state: u32, row: u32): i32 {
  store<i32>(planPtr, 0, PLAN_STATUS);
  const fired = load<i64>(planPtr, PLAN_FIRED);
  const slice = sliceOf(planPtr, load<i64>(load<u32>(planPtr, PLAN_TIMES) + (row << 3)));
  const last = lastEndOf(planPtr, slice);
  store<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS, row);
  readKeys(planPtr, 1);
  let end =
    load<u32>(planPtr, PLAN_CORRECTING) != 0
      ? load<i64>(planPtr, PLAN_CORRECT_END)
      : nextEndOf(planPtr, slice, fired - load<i64>(planPtr, PLAN_LATENESS_MS));
  makeCorrected(planPtr, state, slice);
  const slide = load<i64>(planPtr, PLAN_SLIDE_MS);
  for (; end <= last && instantOf(planPtr, end) - 1 <= fired; end += slide) {
    // Where clocks are put forward, windows that cumulate are one, which the first of them has corrected.
    if (load<u32>(planPtr, PLAN_CUMULATING) != 0 && isSameWindow(planPtr, end - slide, end)) continue;
    const isFull = load<u32>(planPtr, PLAN_OUT_ROWS) != 0 && blobsFull(load<u32>(planPtr, PLAN_BLOBS));
    if (isFull || load<u32>(planPtr, PLAN_OUT_ROWS) + 2 > load<u32>(planPtr, PLAN_OUT_MAX)) {
      store<u32>(planPtr, 1, PLAN_CORRECTING);
      store<i64>(planPtr, end, PLAN_CORRECT_END);
      return EMIT_FIRST;
    }
    if (!correctWindow(planPtr, state, slice, end)) return load<i32>(planPtr, PLAN_STATUS);
  }
  store<u32>(planPtr, 0, PLAN_CORRECTING);
  if (load<u32>(planPtr, PLAN_RESULTS) == RESULTS_DISCARDING && instantOf(planPtr, last) - 1 <= fired) {
    store<u32>(planPtr, load<u32>(planPtr, PLAN_ALONE) + 1, PLAN_ALONE);
    return 0;
  }
  return addRun(planPtr, state, slice, 1) ? load<i32>(planPtr, PLAN_STATUS) : OUT_OF_MEMORY;
}

/** Merges what a slice holds of the row's key into an entry, which nothing is in unless `found`; whether something is. */
function mergeSlice(planPtr: u32, state: u32, index: u32, merged: u32, found: bool): bool {
  let isIn = found;
  for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
    const table = sliceTable(state, index, kind);
    let entry = table == 0 ? 0 : findEntry(planPtr, table);
    if (entry == 0) continue;
    if (kind == NARROW) {
      const widened = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_WIDENED;
      widenEntry(planPtr, entry, widened);
      entry = widened;
    }
    isIn = mergeInto(planPtr, merged, entry, isIn);
  }
  return isIn;
}

/** SCRATCH_CORRECTED: what the row's slice holds of its key, and the row; the row alone when discarding. */
function makeCorrected(planPtr: u32, state: u32, slice: i64): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const entry = scratch + SCRATCH_CORRECTED;
  const counted = entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const index = sliceAtOrAfter(state, slice);
  const isThere = index < sliceCount(state) && sliceStart(state, index) == slice;
  const isAlone = load<u32>(planPtr, PLAN_RESULTS) == RESULTS_DISCARDING || !isThere;
  if (isAlone || !mergeSlice(planPtr, state, index, entry, false)) {
    memory.copy(entry, load<u32>(planPtr, PLAN_TEMPLATE), load<u32>(planPtr, PLAN_ENTRY_BYTES));
    memory.copy(entry, scratch + SCRATCH_KEYS, counted - entry);
  }
  store<u64>(counted, (load<u64>(counted) | OCCUPIED) + 1);
  store<u32>(scratch + SCRATCH_ENTRIES, entry);
  addValues(planPtr, 0, 1);
}

/** Writes what a window gives for the row. False when an integer sum does not fit. */
function correctWindow(planPtr: u32, state: u32, slice: i64, end: i64): bool {
  const row = load<u32>(planPtr, PLAN_OUT_ROWS);
  const results = load<u32>(planPtr, PLAN_RESULTS);
  const corrected = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_CORRECTED;
  if (results == RESULTS_DISCARDING) return emit(planPtr, corrected, end, INSERT);
  if (results == RESULTS_ACCUMULATING) return emit(planPtr, mergedOf(planPtr, state, slice, end, true), end, INSERT);
  const before = mergedOf(planPtr, state, slice, end, false);
  if (before == 0) return emit(planPtr, corrected, end, INSERT);
  if (!emit(planPtr, before, end, UPDATE_BEFORE)) return false;
  if (!emit(planPtr, mergedOf(planPtr, state, slice, end, true), end, UPDATE_AFTER)) return false;
  if (sameResults(planPtr, row, row + 1)) store<u32>(planPtr, row, PLAN_OUT_ROWS);
  return true;
}

/**
 * What all slices of a window hold of the row's key, merged in the order of firing, with the row or without it; 0 when
 * they hold nothing.
 */
function mergedOf(planPtr: u32, state: u32, slice: i64, end: i64, withRow: bool): u32 {
  const merged = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_MERGED;
  const corrected = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_CORRECTED;
  const last = sliceAtOrAfter(state, end);
  let found = false;
  let isRowIn = !withRow;
  for (let i = sliceAtOrAfter(state, startOf(planPtr, end)); i <= last; i++) {
    const start = i == last ? end : sliceStart(state, i);
    if (!isRowIn && start >= slice) {
      found = mergeInto(planPtr, merged, corrected, found);
      isRowIn = true;
      if (start == slice) continue;
    }
    if (i < last) found = mergeSlice(planPtr, state, i, merged, found);
  }
  return found ? merged : 0;
}

function mergeInto(planPtr: u32, merged: u32, entry: u32, found: bool): bool {
  if (found) mergeEntry(planPtr, merged, entry);
  else memory.copy(merged, entry, load<u32>(planPtr, PLAN_ENTRY_BYTES));
  return true;
}

function emit(planPtr: u32, entry: u32, end: i64, kind: u8): bool {
  const row = load<u32>(planPtr, PLAN_OUT_ROWS);
  if (load<u32>(planPtr, PLAN_OUT_KINDS) != 0) store<u8>(load<u32>(planPtr, PLAN_OUT_KINDS) + row, kind);
  if (load<u32>(planPtr, PLAN_KEY_TYPE) == VIEW) {
    const input = load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS);
    const view = load<u64>(load<u32>(planPtr + PLAN_KEY_COLUMN, 4) + (input << 3));
    store<u64>(load<u32>(planPtr, PLAN_OUT_KEYS) + (row << 3), view);
  } else {
    writeKey(planPtr, entry, row);
  }
  writeBounds(planPtr, row, instantOf(planPtr, startOf(planPtr, end)), instantOf(planPtr, end));
  store<u32>(planPtr, row + 1, PLAN_OUT_ROWS);
  return writeResults(planPtr, entry, row);
}

/** Whether two output rows have the same results, bit for bit. */
function sameResults(planPtr: u32, a: u32, b: u32): bool {
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const validity = load<u32>(aggregate, AGGREGATE_OUT_VALIDITY);
    const isPresent = isValid(validity, a);
    if (isPresent != isValid(validity, b)) return false;
    if (!isPresent) continue;
    const type = aggregateResultType(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE));
    const values = load<u32>(aggregate, AGGREGATE_OUT_VALUES);
    if (type == BOOL ? load<u8>(values + a) != load<u8>(values + b) : !sameWords(type, values, a, b)) return false;
  }
  return true;
}

function sameWords(type: u32, values: u32, a: u32, b: u32): bool {
  if (type == VIEW) {
    const bytes = load<u32>(values + (a << 3), 4);
    if (load<u32>(values + (b << 3), 4) != bytes) return false;
    return memory.compare(load<u32>(values + (a << 3)), load<u32>(values + (b << 3)), bytes) == 0;
  }
  if (type == I32) return load<u32>(values + (a << 2)) == load<u32>(values + (b << 2));
  return load<u64>(values + (a << 3)) == load<u64>(values + (b << 3));
}
