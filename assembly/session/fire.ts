/**
 * Firing sessions: those that end at or before a watermark + 1, by end, then hash and key; a bounded number at a time.
 *
 * The first of the queue's tree is the first to end when its end is where it stands; a session that has grown is put back
 * at its end first. So where firing stands is the queue itself, and a snapshot between two steps goes on behind the last
 * row. Sessions fire by leaves of the tree: what all of one need is read first, so that cache misses overlap.
 */
import { OUT_OF_MEMORY } from '../abi';
import { OVERFLOW } from '../aggregate/codes';
import { rowsOf, keyBytesOf } from '../hash/table';
import { firstSlot, slotRef, slotWithHash } from '../keyed/index';
import { SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { ROOT_FIRED, ROOT_ROWS, rootOf } from '../keyed/slab';
import { itemAfter, itemHash, itemRef, itemsFrom, itemTime, treeFirst, treeRemoveFirst } from '../keyed/tree';
import { addEntries, resolve, statePtr } from '../memory/arena';
import { touch } from '../memory/barrier';
import { writeKey, writeResults } from '../window/result';
import {
  FIRE_ORDER,
  PLAN_KEY_KIND,
  PLAN_OUT_ENDS,
  PLAN_OUT_STARTS,
  PLAN_SCRATCH,
  PLAN_STATE,
  PLAN_STATUS,
  SCRATCH_RESULT,
} from '../window/plan';
import { enqueue, openThrough } from './queue';
import { freeFired, SESSIONS_FIRED, unlinkSession } from './sessions';

export function setSessionsFired(state: u32, through: i64): void {
  const record = statePtr(state);
  if (load<i64>(record, SESSIONS_FIRED) >= through) return;
  touch(record + SESSIONS_FIRED);
  store<i64>(record, through, SESSIONS_FIRED);
}

/** Whether the first of the tree is a session that is due, at its end. Without memory the plan's status says so. */
function settle(planPtr: u32, root: u32, watermark: i64): bool {
  let isIn = openThrough(planPtr, root, watermark);
  while (isIn) {
    const item = treeFirst(root);
    if (item == 0 || itemTime(item) - 1 > watermark) return false;
    const session = itemRef(item);
    const end = load<i64>(resolve(session), SESSION_END);
    if (end == itemTime(item)) return true;
    treeRemoveFirst(root, load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER, 1);
    isIn = enqueue(planPtr, root, session);
  }
  store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
  return false;
}

/** 1 when a session is due at this watermark: call sessionFire until it answers 0. 0, or OUT_OF_MEMORY. */
export function sessionDue(planPtr: u32, watermark: f64): i32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  const root = rootOf(state);
  store<i32>(planPtr, 0, PLAN_STATUS);
  if (root != 0) {
    freeFired(planPtr, root);
    if (settle(planPtr, root, <i64>watermark)) return 1;
    if (load<i32>(planPtr, PLAN_STATUS) != 0) return OUT_OF_MEMORY;
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
  while (rows < maxRows && settle(planPtr, root, <i64>watermark)) {
    const fired = fireLeaf(planPtr, root, <i64>watermark, rows, maxRows - rows);
    if (fired == 0) return rows == 0 ? OVERFLOW : rows;
    rows += fired;
  }
  return rows == 0 ? load<i32>(planPtr, PLAN_STATUS) : rows;
}

/** Fires the due sessions of the first leaf, at most `most`, up to one that has grown. How many; 0: a sum overflows. */
function fireLeaf(planPtr: u32, root: u32, watermark: i64, row: u32, most: u32): u32 {
  const first = treeFirst(root);
  const n = min<u32>(most, itemsFrom(first));
  const counted = SESSION_ENTRY + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  warm(planPtr, root, first, n);
  let rows: u64 = 0;
  let fired: u32 = 0;
  for (let item = first; fired < n; item = itemAfter(item), fired++) {
    const session = itemRef(item);
    const ptr = resolve(session);
    const end = load<i64>(ptr, SESSION_END);
    if (end != itemTime(item) || end - 1 > watermark) break;
    if (!writeSession(planPtr, ptr, row + fired)) break;
    rows += rowsOf(load<u64>(ptr + counted));
    unlinkSession(root, slotOfSession(root, session, itemHash(item)), session);
    close(root, session, ptr);
  }
  if (fired == 0) return 0;
  treeRemoveFirst(root, load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER, fired);
  touch(root + ROOT_ROWS);
  store<u64>(root, load<u64>(root, ROOT_ROWS) - rows, ROOT_ROWS);
  addEntries(load<u32>(root), -(<i64>fired));
  return fired;
}

/** Reads what firing the first items of a leaf will read, for nothing. */
function warm(planPtr: u32, root: u32, first: u32, n: u32): void {
  let met: u64 = 0;
  for (let i: u32 = 0, item = first; i < n; i++, item = itemAfter(item)) {
    met ^= load<u64>(firstSlot(root, itemHash(item))) ^ load<u64>(resolve(itemRef(item)), SESSION_END);
  }
  store<u64>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_RESULT, met);
}

function writeSession(planPtr: u32, ptr: u32, row: u32): bool {
  store<i64>(load<u32>(planPtr, PLAN_OUT_STARTS) + (row << 3), load<i64>(ptr, SESSION_START));
  store<i64>(load<u32>(planPtr, PLAN_OUT_ENDS) + (row << 3), load<i64>(ptr, SESSION_END));
  writeKey(planPtr, ptr + SESSION_ENTRY, row);
  return writeResults(planPtr, ptr + SESSION_ENTRY, row);
}

/** Its record stays until the next call, for the key that was answered. */
function close(root: u32, session: u32, ptr: u32): void {
  touch(root + ROOT_FIRED);
  touch(ptr);
  store<u32>(ptr, load<u32>(root, ROOT_FIRED), SESSION_NEXT);
  store<u32>(root, session, ROOT_FIRED);
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
