/**
 * Keys and entries of a keyed table: how they are made, found, moved and taken out of everything that refers to them.
 *
 * Invariants
 *  1. What can fail for want of memory comes before what changes anything; what was taken is given back.
 *  2. Bytes of what was removed stand until something is allocated: removing frees records last.
 * Not here: what the host calls (table.ts, which has the picture), layouts (record.ts).
 */
import { hashBytes } from '../hash/hash';
import { addEntries, resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import {
  CALL_SUB,
  CALL_SUB_LENGTH,
  CALL_TARGET,
  CALL_TTL,
  CALL_VALUE,
  CALL_VALUE_LENGTH,
  clockOf,
  OUT_GONE,
  OUT_INSTEAD,
  SELECTION_HASH,
  SELECTION_KEY,
  SELECTION_KEY_LENGTH,
  SELECTION_WRITTEN,
  selectionOf,
} from './call';
import { ENTRY_BIT, findEntry, findKey, indexAdd, indexRemove, indexReplace } from './index';
import {
  ENTRY_EXPIRY,
  ENTRY_KEY,
  ENTRY_NEXT,
  ENTRY_PREV,
  ENTRY_QUEUED,
  ENTRY_SUB,
  ENTRY_VALUE,
  entryBytes,
  entryMatches,
  INDEXED,
  isTimed,
  KEY_BYTES_AT,
  KEY_ENTRIES,
  KEY_FIRST,
  KEY_HASH,
  KEY_LAST,
  KEY_LENGTH,
  NEVER,
  subLength,
  subPtr,
  TARGET_TIME,
  targetOfEntry,
  TIMED,
  valuePtr,
} from './record';
import { addCount, recordAlloc, recordFree, ROOT_KEYS } from './slab';
import { treeInsert, treeRemove, treeReplace } from './tree';

/** Sub-keys of a key that are found by walking its list; more are indexed. */
const WALKED_MAX: u32 = 8;

/** Clocks at or before this have not begun: MIN_TIME of the host. */
const TIME_MIN: i64 = -9007199254740991;

const SUB_MULTIPLIER: u32 = 0x9e3779b1;

export function keyOfCall(callPtr: u32, root: u32): u32 {
  const selection = selectionOf(callPtr);
  const length = load<u32>(selection, SELECTION_KEY_LENGTH);
  return findKey(root, load<u32>(selection, SELECTION_HASH), load<u32>(selection, SELECTION_KEY), length);
}

/** The entry of a sub-key, expired or not; 0 when there is none. */
export function entryOf(root: u32, key: u32, ptr: u32, length: u32): u32 {
  const keyPtr = resolve(key);
  if ((load<u32>(keyPtr, KEY_ENTRIES) & INDEXED) != 0) {
    return findEntry(root, entryHash(keyPtr, ptr, length), key, ptr, length);
  }
  let entry = load<u32>(keyPtr, KEY_FIRST);
  while (entry != 0 && !entryMatches(entry, key, ptr, length)) entry = load<u32>(resolve(entry), ENTRY_NEXT);
  return entry;
}

/** Hash of a sub-key of a key in the index. */
function entryHash(keyPtr: u32, ptr: u32, length: u32): u32 {
  return load<u32>(keyPtr, KEY_HASH) * SUB_MULTIPLIER + hashBytes(ptr, length);
}

export function insert(callPtr: u32, root: u32): bool {
  const found = keyOfCall(callPtr, root);
  const key = found != 0 ? found : createKey(callPtr, root);
  if (key == 0) return false;
  const entry =
    (load<u32>(resolve(key), KEY_ENTRIES) & ~INDEXED) < WALKED_MAX || indexAll(root, key)
      ? createEntry(callPtr, root, key)
      : 0;
  if (entry == 0) {
    if (found == 0) dropKey(root, key);
    return false;
  }
  append(root, key, entry);
  return true;
}

function createKey(callPtr: u32, root: u32): u32 {
  const selection = selectionOf(callPtr);
  const length = load<u32>(selection, SELECTION_KEY_LENGTH);
  const hash = load<u32>(selection, SELECTION_HASH);
  const key = recordAlloc(root, KEY_BYTES_AT + length);
  if (key == 0) return 0;
  if (!indexAdd(root, hash, key)) {
    recordFree(root, key);
    return 0;
  }
  const ptr = resolve(key);
  store<u32>(ptr, hash, KEY_HASH);
  store<u32>(ptr, length, KEY_LENGTH);
  store<u32>(ptr, 0, KEY_FIRST);
  store<u32>(ptr, 0, KEY_LAST);
  store<u32>(ptr, 0, KEY_ENTRIES);
  memory.copy(ptr + KEY_BYTES_AT, load<u32>(selection, SELECTION_KEY), length);
  addCount(root, ROOT_KEYS, 1);
  return key;
}

function dropKey(root: u32, key: u32): void {
  indexRemove(root, load<u32>(resolve(key), KEY_HASH), key);
  addCount(root, ROOT_KEYS, -1);
  recordFree(root, key);
}

/** Puts all entries of a key into the index, from where they are found from then on. False without memory. */
function indexAll(root: u32, key: u32): bool {
  const keyPtr = resolve(key);
  const entries = load<u32>(keyPtr, KEY_ENTRIES);
  if ((entries & INDEXED) != 0) return true;
  let entry = load<u32>(keyPtr, KEY_FIRST);
  while (entry != 0) {
    const ptr = resolve(entry);
    if (!indexAdd(root, entryHash(keyPtr, subPtr(ptr), subLength(ptr)), entry | ENTRY_BIT)) break;
    entry = load<u32>(ptr, ENTRY_NEXT);
  }
  if (entry != 0) {
    for (let back = load<u32>(resolve(entry), ENTRY_PREV); back != 0; back = load<u32>(resolve(back), ENTRY_PREV)) {
      unindex(root, keyPtr, back);
    }
    return false;
  }
  touchRange(keyPtr + KEY_ENTRIES, 4);
  store<u32>(keyPtr, entries | INDEXED, KEY_ENTRIES);
  return true;
}

function unindex(root: u32, keyPtr: u32, entry: u32): void {
  const ptr = resolve(entry);
  indexRemove(root, entryHash(keyPtr, subPtr(ptr), subLength(ptr)), entry | ENTRY_BIT);
}

/** A record with the call's bytes, in index and queue but not in the list of its key; 0 without memory. */
function createEntry(callPtr: u32, root: u32, key: u32): u32 {
  const expiry = newExpiry(callPtr);
  const entry = writeEntry(callPtr, root, key);
  if (entry == 0) return 0;
  const keyPtr = resolve(key);
  const isIndexed = (load<u32>(keyPtr, KEY_ENTRIES) & INDEXED) != 0;
  const ptr = resolve(entry);
  if (!isIndexed || indexAdd(root, entryHash(keyPtr, subPtr(ptr), subLength(ptr)), entry | ENTRY_BIT)) {
    if (!isTimed(ptr) || refresh(callPtr, root, entry)) return entry;
    if (isIndexed) unindex(root, keyPtr, entry);
  }
  recordFree(root, entry);
  return 0;
}

/** A fresh record with the call's sub-key and value, that stands nowhere; 0 without memory. */
function writeEntry(callPtr: u32, root: u32, key: u32): u32 {
  const timed = load<f64>(callPtr, CALL_TTL) != 0;
  const subBytes = load<u32>(callPtr, CALL_SUB_LENGTH);
  const valueBytes = load<u32>(callPtr, CALL_VALUE_LENGTH);
  const entry = recordAlloc(root, entryBytes(timed, subBytes, valueBytes));
  if (entry == 0) return 0;
  const ptr = resolve(entry);
  store<u32>(ptr, key, ENTRY_KEY);
  store<u32>(ptr, subBytes | (timed ? TIMED : 0), ENTRY_SUB);
  store<u32>(ptr, valueBytes, ENTRY_VALUE);
  if (timed) {
    store<i64>(ptr, NEVER, ENTRY_EXPIRY);
    store<i64>(ptr, NEVER, ENTRY_QUEUED);
  }
  memory.copy(subPtr(ptr), load<u32>(callPtr, CALL_SUB), subBytes);
  memory.copy(valuePtr(ptr), load<u32>(callPtr, CALL_VALUE), valueBytes);
  return entry;
}

/** Makes an entry the last of its key. */
function append(root: u32, key: u32, entry: u32): void {
  const keyPtr = resolve(key);
  const last = load<u32>(keyPtr, KEY_LAST);
  link(keyPtr, last, entry);
  link(keyPtr, entry, 0);
  touchRange(keyPtr + KEY_ENTRIES, 4);
  store<u32>(keyPtr, load<u32>(keyPtr, KEY_ENTRIES) + 1, KEY_ENTRIES);
  addEntries(load<u32>(root), 1);
}

/** Makes two entries neighbours; 0 stands for the ends of the key's list. */
function link(keyPtr: u32, left: u32, right: u32): void {
  const nextPtr = left == 0 ? keyPtr + KEY_FIRST : resolve(left) + ENTRY_NEXT;
  const prevPtr = right == 0 ? keyPtr + KEY_LAST : resolve(right) + ENTRY_PREV;
  touchRange(nextPtr, 4);
  store<u32>(nextPtr, right);
  touchRange(prevPtr, 4);
  store<u32>(prevPtr, left);
}

/** When an entry that is written at this moment expires. */
function newExpiry(callPtr: u32): i64 {
  const ttl = <i64>load<f64>(callPtr, CALL_TTL);
  const selection = selectionOf(callPtr);
  const from = max<i64>(clockOf(callPtr), <i64>load<f64>(selection, SELECTION_WRITTEN));
  return ttl == 0 || from <= TIME_MIN ? NEVER : from + ttl;
}

/** Sets the expiry of a timed entry anew; puts it into the queue when it was in none. False without memory. */
export function refresh(callPtr: u32, root: u32, entry: u32): bool {
  const expiry = newExpiry(callPtr);
  const ptr = resolve(entry);
  const before = load<i64>(ptr, ENTRY_EXPIRY);
  if (load<i64>(ptr, ENTRY_QUEUED) == NEVER) {
    if (expiry == NEVER) return true;
    if (!enqueue(callPtr, root, entry, expiry)) return false;
  } else if (expiry == NEVER || expiry <= before) {
    return true;
  }
  touchRange(ptr + ENTRY_EXPIRY, 8);
  store<i64>(ptr, expiry, ENTRY_EXPIRY);
  return true;
}

export function enqueue(callPtr: u32, root: u32, entry: u32, at: i64): bool {
  const target = callPtr + CALL_TARGET;
  const ptr = resolve(entry);
  targetOfEntry(target, ptr);
  store<i64>(target, at, TARGET_TIME);
  if (treeInsert(root, target, entry) < 0) return false;
  touchRange(ptr + ENTRY_QUEUED, 8);
  store<i64>(ptr, at, ENTRY_QUEUED);
  return true;
}

/** Sets a target to the place of an entry in the queue; false when it is in none. */
function placeInQueue(callPtr: u32, entryPtr: u32): bool {
  if (!isTimed(entryPtr) || load<i64>(entryPtr, ENTRY_QUEUED) == NEVER) return false;
  targetOfEntry(callPtr + CALL_TARGET, entryPtr);
  store<i64>(callPtr + CALL_TARGET, load<i64>(entryPtr, ENTRY_QUEUED), TARGET_TIME);
  return true;
}

/** Puts the call's bytes into a record of another size at the same place of the list. False without memory. */
export function move(callPtr: u32, root: u32, entry: u32): bool {
  const ptr = resolve(entry);
  const key = load<u32>(ptr, ENTRY_KEY);
  const moved = writeEntry(callPtr, root, key);
  if (moved == 0) return false;
  if (!requeueMoved(callPtr, root, entry, moved)) {
    recordFree(root, moved);
    return false;
  }
  const keyPtr = resolve(key);
  const next = load<u32>(ptr, ENTRY_NEXT);
  link(keyPtr, load<u32>(ptr, ENTRY_PREV), moved);
  link(keyPtr, moved, next);
  if ((load<u32>(keyPtr, KEY_ENTRIES) & INDEXED) != 0) {
    indexReplace(root, entryHash(keyPtr, subPtr(ptr), subLength(ptr)), entry | ENTRY_BIT, moved | ENTRY_BIT);
  }
  recordFree(root, entry);
  store<u32>(callPtr, entry, OUT_GONE);
  store<u32>(callPtr, moved, OUT_INSTEAD);
  return true;
}

/** Gives the place of an entry in the queue to the record that takes its place, and refreshes that. */
function requeueMoved(callPtr: u32, root: u32, entry: u32, moved: u32): bool {
  const ptr = resolve(entry);
  const movedPtr = resolve(moved);
  if (!isTimed(movedPtr)) {
    if (placeInQueue(callPtr, ptr)) treeRemove(root, callPtr + CALL_TARGET);
    return true;
  }
  if (!placeInQueue(callPtr, ptr)) return refresh(callPtr, root, moved);
  treeReplace(root, callPtr + CALL_TARGET, moved);
  store<i64>(movedPtr, load<i64>(ptr, ENTRY_EXPIRY), ENTRY_EXPIRY);
  store<i64>(movedPtr, load<i64>(ptr, ENTRY_QUEUED), ENTRY_QUEUED);
  return refresh(callPtr, root, moved);
}

/** Takes an entry out of everything, its key with it when it was the last. Its bytes stand until something is allocated. */
export function removeEntry(callPtr: u32, root: u32, entry: u32): void {
  const ptr = resolve(entry);
  const key = load<u32>(ptr, ENTRY_KEY);
  const keyPtr = resolve(key);
  const prev = load<u32>(ptr, ENTRY_PREV);
  store<u32>(callPtr, entry, OUT_GONE);
  store<u32>(callPtr, prev, OUT_INSTEAD);
  if (placeInQueue(callPtr, ptr)) treeRemove(root, callPtr + CALL_TARGET);
  if ((load<u32>(keyPtr, KEY_ENTRIES) & INDEXED) != 0) unindex(root, keyPtr, entry);
  link(keyPtr, prev, load<u32>(ptr, ENTRY_NEXT));
  touchRange(keyPtr + KEY_ENTRIES, 4);
  store<u32>(keyPtr, load<u32>(keyPtr, KEY_ENTRIES) - 1, KEY_ENTRIES);
  addEntries(load<u32>(root), -1);
  if ((load<u32>(keyPtr, KEY_ENTRIES) & ~INDEXED) == 0) dropKey(root, key);
  recordFree(root, entry);
}
