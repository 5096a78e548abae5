/** Bytes that are all at hand, as chunks. */
import type { Chunks, ChunkTarget } from './chunks.ts';

export class ContentChunks implements Chunks {
  readonly #content: Uint8Array;
  readonly #chunkBytes: number;
  #at: number;

  /** From byte `at` of the content on. */
  constructor(content: Uint8Array, at: number, chunkBytes: number) {
    this.#content = content;
    this.#at = at;
    this.#chunkBytes = chunkBytes;
  }

  next(target: ChunkTarget): 'given' | 'end' {
    if (this.#at >= this.#content.length) return 'end';
    target.push(this.#content.subarray(this.#at, this.#at + this.#chunkBytes));
    this.#at += this.#chunkBytes;
    return 'given';
  }

  async ready(): Promise<void> {}

  async close(): Promise<void> {}
}
