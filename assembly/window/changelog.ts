/**
 * Aggregation without windows: one group per key that lives on, and a changelog of its results, row by row.
 *
 * For each input row: the first of its key gives an insert; every other gives the result before it (update before) and
 * the result with it (update after), also when they are equal. A row that takes one back (update before, delete) gives
 * the same two, or a delete when it was the last of its key: the group is then gone.
 *
 * Invariants
 *  1. The rows are those of following row by row; batches only cut them.
 *  2. Keys in the output are those of the input batch, not of entries: a table may grow in the middle of a call.
 *  3. The groups are the entries of one slice that starts at 0 and never ends; all of them are wide.
 *  4. A row can only be taken back while its group has rows; NEVER_THERE otherwise, and nothing after it is taken.
 * Not here: which aggregates can take rows back (aggregate/registry.ts).
 */
import { DELETE, INSERT, OUT_OF_MEMORY, UPDATE_AFTER, UPDATE_BEFORE, VIEW } from '../abi';
import { blobsFull, blobsReset } from '../aggregate/blob';
import { AGGREGATE_NULLABLE, AGGREGATE_OFFSET } from '../aggregate/call';
import { aggregateRetract } from '../aggregate/registry';
import { keyBytesOf, rowsOf, TABLE_MOVED, TABLE_ROWS, tableGrow, tableRemove } from '../hash/table';
import { addEntries, resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { FIND_OUT_OF_MEMORY, findOrInsert, locate, readKeys } from './locate';
import { hasValue } from './narrow';
import {
  PLAN_AGGREGATE_COUNT,
  PLAN_BLOBS,
  PLAN_KEY_COLUMN,
  PLAN_KEY_KIND,
  PLAN_KEY_TYPE,
  PLAN_KINDS,
  PLAN_NEW_KEYS,
  PLAN_OUT_KEYS,
  PLAN_OUT_KINDS,
  PLAN_OUT_ROWS,
  PLAN_ROWS,
  PLAN_SCRATCH,
  PLAN_SELECTION,
  PLAN_STATE,
  PLAN_STATUS,
  planAggregate,
  RUN_ROWS_MAX,
  SCRATCH_ENTRIES,
  SCRATCH_HASHES,
  SCRATCH_ROWS,
} from './plan';
import { writeKey, writeResults } from './result';
import { addToTable, count } from './run';
import { setSliceTable, sliceEnsure, sliceTable, sliceTableEnsure, WIDE } from './slices';

/** Status: a row is taken back whose group has no rows. */
export const NEVER_THERE: i32 = -5;

/**
 * Takes rows from position `from` on, while two more output rows fit in `maxRows`. Returns the position of the next
 * row; PLAN_OUT_ROWS has how many rows were written; the status is 0, OUT_OF_MEMORY, OVERFLOW or
 * NEVER_THERE.
 */
export function changelogAggregate(planPtr: u32, from: u32, maxRows: u32): u32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  store<u32>(planPtr, 0, PLAN_NEW_KEYS);
  store<u32>(planPtr, 0, PLAN_OUT_ROWS);
  store<i32>(planPtr, 0, PLAN_STATUS);
  blobsReset(load<u32>(planPtr, PLAN_BLOBS));
  const slice = sliceEnsure(state, 0);
  if (slice < 0 || sliceTableEnsure(state, slice, WIDE) == 0) {
    store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
    return from;
  }
  const end = min<u32>(load<u32>(planPtr, PLAN_ROWS), from + (maxRows >> 1));
  let at = from;
  while (at < end && load<i32>(planPtr, PLAN_STATUS) == 0 && !blobsFull(load<u32>(planPtr, PLAN_BLOBS))) {
    const n = min<u32>(RUN_ROWS_MAX, end - at);
    listRows(planPtr, at, n);
    readKeys(planPtr, n);
    at += addRows(planPtr, state, slice, n);
  }
  count(state, sliceTable(state, slice, WIDE), load<u32>(planPtr, PLAN_NEW_KEYS), at - from);
  return at;
}

function listRows(planPtr: u32, from: u32, n: u32): void {
  const selection = load<u32>(planPtr, PLAN_SELECTION);
  const rows = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS;
  for (let k: u32 = 0; k < n; k++) {
    store<u32>(rows + (k << 2), selection == 0 ? from + k : load<u32>(selection + ((from + k) << 2)));
  }
}

