/**
 * Rows into sessions: each row is the window [time, time + gap), which joins what it overlaps or touches of its key.
 *
 * Rows are taken in mini-batches of at most RUN_ROWS_MAX: first all keys and hashes, then the slots and records they may
 * meet, so that cache misses overlap, then row by row the sessions; then each aggregate passes once over them.
 *
 * Invariants
 *  1. The answer is that of following row by row. A session that ends at or before a row's watermark + 1 has ended for
 *     that row, fired or not: the row joins it no more, and it fires without it.
 *  2. A row is late when its window ends at or before its watermark and joins nothing: what it could join ends later.
 *  3. Aggregates have passed over all rows taken before two sessions become one.
 *  4. Without memory the rows before the answered one are in, as a whole.
 */
import { OUT_OF_MEMORY } from '../abi';
import { KEY_INT64 } from '../hash/key';
import { keyBytesOf } from '../hash/table';
import { firstSlot, slotRef } from '../keyed/index';
import { KIND_SESSIONS, SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { ROOT_DIRECTORY, ROOT_INDEX_PAGES, ROOT_ROWS, rootEnsure } from '../keyed/slab';
import { addEntries, resolve, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { addValues } from '../window/run';
import { mergeEntry } from '../window/result';
import { readKeys } from '../window/locate';
import {
  PLAN_ENTRY_BYTES,
  PLAN_KEY_KIND,
  PLAN_LATE,
  PLAN_LATE_COUNT,
  PLAN_NEW_KEYS,
  PLAN_ROWS,
  PLAN_RUN_ROWS,
  PLAN_SCRATCH,
  PLAN_SELECTION,
  PLAN_SIZE_MS,
  PLAN_STATE,
  PLAN_STATUS,
  PLAN_TIMES,
  PLAN_WATERMARKS,
  RUN_ROWS_MAX,
  SCRATCH_CANDIDATES,
  SCRATCH_ENTRIES,
  SCRATCH_HASHES,
  SCRATCH_KEYS,
  SCRATCH_RESULT,
  SCRATCH_ROWS,
} from '../window/plan';
import { createSession, freeFired, freeSession, SESSIONS_FIRED, slotOfRow, unlinkSession } from './sessions';

/** Whether candidates are slots of the index as it is; rows of the run that aggregates have passed over. */
const IS_WARM: u32 = PLAN_RUN_ROWS + 8;
const RUN_ADDED: u32 = PLAN_RUN_ROWS + 4;

/** Offset in its page of the last slot of a bucket, and the bits of a reference. */
const SLOT_LAST: u32 = 0xff8;
const REF_MASK: u32 = 0x1fffffff;

/**
 * Takes rows [from, rows) of the plan's input (positions of the selection, when there is one). Returns the position of
 * the next row to take: `rows` when done, or, with the plan's status, where it stopped. Sets late count and new sessions.
 */
export function sessionAdd(planPtr: u32, from: u32): u32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  store<u32>(planPtr, 0, PLAN_LATE_COUNT);
  store<u32>(planPtr, 0, PLAN_NEW_KEYS);
  store<i32>(planPtr, 0, PLAN_STATUS);
  const root = rootEnsure(state, KIND_SESSIONS);
  if (root == 0) {
    store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
    return from;
  }
  freeFired(planPtr, root);
  const rows = load<u32>(planPtr, PLAN_ROWS);
  let at = from;
  while (at < rows && load<i32>(planPtr, PLAN_STATUS) == 0) {
    const n = min<u32>(RUN_ROWS_MAX, rows - at);
    listRows(planPtr, at, n);
    readKeys(planPtr, n);
    const isWarm = load<u32>(root, ROOT_DIRECTORY) != 0;
    if (isWarm) warm(planPtr, root, n);
    store<u32>(planPtr, u32(isWarm), IS_WARM);
    at += takeRun(planPtr, root, n);
  }
  return at;
}

function listRows(planPtr: u32, from: u32, n: u32): void {
  const selection = load<u32>(planPtr, PLAN_SELECTION);
  const list = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS;
  for (let k: u32 = 0; k < n; k++) {
    store<u32>(list + (k << 2), selection == 0 ? from + k : load<u32>(selection + ((from + k) << 2)));
  }
}

/**
 * Finds the first slot of each row's hash (0: none), and reads the records behind them. Misses of different rows do not
 * wait for each other.
 */
function warm(planPtr: u32, root: u32, n: u32): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const last = SESSION_ENTRY + load<u32>(planPtr, PLAN_ENTRY_BYTES) - 8;
  for (let k: u32 = 0; k < n; k++) {
    const hash = load<u32>(scratch + SCRATCH_HASHES + (k << 2));
    store<u32>(scratch + SCRATCH_CANDIDATES + (k << 2), firstSlot(root, hash));
  }
  for (let k: u32 = 0; k < n; k++) {
    let slot = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    const hash = load<u32>(scratch + SCRATCH_HASHES + (k << 2));
    // A bucket's last slot is followed by another page: what is met there is looked for again.
    while (load<u32>(slot) != hash && slotRef(slot) != 0 && (slot & SLOT_LAST) != SLOT_LAST) slot += 8;
    store<u32>(scratch + SCRATCH_CANDIDATES + (k << 2), slot);
  }
  let met: u64 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const slot = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    if (slotRef(slot) == 0) continue;
    const record = resolve(slotRef(slot) & REF_MASK);
    met ^= load<u64>(record, SESSION_START) ^ load<u64>(record + last);
  }
  store<u64>(scratch + SCRATCH_RESULT, met);
}

