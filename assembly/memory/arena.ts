/**
 * The arena: all state of a task, in regions of 1 MiB cut into 256 pages of 4 KiB.
 *
 *   region r    page 0          page 1 ... page 255
 *   +-----------------------+-------------------------------------------+
 *   | header: magic, bitmap | extents: runs of 1 to 255 pages, each of  |
 *   | of used pages, owners | one state                                 |
 *   +-----------------------+-------------------------------------------+
 *   region 0, pages 1 to 4: the root = 64 bytes of header, then 255 state records of 64 bytes
 *
 * A reference is a u32 in units of 8 bytes: region = ref >> 17, offset in it = (ref & 0x1FFFF) << 3. 0 is no reference.
 *
 * Invariants
 *  1. Everything that a restore needs lies in state pages and is written through the barrier. The control words, the
 *     region table, flags and room hints are caches of one process.
 *  2. State holds references, never addresses; `resolve` is the only way from one to the other, so that a region may
 *     move.
 *  3. pages(state) = pages whose owner is that state; the sum over states = used pages <= the budget.
 *  4. A new extent is all zero and all DIRTY. What a freed extent held is of no more interest, except to a snapshot in
 *     progress: its PERSISTING blocks stay so until drained or captured.
 * Not here: the barrier (barrier.ts), snapshots (snapshot.ts), what extents hold (hash/, window/).
 */
import { CORRUPT, OUT_OF_MEMORY } from '../abi';
import {
  ACTIVE,
  FLAGS,
  FRAME_REGIONS,
  MAX_PAGES,
  MAX_REGIONS,
  REGION_COUNT,
  REGION_TABLE,
  ROOM,
  ROOT,
  touchPages,
  touchRange,
  untouchPages,
} from './barrier';
import { arenaControlPtr, FRAME_BYTES, FRAME_SHIFT, framesMax, takeFrames, transientAlloc } from './frames';

export const PAGE_BYTES: u32 = 4096;
export const PAGE_SHIFT: u32 = 12;
const REGION_PAGES: u32 = 256;
// What nextPage looks for, and the mark of an answer of findRun that is no page.
const USED: u64 = 0;
const FREE: u64 = 0xffffffffffffffff;
const LONGEST: u32 = 256;
/** Two segments of hash/table.ts at their largest, before each becomes two. */
const PAIR_PAGES: u32 = 30;
/** Most pages of one extent: a region without its header. */
export const EXTENT_PAGES_MAX: u32 = 255;

const MAGIC: u32 = 0x4152454e;
export const FORMAT_VERSION: u32 = 1;

// Header page of a region.
const HEADER_BITMAP: u32 = 64;
const HEADER_OWNERS: u32 = 512;
/** Owner of header and root pages. */
const ARENA_OWNER: u16 = 0xffff;

// Root.
const ROOT_PAGES: u32 = 4;
const ROOT_VERSION: u32 = 4;
const ROOT_REGIONS: u32 = 8;
const ROOT_USED: u32 = 12;
const ROOT_RECORDS: u32 = 64;
export const STATE_BYTES: u32 = 64;
export const STATES_MAX: u32 = 255;

// State record. What the fields from 16 on mean is up to the kind.
export const STATE_KIND: u32 = 0;
export const STATE_PAGES: u32 = 4;
export const STATE_ENTRIES: u32 = 8;

/** Starts an empty arena of at most `maxPages` pages. Returns 0 or OUT_OF_MEMORY. */
export function arenaInit(maxPages: u32): i32 {
  const control = arenaControlPtr();
  const frames = framesMax();
  memory.fill(control, 0, 96);
  const caches = transientAlloc(frames * 8);
  if (caches == 0) return OUT_OF_MEMORY;
  memory.fill(caches, 0, frames * 8);
  store<u32>(control, caches, REGION_TABLE);
  store<u32>(control, caches + frames * 4, FRAME_REGIONS);
  store<u32>(control, caches + frames * 6, FLAGS);
  store<u32>(control, caches + frames * 7, ROOM);
  store<u32>(control, maxPages, MAX_PAGES);
  store<u32>(control, frames, MAX_REGIONS);
  if (addRegion() < 0) return OUT_OF_MEMORY;
  return initRoot(control);
}

