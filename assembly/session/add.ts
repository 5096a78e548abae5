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
 *  5. A candidate is the first session of its row's key, or 0. Sessions made meanwhile are linked behind the first, and
 *     a freed one is no candidate any more.
 */
import { OUT_OF_MEMORY } from '../abi';
import { KEY_BYTES, KEY_IMAGE_BYTES, keyEquals } from '../hash/key';
import { keyBytesOf } from '../hash/table';
import { firstSlot, slotRef } from '../keyed/index';
import { KIND_SESSIONS, SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { ROOT_DIRECTORY, ROOT_ROWS, rootEnsure } from '../keyed/slab';
import { addEntries, resolve, statePtr } from '../memory/arena';
import { BLOCK_BYTES, touchPair, touchRange, touchSpan } from '../memory/barrier';
import { statusBase } from '../memory/frames';
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
  SCRATCH_KEY_BYTES,
  SCRATCH_KEYS,
  SCRATCH_RESULT,
  SCRATCH_ROWS,
} from '../window/plan';
import { dequeue, openRest, queueOpen } from './queue';
import { createSession, freeFired, freeSession, SESSIONS_FIRED, slotOfRow, unlinkSession } from './sessions';

/** Rows of the run that aggregates have passed over. */
const RUN_ADDED: u32 = PLAN_RUN_ROWS + 4;

/** Offset in its page of the last slot of a bucket. */
const SLOT_LAST: u32 = 0xff8;

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
  if (root != 0) queueOpen(planPtr, root);
  if (root == 0 || !openRest(planPtr, root)) {
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
    if (load<u32>(root, ROOT_DIRECTORY) != 0) warm(planPtr, root, n);
    else memory.fill(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_CANDIDATES, 0, n << 2);
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

/** Finds the record at the head of each row's list, 0: none yet. Misses of different rows do not wait for each other. */
function warm(planPtr: u32, root: u32, n: u32): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const candidates = scratch + SCRATCH_CANDIDATES;
  let met: u64 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const slot = firstSlot(root, load<u32>(scratch + SCRATCH_HASHES + (k << 2)));
    store<u32>(candidates + (k << 2), slot);
    met ^= load<u64>(slot);
  }
  // Kept, so that reading is not left out.
  store<u64>(scratch + SCRATCH_RESULT, met);
  for (let k: u32 = 0; k < n; k++) {
    let slot = load<u32>(candidates + (k << 2));
    const hash = load<u32>(scratch + SCRATCH_HASHES + (k << 2));
    // A bucket's last slot is followed by another page: what is met there is looked for again.
    while (load<u32>(slot) != hash && slotRef(slot) != 0 && (slot & SLOT_LAST) != SLOT_LAST) slot += 8;
    const isFound = load<u32>(slot) == hash && slotRef(slot) != 0 && (slot & SLOT_LAST) != SLOT_LAST;
    store<u32>(candidates + (k << 2), isFound ? resolve(slotRef(slot)) : 0);
  }
  const isBytes = load<u32>(planPtr, PLAN_KEY_KIND) == KEY_BYTES;
  for (let k: u32 = 0; k < n; k++) {
    const ptr = load<u32>(candidates + (k << 2));
    if (ptr == 0) continue;
    const bytes = load<u32>(scratch + SCRATCH_KEY_BYTES + (k << 2));
    const isKey = isBytes
      ? keyEquals(ptr + SESSION_ENTRY, scratch + SCRATCH_KEYS + k * KEY_IMAGE_BYTES, bytes)
      : load<i64>(ptr, SESSION_ENTRY) == load<i64>(scratch + SCRATCH_KEYS + (k << 3));
    if (!isKey) store<u32>(candidates + (k << 2), 0);
  }
}

