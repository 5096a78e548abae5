/**
 * Rows of a mini-batch into the entries of their slices: for the rows of one slice the entries of all their keys are
 * found (locate.ts), then each aggregate passes once over them.
 *
 * Invariant: when memory runs out all counts hold, and each row is in as a whole or not at all.
 * Not here: which rows these are (aggregate.ts), one aggregate (aggregate/).
 */
import { columnValidity, isValid, OUT_OF_MEMORY } from '../abi';
import { blobsStatus, blobsUse } from '../aggregate/blob';
import { AGGREGATE_TIMES } from '../aggregate/call';
import { aggregateAdd } from '../aggregate/registry';
import { TABLE_ENTRIES, TABLE_MOVED, TABLE_ROWS, tableGrow } from '../hash/table';
import { addEntries, resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { FIND_OUT_OF_MEMORY, findOrInsert, locate, readKeys } from './locate';
import { addNarrow, NARROW_ROWS_MAX, takeWideRows } from './narrow';
import {
  AGGREGATE_COLUMN,
  AGGREGATE_FILTER,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  PLAN_AGGREGATE_COUNT,
  PLAN_BLOBS,
  PLAN_NARROW_BYTES,
  PLAN_NEW_KEYS,
  PLAN_RUN_ROWS,
  PLAN_SCRATCH,
  PLAN_STATUS,
  PLAN_TIMES,
  planAggregate,
  SCRATCH_ENTRIES,
  SCRATCH_HASHES,
  SCRATCH_ROWS,
  SCRATCH_SOME_ENTRIES,
  SCRATCH_SOME_ROWS,
  SCRATCH_STARTS,
  SCRATCH_WAITING,
  SCRATCH_WIDE_ROWS,
} from './plan';
import { NARROW, setSliceTable, sliceEnsure, sliceTable, sliceTableEnsure, WIDE } from './slices';

/** So many wide entries are no reason to keep rows from narrow ones. */
const WIDE_ENTRIES_FEW: u32 = 1024;

/** Adds the rows of a mini-batch one slice after the other; the rows of a slice stay in order. */
export function addMixed(planPtr: u32, state: u32, n: u32): bool {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const starts = scratch + SCRATCH_STARTS;
  const waiting = scratch + SCRATCH_WAITING;
  memory.copy(waiting, scratch + SCRATCH_ROWS, n << 2);
  let left = n;
  while (left > 0) {
    const start = load<i64>(starts);
    let taken: u32 = 0;
    let kept: u32 = 0;
    for (let i: u32 = 0; i < left; i++) {
      const row = load<u32>(waiting + (i << 2));
      if (load<i64>(starts + (i << 3)) == start) {
        store<u32>(scratch + SCRATCH_ROWS + (taken << 2), row);
        taken++;
      } else {
        store<i64>(starts + (kept << 3), load<i64>(starts + (i << 3)));
        store<u32>(waiting + (kept << 2), row);
        kept++;
      }
    }
    if (!addRun(planPtr, state, start, taken)) return false;
    left = kept;
  }
  return true;
}

/** Adds the listed rows to a slice. False when memory runs out; PLAN_RUN_ROWS then says how many of them are in. */
export function addRun(planPtr: u32, state: u32, start: i64, n: u32): bool {
  const slice = sliceEnsure(state, start);
  if (slice < 0) return outOfMemory(planPtr, 0);
  if (!takesNarrow(planPtr, state, slice, n)) return addTo(planPtr, state, slice, WIDE, n);
  const wide = takeWideRows(planPtr, n);
  if (wide == 0) return addTo(planPtr, state, slice, NARROW, n);
  const rows = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS;
  const wideRows = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_WIDE_ROWS;
  const firstWide = load<u32>(wideRows);
  if (wide < n && !addTo(planPtr, state, slice, NARROW, n - wide)) {
    const stopped = load<u32>(rows + (load<u32>(planPtr, PLAN_RUN_ROWS) << 2));
    store<u32>(rows, min<u32>(stopped, firstWide));
    return outOfMemory(planPtr, 0);
  }
  memory.copy(rows, wideRows, wide << 2);
  return addTo(planPtr, state, slice, WIDE, wide);
}

/**
 * Whether rows of a run may go to narrow entries: not when a good part of the keys is wide, as then many keys would be
 * in both tables, and not when their counts could overflow.
 */
function takesNarrow(planPtr: u32, state: u32, slice: u32, n: u32): bool {
  if (load<u32>(planPtr, PLAN_NARROW_BYTES) == 0) return false;
  const narrow = sliceTable(state, slice, NARROW);
  const wide = sliceTable(state, slice, WIDE);
  const wideEntries: u32 = wide == 0 ? 0 : load<u32>(resolve(wide), TABLE_ENTRIES);
  if (narrow == 0) return wideEntries < WIDE_ENTRIES_FEW;
  if (load<u64>(resolve(narrow), TABLE_ROWS) + n > NARROW_ROWS_MAX) return false;
  return wideEntries < WIDE_ENTRIES_FEW + (load<u32>(resolve(narrow), TABLE_ENTRIES) >> 1);
}

/** Adds the listed rows to the table of a kind. As addRun. */
function addTo(planPtr: u32, state: u32, slice: u32, kind: u32, n: u32): bool {
  let table = sliceTableEnsure(state, slice, kind);
  if (table == 0) return outOfMemory(planPtr, 0);
  const newBefore = load<u32>(planPtr, PLAN_NEW_KEYS);
  readKeys(planPtr, n);
  let done: u32 = 0;
  let failed = false;
  while (done < n && !failed) {
    locate(planPtr, table, done, n);
    let found = findOrInsert(planPtr, table, done, n);
    failed = (found & FIND_OUT_OF_MEMORY) != 0;
    found &= ~FIND_OUT_OF_MEMORY;
    if (kind == NARROW) addNarrow(planPtr, done, found);
    else addToTable(planPtr, table, done, found);
    done = found;
    if (done < n && !failed) {
      const grown = tableGrow(table, load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_HASHES + (done << 2)));
      failed = grown == 0 || (grown & TABLE_MOVED) != 0;
      if (grown != 0 && grown != table) {
        table = grown & ~TABLE_MOVED;
        setSliceTable(state, slice, kind, table);
      }
    }
  }
  count(state, table, load<u32>(planPtr, PLAN_NEW_KEYS) - newBefore, done);
  return failed ? outOfMemory(planPtr, done) : true;
}

