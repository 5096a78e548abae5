/**
 * Snapshots: the image of all state at one moment, taken in a blink and copied out while state goes on changing.
 *
 * What is drained is a list of runs, each a header of 8 bytes and whole blocks:
 *   +--------------------------+-----------+---------------------------+
 *   | (region << S) | block u32 | count u32 | count blocks of 64 bytes  |   S = REGION_BLOCK_SHIFT
 *   +--------------------------+-----------+---------------------------+
 *
 * Invariants
 *  1. Runs hold the blocks that changed since the last confirmed snapshot, as they were at snapshotBegin. Putting all
 *     runs of all confirmed snapshots back in order gives the state of the last, dead pages aside.
 *  2. A snapshot counts as confirmed when the next begins; until then snapshotAbort makes all its blocks DIRTY again.
 *  3. snapshotBegin only translates statuses (16 a step, flagged regions only), so its cost does not grow with what
 *     changed.
 * Not here: single blocks and captures (barrier.ts), where runs are kept (src/state).
 */
import { CORRUPT, OUT_OF_MEMORY } from '../abi';
import { isPageUsed, mapRegion, PAGE_BYTES } from './arena';
import {
  ACTIVE,
  BLOCK_BYTES,
  CAPTURED,
  CLEAN,
  CURSOR_BLOCK,
  CURSOR_REGION,
  DIRTY,
  FLAGS,
  HAS_DIRTY,
  hasCaptures,
  IN_SNAPSHOT,
  PERSISTING,
  popCapture,
  REGION_BLOCK_SHIFT,
  REGION_COUNT,
  REGION_TABLE,
  SPOILED,
  WRITTEN,
} from './barrier';
import { arenaControlPtr, BLOCK_SHIFT, statusBase } from './frames';

const RUN_HEADER: u32 = 8;
const REGION_BLOCKS: u32 = 1 << REGION_BLOCK_SHIFT;
/** Statuses that are counted in lanes of 8 bits before these could overflow: 128 vectors. */
const COUNTED_BYTES: u32 = 2048;
const PAGE_BLOCKS: u32 = PAGE_BYTES / BLOCK_BYTES;

/** Begins a snapshot and answers how many blocks it holds. One that is still being drained is aborted first. */
export function snapshotBegin(): u32 {
  const control = arenaControlPtr();
  if (!snapshotDone()) snapshotAbort();
  // By status: CLEAN stays, DIRTY becomes PERSISTING, WRITTEN (confirmed by this call) becomes CLEAN.
  const next = i8x16(0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  let blocks: u32 = 0;
  for (let region: u32 = 0; region < load<u32>(control, REGION_COUNT); region++) {
    const flagPtr = load<u32>(control, FLAGS) + region;
    if (load<u8>(flagPtr) == 0) continue;
    const inside = translate(regionStatus(control, region), next);
    store<u8>(flagPtr, inside == 0 ? 0 : IN_SNAPSHOT);
    blocks += inside;
  }
  store<u32>(control, 1, ACTIVE);
  store<u32>(control, 0, CURSOR_REGION);
  store<u32>(control, 0, CURSOR_BLOCK);
  store<u32>(control, 0, CAPTURED);
  return blocks;
}

/** Replaces the statuses of a region by a table and counts those that are then PERSISTING. */
function translate(statusPtr: u32, table: v128): u32 {
  const persisting = i8x16.splat(PERSISTING);
  let count: u32 = 0;
  for (let at = statusPtr; at < statusPtr + REGION_BLOCKS; at += COUNTED_BYTES) {
    let lanes = i8x16.splat(0);
    for (let i: u32 = 0; i < COUNTED_BYTES; i += 16) {
      const after = i8x16.swizzle(table, v128.load(at + i));
      v128.store(at + i, after);
      lanes = i8x16.sub(lanes, i8x16.eq(after, persisting));
    }
    count += sumLanes(lanes);
  }
  return count;
}

function sumLanes(lanes: v128): u32 {
  const sums = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(lanes));
  const even = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 2);
  return even + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 3);
}

function regionBase(control: u32, region: u32): u32 {
  return load<u32>(load<u32>(control, REGION_TABLE) + (region << 2));
}

function regionStatus(control: u32, region: u32): u32 {
  return statusBase() + (regionBase(control, region) >> BLOCK_SHIFT);
}

/** Whether nothing of a snapshot remains to be drained. */
export function snapshotDone(): bool {
  return load<u32>(arenaControlPtr(), ACTIVE) == 0;
}

/** Blocks whose image is kept, because they were written before they were drained, and is not yet drained itself. */
export function snapshotCaptured(): u32 {
  return load<u32>(arenaControlPtr(), CAPTURED);
}

/**
 * Copies what fits into [outPtr, outPtr + maxBytes), at least one run (maxBytes >= 8 + one block). Returns the bytes, 0
 * when all is drained, OUT_OF_MEMORY when a captured image could not be kept: the snapshot must then be aborted.
 */
export function snapshotDrain(outPtr: u32, maxBytes: u32): i32 {
  const control = arenaControlPtr();
  if (load<u32>(control, SPOILED) != 0) return OUT_OF_MEMORY;
  if (load<u32>(control, ACTIVE) == 0) return 0;
  const end = outPtr + maxBytes;
  let at = outPtr;
  while (end - at >= RUN_HEADER + BLOCK_BYTES && hasCaptures()) {
    const image = popCapture();
    store<u32>(at, load<u32>(image));
    store<u32>(at, 1, 4);
    memory.copy(at + RUN_HEADER, image + 8, BLOCK_BYTES);
    at += RUN_HEADER + BLOCK_BYTES;
  }
  at = drainRegions(control, at, end);
  if (at == outPtr) store<u32>(control, 0, ACTIVE);
  return at - outPtr;
}

