/**
 * The write barrier: every write to state announces itself here first, block by block.
 *
 *                    touch                 snapshotBegin              drained
 *          CLEAN ------------> DIRTY ---------------------> PERSISTING ------> WRITTEN
 *            ^                   ^                              |  touch: image captured   | touch
 *            |                   +------------------------------+--------------------------+
 *            +-- next snapshotBegin (the snapshot counts as confirmed) -- WRITTEN
 *
 * Invariants
 *  1. The status of a block is DIRTY before the first byte of it changes.
 *  2. A PERSISTING block holds what it held at snapshotBegin. Its first touch keeps that image in a capture.
 *  3. A region with a block that is not CLEAN has a flag; sweeps skip the others.
 *  4. Without memory for a capture the snapshot is spoiled (drain answers OUT_OF_MEMORY); state itself goes on.
 * Not here: sweeps over statuses (snapshot.ts), which bytes are whose (arena.ts).
 */
import { arenaControlPtr, BLOCK_SHIFT, FRAME_BYTES, FRAME_SHIFT, statusBase, takeFrames } from './frames';

export const CLEAN: u8 = 0;
export const DIRTY: u8 = 1;
export const PERSISTING: u8 = 2;
export const WRITTEN: u8 = 3;

// Of eight blocks, whose statuses have two bits each: DIRTY, and the upper bit of PERSISTING.
const EACH_DIRTY: u64 = 0x0101010101010101;
const EACH_PERSISTING: u64 = 0x0202020202020202;

export const BLOCK_BYTES: u32 = 1 << BLOCK_SHIFT;
/** Blocks of a region, as a shift: a block is addressed by (region << REGION_BLOCK_SHIFT) | block. */
export const REGION_BLOCK_SHIFT: u32 = FRAME_SHIFT - BLOCK_SHIFT;

// Flags of a region.
export const HAS_DIRTY: u8 = 1;
export const IN_SNAPSHOT: u8 = 2;

// Control words of the arena, offsets from arenaControlPtr (96 bytes).
export const REGION_TABLE: u32 = 0;
export const REGION_COUNT: u32 = 4;
export const MAX_PAGES: u32 = 8;
export const FLAGS: u32 = 12;
export const ROOM: u32 = 16;
export const FRAME_REGIONS: u32 = 20;
export const CAPTURE_HEAD: u32 = 24;
export const CAPTURE_FREE: u32 = 28;
export const CURSOR_REGION: u32 = 32;
export const CURSOR_BLOCK: u32 = 36;
export const SPOILED: u32 = 40;
export const MAX_REGIONS: u32 = 44;
export const ROOT: u32 = 48;
export const ACTIVE: u32 = 52;
export const CAPTURED: u32 = 56;

/**
 * A chunk of captures, one transient frame: next u32, count u32, then images of CAPTURE_BYTES each:
 *   0        8
 *   +--------+-------------------+
 *   | block  | image of the block|
 *   +--------+-------------------+
 */
const CHUNK_HEADER: u32 = 16;
export const CAPTURE_BYTES: u32 = 8 + BLOCK_BYTES;
const CHUNK_IMAGES: u32 = (FRAME_BYTES - CHUNK_HEADER) / CAPTURE_BYTES;

/** Announces a write inside one block. */
export function touch(ptr: u32): void {
  if (load<u8>(statusBase() + (ptr >> BLOCK_SHIFT)) != DIRTY) touchSlow(ptr);
}

/** Announces a write to [ptr, ptr + bytes). */
export function touchRange(ptr: u32, bytes: u32): void {
  touchSpan(statusBase(), ptr, ptr + bytes - 1);
}

/** The same with the base of statuses at hand and the last byte, for hot loops. */
export function touchSpan(status: u32, ptr: u32, lastPtr: u32): void {
  const last = lastPtr >> BLOCK_SHIFT;
  for (let block = ptr >> BLOCK_SHIFT; block <= last; block++) {
    if (load<u8>(status + block) != DIRTY) touchSlow(block << BLOCK_SHIFT);
  }
}

/** The same for at most BLOCK_BYTES bytes, which lie in one or two blocks: without a branch that depends on which. */
export function touchPair(status: u32, ptr: u32, lastPtr: u32): void {
  const first = load<u8>(status + (ptr >> BLOCK_SHIFT)) ^ DIRTY;
  const last = load<u8>(status + (lastPtr >> BLOCK_SHIFT)) ^ DIRTY;
  if ((first | last) != 0) touchSpan(status, ptr, lastPtr);
}