function initRoot(control: u32): i32 {
  const root = load<u32>(load<u32>(control, REGION_TABLE)) + PAGE_BYTES;
  store<u32>(control, root, ROOT);
  touchRange(root, ROOT_PAGES * PAGE_BYTES);
  memory.fill(root, 0, ROOT_PAGES * PAGE_BYTES);
  store<u32>(root, MAGIC);
  store<u32>(root, FORMAT_VERSION, ROOT_VERSION);
  store<u32>(root, 1, ROOT_REGIONS);
  markPages(root - PAGE_BYTES, 1, ROOT_PAGES, ARENA_OWNER);
  return 0;
}

/** Maps one more region to a frame, without writing to it. The region's number, or OUT_OF_MEMORY. */
export function mapRegion(): i32 {
  const control = arenaControlPtr();
  const region = load<u32>(control, REGION_COUNT);
  if (region >= load<u32>(control, MAX_REGIONS)) return OUT_OF_MEMORY;
  const frame = takeFrames(1);
  if (frame == 0) return OUT_OF_MEMORY;
  store<u32>(load<u32>(control, REGION_TABLE) + (region << 2), frame);
  store<u16>(load<u32>(control, FRAME_REGIONS) + ((frame >> FRAME_SHIFT) << 1), <u16>region);
  store<u8>(load<u32>(control, ROOM) + region, 255);
  store<u32>(control, region + 1, REGION_COUNT);
  return region;
}

function addRegion(): i32 {
  const region = mapRegion();
  if (region < 0) return region;
  const control = arenaControlPtr();
  const base = load<u32>(load<u32>(control, REGION_TABLE) + ((<u32>region) << 2));
  touchRange(base, PAGE_BYTES);
  memory.fill(base, 0, PAGE_BYTES);
  store<u32>(base, MAGIC);
  markPages(base, 0, 1, ARENA_OWNER);
  const root = load<u32>(control, ROOT);
  if (root != 0) {
    touchRange(root, 16);
    store<u32>(root, region + 1, ROOT_REGIONS);
  }
  return region;
}

/** Address of a reference, valid until the arena next moves regions (never inside one kernel call). */
export function resolve(ref: u32): u32 {
  return resolveIn(load<u32>(arenaControlPtr(), REGION_TABLE), ref);
}

export function regionTable(): u32 {
  return load<u32>(arenaControlPtr(), REGION_TABLE);
}

export function resolveIn(regionsPtr: u32, ref: u32): u32 {
  return load<u32>(regionsPtr + ((ref >> 17) << 2)) + ((ref & 0x1ffff) << 3);
}

/** Reference of an address inside a region. */
export function refOf(ptr: u32): u32 {
  const region = <u32>load<u16>(load<u32>(arenaControlPtr(), FRAME_REGIONS) + ((ptr >> FRAME_SHIFT) << 1));
  return (region << 17) | ((ptr & (FRAME_BYTES - 1)) >> 3);
}

/** Whether `pages` more pages fit in the budget: the seam where cold pages would be spilled instead of saying no. */
function makeRoom(control: u32, root: u32, pages: u32): bool {
  return load<u32>(root, ROOT_USED) + pages <= load<u32>(control, MAX_PAGES);
}

/**
 * A zeroed extent of 1 to 255 pages for `state`; 0 when budget or memory does not allow it, and nothing has changed.
 */
export function extentAlloc(state: u32, pages: u32): u32 {
  const control = arenaControlPtr();
  const root = load<u32>(control, ROOT);
  if (pages == 0 || pages > EXTENT_PAGES_MAX || !makeRoom(control, root, pages)) return 0;
  const regions = load<u32>(control, REGION_COUNT);
  const room = load<u32>(control, ROOM);
  for (let region: u32 = 0; region < regions; region++) {
    if (<u32>load<u8>(room + region) < pages) continue;
    const page = findRun(load<u32>(load<u32>(control, REGION_TABLE) + (region << 2)), pages);
    if (page < LONGEST) return take(control, root, state, region, page, pages);
    // An upper bound for the next search, until a page of the region is freed.
    store<u8>(room + region, <u8>page);
  }
  const added = addRegion();
  return added < 0 ? 0 : take(control, root, state, added, 1, pages);
}

