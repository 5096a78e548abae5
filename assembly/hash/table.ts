/**
 * An extendible hash table in the arena: a directory over the high bits of the hash, and segments that grow and split
 * one at a time. Key groups are therefore contiguous, and no insertion ever waits for more than one segment to be
 * rehashed.
 *
 *   table extent: header 128 bytes, then directory u32[2^depth], indexed by the top `depth` bits of the hash
 *   directory entry: reference of a segment (a multiple of 512) | size class << 5 | depth of the segment
 *   segment extent: header 32 bytes (count u32, limit u32), then `capacity` entries and one that stays free
 *   entry: key (8 or 24 bytes) | rows: u64, bit 63 = occupied; in a narrow table u32, bit 31 | accumulators
 *
 * Invariants
 *  1. An entry lies at or after position ((hash << depth) * capacity) >> 32 of its segment, with no free entry in
 *     between (cyclically). Positions grow with the hash, so a segment is nearly in hash order.
 *  2. count <= limit, about 7/8 of capacity, and the entry behind the last is free: probing ends, and a key that is there
 *     is mostly met before the first free entry, without looking for the end of the segment. Limits differ from segment
 *     to segment, so that those of a growing table do not all fill up within the same batch.
 *  3. A segment of depth d stands in 2^(depth - d) neighbouring directory entries.
 *  4. Growth allocates first and frees last; when memory runs out, nothing has changed.
 * Not here: what keys look like (key.ts), finding rows' entries in bulk (window/locate.ts).
 * Long because growing, splitting and removing must agree on where an entry lies.
 * Background: Fagin et al., Extendible Hashing (TODS 1979).
 */
