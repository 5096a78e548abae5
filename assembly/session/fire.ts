/**
 * Firing sessions: those that end at or before a watermark + 1, by end, then hash and key; a bounded number at a time.
 *
 * The first of the queue is the first to end when its end is where it stands; a session that has grown is put back at its
 * end first. So where firing stands is the queue itself, and a snapshot between two steps goes on behind the last row.
 */
import { OUT_OF_MEMORY } from '../abi';
import { OVERFLOW } from '../aggregate/codes';
import { rowsOf, keyBytesOf } from '../hash/table';
import { slotRef, slotWithHash } from '../keyed/index';
import { SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { ROOT_FIRED, ROOT_ROWS, rootOf } from '../keyed/slab';
import { itemHash, itemRef, itemTime, treeFirst } from '../keyed/tree';
import { addEntries, resolve, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { writeKey, writeResults } from '../window/result';
import { PLAN_KEY_KIND, PLAN_OUT_ENDS, PLAN_OUT_STARTS, PLAN_STATE, PLAN_STATUS } from '../window/plan';
import { dequeue, enqueue, freeFired, SESSIONS_FIRED, unlinkSession } from './sessions';

export function setSessionsFired(state: u32, through: i64): void {
  const record = statePtr(state);
  if (load<i64>(record, SESSIONS_FIRED) >= through) return;
  touchRange(record + SESSIONS_FIRED, 8);
  store<i64>(record, through, SESSIONS_FIRED);
}

/**
 * Time of the first of the queue after all before the watermark stand at their ends: the end of a session when it is due.
 * The end of time when the queue is empty. Without memory the plan's status says so.
 */
export function settle(planPtr: u32, root: u32, watermark: i64): i64 {
  for (let item = treeFirst(root); item != 0; item = treeFirst(root)) {
    const time = itemTime(item);
    const session = itemRef(item);
    const end = load<i64>(resolve(session), SESSION_END);
    if (time - 1 > watermark || end == time) return time;
    if (!enqueue(planPtr, root, session, end)) {
      store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
      return time;
    }
    dequeue(planPtr, root, session, time);
  }
  return i64.MAX_VALUE;
}

/** 1 when a session is due at this watermark: call sessionFire until it answers 0. 0, or OUT_OF_MEMORY. */
export function sessionDue(planPtr: u32, watermark: f64): i32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  const root = rootOf(state);
  store<i32>(planPtr, 0, PLAN_STATUS);
  if (root != 0) {
    freeFired(planPtr, root);
    const due = settle(planPtr, root, <i64>watermark);
    if (load<i32>(planPtr, PLAN_STATUS) != 0) return OUT_OF_MEMORY;
    if (due - 1 <= <i64>watermark) return 1;
  }
  setSessionsFired(state, <i64>watermark);
  return 0;
}

/** Writes up to `maxRows` due sessions to the plan's output and closes them. How many; OVERFLOW or OUT_OF_MEMORY. */
export function sessionFire(planPtr: u32, watermark: f64, maxRows: u32): i32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  const root = rootOf(state);
  if (root == 0) return 0;
  freeFired(planPtr, root);
  store<i32>(planPtr, 0, PLAN_STATUS);
  let rows: u32 = 0;
  while (rows < maxRows && settle(planPtr, root, <i64>watermark) - 1 <= <i64>watermark) {
    if (load<i32>(planPtr, PLAN_STATUS) != 0) return rows == 0 ? OUT_OF_MEMORY : rows;
    const item = treeFirst(root);
    const session = itemRef(item);
    if (!writeSession(planPtr, session, rows)) return rows == 0 ? OVERFLOW : rows;
    close(planPtr, root, session, itemHash(item));
    rows++;
  }
  return rows;
}

function writeSession(planPtr: u32, session: u32, row: u32): bool {
  const ptr = resolve(session);
  store<i64>(load<u32>(planPtr, PLAN_OUT_STARTS) + (row << 3), load<i64>(ptr, SESSION_START));
  store<i64>(load<u32>(planPtr, PLAN_OUT_ENDS) + (row << 3), load<i64>(ptr, SESSION_END));
  writeKey(planPtr, ptr + SESSION_ENTRY, row);
  return writeResults(planPtr, ptr + SESSION_ENTRY, row);
}

/** Takes a fired session out of everything; its record stays until the next call, for the key that was answered. */
function close(planPtr: u32, root: u32, session: u32, hash: u32): void {
  const ptr = resolve(session);
  unlinkSession(planPtr, root, slotOfSession(root, session, hash), session);
  const rows = rowsOf(load<u64>(ptr + SESSION_ENTRY + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND))));
  touchRange(root + ROOT_FIRED, 12);
  touchRange(ptr, 8);
  store<u32>(ptr, load<u32>(root, ROOT_FIRED), SESSION_NEXT);
  store<u32>(root, session, ROOT_FIRED);
  store<u64>(root, load<u64>(root, ROOT_ROWS) - rows, ROOT_ROWS);
  addEntries(load<u32>(root), -1);
}

/** The slot of the list that a session stands in. */
function slotOfSession(root: u32, session: u32, hash: u32): u32 {
  let slot = slotWithHash(root, hash, 0);
  while (slot != 0) {
    let at = slotRef(slot);
    while (at != 0 && at != session) at = load<u32>(resolve(at), SESSION_NEXT);
    if (at != 0) break;
    slot = slotWithHash(root, hash, slot);
  }
  return slot;
}
