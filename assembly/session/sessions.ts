/**
 * Open sessions: for each key a short list of disjoint intervals, each with its accumulators; no rows are kept.
 *
 *   index --hash--> session --next--> session of the same key --next--> 0
 *   queue (queue.ts) --> session, queued at or before its end
 *
 *   state record from 16 on: root (keyed/slab.ts), layout of entries, 8 spare, fired through i64
 *
 * Invariants
 *  1. Sessions of a key neither overlap nor touch, but for those that ended before the watermark of a later row and
 *     have yet to fire. What a session holds does not depend on how rows are batched, or on when sessions fire.
 *  2. A session stands in the queue once. Growing sets its end alone; the queue follows when its time has come. No two
 *     sessions of a key stand at one time.
 *  3. Fired sessions are in no list but ROOT_FIRED, and are freed by the next call: what was answered of their keys
 *     stands until then.
 *  4. Keys longer than what an entry holds lie in a record of their own, behind its first 8 bytes.
 * Not here: how rows come (add.ts), when sessions are looked at (queue.ts) and fire (fire.ts), what an entry has (window/plan.ts).
 */
import { CORRUPT } from '../abi';
import { INLINE_BYTES, KEY_BYTES, KEY_IMAGE_BYTES, keyEquals } from '../hash/key';
import { keyBytesOf } from '../hash/table';
import { indexAdd, indexRemove, indexRemoveAt, slotRef, slotWithHash } from '../keyed/index';
import { KIND_SESSIONS, SESSION_END, SESSION_ENTRY, SESSION_NEXT, SESSION_START } from '../keyed/record';
import { recordAlloc, recordFree, ROOT_FIRED } from '../keyed/slab';
import { resolve, STATE_BYTES, stateOpen, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import {
  PLAN_ENTRY_BYTES,
  PLAN_KEY_KIND,
  PLAN_SCRATCH,
  PLAN_STATE,
  PLAN_TEMPLATE,
  planLayout,
  SCRATCH_HASHES,
  SCRATCH_KEY_BYTES,
  SCRATCH_KEYS,
} from '../window/plan';
import { enqueue, TIME_MIN } from './queue';

const LAYOUT: u32 = 20;
export const SESSIONS_FIRED: u32 = 32;
const OCCUPIED: u64 = 1 << 63;

/** Lays the plan out and opens the state. 0, CORRUPT (another layout or kind) or OUT_OF_MEMORY. */
export function sessionInit(planPtr: u32): i32 {
  const status = planLayout(planPtr);
  if (status < 0) return status;
  const state = load<u32>(planPtr, PLAN_STATE);
  if (stateOpen(state, KIND_SESSIONS) < 0) return CORRUPT;
  const record = statePtr(state);
  const layout = (load<u32>(planPtr, PLAN_KEY_KIND) << 16) | load<u32>(planPtr, PLAN_ENTRY_BYTES);
  const found = load<u32>(record, LAYOUT);
  if (found != 0) return found == layout ? 0 : CORRUPT;
  touchRange(record, STATE_BYTES);
  store<u32>(record, layout, LAYOUT);
  store<i64>(record, TIME_MIN, SESSIONS_FIRED);
  return 0;
}

/** The slot of the key of row k of the run, 0 when it has no open session. */
export function slotOfRow(planPtr: u32, root: u32, k: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const hash = load<u32>(scratch + SCRATCH_HASHES + (k << 2));
  const isBytes = load<u32>(planPtr, PLAN_KEY_KIND) == KEY_BYTES;
  const image = scratch + SCRATCH_KEYS + (isBytes ? k * KEY_IMAGE_BYTES : k << 3);
  const bytes = load<u32>(scratch + SCRATCH_KEY_BYTES + (k << 2));
  let slot = slotWithHash(root, hash, 0);
  while (slot != 0) {
    const entry = resolve(slotRef(slot)) + SESSION_ENTRY;
    if (isBytes ? keyEquals(entry, image, bytes) : load<i64>(entry) == load<i64>(image)) break;
    slot = slotWithHash(root, hash, slot);
  }
  return slot;
}

/** A session [start, end) without rows for the key of row k, behind `head` (0: the key has none). 0 without memory. */
export function createSession(planPtr: u32, root: u32, k: u32, head: u32, start: i64, end: i64): u32 {
  const session = writeSession(planPtr, root, k);
  if (session == 0) return 0;
  const ptr = resolve(session);
  store<i64>(ptr, start, SESSION_START);
  store<i64>(ptr, end, SESSION_END);
  const hash = load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_HASHES + (k << 2));
  if (head != 0 || indexAdd(root, hash, session)) {
    if (enqueue(planPtr, root, session)) {
      if (head != 0) linkBehind(head, session);
      return session;
    }
    if (head == 0) indexRemove(root, hash, session);
  }
  freeSession(planPtr, root, session);
  return 0;
}