/** Whether a page of a region belongs to someone; its header does. */
export function isPageUsed(regionPtr: u32, page: u32): bool {
  return ((load<u32>(regionPtr + HEADER_BITMAP + ((page >> 5) << 2)) >> (page & 31)) & 1) != 0;
}

/**
 * Where `pages` pages are to be taken from a free run; when there is none, the length of the longest run, with LONGEST set.
 * Of a longer run the end is left that lies nearer to the middle of a pair: what neighbours leave becomes one.
 */
function findRun(regionPtr: u32, pages: u32): u32 {
  let longest: u32 = 0;
  let page = nextPage(regionPtr, 1, FREE);
  while (page < REGION_PAGES) {
    const end = nextPage(regionPtr, page, USED);
    if (end - page >= pages) return fromMiddle(page) < fromMiddle(end) ? end - pages : page;
    longest = max<u32>(longest, end - page);
    page = nextPage(regionPtr, end, FREE);
  }
  return longest | LONGEST;
}

/** How far a page is from the middle of its pair of the extents that there are most of: PAIR_PAGES / 2 pages each. */
function fromMiddle(page: u32): u32 {
  return abs<i32>(<i32>((page - 1) % PAIR_PAGES) - <i32>(PAIR_PAGES / 2));
}

/** The first page from `page` on that is used or, with FREE as `flip`, free; REGION_PAGES when there is none. */
function nextPage(regionPtr: u32, page: u32, flip: u64): u32 {
  let at = page;
  while (at < REGION_PAGES) {
    const word = (load<u64>(regionPtr + HEADER_BITMAP + ((at >> 6) << 3)) ^ flip) >> <u64>(at & 63);
    if (word != 0) return at + <u32>ctz<u64>(word);
    at = (at | 63) + 1;
  }
  return REGION_PAGES;
}

function take(control: u32, root: u32, state: u32, region: u32, page: u32, pages: u32): u32 {
  const base = load<u32>(load<u32>(control, REGION_TABLE) + (region << 2));
  markPages(base, page, pages, <u16>state);
  countPages(root, state, pages);
  const ptr = base + (page << PAGE_SHIFT);
  touchPages(ptr, pages << PAGE_SHIFT);
  memory.fill(ptr, 0, pages << PAGE_SHIFT);
  return (region << 17) | (page << (PAGE_SHIFT - 3));
}

function countPages(root: u32, state: u32, pages: u32): void {
  const record = statePtr(state);
  touchRange(root, 16);
  store<u32>(root, load<u32>(root, ROOT_USED) + pages, ROOT_USED);
  touchRange(record, STATE_BYTES);
  store<u32>(record, load<u32>(record, STATE_PAGES) + pages, STATE_PAGES);
}

/** Sets owner and bitmap of pages; owner 0 frees them. */
function markPages(regionPtr: u32, page: u32, pages: u32, owner: u16): void {
  touchRange(regionPtr, 1024);
  for (let p = page; p < page + pages; p++) {
    const wordPtr = regionPtr + HEADER_BITMAP + ((p >> 5) << 2);
    const bit: u32 = 1 << (p & 31);
    const word = load<u32>(wordPtr);
    store<u32>(wordPtr, owner == 0 ? word & ~bit : word | bit);
    store<u16>(regionPtr + HEADER_OWNERS + (p << 1), owner);
  }
}

/** Gives back an extent of `pages` pages that `extentAlloc` answered for `state`. */
export function extentFree(state: u32, ref: u32, pages: u32): void {
  const control = arenaControlPtr();
  const ptr = resolve(ref);
  markPages(ptr & ~(FRAME_BYTES - 1), (ptr & (FRAME_BYTES - 1)) >> PAGE_SHIFT, pages, 0);
  countPages(load<u32>(control, ROOT), state, 0 - pages);
  store<u8>(load<u32>(control, ROOM) + (ref >> 17), 255);
  // A dead block need not be persisted; the next owner zeroes it through the barrier.
  untouchPages(ptr, pages << PAGE_SHIFT);
}

