/**
 * Texts in transient memory that live together: kept one by one, forgotten all at once.
 *
 * Invariant: what is kept stays where it is until `reset`; the memory is used again after it.
 */
import type { Ptr } from '../data/record-batch.ts';
import type { LinearMemory } from './memory.ts';

const CHUNK_BYTES = 1 << 16;

export class TextArea {
  readonly #memory: LinearMemory;
  readonly #chunks: { readonly ptr: Ptr; readonly bytes: number }[] = [];
  #chunk = 0;
  #used = 0;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  reset(): void {
    this.#chunk = 0;
    this.#used = 0;
  }

  /** Keeps a copy of these bytes; where it lies. */
  keep(text: Uint8Array): Ptr {
    while ((this.#chunks[this.#chunk]?.bytes ?? Infinity) - this.#used < text.length) {
      this.#chunk++;
      this.#used = 0;
    }
    let chunk = this.#chunks[this.#chunk];
    if (chunk === undefined) {
      const bytes = Math.max(CHUNK_BYTES, text.length);
      chunk = { ptr: this.#memory.allocate(bytes), bytes };
      this.#chunks.push(chunk);
    }
    const at = chunk.ptr + this.#used;
    this.#memory.u8.set(text, at);
    this.#used += text.length;
    return at;
  }
}
