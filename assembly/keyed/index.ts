/**
 * From hashes to records: an extendible hash table of pages, each an open-addressed bucket. It grows and shrinks a page
 * at a time.
 *
 *   directory, u32[2^depth] by the top bits of the hash: reference of a bucket (a multiple of 512) | its depth
 *   bucket, one page: count u32, overflow bucket u32, 8 spare, then 510 slots: hash u32, reference u32 (0: free)
 *
 * Invariants
 *  1. A slot lies at or after position ((hash << depth) * SLOTS) >> 32 of its bucket, with no free slot in between
 *     (cyclically); removing moves later ones back.
 *  2. A bucket has at most SLOTS_LIMIT slots taken, so probing ends. What a split would not separate (or not beyond
 *     DEPTH_MAX) goes to overflow buckets.
 *  3. Growth allocates first and frees last; when memory runs out, nothing has changed.
 * Not here: what records hold; who compares them tells through the match functions (record.ts).
 * Background: Fagin et al., Extendible Hashing (TODS 1979).
 */
import { extentAlloc, extentFree, PAGE_BYTES, PAGE_SHIFT, resolve } from '../memory/arena';
import { touch, touchRange } from '../memory/barrier';
import { entryMatches, keyMatches } from './record';
import { addCount, ROOT_DEPTH, ROOT_DIRECTORY, ROOT_DIRECTORY_PAGES, ROOT_INDEX_PAGES, ROOT_STATE } from './slab';

export const BUCKET_NEXT: u32 = 4;
export const BUCKET_HEADER: u32 = 16;
export const SLOTS: u32 = 510;
export const SLOTS_END: u32 = BUCKET_HEADER + SLOTS * 8;
const SLOTS_LIMIT: u32 = 446;
/** Two buckets of together so few slots become one. */
const MERGE_AT: u32 = 200;
const DEPTH_MAX: u32 = 17;
/** Set in a slot's reference that is an entry's: others are keys'. References have 29 bits. */
export const ENTRY_BIT: u32 = 0x80000000;

function directoryIndex(hash: u32, depth: u32): u32 {
  return <u32>(<u64>hash >> (32 - depth));
}

export function directoryPtr(root: u32): u32 {
  return resolve(load<u32>(root, ROOT_DIRECTORY));
}

export function bucketOf(slot: u32): u32 {
  return slot & ~511;
}

export function depthOf(slot: u32): u32 {
  return slot & 31;
}

function startOffset(hash: u32, depth: u32): u32 {
  return BUCKET_HEADER + ((<u32>((<u64>(hash << depth) * SLOTS) >> 32)) << 3);
}

/** The record of a key, 0 when there is none. */
export function findKey(root: u32, hash: u32, keyPtr: u32, keyBytes: u32): u32 {
  const at = find(root, hash, 0, keyPtr, keyBytes);
  return at == 0 ? 0 : load<u32>(at, 4);
}

/** The record of an indexed entry of a key, 0 when there is none. */
export function findEntry(root: u32, hash: u32, key: u32, subPtr: u32, subBytes: u32): u32 {
  const at = find(root, hash, key, subPtr, subBytes);
  return at == 0 ? 0 : load<u32>(at, 4) & ~ENTRY_BIT;
}

/** Address of the slot of a key (key = 0) or of an entry of a key. */
function find(root: u32, hash: u32, key: u32, ptr: u32, bytes: u32): u32 {
  if (load<u32>(root, ROOT_DIRECTORY) == 0) return 0;
  const slot = load<u32>(directoryPtr(root) + (directoryIndex(hash, load<u32>(root, ROOT_DEPTH)) << 2));
  const start = startOffset(hash, depthOf(slot));
  let bucket = bucketOf(slot);
  while (bucket != 0) {
    const base = resolve(bucket);
    let at = base + start;
    for (let ref = load<u32>(at, 4); ref != 0; ref = load<u32>(at, 4)) {
      if (load<u32>(at) == hash) {
        const isEntry = (ref & ENTRY_BIT) != 0;
        if (key == 0) {
          if (!isEntry && keyMatches(ref, ptr, bytes)) return at;
        } else if (isEntry && entryMatches(ref & ~ENTRY_BIT, key, ptr, bytes)) {
          return at;
        }
      }
      at += 8;
      if (at == base + SLOTS_END) at = base + BUCKET_HEADER;
    }
    bucket = load<u32>(base, BUCKET_NEXT);
  }
  return 0;
}

