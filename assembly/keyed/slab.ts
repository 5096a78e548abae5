/**
 * Records of any size for one state: slots of 34 sizes in pages, and extents for what is larger than half a page.
 *
 *   root, one page, of every state of the kinds keyed, timers and sessions:
 *   state, kind | keys, records | directory, depth, pages, index pages | tree, levels, items | slab pages, extent pages | fired, rows
 *   from 64 on: u32[35], for each class the first page that has free slots
 *
 *   slab page
 *   0       2      4      6       8      12     16
 *   +-------+------+------+-------+------+------+------+------+-- ... --+
 *   | class | used | free | fresh | prev | next | slot | slot |         |
 *   +-------+------+------+-------+------+------+------+------+-- ... --+
 *   free: first of the chain of freed slots, fresh: first slot never used, both as offsets in units of 8 bytes;
 *   prev, next: pages of the same class with free slots
 *
 * Invariants
 *  1. The first 4 bytes of a record are the slab's: the chain of a freed slot, the pages of an extent. Freeing changes
 *     no other byte, so what was freed last can be read until something is allocated.
 *  2. A page is in the list of its class when it has a free slot. It is given back when it is empty, unless it is the
 *     only one in its list.
 *  3. records(root) = records allocated and not freed.
 * Not here: what records hold (table.ts, timers.ts, tree.ts).
 */
import { EXTENT_PAGES_MAX, extentAlloc, extentFree, PAGE_BYTES, PAGE_SHIFT, resolve, statePtr } from '../memory/arena';
import { touch, touchRange } from '../memory/barrier';

/** Where the state record has the reference of its root; 0: nothing was ever kept. */
export const STATE_ROOT: u32 = 16;

export const ROOT_STATE: u32 = 0;
export const ROOT_KIND: u32 = 4;
export const ROOT_KEYS: u32 = 8;
export const ROOT_RECORDS: u32 = 12;
export const ROOT_DIRECTORY: u32 = 16;
export const ROOT_DEPTH: u32 = 20;
export const ROOT_DIRECTORY_PAGES: u32 = 24;
export const ROOT_INDEX_PAGES: u32 = 28;
export const ROOT_TREE: u32 = 32;
export const ROOT_LEVELS: u32 = 36;
export const ROOT_ITEMS: u32 = 40;
export const ROOT_SLAB_PAGES: u32 = 44;
export const ROOT_EXTENT_PAGES: u32 = 48;
/** Of sessions: those that have fired and are freed by the next call, and rows folded into all open ones (u64). */
export const ROOT_FIRED: u32 = 52;
export const ROOT_ROWS: u32 = 56;
const ROOT_LISTS: u32 = 64;

const PAGE_CLASS: u32 = 0;
const PAGE_USED: u32 = 2;
const PAGE_FREE: u32 = 4;
const PAGE_FRESH: u32 = 6;
const PAGE_PREV: u32 = 8;
const PAGE_NEXT: u32 = 12;
const PAGE_HEADER: u32 = 16;
const PAGE_REF_MASK: u32 = ~511;

const RECORD_BYTES_MIN: u32 = 24;
const SLOT_BYTES_MAX: u32 = 2040;
const SLOTS_BYTES: u32 = PAGE_BYTES - PAGE_HEADER;
/** Bytes of the largest record. */
export const RECORD_BYTES_MAX: u32 = EXTENT_PAGES_MAX << PAGE_SHIFT;

/** The root of a state, 0 when there is none. */
export function rootOf(state: u32): u32 {
  const ref = load<u32>(statePtr(state), STATE_ROOT);
  return ref == 0 ? 0 : resolve(ref);
}

/** The root of a state, made when there is none; 0 without memory. */
export function rootEnsure(state: u32, kind: u32): u32 {
  const found = rootOf(state);
  if (found != 0) return found;
  const ref = extentAlloc(state, 1);
  if (ref == 0) return 0;
  const root = resolve(ref);
  store<u32>(root, state, ROOT_STATE);
  store<u32>(root, kind, ROOT_KIND);
  const record = statePtr(state);
  touchRange(record + STATE_ROOT, 4);
  store<u32>(record, ref, STATE_ROOT);
  return root;
}

/** Adds to a count of a root. */
export function addCount(root: u32, field: u32, change: i32): void {
  touch(root + field);
  store<u32>(root + field, load<u32>(root + field) + change);
}

/** Class of a size that is a multiple of 8: by 8 to 128, by 32 to 256, then by slots in a page, from 15 to 2. */
function classOf(bytes: u32): u32 {
  if (bytes <= 128) return bytes >> 3;
  if (bytes <= 256) return 16 + ((bytes - 97) >> 5);
  return 36 - SLOTS_BYTES / bytes;
}

function slotBytes(sizeClass: u32): u32 {
  if (sizeClass <= 16) return sizeClass << 3;
  if (sizeClass <= 20) return 128 + ((sizeClass - 16) << 5);
  return (SLOTS_BYTES / (36 - sizeClass)) & ~7;
}

