/**
 * When sessions are looked at: wheels of slots for those that end later, an ordered tree for those that end soon.
 *
 *   unit of an end: (end - TIME_MIN) >> shift, a 32nd to a 64th of the gap; `opened` counts in units
 *   unit < opened: in the tree (keyed/tree.ts) by end, hash and key
 *   else: in one of 64 slots of one of 10 wheels. The wheel is the highest digit, of six bits each, in which the unit
 *   differs from `opened`; the slot is the unit's digit there
 *
 *   root, from 256 on: opened u64 | before u64 | 1 + shift u32 | detached u32 | ... | from 320 on: slots u32[640]
 *   chunk  0      4      8      10      12
 *          +------+------+------+-------+-------------------+
 *          | slab | next | slot | count | sessions u32[61]  |
 *          +------+------+------+-------+-------------------+
 *   a session's SESSION_QUEUED: in the tree its time; in a slot the chunk u32, then the place in it with the top bit set
 *
 * Invariants
 *  1. A session stands where its end was when it was put there. Growing sets the end alone; what has grown is met too
 *     early and put further back.
 *  2. All that end at or before the last watermark + 1 are in the tree, so the order of firing is the tree's alone.
 *  3. Only the first chunk of a slot has room, and none is empty.
 *  4. Without memory every session still stands somewhere. While `before` is not `opened`, opening is not complete, and
 *     is completed before anything else is done.
 * Background: Varghese and Lauck, Hashed and Hierarchical Timing Wheels (SOSP 1987).
 */
import { hashOfEntry } from '../hash/key';
import {
  SESSION_END,
  SESSION_ENTRY,
  SESSION_QUEUED,
  TARGET_HASH,
  TARGET_KEY,
  TARGET_KEY_LENGTH,
  TARGET_TIME,
} from '../keyed/record';
import { recordAlloc, recordFree } from '../keyed/slab';
import { treeFind, treeInsert, treeRemove } from '../keyed/tree';
import { resolve } from '../memory/arena';
import { touch } from '../memory/barrier';
import { FIRE_ORDER, PLAN_KEY_KIND, PLAN_SCRATCH, PLAN_SIZE_MS, SCRATCH_RESULT } from '../window/plan';

const ROOT_OPENED: u32 = 256;
const ROOT_BEFORE: u32 = 264;
const ROOT_SHIFT: u32 = 272;
const ROOT_DETACHED: u32 = 276;
const ROOT_SLOTS: u32 = 320;
const SLOTS: u32 = 640;
const DIGIT_BITS: u32 = 6;
const DIGIT_LAST: u32 = 63;
/** The gap is at least so many units, as a shift. */
const GAP_UNITS: i64 = 5;
export const TIME_MIN: i64 = -9007199254740991;

const CHUNK_NEXT: u32 = 4;
const CHUNK_SLOT: u32 = 8;
const CHUNK_COUNT: u32 = 10;
const CHUNK_ITEMS: u32 = 12;
const CHUNK_SESSIONS: u32 = 61;
const CHUNK_BYTES: u32 = CHUNK_ITEMS + CHUNK_SESSIONS * 4;
const IN_CHUNK: u32 = 0x80000000;

/** Settles what a unit is, once for a state: by the gap of the plan that begins it. */
export function queueOpen(planPtr: u32, root: u32): void {
  if (load<u32>(root, ROOT_SHIFT) != 0) return;
  const shift = max<i64>(0, 63 - clz<i64>(load<i64>(planPtr, PLAN_SIZE_MS)) - GAP_UNITS);
  touch(root + ROOT_SHIFT);
  store<u32>(root, 1 + <u32>shift, ROOT_SHIFT);
}

function unitOf(root: u32, time: i64): u64 {
  return <u64>(time - TIME_MIN) >> (<u64>load<u32>(root, ROOT_SHIFT) - 1);
}

function digitOf(unit: u64, wheel: u32): u32 {
  return <u32>(unit >> (wheel * DIGIT_BITS)) & DIGIT_LAST;
}

/** The highest digit in which two units differ. */
function wheelOf(a: u64, b: u64): u32 {
  return (63 - <u32>clz<u64>((a ^ b) | 1)) / DIGIT_BITS;
}

/** A target for a session in the tree, at this time. */
export function targetOfSession(targetPtr: u32, keyKind: u32, session: u32, time: i64): u32 {
  const entry = resolve(session) + SESSION_ENTRY;
  store<i64>(targetPtr, time, TARGET_TIME);
  store<u32>(targetPtr, hashOfEntry(keyKind, entry), TARGET_HASH);
  store<u32>(targetPtr, entry, TARGET_KEY);
  store<u32>(targetPtr, keyKind, TARGET_KEY_LENGTH);
  return targetPtr;
}