function linkBehind(head: u32, session: u32): void {
  const headPtr = resolve(head);
  store<u32>(resolve(session), load<u32>(headPtr, SESSION_NEXT), SESSION_NEXT);
  touchRange(headPtr, 8);
  store<u32>(headPtr, session, SESSION_NEXT);
}

function writeSession(planPtr: u32, root: u32, k: u32): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const entryBytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  const image = scratch + SCRATCH_KEYS + k * keyBytes;
  const session = recordAlloc(root, SESSION_ENTRY + entryBytes);
  if (session == 0) return 0;
  const ptr = resolve(session);
  store<u32>(ptr, 0, SESSION_NEXT);
  memory.copy(ptr + SESSION_ENTRY, image, keyBytes);
  memory.copy(ptr + SESSION_ENTRY + keyBytes, load<u32>(planPtr, PLAN_TEMPLATE) + keyBytes, entryBytes - keyBytes);
  store<u64>(ptr + SESSION_ENTRY + keyBytes, OCCUPIED);
  if (keyBytes != KEY_IMAGE_BYTES || load<u32>(image, 4) <= INLINE_BYTES) return session;
  const length = load<u32>(image, 4);
  const stored = recordAlloc(root, 8 + length);
  if (stored == 0) {
    recordFree(root, session);
    return 0;
  }
  memory.copy(resolve(stored) + 8, load<u32>(scratch + SCRATCH_KEY_BYTES + (k << 2)), length);
  store<u64>(ptr + SESSION_ENTRY, <u64>stored + 1, 16);
  return session;
}

/** The record of a session's long key, 0 when its entry holds all of it. */
export function longKeyOf(keyKind: u32, sessionPtr: u32): u32 {
  const entry = sessionPtr + SESSION_ENTRY;
  return keyKind == KEY_BYTES && load<u32>(entry, 4) > INLINE_BYTES ? load<u32>(entry, 16) - 1 : 0;
}

export function freeSession(planPtr: u32, root: u32, session: u32): void {
  const long = longKeyOf(load<u32>(planPtr, PLAN_KEY_KIND), resolve(session));
  if (long != 0) recordFree(root, long);
  recordFree(root, session);
}

/** Takes a session out of the list of its key, whose slot is `slot`. */
export function unlinkSession(root: u32, slot: u32, session: u32): void {
  const ptr = resolve(session);
  const next = load<u32>(ptr, SESSION_NEXT);
  const head = slotRef(slot);
  if (head != session) {
    let before = resolve(head);
    while (load<u32>(before, SESSION_NEXT) != session) before = resolve(load<u32>(before, SESSION_NEXT));
    touchRange(before, 8);
    store<u32>(before, next, SESSION_NEXT);
  } else if (next != 0) {
    touchRange(slot, 8);
    store<u32>(slot, next, 4);
  } else {
    indexRemoveAt(root, load<u32>(slot), slot);
  }
}

/** Frees the sessions that the last call fired. */
export function freeFired(planPtr: u32, root: u32): void {
  let session = load<u32>(root, ROOT_FIRED);
  if (session == 0) return;
  while (session != 0) {
    const next = load<u32>(resolve(session), SESSION_NEXT);
    freeSession(planPtr, root, session);
    session = next;
  }
  touchRange(root + ROOT_FIRED, 4);
  store<u32>(root, 0, ROOT_FIRED);
}
