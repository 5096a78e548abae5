/**
 * Records of keyed states, in slabs. The first word of each is the slab's.
 *
 *   key    0      4      8        12      16     20                          24
 *          +------+------+--------+-------+------+---------------------------+---- - -
 *          | slab | hash | length | first | last | entries, bit 31 = indexed | key bytes
 *          +------+------+--------+-------+------+---------------------------+---- - -
 *   entry  0      4     8      12     16                           20             24       32       40
 *          +------+-----+------+------+----------------------------+--------------+--------+--------+---- - -
 *          | slab | key | prev | next | sub length, bit 31 = timed | value length | expiry | queued | sub, value
 *          +------+-----+------+------+----------------------------+--------------+--------+--------+---- - -
 *          an entry that is not timed has no expiry and queued: its bytes begin at 24
 *   timer  0      4      8            12           16
 *          +------+------+------------+------------+---- - -
 *          | slab | hash | key length | tag length | key, tag
 *          +------+------+------------+------------+---- - -
 *   session 0      4      8       16    24       32
 *          +------+------+-------+-----+--------+-------------------------------+
 *          | slab | next | start | end | queued | entry: key, rows, accumulators
 *          +------+------+-------+-----+--------+-------------------------------+
 *
 * Not here: the lists that entries form (table.ts), queues of times (tree.ts).
 */
import { compareKeys } from '../hash/key';
import { resolve } from '../memory/arena';

export const KIND_KEYED: u32 = 2;
export const KIND_TIMERS: u32 = 3;
export const KIND_SESSIONS: u32 = 4;

export const KEY_HASH: u32 = 4;
export const KEY_LENGTH: u32 = 8;
export const KEY_FIRST: u32 = 12;
export const KEY_LAST: u32 = 16;
export const KEY_ENTRIES: u32 = 20;
export const KEY_BYTES_AT: u32 = 24;
export const INDEXED: u32 = 0x80000000;

export const ENTRY_KEY: u32 = 4;
export const ENTRY_PREV: u32 = 8;
export const ENTRY_NEXT: u32 = 12;
export const ENTRY_SUB: u32 = 16;
export const ENTRY_VALUE: u32 = 20;
export const ENTRY_EXPIRY: u32 = 24;
export const ENTRY_QUEUED: u32 = 32;
export const TIMED: u32 = 0x80000000;
const ENTRY_BYTES: u32 = 24;
const TIMED_BYTES: u32 = 40;
/** Expiry of what does not expire, and of what stands in no queue. */
export const NEVER: i64 = i64.MAX_VALUE;

// A session (session/sessions.ts).
export const SESSION_NEXT: u32 = 4;
export const SESSION_START: u32 = 8;
export const SESSION_END: u32 = 16;
export const SESSION_QUEUED: u32 = 24;
export const SESSION_ENTRY: u32 = 32;

export const TIMER_HASH: u32 = 4;
export const TIMER_KEY: u32 = 8;
export const TIMER_TAG: u32 = 12;
export const TIMER_BYTES_AT: u32 = 16;

export function isTimed(entryPtr: u32): bool {
  return (load<u32>(entryPtr, ENTRY_SUB) & TIMED) != 0;
}

export function subLength(entryPtr: u32): u32 {
  return load<u32>(entryPtr, ENTRY_SUB) & ~TIMED;
}

export function subPtr(entryPtr: u32): u32 {
  return entryPtr + (isTimed(entryPtr) ? TIMED_BYTES : ENTRY_BYTES);
}

export function valuePtr(entryPtr: u32): u32 {
  return subPtr(entryPtr) + subLength(entryPtr);
}

export function entryBytes(timed: bool, subBytes: u32, valueBytes: u32): u32 {
  return (timed ? TIMED_BYTES : ENTRY_BYTES) + subBytes + valueBytes;
}

export function expiryOf(entryPtr: u32): i64 {
  return isTimed(entryPtr) ? load<i64>(entryPtr, ENTRY_EXPIRY) : NEVER;
}

export function keyMatches(ref: u32, ptr: u32, bytes: u32): bool {
  const key = resolve(ref);
  return load<u32>(key, KEY_LENGTH) == bytes && memory.compare(key + KEY_BYTES_AT, ptr, bytes) == 0;
}

export function entryMatches(ref: u32, key: u32, ptr: u32, bytes: u32): bool {
  const entry = resolve(ref);
  if (load<u32>(entry, ENTRY_KEY) != key || subLength(entry) != bytes) return false;
  return memory.compare(subPtr(entry), ptr, bytes) == 0;
}

/**
 * What a queue is searched for, 32 bytes: time i64, hash, key, key length, tag (or sub-key), its length. Of a session:
 * its entry for the key, and the kind of key for the length.
 */
export const TARGET_TIME: u32 = 0;
export const TARGET_HASH: u32 = 8;
export const TARGET_KEY: u32 = 12;
export const TARGET_KEY_LENGTH: u32 = 16;
export const TARGET_TAG: u32 = 20;
export const TARGET_TAG_LENGTH: u32 = 24;
export const TARGET_BYTES: u32 = 32;

/**
 * Order of the bytes of a target to those of a record: key, then tag or sub-key; each as memcmp, then by length. Sessions
 * in the order of keys (hash/key.ts).
 */
export function compareTarget(kind: u32, targetPtr: u32, ref: u32): i32 {
  const record = resolve(ref);
  if (kind == KIND_SESSIONS) {
    const keyKind = load<u32>(targetPtr, TARGET_KEY_LENGTH);
    return compareKeys(keyKind, load<u32>(targetPtr, TARGET_KEY), record + SESSION_ENTRY);
  }
  const isTimer = kind == KIND_TIMERS;
  const keyRecord = isTimer ? record : resolve(load<u32>(record, ENTRY_KEY));
  const keyPtr = keyRecord + (isTimer ? TIMER_BYTES_AT : KEY_BYTES_AT);
  const keyLength = load<u32>(keyRecord, TIMER_KEY);
  const order = compareBytes(
    load<u32>(targetPtr, TARGET_KEY),
    load<u32>(targetPtr, TARGET_KEY_LENGTH),
    keyPtr,
    keyLength,
  );
  if (order != 0) return order;
  const tagPtr = isTimer ? keyPtr + keyLength : subPtr(record);
  const tagLength = isTimer ? load<u32>(record, TIMER_TAG) : subLength(record);
  return compareBytes(load<u32>(targetPtr, TARGET_TAG), load<u32>(targetPtr, TARGET_TAG_LENGTH), tagPtr, tagLength);
}

function compareBytes(aPtr: u32, a: u32, bPtr: u32, b: u32): i32 {
  const order = aPtr == bPtr ? 0 : memory.compare(aPtr, bPtr, min<u32>(a, b));
  if (order != 0) return order;
  return a < b ? -1 : i32(a > b);
}

/** Makes a target of an entry's own bytes; its time is set by the caller. */
export function targetOfEntry(targetPtr: u32, entryPtr: u32): void {
  const key = resolve(load<u32>(entryPtr, ENTRY_KEY));
  store<u32>(targetPtr, load<u32>(key, KEY_HASH), TARGET_HASH);
  store<u32>(targetPtr, key + KEY_BYTES_AT, TARGET_KEY);
  store<u32>(targetPtr, load<u32>(key, KEY_LENGTH), TARGET_KEY_LENGTH);
  store<u32>(targetPtr, subPtr(entryPtr), TARGET_TAG);
  store<u32>(targetPtr, subLength(entryPtr), TARGET_TAG_LENGTH);
}