/** Where probing for a hash begins, for warming caches: the address of a slot. The index has a bucket. */
export function firstSlot(root: u32, hash: u32): u32 {
  const slot = load<u32>(directoryPtr(root) + (directoryIndex(hash, load<u32>(root, ROOT_DEPTH)) << 2));
  return resolve(bucketOf(slot)) + startOffset(hash, depthOf(slot));
}

/** Address of the next slot with a hash behind a slot that has it (0: the first); 0 when there is none. */
export function slotWithHash(root: u32, hash: u32, after: u32): u32 {
  if (load<u32>(root, ROOT_DIRECTORY) == 0) return 0;
  let at = after == 0 ? firstSlot(root, hash) : after + 8;
  const start = (after == 0 ? at : firstSlot(root, hash)) & (PAGE_BYTES - 1);
  let base = (after == 0 ? at : after) & ~(PAGE_BYTES - 1);
  while (base != 0) {
    if (at == base + SLOTS_END) at = base + BUCKET_HEADER;
    while (load<u32>(at, 4) != 0) {
      if (load<u32>(at) == hash) return at;
      at += 8;
      if (at == base + SLOTS_END) at = base + BUCKET_HEADER;
    }
    const next = load<u32>(base, BUCKET_NEXT);
    base = next == 0 ? 0 : resolve(next);
    at = base + start;
  }
  return 0;
}

export function slotRef(slotPtr: u32): u32 {
  return load<u32>(slotPtr, 4);
}

/** Adds a reference that is not there; false without memory. */
export function indexAdd(root: u32, hash: u32, ref: u32): bool {
  if (load<u32>(root, ROOT_DIRECTORY) == 0 && !indexCreate(root)) return false;
  while (!addToBucket(root, hash, ref)) {
    if (!makeRoom(root, hash)) return false;
  }
  return true;
}

/** False when all buckets of the hash are full. */
function addToBucket(root: u32, hash: u32, ref: u32): bool {
  const slot = load<u32>(directoryPtr(root) + (directoryIndex(hash, load<u32>(root, ROOT_DEPTH)) << 2));
  let bucket = bucketOf(slot);
  while (bucket != 0) {
    const base = resolve(bucket);
    if (load<u32>(base) < SLOTS_LIMIT) {
      place(base, startOffset(hash, depthOf(slot)), hash, ref);
      return true;
    }
    bucket = load<u32>(base, BUCKET_NEXT);
  }
  return false;
}

/** Splits the full bucket of a hash, or adds one behind it when splitting would not help. False without memory. */
function makeRoom(root: u32, hash: u32): bool {
  const slot = load<u32>(directoryPtr(root) + (directoryIndex(hash, load<u32>(root, ROOT_DEPTH)) << 2));
  const isChained = load<u32>(resolve(bucketOf(slot)), BUCKET_NEXT) != 0;
  if (isChained || depthOf(slot) == DEPTH_MAX) return overflow(root, bucketOf(slot));
  const upper = countUpper(slot);
  return upper == 0 || upper == SLOTS_LIMIT ? overflow(root, bucketOf(slot)) : split(root, hash, slot);
}

function indexCreate(root: u32): bool {
  const state = load<u32>(root, ROOT_STATE);
  const directory = extentAlloc(state, 1);
  if (directory == 0) return false;
  const bucket = bucketCreate(root);
  if (bucket == 0) {
    extentFree(state, directory, 1);
    return false;
  }
  store<u32>(resolve(directory), bucket);
  touchRange(root, 64);
  store<u32>(root, directory, ROOT_DIRECTORY);
  store<u32>(root, 1, ROOT_DIRECTORY_PAGES);
  return true;
}

function bucketCreate(root: u32): u32 {
  const bucket = extentAlloc(load<u32>(root, ROOT_STATE), 1);
  if (bucket != 0) addCount(root, ROOT_INDEX_PAGES, 1);
  return bucket;
}

function bucketFree(root: u32, bucket: u32): void {
  addCount(root, ROOT_INDEX_PAGES, -1);
  extentFree(load<u32>(root, ROOT_STATE), bucket, 1);
}

