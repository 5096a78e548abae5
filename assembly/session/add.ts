/**
 * Rows into sessions: each row is the window [time, time + gap), which joins what it overlaps or touches of its key.
 *
 * Rows are taken in mini-batches of at most RUN_ROWS_MAX: first all keys and hashes, then the slots and records they may
 * meet, so that cache misses overlap, then row by row the sessions; then each aggregate passes once over them.
 *
 * Invariants
 *  1. The answer is that of following row by row. Before a row whose watermark passes the end of an open session, the
 *     kernel stops (FIRE_FIRST), so that the session fires without it.
 *  2. A row is late when its window, with what it would join, ends at or before its watermark. Whatever is open ends
 *     behind the watermark, so a row that joins something never is.
 *  3. Aggregates have passed over all rows taken before two sessions become one.
 *  4. Without memory the rows before the answered one are in, as a whole.
 */
import { OUT_OF_MEMORY } from '../abi';
import { keyBytesOf } from '../hash/table';
import { firstSlot, slotRef } from '../keyed/index';
import { KIND_SESSIONS, SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { ROOT_DIRECTORY, ROOT_ROWS, rootEnsure } from '../keyed/slab';
import { addEntries, resolve, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { addValues, FIRE_FIRST } from '../window/aggregate';
import { mergeEntry } from '../window/fire';
import { readKeys } from '../window/locate';
import {
  PLAN_DUE_END,
  PLAN_ENTRY_BYTES,
  PLAN_FIRED,
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
  SCRATCH_RESULT,
  SCRATCH_ROWS,
} from '../window/plan';
import { setSessionsFired, settle } from './fire';
import { createSession, freeFired, freeSession, SESSIONS_FIRED, slotOfRow, unlinkSession } from './sessions';

/** A due end before all others: the queue has not been looked at. */
const UNKNOWN: i64 = i64.MIN_VALUE / 2;
/** Rows of the run that aggregates have passed over. */
const RUN_ADDED: u32 = PLAN_RUN_ROWS + 4;

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
  store<i64>(planPtr, load<i64>(statePtr(state), SESSIONS_FIRED), PLAN_FIRED);
  store<i64>(planPtr, UNKNOWN, PLAN_DUE_END);
  const rows = load<u32>(planPtr, PLAN_ROWS);
  let at = from;
  while (at < rows && load<i32>(planPtr, PLAN_STATUS) == 0) {
    const n = min<u32>(RUN_ROWS_MAX, rows - at);
    listRows(planPtr, at, n);
    readKeys(planPtr, n);
    if (load<u32>(root, ROOT_DIRECTORY) != 0) warm(planPtr, root, n);
    at += takeRun(planPtr, root, n);
  }
  setSessionsFired(state, load<i64>(planPtr, PLAN_FIRED));
  return at;
}

function listRows(planPtr: u32, from: u32, n: u32): void {
  const selection = load<u32>(planPtr, PLAN_SELECTION);
  const list = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS;
  for (let k: u32 = 0; k < n; k++) {
    store<u32>(list + (k << 2), selection == 0 ? from + k : load<u32>(selection + ((from + k) << 2)));
  }
}

/** Reads what the rows of a run will look at. Misses of different rows do not wait for each other. */
function warm(planPtr: u32, root: u32, n: u32): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  for (let k: u32 = 0; k < n; k++) {
    const hash = load<u32>(scratch + SCRATCH_HASHES + (k << 2));
    store<u32>(scratch + SCRATCH_CANDIDATES + (k << 2), firstSlot(root, hash));
  }
  for (let k: u32 = 0; k < n; k++) {
    const slot = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    store<u32>(scratch + SCRATCH_CANDIDATES + (k << 2), slotRef(slot));
  }
  let met: u64 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const ref = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    if (ref != 0) met ^= load<u64>(resolve(ref), SESSION_ENTRY);
  }
  store<u64>(scratch + SCRATCH_RESULT, met);
}

/** Takes rows of the run in order; how many were taken before it stopped. */
function takeRun(planPtr: u32, root: u32, n: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const times = load<u32>(planPtr, PLAN_TIMES);
  const watermarks = load<u32>(planPtr, PLAN_WATERMARKS);
  const gap = load<i64>(planPtr, PLAN_SIZE_MS);
  store<u32>(planPtr, 0, PLAN_RUN_ROWS);
  store<u32>(planPtr, 0, RUN_ADDED);
  let k: u32 = 0;
  for (; k < n; k++) {
    const row = load<u32>(scratch + SCRATCH_ROWS + (k << 2));
    const fired = load<i64>(planPtr, PLAN_FIRED);
    const watermark = watermarks == 0 ? fired : load<i64>(watermarks + (row << 3));
    if (watermark > fired && !pass(planPtr, root, watermark)) break;
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

/** Lets the watermark pass; false, with a status, when a session is due first. */
function pass(planPtr: u32, root: u32, watermark: i64): bool {
  if (load<i64>(planPtr, PLAN_DUE_END) - 1 <= watermark) {
    const due = settle(planPtr, root, watermark);
    store<i64>(planPtr, due, PLAN_DUE_END);
    if (due - 1 <= watermark && load<i32>(planPtr, PLAN_STATUS) == 0) store<i32>(planPtr, FIRE_FIRST, PLAN_STATUS);
    if (load<i32>(planPtr, PLAN_STATUS) != 0) return false;
  }
  store<i64>(planPtr, watermark, PLAN_FIRED);
  return true;
}

/** Finds or makes the session of a row. False without memory. */
function takeRow(planPtr: u32, root: u32, k: u32, row: u32, start: i64, end: i64, watermark: i64): bool {
  const slot = slotOfRow(planPtr, root, k);
  const head = slot == 0 ? 0 : slotRef(slot);
  let session = joined(head, start, end);
  if (session == 0) {
    if (end - 1 <= watermark) {
      pushLate(planPtr, row);
      return true;
    }
    session = createSession(planPtr, root, k, head, start, end);
    if (session == 0) return false;
    addEntries(load<u32>(root), 1);
    store<u32>(planPtr, load<u32>(planPtr, PLAN_NEW_KEYS) + 1, PLAN_NEW_KEYS);
    store<i64>(planPtr, min<i64>(end, load<i64>(planPtr, PLAN_DUE_END)), PLAN_DUE_END);
  } else {
    const other = joined(load<u32>(resolve(session), SESSION_NEXT), start, end);
    if (other != 0) session = mergeSessions(planPtr, root, slot, session, other);
  }
  grow(planPtr, resolve(session), start, end);
  addRow(planPtr, row, resolve(session) + SESSION_ENTRY);
  return true;
}

/** The first session of a list, from `session` on, that overlaps or touches [start, end). */
function joined(session: u32, start: i64, end: i64): u32 {
  let at = session;
  while (at != 0) {
    const ptr = resolve(at);
    if (load<i64>(ptr, SESSION_START) <= end && start <= load<i64>(ptr, SESSION_END)) break;
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
