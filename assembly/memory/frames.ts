/**
 * Frames: linear memory in units of 1 MiB, handed out to two kinds of owners.
 *
 *   0          heapBase      statusBase                     framesBase = k * 1 MiB
 *   +----------+-------------+------------------------------+---------+---------+---- ... ----+
 *   | static   | control     | block status, 1 byte for each | frame k | frame   |   up to the maximum
 *   | data     | (128 bytes) | 64 bytes of all memory        |         | k+1     |   given at init
 *   +----------+-------------+------------------------------+---------+---------+---- ... ----+
 *
 * Invariants
 *  1. A frame is either state (belongs to the arena: its blocks have a dirty status and are checkpointed) or transient
 *     (input chunks, column buffers, scratch: never checkpointed). The kind is fixed until `memoryInit`.
 *  2. Frames never move. State is addressed through the arena's region table, so that its regions may.
 *  3. Transient memory is only released all at once (`memoryInit`) or back to a mark; state frames are recycled by the
 *     arena.
 *  4. The block status of an address p is the byte at statusBase + (p >>> 6), for state and transient memory alike; the
 *     statuses of transient blocks stay 0 and mean nothing.
 * Not here: what state frames hold (arena.ts), the host's views on memory (src/kernel/memory.ts).
 */

export const FRAME_BYTES: u32 = 1 << 20;
export const FRAME_SHIFT: u32 = 20;
/**
 * 64 bytes: scattered updates of 28-byte entries then write 3.5 times what changed; with 128 it was 5.7, with 0.8%
 * less memory.
 */
export const BLOCK_SHIFT: u32 = 6;
const CONTROL_BYTES: u32 = 128;
/** Memory grows in steps of this many frames, so that growing is rare; the last step may be smaller. */
const GROW_FRAMES: u32 = 16;

// Control fields, offsets from controlPtr.
const MAX_FRAMES: u32 = 0;
const NEXT_FRAME: u32 = 4;
const STATUS_BASE: u32 = 8;
const TRANSIENT_AT: u32 = 12;
const TRANSIENT_END: u32 = 16;
/** First word that the arena may use (offset 32 of control), up to CONTROL_BYTES. */
export const ARENA_CONTROL: u32 = 32;

function controlPtr(): u32 {
  return (<u32>__heap_base + 127) & ~127;
}

export function arenaControlPtr(): u32 {
  return controlPtr() + ARENA_CONTROL;
}

export function statusBase(): u32 {
  return load<u32>(controlPtr(), STATUS_BASE);
}

/**
 * Lays memory out for at most `maxFrames` frames (1 MiB each, system frames included) and forgets everything in it.
 * Returns the number of system frames, or OUT_OF_MEMORY when not even those can be had.
 */
export function memoryInit(maxFrames: u32): i32 {
  const control = controlPtr();
  const status = control + CONTROL_BYTES;
  const statusBytes = maxFrames << (FRAME_SHIFT - BLOCK_SHIFT);
  const systemFrames = (status + statusBytes + FRAME_BYTES - 1) >> FRAME_SHIFT;
  if (systemFrames > maxFrames || !ensureFrames(systemFrames)) return -1;
  // Memory that was never used is zero, and takes no room until it is written.
  const isSame = load<u32>(control, MAX_FRAMES) == maxFrames;
  const used = isSame ? load<u32>(control, NEXT_FRAME) << (FRAME_SHIFT - BLOCK_SHIFT) : statusBytes;
  memory.fill(control, 0, CONTROL_BYTES + (load<u32>(control, MAX_FRAMES) == 0 ? 0 : used));
  store<u32>(control, maxFrames, MAX_FRAMES);
  store<u32>(control, systemFrames, NEXT_FRAME);
  store<u32>(control, status, STATUS_BASE);
  return systemFrames;
}

/** Makes memory at least `frames` long. */
function ensureFrames(frames: u32): bool {
  const pages = frames << (FRAME_SHIFT - 16);
  const have = <u32>memory.size();
  if (pages <= have) return true;
  return memory.grow(pages - have) >= 0;
}

/** `count` contiguous frames, zeroed only when never used before; 0 when the maximum is reached. */
export function takeFrames(count: u32): u32 {
  const control = controlPtr();
  const first = load<u32>(control, NEXT_FRAME);
  const end = first + count;
  const most = load<u32>(control, MAX_FRAMES);
  if (end > most || end < first) return 0;
  const have = <u32>memory.size() >> (FRAME_SHIFT - 16);
  if (end > have) {
    const ahead = min<u32>(most, max<u32>(end, have + GROW_FRAMES));
    if (!ensureFrames(ahead) && !ensureFrames(end)) return 0;
  }
  store<u32>(control, end, NEXT_FRAME);
  return first << FRAME_SHIFT;
}

/** Transient bytes, aligned to 64, owned by the caller until release or init; 0 when memory is used up. */
export function transientAlloc(bytes: u32): u32 {
  const control = controlPtr();
  const size = (bytes + 63) & ~63;
  let at = load<u32>(control, TRANSIENT_AT);
  let end = load<u32>(control, TRANSIENT_END);
  if (end - at < size) {
    const frames = max<u32>(1, (size + FRAME_BYTES - 1) >> FRAME_SHIFT);
    const taken = takeFrames(frames);
    if (taken == 0) return 0;
    // A run that continues the last one extends it; otherwise the rest of the last one is left unused.
    if (taken != end) at = taken;
    end = taken + (frames << FRAME_SHIFT);
    store<u32>(control, end, TRANSIENT_END);
  }
  store<u32>(control, at + size, TRANSIENT_AT);
  return at;
}

/** Most frames that this memory may have, as given at init. */
export function framesMax(): u32 {
  return load<u32>(controlPtr(), MAX_FRAMES);
}

/** Frames handed out so far, system frames included. */
export function framesTaken(): u32 {
  return load<u32>(controlPtr(), NEXT_FRAME);
}
