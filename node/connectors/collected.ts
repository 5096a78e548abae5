/** Chunks, one behind the other: for those who look at the beginning of a content before it is read. */
import type { ChunkTarget } from './chunks.ts';

export class Collected implements ChunkTarget {
  #parts: Uint8Array[] = [];
  #space = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  space(bytes: number): Uint8Array {
    this.#space = new Uint8Array(bytes);
    return this.#space;
  }

  pushed(bytes: number): void {
    this.#add(this.#space.subarray(0, bytes));
  }

  push(bytes: Uint8Array): void {
    this.#add(bytes.slice());
  }

  /** All of them. */
  bytes(): Uint8Array {
    const whole = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = whole === undefined ? [] : [whole];
    return whole ?? new Uint8Array(0);
  }

  /** The part that came last. */
  last(): Uint8Array {
    return this.#parts.at(-1) ?? new Uint8Array(0);
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}
