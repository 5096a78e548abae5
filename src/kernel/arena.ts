/**
 * The door to the arena: one per kernel instance, opened once after each reset. Names and messages are src/state's.
 *
 * Invariants
 *  1. Nothing here keeps an address across calls: the arena may move what it holds.
 *  2. `beginSnapshot` confirms the one before it; `abortSnapshot` puts everything of the last one back into the next.
 */
import { assert } from '../base/assert.ts';
import type { Ptr } from '../data/record-batch.ts';
import { CORRUPT, OUT_OF_MEMORY } from './abi.ts';
import type { KernelInstance } from './instance.ts';

export const PAGE_BYTES = 4096;
/** What a call of `drainSnapshot` needs at least: a run header and one block. */
export const DRAIN_BYTES_MIN = 8 + 64;

/** What is written at least when a byte of state has changed; assembly/memory/frames.ts has the same. */
export const BLOCK_BYTES = 64;

/** What the image of a block takes; assembly/memory/barrier.ts has the same. */
const IMAGE_BYTES = 8 + BLOCK_BYTES;

/** What a walk over a state needs. */
const SCAN_BYTES = 256;

export class Arena {
  readonly #begin: () => number;
  readonly #drain: (outPtr: number, maxBytes: number) => number;
  readonly #abort: () => number;
  readonly #restore: (ptr: number, bytes: number) => number;
  readonly #captured: () => number;
  readonly #kernels: KernelInstance;
  readonly #budgetBytes: number;
  #scratch: Ptr | undefined;

  /**
   * An empty arena of at most `budgetBytes`, rounded down to pages. Throws InternalError when memory has not even one
   * region.
   */
  constructor(kernels: KernelInstance, budgetBytes: number) {
    this.#kernels = kernels;
    this.#budgetBytes = budgetBytes;
    this.#begin = kernels.function('snapshotBegin');
    this.#drain = kernels.function('snapshotDrain');
    this.#abort = kernels.function('snapshotAbort');
    this.#restore = kernels.function('restoreRuns');
    this.#captured = kernels.function('snapshotCaptured');
    const status = kernels.function('arenaInit')(Math.floor(budgetBytes / PAGE_BYTES));
    assert(status === 0, `no memory for an arena: ${status}`);
  }

  /** Bytes of pages that states own. */
  usedBytes(): number {
    return (this.#kernels.function('arenaPages')() >>> 0) * PAGE_BYTES;
  }

  stateBytes(state: number): number {
    return (this.#kernels.function('statePages')(state) >>> 0) * PAGE_BYTES;
  }

  stateEntries(state: number): number {
    return this.#kernels.function('stateEntries')(state);
  }

  /** Different keys of a state; a key in several slices of windows counts in each. */
  stateKeys(state: number): number {
    return this.#kernels.function('stateKeys')(state);
  }

  /** Rows folded into all that a windowed state holds. */
  stateRows(state: number): number {
    return this.#kernels.function('stateRows')(state);
  }

  /** Drops all that a windowed state holds. */
  clear(state: number): void {
    this.#kernels.function('stateClear')(state);
  }

  /**
   * Whether what is counted while working equals a walk over all pages and entries of a state. For tests and
   * inspection.
   */
  countsHold(state: number): boolean {
    const pages = this.#kernels.function('scanPages')(state) >>> 0;
    return (
      pages * PAGE_BYTES === this.stateBytes(state)
      && this.#kernels.function('stateScan')(state, this.#scratchPtr()) === 1
    );
  }

  #scratchPtr(): Ptr {
    return (this.#scratch ??= this.#kernels.memory.allocate(SCAN_BYTES));
  }

  /** Makes the next snapshot hold all state, not only what changed. */
  markAllDirty(): void {
    this.#kernels.function('snapshotWhole')();
  }

  /** Freezes the image of all state. Returns how many blocks have changed since the last confirmed snapshot. */
  beginSnapshot(): number {
    return this.#begin() >>> 0;
  }

  /**
   * Copies the next runs of the image to `outPtr`: how many bytes, 0 when all is out, 'spoiled' when it must be
   * aborted.
   */
  drainSnapshot(outPtr: Ptr, maxBytes: number): number | 'spoiled' {
    assert(maxBytes >= DRAIN_BYTES_MIN, `${maxBytes} bytes are too few to drain a block`);
    const bytes = this.#drain(outPtr, maxBytes);
    return bytes === OUT_OF_MEMORY ? 'spoiled' : bytes;
  }

  abortSnapshot(): void {
    this.#abort();
  }

  /** Of the memory beside state, in [0, 1], what images take of blocks that were written before they were drained. */
  imageShare(): number {
    return ((this.#captured() >>> 0) * IMAGE_BYTES) / (this.#kernels.maxBytes - this.#budgetBytes);
  }

  /** Puts runs back; whole ones only. After the last comes `reopen`. */
  restoreRuns(ptr: Ptr, bytes: number): 'ok' | 'corrupt' | 'out of memory' {
    return meaning(this.#restore(ptr, bytes));
  }

  reopen(): 'ok' | 'corrupt' | 'out of memory' {
    return meaning(this.#kernels.function('arenaReopen')());
  }
}

function meaning(status: number): 'ok' | 'corrupt' | 'out of memory' {
  if (status === OUT_OF_MEMORY) return 'out of memory';
  return status === CORRUPT ? 'corrupt' : 'ok';
}