function drainRegions(control: u32, outPtr: u32, end: u32): u32 {
  let at = outPtr;
  let region = load<u32>(control, CURSOR_REGION);
  let block = load<u32>(control, CURSOR_BLOCK);
  while (region < load<u32>(control, REGION_COUNT)) {
    const status = regionStatus(control, region);
    const flagged = (load<u8>(load<u32>(control, FLAGS) + region) & IN_SNAPSHOT) != 0;
    block = flagged ? nextPersisting(status, block) : REGION_BLOCKS;
    if (block == REGION_BLOCKS) {
      region++;
      block = 0;
      continue;
    }
    if (end - at < RUN_HEADER + BLOCK_BYTES) break;
    const count = writeRun(control, region, block, at, (end - at - RUN_HEADER) >> BLOCK_SHIFT);
    at += RUN_HEADER + (count << BLOCK_SHIFT);
    block += count;
  }
  store<u32>(control, region, CURSOR_REGION);
  store<u32>(control, block, CURSOR_BLOCK);
  return at;
}

/** The first PERSISTING block from `block` on, REGION_BLOCKS when there is none. */
function nextPersisting(statusPtr: u32, block: u32): u32 {
  let at = block;
  while (at < REGION_BLOCKS && (at & 15) != 0) {
    if (load<u8>(statusPtr + at) == PERSISTING) return at;
    at++;
  }
  const persisting = i8x16.splat(PERSISTING);
  for (; at < REGION_BLOCKS; at += 16) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(statusPtr + at), persisting));
    if (hits != 0) return at + ctz<u32>(hits);
  }
  return REGION_BLOCKS;
}

/** Writes the run of PERSISTING blocks that starts at `block`, at most `most` blocks, and returns its length. */
function writeRun(control: u32, region: u32, block: u32, outPtr: u32, most: u32): u32 {
  const status = regionStatus(control, region);
  let last = block;
  while (last < REGION_BLOCKS && last - block < most && load<u8>(status + last) == PERSISTING) {
    store<u8>(status + last, WRITTEN);
    last++;
  }
  const count = last - block;
  store<u32>(outPtr, (region << REGION_BLOCK_SHIFT) | block);
  store<u32>(outPtr, count, 4);
  memory.copy(outPtr + RUN_HEADER, regionBase(control, region) + (block << BLOCK_SHIFT), count << BLOCK_SHIFT);
  return count;
}

/** Gives up the last snapshot, drained or not: all that it holds will be in the next one. */
export function snapshotAbort(): void {
  const control = arenaControlPtr();
  const back = i8x16(0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  for (let region: u32 = 0; region < load<u32>(control, REGION_COUNT); region++) {
    const flagPtr = load<u32>(control, FLAGS) + region;
    if ((load<u8>(flagPtr) & IN_SNAPSHOT) == 0) continue;
    translate(regionStatus(control, region), back);
    store<u8>(flagPtr, HAS_DIRTY);
  }
  while (popCapture() != 0) {}
  store<u32>(control, 0, ACTIVE);
  store<u32>(control, 0, SPOILED);
}

/**
 * Puts runs back. The runs must end where `bytes` end. After the last call of a restore comes arenaReopen.
 * 0, CORRUPT or OUT_OF_MEMORY.
 */
export function restoreRuns(ptr: u32, bytes: u32): i32 {
  const control = arenaControlPtr();
  const end = ptr + bytes;
  let at = ptr;
  while (at < end) {
    if (end - at < RUN_HEADER) return CORRUPT;
    const block = load<u32>(at) & (REGION_BLOCKS - 1);
    const region = load<u32>(at) >> REGION_BLOCK_SHIFT;
    const count = load<u32>(at, 4);
    at += RUN_HEADER;
    if (count == 0 || count > REGION_BLOCKS - block || (end - at) >> BLOCK_SHIFT < count) return CORRUPT;
    while (load<u32>(control, REGION_COUNT) <= region) {
      if (mapRegion() < 0) return OUT_OF_MEMORY;
    }
    memory.copy(regionBase(control, region) + (block << BLOCK_SHIFT), at, count << BLOCK_SHIFT);
    memory.fill(regionStatus(control, region) + block, CLEAN, count);
    at += count << BLOCK_SHIFT;
  }
  return 0;
}

/** Makes the next snapshot hold every block of every used page. Not while a snapshot is being drained. */
export function snapshotWhole(): void {
  const control = arenaControlPtr();
  for (let region: u32 = 0; region < load<u32>(control, REGION_COUNT); region++) {
    const base = regionBase(control, region);
    const status = regionStatus(control, region);
    for (let block: u32 = 0; block < REGION_BLOCKS; block += PAGE_BLOCKS) {
      if (isPageUsed(base, block / PAGE_BLOCKS)) memory.fill(status + block, DIRTY, PAGE_BLOCKS);
    }
    const flagPtr = load<u32>(control, FLAGS) + region;
    store<u8>(flagPtr, load<u8>(flagPtr) | HAS_DIRTY);
  }
}
