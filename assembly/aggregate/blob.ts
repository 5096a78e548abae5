/**
 * Blobs: the part of an accumulator that grows. The entry holds 16 bytes, the rest lies in its table's blobs, or, of
 * entries that stand in scratch, in transient memory.
 *
 *   in the entry:  handle u32 (0: nothing) | length u32 | capacity u32 | for the aggregate u32
 *   handle:        a reference, or with the highest bit set an address / 8 of transient memory
 *   blobs of a table, a page: slab, pages of it, used of it, chain | live bytes, carved bytes | lists of free blobs u32[17]
 *   slab or large blob: next u32, pages u32, spare, then blobs
 *   the plan's blobs, transient, 32 bytes: table or 0 | first chunk, chunk, used of it, used of all | too large
 *
 * Invariants
 *  1. While no table is set, nothing in state is written: what is to change is copied to transient memory first. A
 *     transient blob is written by the 16 bytes alone that it was made for (it knows their address). So a copy of an
 *     entry can be merged into and thrown away.
 *  2. Transient blobs live until blobsReset, which every kernel that makes them calls when it begins.
 *  3. Blobs of a table go with it. carved = live + what the free lists hold.
 *  4. What is allocated is announced to the barrier and holds anything; later writes are the caller's to announce.
 */
import { OUT_OF_MEMORY } from '../abi';
import { TABLE_BLOBS, TABLE_STATE } from '../hash/key';
import { EXTENT_PAGES_MAX, extentAlloc, extentFree, PAGE_SHIFT, refOf, resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { transientAlloc } from '../memory/frames';

// In the entry.
export const BLOB_LENGTH: u32 = 4;
const BLOB_CAPACITY: u32 = 8;
export const BLOB_EXTRA: u32 = 12;
export const BLOB_BYTES: u32 = 16;
const TRANSIENT: u32 = 0x80000000;

// Of a plan.
const PLAN_TABLE: u32 = 0;
const CHUNK_FIRST: u32 = 4;
const CHUNK: u32 = 8;
const CHUNK_USED: u32 = 12;
const USED: u32 = 16;
/** A blob was asked for that is larger than any can be. */
const TOO_LARGE: u32 = 20;
export const BLOBS_BYTES: u32 = 32;
const CHUNK_BYTES: u32 = 1 << 18;
/** More transient bytes than this, and a step of firing ends. */
const USED_USUAL_MAX: u32 = 1 << 22;

// Of a table.
const SLAB_PAGES: u32 = 4;
const SLAB_USED: u32 = 8;
/** Extents beside the root: slabs and large blobs. */
const CHAIN: u32 = 12;
const LIVE: u32 = 16;
const CARVED: u32 = 24;
const LISTS: u32 = 32;
const ROOT_BYTES: u32 = 128;
const HEADER: u32 = 16;
const SLAB_PAGES_MAX: u32 = 15;

/** From this class on a blob is an extent of its own. */
const CLASS_LARGE: u32 = 8;
const CLASSES: u32 = 17;
const NO_CLASS: u32 = CLASSES;
/** Bytes of the largest blob of a table. */
export const BLOB_MAX: u32 = (EXTENT_PAGES_MAX << PAGE_SHIFT) - HEADER;

/** Bytes of a blob by class: 16 to 2048, then what fits into 4 KiB to 512 KiB, then into the largest extent. */
function classBytes(sizeClass: u32): u32 {
  if (sizeClass < CLASS_LARGE) return 16 << sizeClass;
  return (sizeClass == CLASSES - 1 ? EXTENT_PAGES_MAX << PAGE_SHIFT : 16 << sizeClass) - HEADER;
}

function classOf(bytes: u32): u32 {
  let sizeClass: u32 = 0;
  while (sizeClass < CLASSES && classBytes(sizeClass) < bytes) sizeClass++;
  return sizeClass;
}

/** Where the bytes of a blob lie; 0 when it has none. */
export function blobPtr(blob: u32): u32 {
  const handle = load<u32>(blob);
  if (handle == 0) return 0;
  return (handle & TRANSIENT) != 0 ? handle << 3 : resolve(handle);
}

/** Makes a blob one that lies at transient bytes. */
export function blobAt(blob: u32, ptr: u32): void {
  store<u32>(blob, (ptr >> 3) | TRANSIENT);
}

export function blobLength(blob: u32): u32 {
  return load<u32>(blob, BLOB_LENGTH);
}

/** Writes a copy of a blob as a view: results outlive what they were made of. False without memory. */
export function blobView(blobs: u32, blob: u32, outPtr: u32): bool {
  const copy = transientBytes(blobs, blobLength(blob));
  if (copy == 0) return false;
  memory.copy(copy, blobPtr(blob), blobLength(blob));
  store<u32>(outPtr, copy);
  store<u32>(outPtr, blobLength(blob), 4);
  return true;
}

/** The table whose entries are written from here on; 0: entries in scratch. */
export function blobsUse(blobs: u32, tableRef: u32): void {
  store<u32>(blobs, tableRef, PLAN_TABLE);
}

/** Announces a write to bytes of a blob. */
export function blobTouch(blobs: u32, ptr: u32, bytes: u32): void {
  if (load<u32>(blobs, PLAN_TABLE) != 0) touchRange(ptr, bytes);
}

/** Copies a blob to `outPtr` and leaves its length alone in the copy of its 16 bytes; 0: nothing. How many bytes it has. */
export function blobPack(blob: u32, copy: u32, outPtr: u32): u32 {
  if (outPtr == 0) return blobLength(blob);
  memory.copy(outPtr, blobPtr(blob), blobLength(blob));
  store<u32>(copy, 0);
  store<u32>(copy, 0, BLOB_CAPACITY);
  return blobLength(blob);
}

/** Whether a transient blob was made for these 16 bytes. */
function isOwner(blob: u32, handle: u32): bool {
  return (handle & TRANSIENT) != 0 && load<u32>((handle << 3) - HEADER) == blob;
}

/** A transient blob behind the address of what it is made for; its handle, or 0. */
function ownedBlob(blobs: u32, blob: u32, bytes: u32): u32 {
  const handle = transientBlob(blobs, bytes + HEADER);
  if (handle == 0) return 0;
  store<u32>(handle << 3, blob);
  return handle + (HEADER >> 3);
}

/** Moves a blob from other 16 bytes, which are empty then. */
export function blobMove(into: u32, from: u32): void {
  const handle = load<u32>(from);
  if (handle != 0 && isOwner(from, handle)) store<u32>((handle << 3) - HEADER, into);
  memory.copy(into, from, BLOB_BYTES);
  memory.fill(from, 0, BLOB_BYTES);
}

/** Makes a blob one that may be written, with room for `bytes`; what it holds stays. False without memory. */
export function blobReserve(blobs: u32, blob: u32, bytes: u32): bool {
  const handle = load<u32>(blob);
  const table = load<u32>(blobs, PLAN_TABLE);
  const isOwn = handle != 0 && (table != 0 || isOwner(blob, handle));
  const capacity = load<u32>(blob, BLOB_CAPACITY);
  if (isOwn && capacity >= bytes) return true;
  const need = max<u32>(bytes, blobLength(blob));
  const sizeClass = classOf(need);
  if (sizeClass == NO_CLASS && table != 0) {
    store<u32>(blobs, 1, TOO_LARGE);
    return false;
  }
  const size = sizeClass == NO_CLASS ? (need + (need >> 1) + 15) & ~15 : classBytes(sizeClass);
  const made = table == 0 ? ownedBlob(blobs, blob, size) : tableBlob(resolve(table), sizeClass);
  if (made == 0) return false;
  const ptr = (made & TRANSIENT) != 0 ? made << 3 : resolve(made);
  if (handle != 0) memory.copy(ptr, blobPtr(blob), blobLength(blob));
  if (isOwn && table != 0) giveBack(resolve(table), handle, capacity);
  store<u32>(blob, made);
  store<u32>(blob, size, BLOB_CAPACITY);
  return true;
}

/** Adds bytes at the end of a blob. False without memory. */
export function blobAppend(blobs: u32, blob: u32, ptr: u32, bytes: u32): bool {
  const length = blobLength(blob);
  if (!blobReserve(blobs, blob, length + bytes)) return false;
  const at = blobPtr(blob) + length;
  if (bytes != 0) blobTouch(blobs, at, bytes);
  memory.copy(at, ptr, bytes);
  store<u32>(blob, length + bytes, BLOB_LENGTH);
  return true;
}

/** Gives a blob back that is this table's or transient; the struct is then empty. */
export function blobDrop(blobs: u32, blob: u32): void {
  const handle = load<u32>(blob);
  const table = load<u32>(blobs, PLAN_TABLE);
  if (handle != 0 && (handle & TRANSIENT) == 0 && table != 0)
    giveBack(resolve(table), handle, load<u32>(blob, BLOB_CAPACITY));
  memory.fill(blob, 0, BLOB_BYTES);
}

export function blobCapacity(blob: u32): u32 {
  return load<u32>(blob, BLOB_CAPACITY);
}

/** Makes a blob hold these bytes. False without memory. */
export function blobSet(blobs: u32, blob: u32, ptr: u32, bytes: u32): bool {
  store<u32>(blob, 0, BLOB_LENGTH);
  if (!blobReserve(blobs, blob, bytes)) return false;
  const at = blobPtr(blob);
  blobTouch(blobs, at, max<u32>(1, bytes));
  memory.copy(at, ptr, bytes);
  store<u32>(blob, bytes, BLOB_LENGTH);
  return true;
}

/** Transient bytes that live until the next reset; 0 without memory. */
export function transientBytes(blobs: u32, bytes: u32): u32 {
  return transientBlob(blobs, bytes) << 3;
}

function transientBlob(blobs: u32, bytes: u32): u32 {
  const size = (bytes + 15) & ~15;
  let chunk = load<u32>(blobs, CHUNK);
  let used = load<u32>(blobs, CHUNK_USED);
  while (chunk != 0 && load<u32>(chunk, 4) - used < size) {
    if (load<u32>(chunk) == 0) break;
    chunk = load<u32>(chunk);
    used = HEADER;
  }
  if (chunk == 0 || load<u32>(chunk, 4) - used < size) {
    const added = chunkAdd(chunk, size);
    if (added == 0) return 0;
    if (chunk == 0) store<u32>(blobs, added, CHUNK_FIRST);
    chunk = added;
    used = HEADER;
  }
  store<u32>(blobs, chunk, CHUNK);
  store<u32>(blobs, used + size, CHUNK_USED);
  store<u32>(blobs, load<u32>(blobs, USED) + size, USED);
  return ((chunk + used) >> 3) | TRANSIENT;
}

function chunkAdd(last: u32, bytes: u32): u32 {
  const size = max<u32>(CHUNK_BYTES, bytes + HEADER);
  const chunk = transientAlloc(size);
  if (chunk == 0) return 0;
  store<u32>(chunk, 0);
  store<u32>(chunk, size, 4);
  if (last != 0) store<u32>(last, chunk);
  return chunk;
}

/** Forgets all transient blobs. */
export function blobsReset(blobs: u32): void {
  store<u32>(blobs, 0, PLAN_TABLE);
  store<u32>(blobs, load<u32>(blobs, CHUNK_FIRST), CHUNK);
  store<u32>(blobs, HEADER, CHUNK_USED);
  store<u32>(blobs, 0, USED);
}

/** Status of a plan: the values of one group are more than a blob can hold. */
export const GROUP_TOO_LARGE: i32 = -6;

/** Why there was no blob: GROUP_TOO_LARGE or OUT_OF_MEMORY. */
export function blobsStatus(blobs: u32): i32 {
  return load<u32>(blobs, TOO_LARGE) != 0 ? GROUP_TOO_LARGE : OUT_OF_MEMORY;
}

/** Whether so much transient memory is in use that it should be given up soon. */
export function blobsFull(blobs: u32): bool {
  return load<u32>(blobs, USED) > USED_USUAL_MAX;
}

/** A blob of a table; its reference, or 0 without memory. */
function tableBlob(table: u32, sizeClass: u32): u32 {
  if (load<u32>(table, TABLE_BLOBS) == 0 && !rootMake(table)) return 0;
  const root = resolve(load<u32>(table, TABLE_BLOBS));
  const list = root + LISTS + (sizeClass << 2);
  const size = classBytes(sizeClass);
  let ref = load<u32>(list);
  if (ref == 0) {
    ref = sizeClass < CLASS_LARGE ? carve(table, root, size) : extentBlob(table, root, size);
    if (ref == 0) return 0;
  } else {
    touchRange(root, ROOT_BYTES);
    store<u32>(list, load<u32>(resolve(ref)));
  }
  store<u64>(root, load<u64>(root, LIVE) + size, LIVE);
  touchRange(resolve(ref), size);
  return ref;
}

function rootMake(table: u32): bool {
  const ref = extentAlloc(load<u32>(table, TABLE_STATE), 1);
  if (ref == 0) return false;
  store<u32>(resolve(ref), ROOT_BYTES, SLAB_USED);
  store<u32>(resolve(ref), ref);
  store<u32>(resolve(ref), 1, SLAB_PAGES);
  touchRange(table, 64);
  store<u32>(table, ref, TABLE_BLOBS);
  return true;
}

/** Bytes behind those in use of the slab; the root is the first slab. */
function carve(table: u32, root: u32, size: u32): u32 {
  touchRange(root, ROOT_BYTES);
  let used = load<u32>(root, SLAB_USED);
  const pages = load<u32>(root, SLAB_PAGES);
  if (used + size > pages << PAGE_SHIFT) {
    const more = min<u32>(SLAB_PAGES_MAX, pages << 1);
    const slab = linkExtent(table, root, more);
    if (slab == 0) return 0;
    store<u32>(root, slab);
    store<u32>(root, more, SLAB_PAGES);
    used = HEADER;
  }
  store<u32>(root, used + size, SLAB_USED);
  store<u64>(root, load<u64>(root, CARVED) + size, CARVED);
  return refOf(resolve(load<u32>(root)) + used);
}

function extentBlob(table: u32, root: u32, size: u32): u32 {
  const extent = linkExtent(table, root, (size + HEADER) >> PAGE_SHIFT);
  if (extent == 0) return 0;
  store<u64>(root, load<u64>(root, CARVED) + size, CARVED);
  return refOf(resolve(extent) + HEADER);
}

/** An extent in the chain of those to free with the table. */
function linkExtent(table: u32, root: u32, pages: u32): u32 {
  const extent = extentAlloc(load<u32>(table, TABLE_STATE), pages);
  if (extent == 0) return 0;
  touchRange(root, ROOT_BYTES);
  store<u32>(resolve(extent), load<u32>(root, CHAIN));
  store<u32>(resolve(extent), pages, 4);
  store<u32>(root, extent, CHAIN);
  return extent;
}

function giveBack(table: u32, ref: u32, capacity: u32): void {
  const root = resolve(load<u32>(table, TABLE_BLOBS));
  const list = root + LISTS + (classOf(capacity) << 2);
  touchRange(root, ROOT_BYTES);
  touchRange(resolve(ref), 4);
  store<u32>(resolve(ref), load<u32>(list));
  store<u32>(list, ref);
  store<u64>(root, load<u64>(root, LIVE) - capacity, LIVE);
}

/** Frees all blobs of a table. */
export function blobsFree(table: u32): void {
  const ref = load<u32>(table, TABLE_BLOBS);
  if (ref == 0) return;
  const state = load<u32>(table, TABLE_STATE);
  let extent = load<u32>(resolve(ref), CHAIN);
  while (extent != 0) {
    const next = load<u32>(resolve(extent));
    extentFree(state, extent, load<u32>(resolve(extent), 4));
    extent = next;
  }
  extentFree(state, ref, 1);
}

/** Whether the counts of a table's blobs hold, by a walk over the free ones. */
export function blobsHold(table: u32): bool {
  if (load<u32>(table, TABLE_BLOBS) == 0) return true;
  const root = resolve(load<u32>(table, TABLE_BLOBS));
  let total = load<u64>(root, LIVE);
  for (let c: u32 = 0; c < CLASSES; c++) {
    for (let ref = load<u32>(root + LISTS + (c << 2)); ref != 0; ref = load<u32>(resolve(ref))) total += classBytes(c);
  }
  return total == load<u64>(root, CARVED);
}
