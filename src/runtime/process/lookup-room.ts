/** Linear memory for one key at a time, which grows with the largest. */
import type { Ptr } from '../../data/record-batch.ts';
import type { LinearMemory } from '../../kernel/memory.ts';

const FIRST_BYTES = 256;

export class LookupRoom {
  readonly #memory: LinearMemory;
  #capacity = FIRST_BYTES;
  #at: Ptr;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
    this.#at = memory.allocate(FIRST_BYTES);
  }

  /** Where the bytes lie until the next call. */
  put(bytes: Uint8Array): Ptr {
    if (bytes.length > this.#capacity) {
      this.#capacity = Math.max(bytes.length, this.#capacity * 2);
      this.#at = this.#memory.allocate(this.#capacity);
    }
    this.#memory.u8.set(bytes, this.#at);
    return this.#at;
  }
}