/** A record of at least `bytes` bytes, announced as written; its reference, or 0 when nothing that large can be had. */
export function recordAlloc(root: u32, bytes: u32): u32 {
  if (bytes > SLOT_BYTES_MAX) return extentRecord(root, bytes);
  const sizeClass = classOf((max<u32>(bytes, RECORD_BYTES_MIN) + 7) & ~7);
  const size = slotBytes(sizeClass);
  const listPtr = root + ROOT_LISTS + (sizeClass << 2);
  let page = load<u32>(listPtr);
  if (page == 0) {
    page = pageAdd(root, sizeClass, listPtr);
    if (page == 0) return 0;
  }
  const pagePtr = resolve(page);
  touch(pagePtr);
  let slot = <u32>load<u16>(pagePtr, PAGE_FREE);
  if (slot != 0) {
    store<u16>(pagePtr, load<u16>(pagePtr + (slot << 3)), PAGE_FREE);
  } else {
    slot = load<u16>(pagePtr, PAGE_FRESH);
    store<u16>(pagePtr, <u16>(slot + (size >> 3)), PAGE_FRESH);
  }
  const used = <u32>load<u16>(pagePtr, PAGE_USED) + 1;
  store<u16>(pagePtr, <u16>used, PAGE_USED);
  if (used == SLOTS_BYTES / size) unlinkPage(listPtr, pagePtr);
  touchRange(pagePtr + (slot << 3), size);
  addCount(root, ROOT_RECORDS, 1);
  return page | slot;
}

function extentRecord(root: u32, bytes: u32): u32 {
  const pages = (bytes + PAGE_BYTES - 1) >> PAGE_SHIFT;
  const ref = extentAlloc(load<u32>(root, ROOT_STATE), pages);
  if (ref == 0) return 0;
  store<u32>(resolve(ref), pages);
  addCount(root, ROOT_EXTENT_PAGES, pages);
  addCount(root, ROOT_RECORDS, 1);
  return ref;
}

function pageAdd(root: u32, sizeClass: u32, listPtr: u32): u32 {
  const page = extentAlloc(load<u32>(root, ROOT_STATE), 1);
  if (page == 0) return 0;
  const pagePtr = resolve(page);
  store<u16>(pagePtr, <u16>sizeClass, PAGE_CLASS);
  // What is left over comes first, so that slots whose size is a power of two begin at multiples of it: at cache lines.
  const size = slotBytes(sizeClass);
  store<u16>(pagePtr, <u16>((PAGE_BYTES - (SLOTS_BYTES / size) * size) >> 3), PAGE_FRESH);
  linkPage(listPtr, page, pagePtr);
  addCount(root, ROOT_SLAB_PAGES, 1);
  return page;
}

/** Bytes that a record has room for. */
export function recordCapacity(ref: u32): u32 {
  const page = ref & PAGE_REF_MASK;
  const pagePtr = resolve(page);
  return page == ref ? load<u32>(pagePtr) << PAGE_SHIFT : slotBytes(load<u16>(pagePtr, PAGE_CLASS));
}

export function recordFree(root: u32, ref: u32): void {
  addCount(root, ROOT_RECORDS, -1);
  const page = ref & PAGE_REF_MASK;
  const pagePtr = resolve(page);
  if (page == ref) {
    const pages = load<u32>(pagePtr);
    addCount(root, ROOT_EXTENT_PAGES, -pages);
    extentFree(load<u32>(root, ROOT_STATE), ref, pages);
    return;
  }
  const sizeClass = <u32>load<u16>(pagePtr, PAGE_CLASS);
  const listPtr = root + ROOT_LISTS + (sizeClass << 2);
  const used = <u32>load<u16>(pagePtr, PAGE_USED);
  const slot = ref & ~PAGE_REF_MASK;
  touch(pagePtr);
  touch(pagePtr + (slot << 3));
  store<u32>(pagePtr + (slot << 3), load<u16>(pagePtr, PAGE_FREE));
  store<u16>(pagePtr, <u16>slot, PAGE_FREE);
  store<u16>(pagePtr, <u16>(used - 1), PAGE_USED);
  if (used == SLOTS_BYTES / slotBytes(sizeClass)) linkPage(listPtr, page, pagePtr);
  if (used != 1 || (load<u32>(pagePtr, PAGE_PREV) | load<u32>(pagePtr, PAGE_NEXT)) == 0) return;
  unlinkPage(listPtr, pagePtr);
  addCount(root, ROOT_SLAB_PAGES, -1);
  extentFree(load<u32>(root, ROOT_STATE), page, 1);
}

/** Puts a page at the head of its list; its header was announced. */
function linkPage(listPtr: u32, page: u32, pagePtr: u32): void {
  const next = load<u32>(listPtr);
  store<u32>(pagePtr, 0, PAGE_PREV);
  store<u32>(pagePtr, next, PAGE_NEXT);
  if (next != 0) {
    touchRange(resolve(next), PAGE_HEADER);
    store<u32>(resolve(next), page, PAGE_PREV);
  }
  touchRange(listPtr, 4);
  store<u32>(listPtr, page);
}

/** Takes a page out of its list; its header was announced. */
function unlinkPage(listPtr: u32, pagePtr: u32): void {
  const prev = load<u32>(pagePtr, PAGE_PREV);
  const next = load<u32>(pagePtr, PAGE_NEXT);
  if (prev != 0) {
    touchRange(resolve(prev), PAGE_HEADER);
    store<u32>(resolve(prev), next, PAGE_NEXT);
  } else {
    touchRange(listPtr, 4);
    store<u32>(listPtr, next);
  }
  if (next != 0) {
    touchRange(resolve(next), PAGE_HEADER);
    store<u32>(resolve(next), prev, PAGE_PREV);
  }
}