function target(planPtr: u32, session: u32, time: i64): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_ORDER;
  return targetOfSession(scratch, load<u32>(planPtr, PLAN_KEY_KIND), session, time);
}

/** Puts a session that stands nowhere into the queue, at its end. False without memory. */
export function enqueue(planPtr: u32, root: u32, session: u32): bool {
  const ptr = resolve(session);
  const end = load<i64>(ptr, SESSION_END);
  const unit = unitOf(root, end);
  const opened = load<u64>(root, ROOT_OPENED);
  if (unit >= opened) {
    const wheel = wheelOf(unit, opened);
    return wait(root, (wheel << DIGIT_BITS) | digitOf(unit, wheel), session);
  }
  if (treeInsert(root, target(planPtr, session, end), session) < 0) return false;
  touch(ptr + SESSION_QUEUED);
  store<i64>(ptr, end, SESSION_QUEUED);
  return true;
}

function wait(root: u32, slot: u32, session: u32): bool {
  const slotPtr = root + ROOT_SLOTS + (slot << 2);
  let chunk = load<u32>(slotPtr);
  if (chunk == 0 || load<u16>(resolve(chunk), CHUNK_COUNT) == CHUNK_SESSIONS) {
    const added = recordAlloc(root, CHUNK_BYTES);
    if (added == 0) return false;
    const addedPtr = resolve(added);
    store<u32>(addedPtr, chunk, CHUNK_NEXT);
    store<u32>(addedPtr, slot, CHUNK_SLOT);
    setSlot(slotPtr, added);
    chunk = added;
  }
  const count = <u32>load<u16>(resolve(chunk), CHUNK_COUNT);
  setCount(resolve(chunk), count + 1);
  putAt(chunk, count, session);
  return true;
}

function setSlot(slotPtr: u32, chunk: u32): void {
  touch(slotPtr);
  store<u32>(slotPtr, chunk);
}

function setCount(chunkPtr: u32, count: u32): void {
  touch(chunkPtr + CHUNK_COUNT);
  store<u16>(chunkPtr, <u16>count, CHUNK_COUNT);
}

function sessionAt(chunkPtr: u32, index: u32): u32 {
  return load<u32>(chunkPtr + (index << 2), CHUNK_ITEMS);
}

function putAt(chunk: u32, index: u32, session: u32): void {
  const item = resolve(chunk) + CHUNK_ITEMS + (index << 2);
  const ptr = resolve(session);
  touch(item);
  store<u32>(item, session);
  touch(ptr + SESSION_QUEUED);
  store<u32>(ptr, chunk, SESSION_QUEUED);
  store<u32>(ptr, index | IN_CHUNK, SESSION_QUEUED + 4);
}

/** Whether a session waits in a slot: in the tree the upper half of its time has the same two top bits. */
function isWaiting(ptr: u32): bool {
  return load<u32>(ptr, SESSION_QUEUED + 4) >> 30 == IN_CHUNK >> 30;
}

/** Takes a session out of the queue, wherever it stands; opening is complete. The last of its slot takes its place. */
export function dequeue(planPtr: u32, root: u32, session: u32): void {
  const ptr = resolve(session);
  if (!isWaiting(ptr)) {
    treeRemove(root, target(planPtr, session, load<i64>(ptr, SESSION_QUEUED)));
    return;
  }
  const chunk = load<u32>(ptr, SESSION_QUEUED);
  const slotPtr = root + ROOT_SLOTS + ((<u32>load<u16>(resolve(chunk), CHUNK_SLOT)) << 2);
  const first = load<u32>(slotPtr);
  const firstPtr = resolve(first);
  const last = <u32>load<u16>(firstPtr, CHUNK_COUNT) - 1;
  putAt(chunk, load<u32>(ptr, SESSION_QUEUED + 4) & ~IN_CHUNK, sessionAt(firstPtr, last));
  if (last != 0) {
    setCount(firstPtr, last);
    return;
  }
  setSlot(slotPtr, load<u32>(firstPtr, CHUNK_NEXT));
  recordFree(root, first);
}

/** Brings all sessions that end at or before watermark + 1 into the tree. False without memory. */
export function openThrough(planPtr: u32, root: u32, watermark: i64): bool {
  if (!openRest(planPtr, root)) return false;
  const opened = unitOf(root, watermark + 1) + 1;
  if (opened <= load<u64>(root, ROOT_OPENED)) return true;
  touch(root + ROOT_OPENED);
  store<u64>(root, opened, ROOT_OPENED);
  return openRest(planPtr, root);
}

/**
 * Completes opening: empties all slots whose sessions now belong elsewhere. Those of the wheels below the highest digit
 * that has changed, and in that wheel those that were passed.
 */
