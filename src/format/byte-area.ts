/**
 * Bytes that views of a batch point at, in areas of linear memory that are used again after `reset`.
 *
 * Texts are gathered in one string and encoded together, which costs less than a call or a loop for each; until then their
 * views hold where they begin in that string.
 *
 * Invariants
 *  1. What was put stays where it is until `reset`; areas are added, never moved.
 *  2. Views of texts are right after `settle`, and only then.
 *  3. What was put since the last `keep` is forgotten by `revert`: views of a row that was not finished mean nothing.
 */
import type { Ptr } from '../data/record-batch.ts';
import type { LinearMemory } from '../kernel/memory.ts';

const AREA_BYTES = 256 * 1024;
/** Longer texts are encoded by themselves. */
const GATHERED_CHARS_MAX = 512;
/** Gathered texts are encoded when they have so many characters: while they are in the processor's cache. */
const CHARS_MAX = 4096;

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
  /** Texts that are not encoded yet, and their views. */
  #text = '';
  readonly #views: Ptr[] = [];
  #count = 0;
  /** Of those, what belongs to rows that are whole. */
  #keptChars = 0;
  #keptCount = 0;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  reset(): void {
    this.#used = 0;
    this.#at = 0;
    this.#end = 0;
    this.#forget();
  }

  /** Puts UTF-8 of `text`; `settle` makes the view {ptr, len} at `viewPtr` right. Lone surrogates become U+FFFD. */
  putText(viewPtr: Ptr, text: string): void {
    if (text.length > GATHERED_CHARS_MAX) {
      this.#encode(viewPtr, text);
      return;
    }
    const { u32 } = this.#memory;
    u32[viewPtr >>> 2] = this.#text.length;
    u32[(viewPtr >>> 2) + 1] = text.length;
    this.#text += text;
    this.#views[this.#count++] = viewPtr;
  }

  /** The row is whole: its texts stay. */
  keep(): void {
    if (this.#text.length > CHARS_MAX) this.settle();
    this.#keptChars = this.#text.length;
    this.#keptCount = this.#count;
  }

  /** Forgets the texts of a row that was not finished. */
  revert(): void {
    if (this.#count === this.#keptCount) return;
    this.#text = this.#text.slice(0, this.#keptChars);
    this.#count = this.#keptCount;
  }

  /** Encodes what was gathered. */
  settle(): void {
    if (this.#count === 0) return;
    const start = this.#reserve(this.#text.length * 3);
    const room = this.#memory.u8.subarray(start, start + this.#text.length * 3);
    const { written } = this.#encoder.encodeInto(this.#text, room);
    const isAscii = written === this.#text.length;
    if (isAscii) this.#moveViews(start);
    else this.#encodeEach();
    if (isAscii) this.#at = start + written;
    this.#forget();
  }

  #moveViews(start: Ptr): void {
    const { u32 } = this.#memory;
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#views[i] ?? 0) >>> 2;
      u32[at] = start + (u32[at] ?? 0);
    }
  }

  /** Each by itself: how many bytes it takes is its own, and two halves of a surrogate pair in neighbours are no character. */
  #encodeEach(): void {
    for (let i = 0; i < this.#count; i++) {
      const viewPtr = this.#views[i] ?? 0;
      const { u32 } = this.#memory;
      const from = u32[viewPtr >>> 2] ?? 0;
      this.#encode(viewPtr, this.#text.slice(from, from + (u32[(viewPtr >>> 2) + 1] ?? 0)));
    }
  }

  #forget(): void {
    this.#text = '';
    this.#count = 0;
    this.#keptChars = 0;
    this.#keptCount = 0;
  }

  #encode(viewPtr: Ptr, text: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const start = this.#reserve(text.length * 3);
    const room = this.#memory.u8.subarray(start, start + text.length * 3);
    this.#finish(viewPtr, start, this.#encoder.encodeInto(text, room).written);
  }

  /** Puts a copy of `bytes` and writes the view at `viewPtr`. */
  putBytes(viewPtr: Ptr, bytes: Uint8Array): void {
    const start = this.#reserve(bytes.length);
    this.#memory.u8.set(bytes, start);
    this.#finish(viewPtr, start, bytes.length);
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
