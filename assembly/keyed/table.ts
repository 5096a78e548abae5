/**
 * A keyed table: key -> sub-key -> value, as a Map of insertion-ordered Maps, with an expiry for each entry.
 *
 *   index --> key record --first--> entry <-> entry <-> entry <--last-- key record      (order of insertion)
 *     |                               ^
 *     +-------------------------------+  entries too, once a key has had more than WALKED_MAX
 *   queue of (queued time, key, sub-key) --> timed entries
 *
 * Invariants
 *  1. A key record is there as long as its key has entries.
 *  2. An entry stands in the queue once, at `queued` <= `expiry`. Refreshing sets `expiry` alone; the queue follows
 *     when its time has come, so a refresh is O(1) and an entry is put back at most once per time to live.
 *  3. An entry whose expiry is at or before the clock is met by nobody but keyedExpire.
 *  4. Expiry = max(clock, written) + time to live and never goes back, so the order of rows does not matter.
 *     Before either has begun an entry does not expire until it is refreshed.
 *  5. OUT_OF_MEMORY changes nothing that can be seen.
 * Not here: making and removing entries (entries.ts), order of the queue (tree.ts), layouts (record.ts), what the host hands in (call.ts).
 */
import { OUT_OF_MEMORY } from '../abi';
import { resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import {
  CALL_ON_ACCESS,
  CALL_STATE,
  CALL_SUB,
  CALL_SUB_LENGTH,
  CALL_TARGET,
  CALL_TTL,
  CALL_VALUE,
  CALL_VALUE_LENGTH,
  clockOf,
  OUT_ENTRY,
  OUT_GONE,
  OUT_HASH,
  OUT_KEY,
  OUT_KEY_LENGTH,
  OUT_SUB,
  OUT_SUB_LENGTH,
  OUT_VALUE,
  OUT_VALUE_LENGTH,
} from './call';
import {
  ENTRY_EXPIRY,
  ENTRY_KEY,
  ENTRY_NEXT,
  ENTRY_VALUE,
  entryBytes,
  expiryOf,
  INDEXED,
  isTimed,
  KEY_BYTES_AT,
  KEY_ENTRIES,
  KEY_FIRST,
  KEY_HASH,
  KEY_LENGTH,
  KIND_KEYED,
  subLength,
  subPtr,
  TARGET_TIME,
  valuePtr,
} from './record';
import { recordCapacity, rootEnsure, rootOf } from './slab';
import { itemRef, itemTime, treeFirst, treeRemove } from './tree';
import { enqueue, entryOf, insert, keyOfCall, move, refresh, removeEntry } from './entries';

// Answers of keyedExpire.
const EXPIRED: i32 = 1;

const AGAIN: i32 = 2;

function isExpired(callPtr: u32, entryPtr: u32): bool {
  return expiryOf(entryPtr) <= clockOf(callPtr);
}

/** Finds the visible entry of the call's key and sub-key; 0 when there is none. */
function find(callPtr: u32, root: u32): u32 {
  const key = root == 0 ? 0 : keyOfCall(callPtr, root);
  if (key == 0) return 0;
  const entry = entryOf(root, key, load<u32>(callPtr, CALL_SUB), load<u32>(callPtr, CALL_SUB_LENGTH));
  return entry == 0 || isExpired(callPtr, resolve(entry)) ? 0 : entry;
}

function answer(callPtr: u32, entry: u32): void {
  const ptr = resolve(entry);
  store<u32>(callPtr, entry, OUT_ENTRY);
  store<u32>(callPtr, subPtr(ptr), OUT_SUB);
  store<u32>(callPtr, subLength(ptr), OUT_SUB_LENGTH);
  store<u32>(callPtr, valuePtr(ptr), OUT_VALUE);
  store<u32>(callPtr, load<u32>(ptr, ENTRY_VALUE), OUT_VALUE_LENGTH);
}

/** 1 with the value, 0 when there is none; OUT_OF_MEMORY when its expiry cannot be kept. */
export function keyedGet(callPtr: u32): i32 {
  const root = rootOf(load<u32>(callPtr, CALL_STATE));
  const entry = find(callPtr, root);
  if (entry == 0) return 0;
  if (load<u32>(callPtr, CALL_ON_ACCESS) != 0 && isTimed(resolve(entry)) && !refresh(callPtr, root, entry)) {
    return OUT_OF_MEMORY;
  }
  answer(callPtr, entry);
  return 1;
}

/** Keeps the call's value under its key and sub-key. 1: new, 0: there was one, OUT_OF_MEMORY. */
export function keyedPut(callPtr: u32): i32 {
  const root = rootEnsure(load<u32>(callPtr, CALL_STATE), KIND_KEYED);
  if (root == 0) return OUT_OF_MEMORY;
  store<u32>(callPtr, 0, OUT_GONE);
  const key = keyOfCall(callPtr, root);
  const entry = key == 0 ? 0 : entryOf(root, key, load<u32>(callPtr, CALL_SUB), load<u32>(callPtr, CALL_SUB_LENGTH));
  if (entry != 0) {
    if (!isExpired(callPtr, resolve(entry))) return overwrite(callPtr, root, entry) ? 0 : OUT_OF_MEMORY;
    removeEntry(callPtr, root, entry);
  }
  return insert(callPtr, root) ? 1 : OUT_OF_MEMORY;
}

/** Replaces the value of a visible entry. False without memory. */
function overwrite(callPtr: u32, root: u32, entry: u32): bool {
  const ptr = resolve(entry);
  const timed = load<f64>(callPtr, CALL_TTL) != 0;
  const valueBytes = load<u32>(callPtr, CALL_VALUE_LENGTH);
  const bytes = entryBytes(timed, subLength(ptr), valueBytes);
  const room = recordCapacity(entry);
  if (timed != isTimed(ptr) || bytes > room || (bytes << 1) + 64 < room) return move(callPtr, root, entry);
  if (timed && !refresh(callPtr, root, entry)) return false;
  touchRange(ptr + ENTRY_VALUE, 4);
  store<u32>(ptr, valueBytes, ENTRY_VALUE);
  const value = valuePtr(ptr);
  if (valueBytes != 0) touchRange(value, valueBytes);
  memory.copy(value, load<u32>(callPtr, CALL_VALUE), valueBytes);
  return true;
}

/** Removes the visible entry of the call's key and sub-key: 1, or 0 when there is none. */
export function keyedDelete(callPtr: u32): i32 {
  const root = rootOf(load<u32>(callPtr, CALL_STATE));
  const entry = find(callPtr, root);
  if (entry == 0) return 0;
  removeEntry(callPtr, root, entry);
  return 1;
}

/** Removes all entries of the call's key, expired ones too; how many. */
export function keyedClear(callPtr: u32): u32 {
  const root = rootOf(load<u32>(callPtr, CALL_STATE));
  const key = root == 0 ? 0 : keyOfCall(callPtr, root);
  if (key == 0) return 0;
  const keyPtr = resolve(key);
  const entries = load<u32>(keyPtr, KEY_ENTRIES) & ~INDEXED;
  for (let i: u32 = 0; i < entries; i++) removeEntry(callPtr, root, load<u32>(keyPtr, KEY_FIRST));
  return entries;
}

/** 1 with the first visible entry of the call's key behind `cursor` (0: before the first); 0 when there is none. */
export function keyedNext(callPtr: u32, cursor: u32): i32 {
  const root = rootOf(load<u32>(callPtr, CALL_STATE));
  if (root == 0) return 0;
  let entry: u32 = 0;
  if (cursor != 0) {
    entry = load<u32>(resolve(cursor), ENTRY_NEXT);
  } else {
    const key = keyOfCall(callPtr, root);
    if (key != 0) entry = load<u32>(resolve(key), KEY_FIRST);
  }
  while (entry != 0 && isExpired(callPtr, resolve(entry))) entry = load<u32>(resolve(entry), ENTRY_NEXT);
  if (entry == 0) return 0;
  answer(callPtr, entry);
  return 1;
}

/** The time at which keyedExpire has something to do next; NaN: never. */
export function keyedEarliest(state: u32): f64 {
  const root = rootOf(state);
  const item = root == 0 ? 0 : treeFirst(root);
  return item == 0 ? NaN : <f64>itemTime(item);
}

/**
 * Looks at the first of the queue, when its time has come: an entry that has expired is removed and answered, with its
 * key (1); one that was refreshed is put back at its expiry (2: call again). 0: no time has come. OUT_OF_MEMORY.
 */
export function keyedExpire(callPtr: u32): i32 {
  const root = rootOf(load<u32>(callPtr, CALL_STATE));
  const item = root == 0 ? 0 : treeFirst(root);
  if (item == 0 || itemTime(item) > clockOf(callPtr)) return 0;
  const entry = itemRef(item);
  const expiry = load<i64>(resolve(entry), ENTRY_EXPIRY);
  const queued = itemTime(item);
  if (expiry == queued) {
    answerExpired(callPtr, entry);
    removeEntry(callPtr, root, entry);
    return EXPIRED;
  }
  if (!enqueue(callPtr, root, entry, expiry)) return OUT_OF_MEMORY;
  store<i64>(callPtr + CALL_TARGET, queued, TARGET_TIME);
  treeRemove(root, callPtr + CALL_TARGET);
  return AGAIN;
}

function answerExpired(callPtr: u32, entry: u32): void {
  answer(callPtr, entry);
  const key = resolve(load<u32>(resolve(entry), ENTRY_KEY));
  store<u32>(callPtr, key + KEY_BYTES_AT, OUT_KEY);
  store<u32>(callPtr, load<u32>(key, KEY_LENGTH), OUT_KEY_LENGTH);
  store<u32>(callPtr, load<u32>(key, KEY_HASH), OUT_HASH);
}