function place(basePtr: u32, start: u32, hash: u32, ref: u32): void {
  let at = basePtr + start;
  while (load<u32>(at, 4) != 0) {
    at += 8;
    if (at == basePtr + SLOTS_END) at = basePtr + BUCKET_HEADER;
  }
  touch(at);
  store<u32>(at, hash);
  store<u32>(at, ref, 4);
  touch(basePtr);
  store<u32>(basePtr, load<u32>(basePtr) + 1);
}

/** Slots of a bucket whose next hash bit is 1. */
function countUpper(slot: u32): u32 {
  const base = resolve(bucketOf(slot));
  const shift = 31 - depthOf(slot);
  let count: u32 = 0;
  for (let at = base + BUCKET_HEADER; at < base + SLOTS_END; at += 8) {
    if (load<u32>(at, 4) != 0) count += (load<u32>(at) >> shift) & 1;
  }
  return count;
}

function overflow(root: u32, bucket: u32): bool {
  const added = bucketCreate(root);
  if (added == 0) return false;
  let last = resolve(bucket);
  while (load<u32>(last, BUCKET_NEXT) != 0) last = resolve(load<u32>(last, BUCKET_NEXT));
  touchRange(last, 8);
  store<u32>(last, added, BUCKET_NEXT);
  return true;
}

function split(root: u32, hash: u32, slot: u32): bool {
  const depth = depthOf(slot);
  if (depth == load<u32>(root, ROOT_DEPTH) && !doubleDirectory(root)) return false;
  const lower = bucketCreate(root);
  if (lower == 0) return false;
  const upper = bucketCreate(root);
  if (upper == 0) {
    bucketFree(root, lower);
    return false;
  }
  const bit: u32 = 0x80000000 >> depth;
  moveSlots(bucketOf(slot), depth + 1, lower, upper, bit);
  setSlots(root, hash & ~bit, depth + 1, lower);
  setSlots(root, hash | bit, depth + 1, upper);
  bucketFree(root, bucketOf(slot));
  return true;
}

/** Copies all slots of a bucket to fresh ones of this depth, by a bit of the hash. */
function moveSlots(from: u32, depth: u32, lower: u32, upper: u32, bit: u32): void {
  const base = resolve(from);
  const lowerPtr = resolve(lower);
  const upperPtr = resolve(upper);
  for (let at = base + BUCKET_HEADER; at < base + SLOTS_END; at += 8) {
    const ref = load<u32>(at, 4);
    if (ref == 0) continue;
    const hash = load<u32>(at);
    place((hash & bit) != 0 ? upperPtr : lowerPtr, startOffset(hash, depth), hash, ref);
  }
}

/** Points all directory entries that share the top `depth` bits of `hash` to a bucket of that depth. */
function setSlots(root: u32, hash: u32, depth: u32, bucket: u32): void {
  const whole = load<u32>(root, ROOT_DEPTH);
  const count: u32 = 1 << (whole - depth);
  const first = directoryPtr(root) + ((directoryIndex(hash, whole) & ~(count - 1)) << 2);
  touchRange(first, count << 2);
  for (let i: u32 = 0; i < count; i++) store<u32>(first + (i << 2), bucket | depth);
}

function doubleDirectory(root: u32): bool {
  const state = load<u32>(root, ROOT_STATE);
  const depth = load<u32>(root, ROOT_DEPTH);
  const old = load<u32>(root, ROOT_DIRECTORY);
  const oldPages = load<u32>(root, ROOT_DIRECTORY_PAGES);
  const pages = ((8 << depth) + PAGE_BYTES - 1) >> PAGE_SHIFT;
  let grown = old;
  if (pages != oldPages) {
    grown = extentAlloc(state, pages);
    if (grown == 0) return false;
  }
  const from = resolve(old);
  const to = resolve(grown);
  touchRange(to, 8 << depth);
  // From the end, so that it also works in place.
  for (let i = ((<u32>1) << depth) - 1; i != <u32>-1; i--) {
    const slot = load<u32>(from + (i << 2));
    store<u32>(to + (i << 3), slot);
    store<u32>(to + (i << 3) + 4, slot);
  }
  touchRange(root, 64);
  store<u32>(root, grown, ROOT_DIRECTORY);
  store<u32>(root, depth + 1, ROOT_DEPTH);
  store<u32>(root, pages, ROOT_DIRECTORY_PAGES);
  if (grown != old) extentFree(state, old, oldPages);
  return true;
}

/** Points the slot of a reference that is there to where its record moved. */
export function indexReplace(root: u32, hash: u32, ref: u32, moved: u32): void {
  const at = slotOf(root, hash, ref);
  touch(at);
  store<u32>(at, moved, 4);
}