export function openRest(planPtr: u32, root: u32): bool {
  const before = load<u64>(root, ROOT_BEFORE);
  const opened = load<u64>(root, ROOT_OPENED);
  if (before == opened) return true;
  if (!emptyDetached(planPtr, root)) return false;
  const top = wheelOf(before, opened);
  for (let wheel: u32 = 0; wheel <= top; wheel++) {
    const isTop = wheel == top;
    // The slot of `opened` itself holds what has come to the wheels below; wheel 0 has none below.
    const last = isTop ? digitOf(opened, wheel) - u32(wheel == 0) : DIGIT_LAST;
    for (let digit = isTop ? digitOf(before, wheel) : 0; digit <= last; digit++) {
      const slotPtr = root + ROOT_SLOTS + (((wheel << DIGIT_BITS) | digit) << 2);
      const chunk = load<u32>(slotPtr);
      if (chunk == 0) continue;
      setSlot(root + ROOT_DETACHED, chunk);
      setSlot(slotPtr, 0);
      if (!emptyDetached(planPtr, root)) return false;
    }
  }
  touch(root + ROOT_BEFORE);
  store<u64>(root, opened, ROOT_BEFORE);
  return true;
}

/** Puts all sessions of the detached chunks where they belong. */
function emptyDetached(planPtr: u32, root: u32): bool {
  for (let chunk = load<u32>(root, ROOT_DETACHED); chunk != 0; chunk = load<u32>(root, ROOT_DETACHED)) {
    const ptr = resolve(chunk);
    let left = <u32>load<u16>(ptr, CHUNK_COUNT);
    let met: i64 = 0;
    // Read once for nothing, so that the cache misses of sessions overlap.
    for (let i: u32 = 0; i < left; i++) met ^= load<i64>(resolve(sessionAt(ptr, i)), SESSION_END);
    store<i64>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_RESULT, met);
    for (; left != 0; left--) {
      if (!enqueue(planPtr, root, sessionAt(ptr, left - 1))) break;
    }
    setCount(ptr, left);
    if (left != 0) return false;
    setSlot(root + ROOT_DETACHED, load<u32>(ptr, CHUNK_NEXT));
    recordFree(root, chunk);
  }
  return true;
}

/** Whether a session stands in the queue once, at or before its end. 32 bytes and a way of scratch. */
export function isQueued(root: u32, keyKind: u32, session: u32, scratchPtr: u32): bool {
  const ptr = resolve(session);
  const end = load<i64>(ptr, SESSION_END);
  if (isWaiting(ptr)) {
    const chunkPtr = resolve(load<u32>(ptr, SESSION_QUEUED));
    const index = load<u32>(ptr, SESSION_QUEUED + 4) & ~IN_CHUNK;
    if (index >= <u32>load<u16>(chunkPtr, CHUNK_COUNT) || sessionAt(chunkPtr, index) != session) return false;
    // While opening is not complete, slots are of two times.
    const isWhole = load<u64>(root, ROOT_BEFORE) == load<u64>(root, ROOT_OPENED);
    return !isWhole || unitOf(root, end) >= lowestUnit(root, load<u16>(chunkPtr, CHUNK_SLOT));
  }
  const queued = load<i64>(ptr, SESSION_QUEUED);
  return queued <= end && treeFind(root, targetOfSession(scratchPtr, keyKind, session, queued)) == session;
}

/** The least unit that belongs to a slot. */
function lowestUnit(root: u32, slot: u32): u64 {
  const shift = <u64>((slot >> DIGIT_BITS) * DIGIT_BITS);
  const above = (load<u64>(root, ROOT_OPENED) >> (shift + DIGIT_BITS)) << (shift + DIGIT_BITS);
  return above | ((<u64>(slot & DIGIT_LAST)) << shift);
}

/** Adds the sessions that wait in slots to `countPtr`; the number of chunks, or 0xFFFFFFFF when one is not whole. */
export function queueScan(root: u32, countPtr: u32): u32 {
  let chunks: u32 = 0;
  for (let slot: u32 = 0; slot <= SLOTS; slot++) {
    const isDetached = slot == SLOTS;
    const first = load<u32>(root + (isDetached ? ROOT_DETACHED : ROOT_SLOTS + (slot << 2)));
    for (let chunk = first; chunk != 0; chunk = load<u32>(resolve(chunk), CHUNK_NEXT)) {
      const count = <u32>load<u16>(resolve(chunk), CHUNK_COUNT);
      if (count == 0 || (count != CHUNK_SESSIONS && chunk != first)) return <u32>-1;
      if (!isDetached && <u32>load<u16>(resolve(chunk), CHUNK_SLOT) != slot) return <u32>-1;
      store<u32>(countPtr, load<u32>(countPtr) + count);
      chunks++;
    }
  }
  return chunks;
}