/** Takes rows of the run in order; how many were taken before it stopped. */
function takeRun(planPtr: u32, root: u32, n: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const times = load<u32>(planPtr, PLAN_TIMES);
  const watermarks = load<u32>(planPtr, PLAN_WATERMARKS);
  const gap = load<i64>(planPtr, PLAN_SIZE_MS);
  const fired = load<i64>(statePtr(load<u32>(root)), SESSIONS_FIRED);
  const counted = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const bytes = SESSION_ENTRY + load<u32>(planPtr, PLAN_ENTRY_BYTES);
  const status = statusBase();
  store<u32>(planPtr, 0, PLAN_RUN_ROWS);
  store<u32>(planPtr, 0, RUN_ADDED);
  let k: u32 = 0;
  for (; k < n; k++) {
    const row = load<u32>(scratch + SCRATCH_ROWS + (k << 2));
    const watermark = watermarks == 0 ? fired : load<i64>(watermarks + (row << 3));
    const time = load<i64>(times + (row << 3));
    const ptr = load<u32>(scratch + SCRATCH_CANDIDATES + (k << 2));
    if (ptr == 0 || load<u32>(ptr, SESSION_NEXT) != 0 || !inline.always(isJoined(ptr, time, time + gap, watermark))) {
      if (takeRow(planPtr, root, k, row, time, time + gap, watermark)) continue;
      store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
      break;
    }
    // The usual row, of a key with one session, which it joins.
    if (bytes > BLOCK_BYTES) touchSpan(status, ptr, ptr + bytes - 1);
    else inline.always(touchPair(status, ptr, ptr + bytes - 1));
    inline.always(cover(ptr, time, time + gap));
    inline.always(addRow(planPtr, scratch, row, ptr + SESSION_ENTRY, counted));
  }
  flush(planPtr);
  const taken = load<u32>(planPtr, PLAN_RUN_ROWS);
  touchRange(root + ROOT_ROWS, 8);
  store<u64>(root, load<u64>(root, ROOT_ROWS) + taken, ROOT_ROWS);
  return k;
}

/** Finds or makes the session of a row. False without memory. */
function takeRow(planPtr: u32, root: u32, k: u32, row: u32, start: i64, end: i64, watermark: i64): bool {
  const slot = slotOfRow(planPtr, root, k);
  const head = slot == 0 ? 0 : slotRef(slot);
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
  const ptr = resolve(session);
  touchRange(ptr, SESSION_ENTRY + load<u32>(planPtr, PLAN_ENTRY_BYTES));
  cover(ptr, start, end);
  const counted = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  addRow(planPtr, load<u32>(planPtr, PLAN_SCRATCH), row, ptr + SESSION_ENTRY, counted);
  return true;
}

/** The first session of a list, from `session` on, that a row joins. */
function joined(session: u32, start: i64, end: i64, watermark: i64): u32 {
  let at = session;
  while (at != 0 && !isJoined(resolve(at), start, end, watermark)) at = load<u32>(resolve(at), SESSION_NEXT);
  return at;
}

/** Whether a session overlaps or touches [start, end) and has not ended. */
function isJoined(ptr: u32, start: i64, end: i64, watermark: i64): bool {
  const until = load<i64>(ptr, SESSION_END);
  return load<i64>(ptr, SESSION_START) <= end && start <= until && until - 1 > watermark;
}

/** Makes a session, which is announced, cover [start, end) as well. */
function cover(ptr: u32, start: i64, end: i64): void {
  store<i64>(ptr, min<i64>(start, load<i64>(ptr, SESSION_START)), SESSION_START);
  store<i64>(ptr, max<i64>(end, load<i64>(ptr, SESSION_END)), SESSION_END);
}

/** Adds a row to the run: counted in its entry, its values follow with the next flush. */
function addRow(planPtr: u32, scratch: u32, row: u32, entry: u32, counted: u32): void {
  const taken = load<u32>(planPtr, PLAN_RUN_ROWS);
  store<u64>(entry + counted, load<u64>(entry + counted) + 1);
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
  touchRange(resolve(into), SESSION_ENTRY + load<u32>(planPtr, PLAN_ENTRY_BYTES));
  cover(resolve(into), load<i64>(fromPtr, SESSION_START), load<i64>(fromPtr, SESSION_END));
  mergeEntry(planPtr, resolve(into) + SESSION_ENTRY, fromPtr + SESSION_ENTRY);
  unlinkSession(root, slot, from);
  dequeue(planPtr, root, from);
  forget(planPtr, fromPtr);
  freeSession(planPtr, root, from);
  addEntries(load<u32>(root), -1);
  return into;
}

/** No row of the run finds a session at this address any more. */
function forget(planPtr: u32, ptr: u32): void {
  const candidates = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_CANDIDATES;
  for (let at = candidates; at < candidates + (RUN_ROWS_MAX << 2); at += 4) {
    if (load<u32>(at) == ptr) store<u32>(at, 0);
  }
}

function pushLate(planPtr: u32, row: u32): void {
  const count = load<u32>(planPtr, PLAN_LATE_COUNT);
  store<u32>(load<u32>(planPtr, PLAN_LATE) + (count << 2), row);
  store<u32>(planPtr, count + 1, PLAN_LATE_COUNT);
}
