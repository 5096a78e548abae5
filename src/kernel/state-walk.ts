/**
 * The door to walks over a state (assembly/heaviest.ts): what each of its keys takes, a bounded number of entries a call.
 *
 * Invariants
 *  1. What `next` answers is read before anything else is called; the state does not change during a walk.
 */
import type { Ptr } from '../data/record-batch.ts';
import type { KernelInstance } from './instance.ts';

// Offsets of assembly/heaviest.ts.
const WALK_BYTES = 24;
const WALK_WEIGHT = 16;
const FOUND_BYTES = 20;
const FOUND_MAX = 1024;
const HASH_BITS = 32;
const WITHOUT_END = 0xffff_ffff;

export interface FoundEntry {
  /** A view of the key's bytes; 8 of an integer. */
  readonly key: Uint8Array;
  readonly bytes: number;
  readonly entries: number;
}

export class StateWalk {
  readonly #kernels: KernelInstance;
  readonly #walk: Ptr;
  readonly #found: Ptr;
  readonly #next: (state: number, walk: number, out: number, max: number, shift: number, share: number) => number;

  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.#walk = kernels.memory.allocate(WALK_BYTES);
    this.#found = kernels.memory.allocate(FOUND_MAX * FOUND_BYTES);
    this.#next = kernels.function('stateWalk');
  }

  /** Bytes of all entries that `entries` answers: for some nanoseconds an entry. */
  weight(state: number, bits: number, share: number): number {
    const { memory } = this.#kernels;
    memory.u8.fill(0, this.#walk, this.#walk + WALK_BYTES);
    this.#next(state, this.#walk, 0, WITHOUT_END, HASH_BITS - bits, share);
    return memory.f64[(this.#walk + WALK_WEIGHT) >>> 3] ?? 0;
  }

  /** All entries whose hash begins with these `bits` bits. An entry stands for one key; a key may have several. */
  *entries(state: number, bits: number, share: number): Generator<FoundEntry> {
    const { memory } = this.#kernels;
    memory.u8.fill(0, this.#walk, this.#walk + WALK_BYTES);
    for (;;) {
      const found = this.#next(state, this.#walk, this.#found, FOUND_MAX, HASH_BITS - bits, share);
      if (found === 0) return;
      for (let i = 0; i < found; i++) {
        const { u8, u32 } = memory;
        const at = (this.#found + i * FOUND_BYTES) >>> 2;
        const key = u32[at] ?? 0;
        yield { key: u8.subarray(key, key + (u32[at + 1] ?? 0)), bytes: u32[at + 3] ?? 0, entries: u32[at + 4] ?? 0 };
      }
    }
  }
}
