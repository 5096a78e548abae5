/**
 * Keys in entries.
 *
 *   KEY_INT64, 8 bytes: the value
 *   KEY_BYTES, 24 bytes: hash u32 | length u32 | 16 bytes: the key padded with zeros, or, when it is longer, its first
 *   8 bytes | reference u32 to all of it in a slab | 0
 *
 * Slabs are extents of key bytes, chained: next u32, pages u32, 8 spare, then keys at multiples of 8. They belong to
 * one table and are freed with it. Not here: the table (table.ts), how composite and nullable keys become bytes
 * (codec/row.ts).
 */
import { EXTENT_PAGES_MAX, extentAlloc, extentFree, PAGE_SHIFT, refOf, resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { hashBytes, hashInt64, hashWords } from './hash';

export const KEY_INT64: u32 = 0;
export const KEY_BYTES: u32 = 1;
export const INLINE_BYTES: u32 = 16;
export const KEY_IMAGE_BYTES: u32 = 24;

/** Fields of a table's header that its slabs need; the others, and the picture, stand in table.ts. */
export const TABLE_STATE: u32 = 0;
/** Blobs of its accumulators (aggregate/blob.ts), 0: none. */
export const TABLE_BLOBS: u32 = 52;
const TABLE_SLAB: u32 = 24;
const TABLE_SLAB_USED: u32 = 28;
const TABLE_SLAB_PAGES: u32 = 32;

const SLAB_HEADER: u32 = 16;
const SLAB_PAGES_USUAL_MAX: u32 = 15;

/** Writes the image of a key: what its entry holds, but for the reference of a long one. Returns the hash. */
export function keyImage(ptr: u32, length: u32, imagePtr: u32): u32 {
  if (length > INLINE_BYTES) {
    v128.store(imagePtr, i64x2(load<i64>(ptr), 0), 8);
    return writeHead(imagePtr, hashBytes(ptr, length), length);
  }
  let from = ptr;
  if (ptr > ((<u32>memory.size()) << 16) - INLINE_BYTES) {
    // Behind the key memory may end: its 16 bytes are read where the image is.
    from = imagePtr + 8;
    memory.copy(from, ptr, length);
  }
  const isOfKey = i8x16.gt_s(i8x16.splat(<i8>length), i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const bytes = v128.and(v128.load(from), isOfKey);
  v128.store(imagePtr, bytes, 8);
  const hash = hashWords(length, i64x2.extract_lane(bytes, 0), i64x2.extract_lane(bytes, 1));
  return writeHead(imagePtr, hash, length);
}

function writeHead(imagePtr: u32, hash: u32, length: u32): u32 {
  store<u64>(imagePtr, <u64>hash | ((<u64>length) << 32));
  return hash;
}

/** Whether an entry holds the key of an image; `bytesPtr` is where the whole key lies. */
export function keyEquals(entryPtr: u32, imagePtr: u32, bytesPtr: u32): bool {
  if (load<u64>(entryPtr) != load<u64>(imagePtr)) return false;
  if (load<u64>(entryPtr, 8) != load<u64>(imagePtr, 8)) return false;
  const length = load<u32>(imagePtr, 4);
  if (length <= INLINE_BYTES) return load<u64>(entryPtr, 16) == load<u64>(imagePtr, 16);
  return memory.compare(resolve(load<u32>(entryPtr, 16)) + 8, bytesPtr + 8, length - 8) == 0;
}

/** Where the bytes of an entry's key lie. */
export function keyBytesPtr(entryPtr: u32): u32 {
  return load<u32>(entryPtr, 4) <= INLINE_BYTES ? entryPtr + 8 : resolve(load<u32>(entryPtr, 16));
}

export function hashOfEntry(keyKind: u32, entryPtr: u32): u32 {
  return keyKind == KEY_INT64 ? hashInt64(load<i64>(entryPtr)) : load<u32>(entryPtr);
}

/** Order of two keys of one hash: integers by value, bytes as memcmp and then by length. */
export function compareKeys(keyKind: u32, a: u32, b: u32): i32 {
  if (keyKind == KEY_INT64) {
    const x = load<i64>(a);
    const y = load<i64>(b);
    return x < y ? -1 : i32(x > y);
  }
  const lengthA = load<u32>(a, 4);
  const lengthB = load<u32>(b, 4);
  const order = memory.compare(keyBytesPtr(a), keyBytesPtr(b), min<u32>(lengthA, lengthB));
  if (order != 0) return order;
  return lengthA < lengthB ? -1 : i32(lengthA > lengthB);
}

/** Copies key bytes into the slabs of a table; their reference, or 0 without memory (or for a key of a mebibyte). */
export function slabStore(tablePtr: u32, ptr: u32, length: u32): u32 {
  const size = (length + 7) & ~7;
  let slab = load<u32>(tablePtr, TABLE_SLAB);
  let used = load<u32>(tablePtr, TABLE_SLAB_USED);
  if (slab == 0 || used + size > load<u32>(tablePtr, TABLE_SLAB_PAGES) << PAGE_SHIFT) {
    slab = slabAdd(tablePtr, slab, size);
    if (slab == 0) return 0;
    used = SLAB_HEADER;
  }
  const at = resolve(slab) + used;
  touchRange(at, size);
  memory.copy(at, ptr, length);
  touchRange(tablePtr, 64);
  store<u32>(tablePtr, used + size, TABLE_SLAB_USED);
  return refOf(at);
}

function slabAdd(tablePtr: u32, next: u32, size: u32): u32 {
  const usual = min<u32>(SLAB_PAGES_USUAL_MAX, max<u32>(1, load<u32>(tablePtr, TABLE_SLAB_PAGES) << 1));
  const pages = max<u32>(usual, (size + SLAB_HEADER + (1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT);
  if (size > EXTENT_PAGES_MAX << PAGE_SHIFT) return 0;
  const slab = extentAlloc(load<u32>(tablePtr, TABLE_STATE), pages);
  if (slab == 0) return 0;
  store<u32>(resolve(slab), next);
  store<u32>(resolve(slab), pages, 4);
  touchRange(tablePtr, 64);
  store<u32>(tablePtr, slab, TABLE_SLAB);
  store<u32>(tablePtr, pages, TABLE_SLAB_PAGES);
  return slab;
}

export function slabsFree(tablePtr: u32): void {
  let slab = load<u32>(tablePtr, TABLE_SLAB);
  while (slab != 0) {
    const next = load<u32>(resolve(slab));
    extentFree(load<u32>(tablePtr, TABLE_STATE), slab, load<u32>(resolve(slab), 4));
    slab = next;
  }
}
