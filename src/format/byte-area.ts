/**
 * Bytes that views of a batch point at, in areas of linear memory that are used again after `reset`.
 *
 * Invariant: what was put stays where it is until `reset`; areas are added, never moved.
 */
import type { Ptr } from '../data/record-batch.ts';
import type { LinearMemory } from '../kernel/memory.ts';

const AREA_BYTES = 256 * 1024;

interface Area {
  readonly ptr: Ptr;
  readonly bytes: number;
}

export class ByteArea {
  readonly #memory: LinearMemory;
  readonly #encoder = new TextEncoder();
  readonly #areas: Area[] = [];
  #used = 0;
  #at: Ptr = 0;
  #end: Ptr = 0;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  reset(): void {
    this.#used = 0;
    this.#at = 0;
    this.#end = 0;
  }

  /** Puts UTF-8 of `text` and writes the view {ptr, len} at `viewPtr`. Always true. Lone surrogates become U+FFFD. */
  putText(viewPtr: Ptr, text: string): boolean {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const start = this.#reserve(text.length * 3);
    const u8 = this.#memory.u8;
    const ascii = text.length <= 24 ? putShortAscii(u8, start, text) : -1;
    this.#finish(
      viewPtr,
      start,
      ascii >= 0 ? ascii : this.#encoder.encodeInto(text, u8.subarray(start, start + text.length * 3)).written,
    );
    return true;
  }

  /** Puts a copy of `bytes` and writes the view at `viewPtr`. Always true. */
  putBytes(viewPtr: Ptr, bytes: Uint8Array): boolean {
    const start = this.#reserve(bytes.length);
    this.#memory.u8.set(bytes, start);
    this.#finish(viewPtr, start, bytes.length);
    return true;
  }

  #finish(viewPtr: Ptr, start: Ptr, length: number): void {
    this.#at = start + length;
    this.#memory.u32[viewPtr >>> 2] = start;
    this.#memory.u32[(viewPtr >>> 2) + 1] = length;
  }

  /** Where `bytes` bytes may be written: in the current area, the next one that is large enough, or another one. */
  #reserve(bytes: number): Ptr {
    while (this.#end - this.#at < bytes || this.#end === 0) {
      const next = this.#areas[this.#used] ?? this.#add(bytes);
      this.#used++;
      this.#at = next.ptr;
      this.#end = next.ptr + next.bytes;
    }
    return this.#at;
  }

  #add(bytes: number): Area {
    const size = Math.max(AREA_BYTES, bytes);
    const area = { ptr: this.#memory.allocate(size), bytes: size };
    this.#areas.push(area);
    return area;
  }
}

/** Bytes written, or -1 when a character is not ASCII. */
function putShortAscii(u8: Uint8Array, start: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return -1;
    u8[start + i] = unit;
  }
  return text.length;
}
