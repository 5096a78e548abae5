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
import { hashBytes, hashInt64, hashWords, loadTail } from './hash';

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
  if (length > INLINE_BYTES) return writeImage(imagePtr, hashBytes(ptr, length), length, load<u64>(ptr), 0);
  if (ptr <= ((<u32>memory.size()) << 16) - INLINE_BYTES) {
    // 16 bytes may be read: what lies behind the key is cut off.
    const firstBits = (<u64>min<u32>(length, 8)) << 3;
    const secondBits = ((<u64>length) << 3) - firstBits;
    const first = load<u64>(ptr) & lowBits(firstBits);
    const second = load<u64>(ptr, 8) & lowBits(secondBits);
    return writeImage(imagePtr, hashWords(length, first, second), length, first, second);
  }
  if (length <= 8) {
    const word = length == 0 ? 0 : loadTail(ptr, length);
    return writeImage(imagePtr, hashWords(length, word, 0), length, word, 0);
  }
  const first = load<u64>(ptr);
  // The last 8 bytes without those that the first word has.
  const second = load<u64>(ptr + length - 8) >> <u64>((INLINE_BYTES - length) << 3);
  return writeImage(imagePtr, hashWords(length, first, second), length, first, second);
}

/** The lowest `count` bits, 0 to 64. */
function lowBits(count: u64): u64 {
  return select<u64>(0, ~(<u64>0) >> (64 - count), count == 0);
}

function writeImage(imagePtr: u32, hash: u32, length: u32, first: u64, second: u64): u32 {
  store<u64>(imagePtr, <u64>hash | ((<u64>length) << 32));
  store<u64>(imagePtr, first, 8);
  store<u64>(imagePtr, second, 16);
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
