/**
 * What overlapping windows share between firings, as it lies in state: two running tables and an undo log (shared.ts
 * says what is in them).
 *
 *   record, one page, referenced by the state record at SHARED_REF:
 *     front table u32 | prefix table u32 | top chunk of the log u32 | bytes used of it u32 | border i64 | from i64
 *     | to i64 | cursor in a slice: kind u32, hash u32 | entries merged by building u64 | slices read for stale keys u64
 *   entry of a running table: a wide entry | stale u32 | stamp u32
 *   chunk of the log: chunk below it u32 | its pages u32 | bytes used of the one below u32 | 0, then log records
 *   log record: from u32 | to u32 | an entry of the front table as it was
 *
 * Invariant: all of it can be had again from the slices, so it may be dropped between any two calls of a kernel.
 * Not here: slices (slices.ts), when what is made and read (shared.ts).
 */
import { WHOLE } from '../edition';
import { KEY_BYTES, INLINE_BYTES, keyEquals, slabStore } from '../hash/key';
import {
  capacityOf,
  directoryIndex,
  keyBytesOf,
  OCCUPIED,
  SEGMENT_COUNT,
  SEGMENT_HEADER,
  SEGMENT_LIMIT,
  slotClass,
  slotDepth,
  slotSegment,
  startPosition,
  TABLE_DEPTH,
  TABLE_DIRECTORY,
  TABLE_ENTRIES,
  TABLE_ENTRY_BYTES,
  TABLE_KEY_KIND,
  TABLE_MOVED,
  TABLE_TAG,
  tableCreate,
  tableDrop,
  tableGrow,
} from '../hash/table';
import { extentAlloc, extentFree, PAGE_BYTES, resolve, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { copyWords } from '../memory/words';

/** Where the state record refers to the record: 0 when there is none, NO_ROOM when memory did not do for it. */
const SHARED_REF: u32 = 52;
const NO_ROOM: u32 = 1;

export const SHARED_FRONT: u32 = 0;
export const SHARED_PREFIX: u32 = 4;
const LOG_CHUNK: u32 = 8;
const LOG_USED: u32 = 12;
export const SHARED_BORDER: u32 = 16;
export const SHARED_FROM: u32 = 24;
export const SHARED_TO: u32 = 32;
export const SHARED_KIND: u32 = 40;
export const SHARED_HASH: u32 = 44;
export const SHARED_BUILT: u32 = 48;
export const SHARED_READ: u32 = 56;
export const SHARED_BYTES: u32 = 64;

/** Behind the wide entry of a running table: its key is stale in windows that start before slice number `stale`. */
export const STALE: u32 = 0;
/** The chunk of slices for which the front entry was logged last, plus 1. */
export const STAMP: u32 = 4;
export const MARKS_BYTES: u32 = 8;

const CHUNK_HEADER: u32 = 16;
const CHUNK_PAGES: u32 = 15;
export const LOG_FROM: u32 = 0;
export const LOG_TO: u32 = 4;
export const LOG_ENTRY: u32 = 8;

/** The record; 0 when there is none. */
export function sharedPtr(state: u32): u32 {
  const ref = load<u32>(statePtr(state), SHARED_REF);
  return ref <= NO_ROOM ? 0 : resolve(ref);
}

export function hadNoRoom(state: u32): bool {
  return load<u32>(statePtr(state), SHARED_REF) == NO_ROOM;
}

function setRef(state: u32, ref: u32): void {
  const record = statePtr(state);
  touchRange(record + SHARED_REF, 4);
  store<u32>(record, ref, SHARED_REF);
}

/** Makes an empty record with empty tables, in place of what there is; 0 without memory. */
export function sharedReset(state: u32, keyKind: u32, entryBytes: u32, border: i64): u32 {
  const before = sharedPtr(state);
  const expected = before == 0 ? 0 : load<u32>(resolve(load<u32>(before, SHARED_PREFIX)), TABLE_ENTRIES);
  sharedDrop(state);
  const ref = extentAlloc(state, 1);
  const front = ref == 0 ? 0 : tableCreate(state, keyKind, entryBytes + MARKS_BYTES, false, expected);
  const prefix = front == 0 ? 0 : tableCreate(state, keyKind, entryBytes + MARKS_BYTES, false, expected);
  if (prefix == 0) {
    if (front != 0) tableDrop(front);
    if (ref != 0) extentFree(state, ref, 1);
    setRef(state, NO_ROOM);
    return 0;
  }
  setRef(state, ref);
  const shared = resolve(ref);
  store<u32>(shared, front, SHARED_FRONT);
  store<u32>(shared, prefix, SHARED_PREFIX);
  store<i64>(shared, border, SHARED_BORDER);
  store<i64>(shared, border, SHARED_FROM);
  store<i64>(shared, border, SHARED_TO);
  return shared;
}

/** Frees what is shared; whether there was anything. */
export function sharedDrop(state: u32): bool {
  const shared = sharedPtr(state);
  if (shared == 0) return false;
  const ref = load<u32>(statePtr(state), SHARED_REF);
  tableDrop(load<u32>(shared, SHARED_FRONT));
  tableDrop(load<u32>(shared, SHARED_PREFIX));
  while (load<u32>(shared, LOG_CHUNK) != 0) freeChunk(state, shared);
  extentFree(state, ref, 1);
  setRef(state, 0);
  return true;
}

/** The same because memory does not do for it: it is not tried again at once. */
export function sharedGiveUp(state: u32): bool {
  if (!WHOLE) return false;
  if (!sharedDrop(state)) return false;
  setRef(state, NO_ROOM);
  return true;
}

/** The same, and forgets that there was no room. */
export function sharedForget(state: u32): void {
  if (!WHOLE) return;
  sharedDrop(state);
  if (hadNoRoom(state)) setRef(state, 0);
}

/** Occupied entry of a key in the running table at `refPtr`, made empty when it is not there; 0 without memory. */
export function runningEntry(refPtr: u32, imagePtr: u32, bytesPtr: u32, hash: u32): u32 {
  let table = resolve(load<u32>(refPtr));
  let entry = runningFind(table, imagePtr, bytesPtr, hash);
  while (load<u32>(entry + load<u32>(table, TABLE_TAG)) == 0) {
    const segment = resolve(slotSegment(slotOf(table, hash)));
    if (load<u32>(segment, SEGMENT_COUNT) < load<u32>(segment, SEGMENT_LIMIT)) {
      return occupy(table, segment, entry, imagePtr, bytesPtr);
    }
    const grown = tableGrow(load<u32>(refPtr), hash);
    if (grown == 0) return 0;
    if ((grown & ~TABLE_MOVED) != load<u32>(refPtr)) {
      touchRange(refPtr, 4);
      store<u32>(refPtr, grown & ~TABLE_MOVED);
    }
    if ((grown & TABLE_MOVED) != 0) return 0;
    table = resolve(grown);
    entry = runningFind(table, imagePtr, bytesPtr, hash);
  }
  return entry;
}

function slotOf(tablePtr: u32, hash: u32): u32 {
  return load<u32>(tablePtr + TABLE_DIRECTORY + (directoryIndex(hash, load<u32>(tablePtr, TABLE_DEPTH)) << 2));
}

/** The entry of a key, or the free one where it belongs. */
export function runningFind(tablePtr: u32, imagePtr: u32, bytesPtr: u32, hash: u32): u32 {
  const slot = slotOf(tablePtr, hash);
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  const isBytes = load<u32>(tablePtr, TABLE_KEY_KIND) == KEY_BYTES;
  const tag = load<u32>(tablePtr, TABLE_TAG);
  const capacity = capacityOf(tablePtr, slotClass(slot));
  const first = resolve(slotSegment(slot)) + SEGMENT_HEADER;
  const end = first + capacity * entryBytes;
  let entry = first + startPosition(hash, slotDepth(slot), capacity) * entryBytes;
  while (load<u32>(entry + tag) != 0) {
    if (isBytes ? keyEquals(entry, imagePtr, bytesPtr) : load<u64>(entry) == load<u64>(imagePtr)) break;
    entry += entryBytes;
    if (entry == end) entry = first;
  }
  return entry;
}

/** Gives a free entry its key; all else of it stays zero. */
function occupy(tablePtr: u32, segmentPtr: u32, entryPtr: u32, imagePtr: u32, bytesPtr: u32): u32 {
  const keyKind = load<u32>(tablePtr, TABLE_KEY_KIND);
  const keyBytes = keyBytesOf(keyKind);
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  let stored: u32 = 0;
  const isLong = keyKind == KEY_BYTES && load<u32>(imagePtr, 4) > INLINE_BYTES;
  if (isLong) {
    stored = slabStore(tablePtr, bytesPtr, load<u32>(imagePtr, 4));
    if (stored == 0) return 0;
  }
  touchRange(segmentPtr, 8);
  store<u32>(segmentPtr, load<u32>(segmentPtr, SEGMENT_COUNT) + 1, SEGMENT_COUNT);
  touchRange(tablePtr, 64);
  store<u32>(tablePtr, load<u32>(tablePtr, TABLE_ENTRIES) + 1, TABLE_ENTRIES);
  touchRange(entryPtr, entryBytes);
  memory.fill(entryPtr + keyBytes, 0, entryBytes - keyBytes);
  copyWords(entryPtr, imagePtr, keyBytes);
  if (isLong) store<u64>(entryPtr, <u64>stored, 16);
  store<u64>(entryPtr + keyBytes, OCCUPIED);
  return entryPtr;
}

/**
 * Keeps a front entry on the log, for the slices with numbers [from, to). False without memory. Writes to the record were
 * announced.
 */
export function logPush(state: u32, shared: u32, entryPtr: u32, entryBytes: u32, from: u32, to: u32): bool {
  const bytes = LOG_ENTRY + entryBytes;
  const chunk = load<u32>(shared, LOG_CHUNK);
  const used = load<u32>(shared, LOG_USED);
  if (chunk == 0 || used + bytes > load<u32>(resolve(chunk), 4) * PAGE_BYTES) {
    if (!addChunk(state, shared, chunk, used)) return false;
  }
  const at = resolve(load<u32>(shared, LOG_CHUNK)) + load<u32>(shared, LOG_USED);
  touchRange(at, bytes);
  store<u32>(at, from, LOG_FROM);
  store<u32>(at, to, LOG_TO);
  copyWords(at + LOG_ENTRY, entryPtr, entryBytes);
  store<u32>(shared, load<u32>(shared, LOG_USED) + bytes, LOG_USED);
  return true;
}

function addChunk(state: u32, shared: u32, below: u32, used: u32): bool {
  const pages: u32 = below == 0 ? 1 : CHUNK_PAGES;
  const ref = extentAlloc(state, pages);
  if (ref == 0) return false;
  const chunk = resolve(ref);
  store<u32>(chunk, below);
  store<u32>(chunk, pages, 4);
  store<u32>(chunk, used, 8);
  store<u32>(shared, ref, LOG_CHUNK);
  store<u32>(shared, CHUNK_HEADER, LOG_USED);
  return true;
}

function freeChunk(state: u32, shared: u32): void {
  const ref = load<u32>(shared, LOG_CHUNK);
  const chunk = resolve(ref);
  touchRange(shared, SHARED_BYTES);
  store<u32>(shared, load<u32>(chunk), LOG_CHUNK);
  store<u32>(shared, load<u32>(chunk, 8), LOG_USED);
  extentFree(state, ref, load<u32>(chunk, 4));
}

/** The last record of the log; 0 when it is empty. */
export function logTop(shared: u32, entryBytes: u32): u32 {
  const chunk = load<u32>(shared, LOG_CHUNK);
  return chunk == 0 ? 0 : resolve(chunk) + load<u32>(shared, LOG_USED) - LOG_ENTRY - entryBytes;
}

/** Takes the last record off the log. Writes to the record were announced. */
export function logPop(state: u32, shared: u32, entryBytes: u32): void {
  store<u32>(shared, load<u32>(shared, LOG_USED) - LOG_ENTRY - entryBytes, LOG_USED);
  if (load<u32>(shared, LOG_USED) == CHUNK_HEADER) freeChunk(state, shared);
}