/** The slot of row k: where it was found when the run was warmed, while the index still has the same pages. */
function findSlot(planPtr: u32, root: u32, k: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  if (load<u32>(planPtr, IS_WARM) != 0 && load<u32>(planPtr, PLAN_KEY_KIND) == KEY_INT64) {
    const slot = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    const ref = slotRef(slot);
    if (ref != 0 && load<u32>(slot) == load<u32>(scratch + SCRATCH_HASHES + (k << 2))) {
      const key = load<i64>(resolve(ref), SESSION_ENTRY);
      if (key == load<i64>(scratch + SCRATCH_KEYS + (k << 3))) return slot;
    }
  }
  return slotOfRow(planPtr, root, k);
}

/** Takes rows of the run in order; how many were taken before it stopped. */
function takeRun(planPtr: u32, root: u32, n: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const times = load<u32>(planPtr, PLAN_TIMES);
  const watermarks = load<u32>(planPtr, PLAN_WATERMARKS);
  const gap = load<i64>(planPtr, PLAN_SIZE_MS);
  const fired = load<i64>(statePtr(load<u32>(root)), SESSIONS_FIRED);
  store<u32>(planPtr, 0, PLAN_RUN_ROWS);
  store<u32>(planPtr, 0, RUN_ADDED);
  let k: u32 = 0;
  for (; k < n; k++) {
    const row = load<u32>(scratch + SCRATCH_ROWS + (k << 2));
    const watermark = watermarks == 0 ? fired : load<i64>(watermarks + (row << 3));
    const time = load<i64>(times + (row << 3));
    if (!takeRow(planPtr, root, k, row, time, time + gap, watermark)) {
      store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
      break;
    }
  }
  flush(planPtr);
  const taken = load<u32>(planPtr, PLAN_RUN_ROWS);
  touchRange(root + ROOT_ROWS, 8);
  store<u64>(root, load<u64>(root, ROOT_ROWS) + taken, ROOT_ROWS);
  return k;
}