/** Address of the slot with this very reference, which is there. */
function slotOf(root: u32, hash: u32, ref: u32): u32 {
  const slot = load<u32>(directoryPtr(root) + (directoryIndex(hash, load<u32>(root, ROOT_DEPTH)) << 2));
  for (let bucket = bucketOf(slot); bucket != 0; bucket = load<u32>(resolve(bucket), BUCKET_NEXT)) {
    const base = resolve(bucket);
    let at = base + startOffset(hash, depthOf(slot));
    for (let found = load<u32>(at, 4); found != 0; found = load<u32>(at, 4)) {
      if (found == ref) return at;
      at += 8;
      if (at == base + SLOTS_END) at = base + BUCKET_HEADER;
    }
  }
  assert(false); // the caller knows that it is there
  return 0;
}

/** Removes a reference that is there, and the bucket with it when its neighbour has room for the rest. */
export function indexRemove(root: u32, hash: u32, ref: u32): void {
  indexRemoveAt(root, hash, slotOf(root, hash, ref));
}

/** The same for the address of its slot. */
export function indexRemoveAt(root: u32, hash: u32, at: u32): void {
  const slot = load<u32>(directoryPtr(root) + (directoryIndex(hash, load<u32>(root, ROOT_DEPTH)) << 2));
  const base = at & ~(PAGE_BYTES - 1);
  closeGap(base, at, depthOf(slot));
  touch(base);
  store<u32>(base, load<u32>(base) - 1);
  if (base != resolve(bucketOf(slot))) dropEmptyOverflow(root, bucketOf(slot));
  else if (load<u32>(base) < MERGE_AT) mergeWithBuddy(root, hash, slot);
}

/** Frees the slot at an address: later slots of the run move back when that brings them nearer to their start. */
function closeGap(basePtr: u32, slotPtr: u32, depth: u32): void {
  let gap = slotPtr;
  let at = slotPtr;
  for (;;) {
    at += 8;
    if (at == basePtr + SLOTS_END) at = basePtr + BUCKET_HEADER;
    if (load<u32>(at, 4) == 0) break;
    const start = basePtr + startOffset(load<u32>(at), depth);
    // It may not move before its start, cyclically.
    const mayMove = gap <= at ? start <= gap || start > at : start <= gap && start > at;
    if (!mayMove) continue;
    touch(gap);
    store<u64>(gap, load<u64>(at));
    gap = at;
  }
  touch(gap);
  store<u64>(gap, 0);
}

function dropEmptyOverflow(root: u32, bucket: u32): void {
  let before = resolve(bucket);
  let next = load<u32>(before, BUCKET_NEXT);
  while (next != 0) {
    const nextPtr = resolve(next);
    if (load<u32>(nextPtr) == 0) {
      touchRange(before, 8);
      store<u32>(before, load<u32>(nextPtr, BUCKET_NEXT), BUCKET_NEXT);
      bucketFree(root, next);
      return;
    }
    before = nextPtr;
    next = load<u32>(before, BUCKET_NEXT);
  }
}

/** Makes one bucket of two that were split, when their slots are few. Without memory they stay two. */
function mergeWithBuddy(root: u32, hash: u32, slot: u32): void {
  const depth = depthOf(slot);
  if (depth == 0) return;
  const bit: u32 = 0x80000000 >> (depth - 1);
  const buddy = load<u32>(directoryPtr(root) + (directoryIndex(hash ^ bit, load<u32>(root, ROOT_DEPTH)) << 2));
  if (depthOf(buddy) != depth) return;
  const ptr = resolve(bucketOf(slot));
  const buddyPtr = resolve(bucketOf(buddy));
  if (load<u32>(ptr) + load<u32>(buddyPtr) > MERGE_AT) return;
  if ((load<u32>(ptr, BUCKET_NEXT) | load<u32>(buddyPtr, BUCKET_NEXT)) != 0) return;
  const merged = bucketCreate(root);
  if (merged == 0) return;
  moveSlots(bucketOf(slot), depth - 1, merged, merged, bit);
  moveSlots(bucketOf(buddy), depth - 1, merged, merged, bit);
  setSlots(root, hash & ~bit, depth - 1, merged);
  bucketFree(root, bucketOf(slot));
  bucketFree(root, bucketOf(buddy));
}