/** Adds the listed rows one after the other; how many are in when it ends. */
function addRows(planPtr: u32, state: u32, slice: u32, n: u32): u32 {
  let table = sliceTable(state, slice, WIDE);
  locate(planPtr, table, 0, n);
  for (let k: u32 = 0; k < n; ) {
    const found = findOrInsert(planPtr, table, k, k + 1);
    if (found == k + 1) {
      if (!emitChange(planPtr, state, table, k)) return k;
      k++;
      continue;
    }
    const hash = load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_HASHES + (k << 2));
    const grown = (found & FIND_OUT_OF_MEMORY) != 0 ? 0 : tableGrow(table, hash);
    if (grown != 0 && grown != table) {
      table = grown & ~TABLE_MOVED;
      setSliceTable(state, slice, WIDE, table);
    }
    if (grown == 0 || (grown & TABLE_MOVED) != 0) {
      store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
      return k;
    }
    locate(planPtr, table, k, n);
  }
  return n;
}

/** Writes what row k of the run changes, and changes it. Its entry has counted the row already. False with a status. */
function emitChange(planPtr: u32, state: u32, table: u32, k: u32): bool {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const entry = load<u32>(scratch + SCRATCH_ENTRIES + (k << 2));
  const kinds = load<u32>(planPtr, PLAN_KINDS);
  const kind = kinds == 0 ? INSERT : load<u8>(kinds + load<u32>(scratch + SCRATCH_ROWS + (k << 2)));
  if (kind == UPDATE_BEFORE || kind == DELETE) return takeBack(planPtr, state, table, entry, k);
  const counted = entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const isFirst = rowsOf(load<u64>(counted)) == 1;
  if (!isFirst) {
    store<u64>(counted, load<u64>(counted) - 1);
    const before = emit(planPtr, entry, k, UPDATE_BEFORE);
    store<u64>(counted, load<u64>(counted) + 1);
    if (!before) return false;
  }
  addToTable(planPtr, table, k, k + 1);
  return emit(planPtr, entry, k, isFirst ? INSERT : UPDATE_AFTER);
}

/** The same for a row that is taken back: its entry has counted one more, instead of one less. */
function takeBack(planPtr: u32, state: u32, table: u32, entry: u32, k: u32): bool {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const counted = entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const rows = rowsOf(load<u64>(counted)) - 1;
  if (rows == 0) {
    store<i32>(planPtr, NEVER_THERE, PLAN_STATUS);
    return false;
  }
  store<u64>(counted, load<u64>(counted) - 1);
  if (!emit(planPtr, entry, k, rows == 1 ? DELETE : UPDATE_BEFORE)) return false;
  // The call counts each row that it takes as one more at its end.
  const tablePtr = resolve(table);
  touchRange(tablePtr, 64);
  store<u64>(tablePtr, load<u64>(tablePtr, TABLE_ROWS) - 2, TABLE_ROWS);
  if (rows == 1) {
    tableRemove(tablePtr, load<u32>(scratch + SCRATCH_HASHES + (k << 2)), entry);
    addEntries(state, -1);
    return true;
  }
  store<u64>(counted, load<u64>(counted) - 1);
  retractValues(planPtr, entry, load<u32>(scratch + SCRATCH_ROWS + (k << 2)));
  return emit(planPtr, entry, k, UPDATE_AFTER);
}

/** Takes the values of row `row` of the input back from an entry, whose count of rows is the caller's. */
export function retractValues(planPtr: u32, entry: u32, row: u32): void {
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    let acc = entry + load<u32>(aggregate, AGGREGATE_OFFSET);
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) != 0) {
      if (!hasValue(aggregate, row)) continue;
      store<u64>(acc, load<u64>(acc) - 1);
      acc += 8;
    }
    aggregateRetract(aggregate, acc, row);
  }
}

function emit(planPtr: u32, entry: u32, k: u32, kind: u8): bool {
  const row = load<u32>(planPtr, PLAN_OUT_ROWS);
  store<u8>(load<u32>(planPtr, PLAN_OUT_KINDS) + row, kind);
  if (load<u32>(planPtr, PLAN_KEY_TYPE) == VIEW) {
    const input = load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS + (k << 2));
    const view = load<u64>(load<u32>(planPtr + PLAN_KEY_COLUMN, 4) + (input << 3));
    store<u64>(load<u32>(planPtr, PLAN_OUT_KEYS) + (row << 3), view);
  } else {
    writeKey(planPtr, entry, row);
  }
  store<u32>(planPtr, row + 1, PLAN_OUT_ROWS);
  return writeResults(planPtr, entry, row);
}