/** Finds or makes the session of a row. False without memory. */
function takeRow(planPtr: u32, root: u32, k: u32, row: u32, start: i64, end: i64, watermark: i64): bool {
  const slot = findSlot(planPtr, root, k);
  const head = slot == 0 ? 0 : slotRef(slot);
  const pages = load<u32>(root, ROOT_INDEX_PAGES);
  let session = joined(head, start, end, watermark);
  if (session == 0) {
    if (end - 1 <= watermark) {
      pushLate(planPtr, row);
      return true;
    }
    session = createSession(planPtr, root, k, head, start, end);
    if (session == 0) return false;
    addEntries(load<u32>(root), 1);
    store<u32>(planPtr, load<u32>(planPtr, PLAN_NEW_KEYS) + 1, PLAN_NEW_KEYS);
  } else {
    const other = joined(load<u32>(resolve(session), SESSION_NEXT), start, end, watermark);
    if (other != 0) session = mergeSessions(planPtr, root, slot, session, other);
  }
  // A split or a merge of buckets leaves candidates in pages that are no more.
  if (pages != load<u32>(root, ROOT_INDEX_PAGES)) store<u32>(planPtr, 0, IS_WARM);
  grow(planPtr, resolve(session), start, end);
  addRow(planPtr, row, resolve(session) + SESSION_ENTRY);
  return true;
}

/** The first session of a list, from `session` on, that overlaps or touches [start, end) and has not ended. */
function joined(session: u32, start: i64, end: i64, watermark: i64): u32 {
  let at = session;
  while (at != 0) {
    const ptr = resolve(at);
    const until = load<i64>(ptr, SESSION_END);
    if (load<i64>(ptr, SESSION_START) <= end && start <= until && until - 1 > watermark) break;
    at = load<u32>(ptr, SESSION_NEXT);
  }
  return at;
}

/** Announces the whole session, and makes it cover [start, end). */
function grow(planPtr: u32, ptr: u32, start: i64, end: i64): void {
  touchRange(ptr, SESSION_ENTRY + load<u32>(planPtr, PLAN_ENTRY_BYTES));
  store<i64>(ptr, min<i64>(start, load<i64>(ptr, SESSION_START)), SESSION_START);
  store<i64>(ptr, max<i64>(end, load<i64>(ptr, SESSION_END)), SESSION_END);
}

/** Adds a row to the run: counted in its entry, its values follow with the next flush. */
function addRow(planPtr: u32, row: u32, entry: u32): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const taken = load<u32>(planPtr, PLAN_RUN_ROWS);
  const rowsPtr = entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  store<u64>(rowsPtr, load<u64>(rowsPtr) + 1);
  store<u32>(scratch + SCRATCH_ROWS + (taken << 2), row);
  store<u32>(scratch + SCRATCH_ENTRIES + (taken << 2), entry);
  store<u32>(planPtr, taken + 1, PLAN_RUN_ROWS);
}

function flush(planPtr: u32): void {
  const taken = load<u32>(planPtr, PLAN_RUN_ROWS);
  addValues(planPtr, load<u32>(planPtr, RUN_ADDED), taken);
  store<u32>(planPtr, taken, RUN_ADDED);
}

/** Makes one session of two of a key, the one that began first; the other is freed. */
function mergeSessions(planPtr: u32, root: u32, slot: u32, a: u32, b: u32): u32 {
  flush(planPtr);
  const isFirst = load<i64>(resolve(a), SESSION_START) < load<i64>(resolve(b), SESSION_START);
  const into = isFirst ? a : b;
  const from = isFirst ? b : a;
  const fromPtr = resolve(from);
  grow(planPtr, resolve(into), load<i64>(fromPtr, SESSION_START), load<i64>(fromPtr, SESSION_END));
  mergeEntry(planPtr, resolve(into) + SESSION_ENTRY, fromPtr + SESSION_ENTRY);
  unlinkSession(planPtr, root, slot, from);
  freeSession(planPtr, root, from);
  addEntries(load<u32>(root), -1);
  return into;
}

function pushLate(planPtr: u32, row: u32): void {
  const count = load<u32>(planPtr, PLAN_LATE_COUNT);
  store<u32>(load<u32>(planPtr, PLAN_LATE) + (count << 2), row);
  store<u32>(planPtr, count + 1, PLAN_LATE_COUNT);
}