import { blobsFree, blobsHold } from '../aggregate/blob';
import { extentAlloc, extentFree, PAGE_BYTES, resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { copyWords } from '../memory/words';
import { hashOfEntry, slabsFree, TABLE_STATE } from './key';

// 0: the state that the table belongs to, 24 to 35: the slabs of its keys, 52: blobs (key.ts).
export const TABLE_DEPTH: u32 = 4;
export const TABLE_ENTRIES: u32 = 8;
export const TABLE_KEY_KIND: u32 = 12;
export const TABLE_ENTRY_BYTES: u32 = 16;
const TABLE_PAGES: u32 = 20;
export const TABLE_SEGMENTS: u32 = 36;
/** Rows folded into all entries, u64. */
export const TABLE_ROWS: u32 = 40;
/** Offset in an entry of a u32 that is not 0 when it is occupied: all of narrow rows, the high half of wide ones. */
export const TABLE_TAG: u32 = 48;
/** Capacity of a segment by size class, u32[16]. */
export const TABLE_CAPACITIES: u32 = 64;
export const TABLE_DIRECTORY: u32 = 128;

export const SEGMENT_COUNT: u32 = 0;
export const SEGMENT_LIMIT: u32 = 4;
export const SEGMENT_HEADER: u32 = 32;

/** The directory then fills half an extent; segments beyond it grow past their usual size instead of splitting. */
const DEPTH_MAX: u32 = 17;
/**
 * Pages by size class, a byte each: 1 2 3 4 5 7 10 12, 15 22 33 50 75 113 170 255. 17 segments of 15 pages fill a
 * region.
 */
const CLASS_PAGES_LOW: u64 = 0x0c0a070504030201;
const CLASS_PAGES_HIGH: u64 = 0xffaa714b3221160f;
const CLASSES: u32 = 16;
/** The largest class that is used while splitting can still help. */
const CLASS_USUAL_MAX: u32 = 8;
/** How deep a table is made at once: about a megabyte, which takes no longer than a batch. */
const PLANNED_DEPTH_MAX: u32 = 4;
/** The golden ratio of 2^32: scatters the numbers of neighbouring pages. */
const SPREAD: u32 = 0x9e3779b1;
export const OCCUPIED: u64 = 1 << 63;
export const OCCUPIED_NARROW: u32 = 1 << 31;

export function classPages(sizeClass: u32): u32 {
  const word = sizeClass < 8 ? CLASS_PAGES_LOW : CLASS_PAGES_HIGH;
  return <u32>(word >> ((sizeClass & 7) << 3)) & 255;
}

export function slotSegment(slot: u32): u32 {
  return slot & ~511;
}

export function slotClass(slot: u32): u32 {
  return (slot >> 5) & 15;
}

export function slotDepth(slot: u32): u32 {
  return slot & 31;
}

/** Index of a hash in a directory of this depth; also right for depth 0. */
export function directoryIndex(hash: u32, depth: u32): u32 {
  return <u32>(<u64>hash >> (32 - depth));
}

/** Where probing for a hash starts in a segment. */
export function startPosition(hash: u32, depth: u32, capacity: u32): u32 {
  return <u32>((<u64>(hash << depth) * <u64>capacity) >> 32);
}

function directoryPages(depth: u32): u32 {
  return (TABLE_DIRECTORY + (4 << depth) + PAGE_BYTES - 1) / PAGE_BYTES;
}

export function capacityOf(tablePtr: u32, sizeClass: u32): u32 {
  return load<u32>(tablePtr + TABLE_CAPACITIES + (sizeClass << 2));
}

/** Entries of a segment of this size class, besides the one that stays free. */
function capacityFor(sizeClass: u32, entryBytes: u32): u32 {
  return (classPages(sizeClass) * PAGE_BYTES - SEGMENT_HEADER) / entryBytes - 1;
}

/**
 * An empty table for entries of `entryBytes` (a multiple of 4, at most 1,024), with room for about `expected` of them, as
 * far as PLANNED_DEPTH_MAX goes; its reference, or 0 without memory.
 */
export function tableCreate(state: u32, keyKind: u32, entryBytes: u32, isNarrow: bool, expected: u32): u32 {
  const usual = capacityFor(CLASS_USUAL_MAX, entryBytes);
  let depth: u32 = 0;
  while (depth < PLANNED_DEPTH_MAX && (expected >> depth) * 10 > usual * 7) depth++;
  const pages = directoryPages(depth);
  const ref = extentAlloc(state, pages);
  if (ref == 0) return 0;
  const table = resolve(ref);
  store<u32>(table, state, TABLE_STATE);
  store<u32>(table, keyKind, TABLE_KEY_KIND);
  store<u32>(table, entryBytes, TABLE_ENTRY_BYTES);
  store<u32>(table, tagOf(keyKind, isNarrow), TABLE_TAG);
  store<u32>(table, pages, TABLE_PAGES);
  store<u32>(table, depth, TABLE_DEPTH);
  store<u32>(table, 1 << depth, TABLE_SEGMENTS);
  for (let c: u32 = 0; c < CLASSES; c++) {
    store<u32>(table + TABLE_CAPACITIES + (c << 2), capacityFor(c, entryBytes));
  }
  return fillDirectory(ref, classFor(table, expected >> depth)) ? ref : 0;
}

/** Gives a table without segments all of its directory; without memory frees the table and answers false. */
function fillDirectory(ref: u32, sizeClass: u32): bool {
  const table = resolve(ref);
  const depth = load<u32>(table, TABLE_DEPTH);
  for (let index: u32 = 0; index < (<u32>1) << depth; index++) {
    const slot = segmentCreate(table, sizeClass, depth);
    if (slot == 0) {
      const state = load<u32>(table, TABLE_STATE);
      while (index-- > 0) {
        extentFree(state, slotSegment(load<u32>(table + TABLE_DIRECTORY + (index << 2))), classPages(sizeClass));
      }
      extentFree(state, ref, load<u32>(table, TABLE_PAGES));
      return false;
    }
    store<u32>(table + TABLE_DIRECTORY + (index << 2), slot);
  }
  return true;
}

/** A fresh segment as a directory entry; 0 without memory. */
function segmentCreate(tablePtr: u32, sizeClass: u32, depth: u32): u32 {
  const ref = extentAlloc(load<u32>(tablePtr, TABLE_STATE), classPages(sizeClass));
  if (ref == 0) return 0;
  const capacity = capacityOf(tablePtr, sizeClass);
  store<u32>(resolve(ref), limitOf(ref, capacity), SEGMENT_LIMIT);
  return ref | (sizeClass << 5) | depth;
}

/** Most entries of a segment: 0.83 to 0.92 of its capacity, by where it lies. */
function limitOf(ref: u32, capacity: u32): u32 {
  const spread = ((ref >> 9) * SPREAD) >> 24;
  return capacity - max<u32>(1, (capacity * (656 + 3 * spread)) >> 13);
}

/** Frees all extents of a table: directory, segments, key bytes, blobs. */
export function tableDrop(ref: u32): void {
  const table = resolve(ref);
  const state = load<u32>(table, TABLE_STATE);
  const depth = load<u32>(table, TABLE_DEPTH);
  slabsFree(table);
  blobsFree(table);
  for (let index: u32 = 0; index < (<u32>1) << depth; ) {
    const slot = load<u32>(table + TABLE_DIRECTORY + (index << 2));
    extentFree(state, slotSegment(slot), classPages(slotClass(slot)));
    index += 1 << (depth - slotDepth(slot));
  }
  extentFree(state, ref, load<u32>(table, TABLE_PAGES));
}

/**
 * Makes room in the segment of `hash`, which is full: gives it the next size, or splits it. Returns the reference of
 * the table, which changes when its directory outgrows its extent, or 0 without memory.
 */
export function tableGrow(ref: u32, hash: u32): u32 {
  let table = resolve(ref);
  const depth = load<u32>(table, TABLE_DEPTH);
  const slot = load<u32>(table + TABLE_DIRECTORY + (directoryIndex(hash, depth) << 2));
  const sizeClass = slotClass(slot);
  if (sizeClass < CLASS_USUAL_MAX || slotDepth(slot) == DEPTH_MAX) {
    if (sizeClass + 1 == CLASSES) return 0;
    return enlarge(table, hash, slot) ? ref : 0;
  }
  let grown = ref;
  if (slotDepth(slot) == depth) {
    grown = doubleDirectory(ref);
    if (grown == 0) return 0;
    table = resolve(grown);
  }
  // A doubled directory stands even when the split then fails: it says the same.
  if (split(table, hash, slot)) return grown;
  return grown == ref ? 0 : grown | TABLE_MOVED;
}

/**
 * Set in the result of tableGrow when the table moved but there was no memory for the split; references are multiples
 * of 512.
 */
export const TABLE_MOVED: u32 = 1;

function enlarge(tablePtr: u32, hash: u32, slot: u32): bool {
  const larger = segmentCreate(tablePtr, slotClass(slot) + 1, slotDepth(slot));
  if (larger == 0) return false;
  moveEntries(tablePtr, slot, larger, larger);
  setSlots(tablePtr, hash, slotDepth(slot), larger);
  extentFree(load<u32>(tablePtr, TABLE_STATE), slotSegment(slot), classPages(slotClass(slot)));
  return true;
}

function split(tablePtr: u32, hash: u32, slot: u32): bool {
  const state = load<u32>(tablePtr, TABLE_STATE);
  const depth = slotDepth(slot);
  const upperCount = countUpper(tablePtr, slot);
  const lowerCount = load<u32>(resolve(slotSegment(slot)), SEGMENT_COUNT) - upperCount;
  const lower = segmentCreate(tablePtr, classFor(tablePtr, lowerCount), depth + 1);
  if (lower == 0) return false;
  const upper = segmentCreate(tablePtr, classFor(tablePtr, upperCount), depth + 1);
  if (upper == 0) {
    extentFree(state, slotSegment(lower), classPages(slotClass(lower)));
    return false;
  }
  moveEntries(tablePtr, slot, lower, upper);
  const bit: u32 = 0x80000000 >> depth;
  setSlots(tablePtr, hash & ~bit, depth + 1, lower);
  setSlots(tablePtr, hash | bit, depth + 1, upper);
  touchRange(tablePtr, 64);
  store<u32>(tablePtr, load<u32>(tablePtr, TABLE_SEGMENTS) + 1, TABLE_SEGMENTS);
  extentFree(state, slotSegment(slot), classPages(slotClass(slot)));
  return true;
}

/** The smallest usual class that `count` entries fill to at most 0.7. */
function classFor(tablePtr: u32, count: u32): u32 {
  let sizeClass: u32 = 0;
  while (sizeClass < CLASS_USUAL_MAX && capacityOf(tablePtr, sizeClass) * 7 < count * 10) sizeClass++;
  return sizeClass;
}

/** Points all directory entries that share the top `depth` bits of `hash` to a segment. */
function setSlots(tablePtr: u32, hash: u32, depth: u32, slot: u32): void {
  const tableDepth = load<u32>(tablePtr, TABLE_DEPTH);
  const count: u32 = 1 << (tableDepth - depth);
  const first = tablePtr + TABLE_DIRECTORY + ((directoryIndex(hash, tableDepth) & ~(count - 1)) << 2);
  touchRange(first, count << 2);
  for (let i: u32 = 0; i < count; i++) store<u32>(first + (i << 2), slot);
}

function doubleDirectory(ref: u32): u32 {
  const table = resolve(ref);
  const state = load<u32>(table, TABLE_STATE);
  const depth = load<u32>(table, TABLE_DEPTH);
  const pages = directoryPages(depth + 1);
  const old = load<u32>(table, TABLE_PAGES);
  let target = table;
  let grown = ref;
  if (pages != old) {
    grown = extentAlloc(state, pages);
    if (grown == 0) return 0;
    target = resolve(grown);
    memory.copy(target, table, TABLE_DIRECTORY);
  } else {
    touchRange(table, TABLE_DIRECTORY + (8 << depth));
  }
  // From the end, so that it also works in place.
  for (let i = ((<u32>1) << depth) - 1; i != <u32>-1; i--) {
    const slot = load<u32>(table + TABLE_DIRECTORY + (i << 2));
    store<u32>(target + TABLE_DIRECTORY + (i << 3), slot);
    store<u32>(target + TABLE_DIRECTORY + (i << 3) + 4, slot);
  }
  store<u32>(target, depth + 1, TABLE_DEPTH);
  store<u32>(target, pages, TABLE_PAGES);
  if (grown != ref) extentFree(state, ref, old);
  return grown;
}

/** Entries of a segment whose next hash bit is 1. */
function countUpper(tablePtr: u32, slot: u32): u32 {
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  const keyKind = load<u32>(tablePtr, TABLE_KEY_KIND);
  const tag = load<u32>(tablePtr, TABLE_TAG);
  const first = resolve(slotSegment(slot)) + SEGMENT_HEADER;
  const end = first + capacityOf(tablePtr, slotClass(slot)) * entryBytes;
  const shift = 31 - slotDepth(slot);
  let count: u32 = 0;
  for (let entry = first; entry < end; entry += entryBytes) {
    if (load<u32>(entry + tag) != 0) count += (hashOfEntry(keyKind, entry) >> shift) & 1;
  }
  return count;
}

/** Moves all entries of a segment into one or two fresh ones (by the hash bit after the segment's own). */
function moveEntries(tablePtr: u32, from: u32, lower: u32, upper: u32): void {
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  const keyKind = load<u32>(tablePtr, TABLE_KEY_KIND);
  const tag = load<u32>(tablePtr, TABLE_TAG);
  const first = resolve(slotSegment(from)) + SEGMENT_HEADER;
  const end = first + capacityOf(tablePtr, slotClass(from)) * entryBytes;
  const shift = 31 - slotDepth(from);
  for (let entry = first; entry < end; entry += entryBytes) {
    if (load<u32>(entry + tag) == 0) continue;
    const hash = hashOfEntry(keyKind, entry);
    placeEntry(tablePtr, ((hash >> shift) & 1) != 0 ? upper : lower, hash, entry, entryBytes, tag);
  }
}

/** Copies an entry into a fresh segment, all of whose blocks are DIRTY. */
function placeEntry(tablePtr: u32, slot: u32, hash: u32, entryPtr: u32, entryBytes: u32, tag: u32): void {
  const segment = resolve(slotSegment(slot));
  const capacity = capacityOf(tablePtr, slotClass(slot));
  const first = segment + SEGMENT_HEADER;
  const end = first + capacity * entryBytes;
  let at = first + startPosition(hash, slotDepth(slot), capacity) * entryBytes;
  while (load<u32>(at + tag) != 0) {
    at += entryBytes;
    if (at == end) at = first;
  }
  copyWords(at, entryPtr, entryBytes);
  store<u32>(segment, load<u32>(segment, SEGMENT_COUNT) + 1, SEGMENT_COUNT);
}

/**
 * Removes an entry: entries behind it that would no longer be found move up. Counts of segment, table and rows follow;
 * that of the state is the caller's. The bytes of a long key stay until the table is dropped.
 */
export function tableRemove(tablePtr: u32, hash: u32, entryPtr: u32): void {
  const entryBytes = load<u32>(tablePtr, TABLE_ENTRY_BYTES);
  const keyKind = load<u32>(tablePtr, TABLE_KEY_KIND);
  const tag = load<u32>(tablePtr, TABLE_TAG);
  const depth = load<u32>(tablePtr, TABLE_DEPTH);
  const slot = load<u32>(tablePtr + TABLE_DIRECTORY + (directoryIndex(hash, depth) << 2));
  const segment = resolve(slotSegment(slot));
  const capacity = capacityOf(tablePtr, slotClass(slot));
  const first = segment + SEGMENT_HEADER;
  const end = first + capacity * entryBytes;
  let hole = entryPtr;
  let at = hole;
  for (;;) {
    at = at + entryBytes == end ? first : at + entryBytes;
    if (load<u32>(at + tag) == 0) break;
    const home = first + startPosition(hashOfEntry(keyKind, at), slotDepth(slot), capacity) * entryBytes;
    // Whether home lies in (hole, at], cyclically: the entry is then found where it is.
    if (hole <= at ? hole < home && home <= at : hole < home || home <= at) continue;
    touchRange(hole, entryBytes);
    copyWords(hole, at, entryBytes);
    hole = at;
  }
  touchRange(hole, entryBytes);
  memory.fill(hole, 0, entryBytes);
  touchRange(segment, 8);
  store<u32>(segment, load<u32>(segment, SEGMENT_COUNT) - 1, SEGMENT_COUNT);
  touchRange(tablePtr, 64);
  store<u32>(tablePtr, load<u32>(tablePtr, TABLE_ENTRIES) - 1, TABLE_ENTRIES);
}

/** Bytes of the key part of an entry: 8 for KEY_INT64 (0), 24 for KEY_BYTES (1). */
export function keyBytesOf(keyKind: u32): u32 {
  return 8 + (keyKind << 4);
}

function tagOf(keyKind: u32, isNarrow: bool): u32 {
  return keyBytesOf(keyKind) + (isNarrow ? 0 : 4);
}

/** Rows counted in a wide entry whose rows word is `word`. */
export function rowsOf(word: u64): u64 {
  return word & ~OCCUPIED;
}

/** Walks the whole table and counts occupied entries; 0xFFFFFFFF when a segment's own count or limit does not hold. */
export function tableScan(ref: u32): u32 {
  const table = resolve(ref);
  const depth = load<u32>(table, TABLE_DEPTH);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const keyBytes = keyBytesOf(load<u32>(table, TABLE_KEY_KIND));
  const tag = load<u32>(table, TABLE_TAG);
  let total: u32 = 0;
  let rows: u64 = 0;
  for (let index: u32 = 0; index < (<u32>1) << depth; ) {
    const slot = load<u32>(table + TABLE_DIRECTORY + (index << 2));
    const segment = resolve(slotSegment(slot));
    let count: u32 = 0;
    for (let i: u32 = 0; i < capacityOf(table, slotClass(slot)); i++) {
      const entry = segment + SEGMENT_HEADER + i * entryBytes;
      if (load<u32>(entry + tag) == 0) continue;
      count++;
      const isNarrow = tag == keyBytes;
      rows += isNarrow ? load<u32>(entry + tag) & ~OCCUPIED_NARROW : rowsOf(load<u64>(entry + keyBytes));
    }
    if (count != load<u32>(segment, SEGMENT_COUNT) || count > load<u32>(segment, SEGMENT_LIMIT)) return <u32>-1;
    total += count;
    index += 1 << (depth - slotDepth(slot));
  }
  return rows == load<u64>(table, TABLE_ROWS) && blobsHold(table) ? total : <u32>-1;
}