/** The same for whole pages of one region, eight blocks at a time. */
export function touchPages(ptr: u32, bytes: u32): void {
  const status = statusBase();
  const end = status + ((ptr + bytes) >> BLOCK_SHIFT);
  for (let at = status + (ptr >> BLOCK_SHIFT); at < end; at += 8) {
    const word = load<u64>(at);
    const persisting = word & ~(word << 1) & EACH_PERSISTING;
    if (persisting == 0) {
      store<u64>(at, EACH_DIRTY);
    } else {
      const blocks = (at - status) << BLOCK_SHIFT;
      touchSpan(status, blocks, blocks + 8 * BLOCK_BYTES - 1);
    }
  }
  flagDirty(arenaControlPtr(), regionOf(ptr));
}

/** Forgets that blocks of whole pages are DIRTY: nobody needs them any more. */
export function untouchPages(ptr: u32, bytes: u32): void {
  const end = statusBase() + ((ptr + bytes) >> BLOCK_SHIFT);
  for (let at = statusBase() + (ptr >> BLOCK_SHIFT); at < end; at += 8) {
    const word = load<u64>(at);
    store<u64>(at, word & ~(~(word >> 1) & EACH_DIRTY));
  }
}

function touchSlow(ptr: u32): void {
  const control = arenaControlPtr();
  const statusPtr = statusBase() + (ptr >> BLOCK_SHIFT);
  const region = regionOf(ptr);
  if (load<u8>(statusPtr) == PERSISTING) capture(control, region, ptr & ~(BLOCK_BYTES - 1));
  store<u8>(statusPtr, DIRTY);
  flagDirty(control, region);
}

function regionOf(ptr: u32): u32 {
  return load<u16>(load<u32>(arenaControlPtr(), FRAME_REGIONS) + ((ptr >> FRAME_SHIFT) << 1));
}

function flagDirty(control: u32, region: u32): void {
  const flagPtr = load<u32>(control, FLAGS) + region;
  store<u8>(flagPtr, load<u8>(flagPtr) | HAS_DIRTY);
}

function capture(control: u32, region: u32, blockPtr: u32): void {
  let chunk = load<u32>(control, CAPTURE_HEAD);
  if (chunk == 0 || load<u32>(chunk, 4) == CHUNK_IMAGES) {
    chunk = takeChunk(control, chunk);
    if (chunk == 0) {
      store<u32>(control, 1, SPOILED);
      return;
    }
  }
  const count = load<u32>(chunk, 4);
  const at = chunk + CHUNK_HEADER + count * CAPTURE_BYTES;
  store<u32>(at, (region << REGION_BLOCK_SHIFT) | ((blockPtr & (FRAME_BYTES - 1)) >> BLOCK_SHIFT));
  memory.copy(at + 8, blockPtr, BLOCK_BYTES);
  store<u32>(chunk, count + 1, 4);
  store<u32>(control, load<u32>(control, CAPTURED) + 1, CAPTURED);
}

function takeChunk(control: u32, next: u32): u32 {
  let chunk = load<u32>(control, CAPTURE_FREE);
  if (chunk != 0) store<u32>(control, load<u32>(chunk), CAPTURE_FREE);
  else chunk = takeFrames(1);
  if (chunk == 0) return 0;
  store<u32>(chunk, next);
  store<u32>(chunk, 0, 4);
  store<u32>(control, chunk, CAPTURE_HEAD);
  return chunk;
}

/** Takes the latest capture off the list and answers where it lies (until the next touch); 0 when there is none. */
export function popCapture(): u32 {
  const control = arenaControlPtr();
  const chunk = load<u32>(control, CAPTURE_HEAD);
  if (chunk == 0) return 0;
  const count = load<u32>(chunk, 4) - 1;
  store<u32>(chunk, count, 4);
  store<u32>(control, load<u32>(control, CAPTURED) - 1, CAPTURED);
  if (count == 0) {
    store<u32>(control, load<u32>(chunk), CAPTURE_HEAD);
    store<u32>(chunk, load<u32>(control, CAPTURE_FREE));
    store<u32>(control, chunk, CAPTURE_FREE);
  }
  return chunk + CHUNK_HEADER + count * CAPTURE_BYTES;
}

export function hasCaptures(): bool {
  return load<u32>(arenaControlPtr(), CAPTURE_HEAD) != 0;
}