function outOfMemory(planPtr: u32, done: u32): bool {
  store<u32>(planPtr, done, PLAN_RUN_ROWS);
  store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
  return false;
}

/** Keeps the counts of a table and its state. */
export function count(state: u32, tableRef: u32, entries: u32, rows: u32): void {
  const table = resolve(tableRef);
  touchRange(table, 64);
  store<u32>(table, load<u32>(table, TABLE_ENTRIES) + entries, TABLE_ENTRIES);
  store<u64>(table, load<u64>(table, TABLE_ROWS) + rows, TABLE_ROWS);
  if (entries != 0) addEntries(state, entries);
}

/** Adds rows to entries of a table, which may make blobs of its own. */
export function addToTable(planPtr: u32, table: u32, from: u32, to: u32): void {
  blobsUse(load<u32>(planPtr, PLAN_BLOBS), table);
  addValues(planPtr, from, to);
  blobsUse(load<u32>(planPtr, PLAN_BLOBS), 0);
}

/**
 * One pass per aggregate over the wide entries of rows [from, to) of the run. When a blob finds no memory the status
 * says so: values are then missing.
 */
export function addValues(planPtr: u32, from: u32, to: u32): void {
  if (from == to) return;
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const entries = scratch + SCRATCH_ENTRIES + (from << 2);
  const rows = scratch + SCRATCH_ROWS + (from << 2);
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const offset = load<u32>(aggregate, AGGREGATE_OFFSET);
    store<u32>(aggregate, load<u32>(planPtr, PLAN_TIMES), AGGREGATE_TIMES);
    let isIn = false;
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) == 0) {
      isIn = aggregateAdd(aggregate, entries, rows, to - from, offset);
    } else {
      const some = pickValues(aggregate, scratch, entries, rows, to - from);
      isIn = aggregateAdd(aggregate, scratch + SCRATCH_SOME_ENTRIES, scratch + SCRATCH_SOME_ROWS, some, offset + 8);
    }
    if (!isIn) store<i32>(planPtr, blobsStatus(load<u32>(planPtr, PLAN_BLOBS)), PLAN_STATUS);
  }
}

/** Keeps the rows that have a value and pass the aggregate's filter, and counts them in their accumulators. */
function pickValues(aggregatePtr: u32, scratch: u32, entriesPtr: u32, rowsPtr: u32, n: u32): u32 {
  const column = load<u32>(aggregatePtr, AGGREGATE_COLUMN);
  const validity = column == 0 ? 0 : columnValidity(column);
  const filter = load<u32>(aggregatePtr, AGGREGATE_FILTER);
  const offset = load<u32>(aggregatePtr, AGGREGATE_OFFSET);
  let some: u32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const row = load<u32>(rowsPtr + (k << 2));
    if (!isValid(validity, row) || (filter != 0 && load<u8>(filter + row) == 0)) continue;
    const entry = load<u32>(entriesPtr + (k << 2));
    store<u64>(entry + offset, load<u64>(entry + offset) + 1);
    store<u32>(scratch + SCRATCH_SOME_ENTRIES + (some << 2), entry);
    store<u32>(scratch + SCRATCH_SOME_ROWS + (some << 2), row);
    some++;
  }
  return some;
}