/** Gives back every page of a state and empties the kind's own fields of its record. */
export function freePages(state: u32): void {
  const control = arenaControlPtr();
  const regions = load<u32>(control, REGION_COUNT);
  for (let region: u32 = 0; region < regions; region++) {
    const base = load<u32>(load<u32>(control, REGION_TABLE) + (region << 2));
    for (let page: u32 = 1; page < REGION_PAGES; page++) {
      const isIts = isPageUsed(base, page) && <u32>load<u16>(base + HEADER_OWNERS + (page << 1)) == state;
      if (isIts) extentFree(state, (region << 17) | (page << (PAGE_SHIFT - 3)), 1);
    }
  }
  const record = statePtr(state);
  touchRange(record, STATE_BYTES);
  store<i64>(record, 0, STATE_ENTRIES);
  memory.fill(record + 16, 0, STATE_BYTES - 16);
}

export function statePtr(state: u32): u32 {
  return load<u32>(arenaControlPtr(), ROOT) + ROOT_RECORDS + (state - 1) * STATE_BYTES;
}

/** Claims a state record (1 to 255) of a kind (not 0). 0, or CORRUPT when the record is there with another kind. */
export function stateOpen(state: u32, kind: u32): i32 {
  if (state == 0 || state > STATES_MAX || kind == 0) return CORRUPT;
  const record = statePtr(state);
  const found = load<u32>(record, STATE_KIND);
  if (found != 0) return found == kind ? 0 : CORRUPT;
  touchRange(record, STATE_BYTES);
  store<u32>(record, kind, STATE_KIND);
  return 0;
}

export function statePages(state: u32): u32 {
  return load<u32>(statePtr(state), STATE_PAGES);
}

/** Entries of a state, exact up to 2^53. */
export function stateEntries(state: u32): f64 {
  return <f64>load<i64>(statePtr(state), STATE_ENTRIES);
}

export function addEntries(state: u32, change: i64): void {
  if (change == 0) return;
  const record = statePtr(state);
  touchRange(record, 16);
  store<i64>(record, load<i64>(record, STATE_ENTRIES) + change, STATE_ENTRIES);
}

/** Pages that states own, without headers and root. */
export function arenaPages(): u32 {
  return load<u32>(load<u32>(arenaControlPtr(), ROOT), ROOT_USED);
}

/** Pages whose owner is `state`, counted by walking every region: what statePages must be equal to. */
export function scanPages(state: u32): u32 {
  const control = arenaControlPtr();
  const regions = load<u32>(control, REGION_COUNT);
  let pages: u32 = 0;
  for (let region: u32 = 0; region < regions; region++) {
    const base = load<u32>(load<u32>(control, REGION_TABLE) + (region << 2));
    for (let page: u32 = 0; page < REGION_PAGES; page++) {
      const used = ((load<u32>(base + HEADER_BITMAP + ((page >> 5) << 2)) >> (page & 31)) & 1) != 0;
      if (used && <u32>load<u16>(base + HEADER_OWNERS + (page << 1)) == state) pages++;
    }
  }
  return pages;
}

/** After blocks were put back: checks the root and renews the caches. 0, CORRUPT or OUT_OF_MEMORY. */
export function arenaReopen(): i32 {
  const control = arenaControlPtr();
  const root = load<u32>(control, ROOT);
  if (load<u32>(root) != MAGIC || load<u32>(root, ROOT_VERSION) != FORMAT_VERSION) return CORRUPT;
  const regions = load<u32>(root, ROOT_REGIONS);
  if (regions == 0 || regions > load<u32>(control, MAX_REGIONS)) return CORRUPT;
  while (load<u32>(control, REGION_COUNT) < regions) {
    if (mapRegion() < 0) return OUT_OF_MEMORY;
  }
  if (load<u32>(control, REGION_COUNT) != regions) return CORRUPT;
  for (let region: u32 = 0; region < regions; region++) {
    if (load<u32>(load<u32>(load<u32>(control, REGION_TABLE) + (region << 2))) != MAGIC) return CORRUPT;
  }
  memory.fill(load<u32>(control, ROOM), 255, regions);
  store<u32>(control, 0, ACTIVE);
  return load<u32>(root, ROOT_USED) > load<u32>(control, MAX_PAGES) ? OUT_OF_MEMORY : 0;
}
