/**
 * Memory of one compiled expression: registers that come and go while compiling, and constants.
 *
 * Invariants
 *  1. A register holds BATCH_ROWS_MAX values of its width. Given back, it is handed out again for values of that width.
 *  2. A constant is 16 bytes of its value repeated, so that vector loads read it; a text is one view.
 */
import { BATCH_ROWS_MAX, type Ptr } from '../data/record-batch.ts';
import { Physical, widthOf } from '../data/types.ts';
import type { LinearMemory } from '../kernel/memory.ts';

export interface Register {
  readonly values: Ptr;
  readonly width: number;
}

/** As its physical type needs it: number for I32 and F64, bigint for I64, text for VIEW. */
export type Constant = boolean | number | bigint | string;

const CONSTANT_BYTES = 16;
const VALIDITY_BYTES = BATCH_ROWS_MAX / 8;

export class Registers {
  readonly #memory: LinearMemory;
  readonly #free: Register[] = [];

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  take(width: number): Register {
    const index = this.#free.findIndex((register) => register.width === width);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    return found ?? { values: this.#memory.allocate(BATCH_ROWS_MAX * width), width };
  }

  give(registers: readonly Register[]): void {
    this.#free.push(...registers);
  }

  /** A bitmap for BATCH_ROWS_MAX rows. */
  validity(): Ptr {
    return this.#memory.allocate(VALIDITY_BYTES);
  }

  /** One byte for each of BATCH_ROWS_MAX rows. */
  errors(): Ptr {
    return this.#memory.allocate(BATCH_ROWS_MAX);
  }

  constant(physical: Physical, value: Constant): Ptr {
    if (typeof value === 'string') return this.views([value]);
    const at = this.#memory.allocate(CONSTANT_BYTES);
    const { view } = this.#memory;
    for (let offset = 0; offset < CONSTANT_BYTES; offset += widthOf(physical)) {
      if (typeof value === 'boolean') view.setUint8(at + offset, value ? 1 : 0);
      else if (typeof value === 'bigint') view.setBigInt64(at + offset, value, true);
      else if (physical === Physical.I32) view.setInt32(at + offset, value, true);
      else view.setFloat64(at + offset, value, true);
    }
    return at;
  }

  /** What stands where the value of a null constant would. */
  noValue(): Ptr {
    return this.#zeros(CONSTANT_BYTES);
  }

  /** The validity of a null constant. */
  noValidity(): Ptr {
    return this.#zeros(VALIDITY_BYTES);
  }

  /** BATCH_ROWS_MAX copies of a constant. */
  writeOut(constant: Ptr, width: number): Ptr {
    const at = this.#memory.allocate(BATCH_ROWS_MAX * width);
    const { u8 } = this.#memory;
    for (let row = 0; row < BATCH_ROWS_MAX; row++) u8.copyWithin(at + row * width, constant, constant + width);
    return at;
  }

  /** Views on texts, one after the other. */
  views(texts: readonly string[]): Ptr {
    const views = this.#memory.allocate(Math.max(texts.length * 8, CONSTANT_BYTES));
    for (const [i, text] of texts.entries()) {
      const { at, bytes } = this.text(text);
      this.#memory.u32.set([at, bytes], views / 4 + i * 2);
    }
    return views;
  }

  text(text: string): { readonly at: Ptr; readonly bytes: number } {
    const encoded = new TextEncoder().encode(text);
    const at = this.#memory.allocate(encoded.length + 1);
    this.#memory.u8.set(encoded, at);
    return { at, bytes: encoded.length };
  }

  #zeros(bytes: number): Ptr {
    const at = this.#memory.allocate(bytes);
    this.#memory.u8.fill(0, at, at + bytes);
    return at;
  }
}
