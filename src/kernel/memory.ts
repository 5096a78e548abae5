/**
 * The host's side of one linear memory: views that survive growth, and transient allocation.
 *
 * Invariants
 *  1. Views are read through the getters each time they are needed across kernel calls: a kernel may grow memory, and
 *     growing detaches every earlier view.
 *  2. What `allocate` returns lives until `reset`; there is no free. Batches, chunks and scratch are allocated once, when
 *     a task opens.
 */
import { InternalError } from '../base/errors.ts';
import type { Ptr } from '../data/record-batch.ts';

export const FRAME_BYTES = 1 << 20;

export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly #allocate: (bytes: number) => number;
  #buffer: ArrayBuffer;
  #u8: Uint8Array;
  #u32: Uint32Array;
  #i32: Int32Array;
  #f64: Float64Array;
  #i64: BigInt64Array;
  #view: DataView;

  constructor(memory: WebAssembly.Memory, allocate: (bytes: number) => number) {
    this.memory = memory;
    this.#allocate = allocate;
    this.#buffer = memory.buffer;
    this.#u8 = new Uint8Array(this.#buffer);
    this.#u32 = new Uint32Array(this.#buffer);
    this.#i32 = new Int32Array(this.#buffer);
    this.#f64 = new Float64Array(this.#buffer);
    this.#i64 = new BigInt64Array(this.#buffer);
    this.#view = new DataView(this.#buffer);
  }

  #refresh(): void {
    // A detached view has no length; to ask the memory for its buffer costs more than all else that a row costs.
    if (this.#u8.length !== 0) return;
    this.#buffer = this.memory.buffer;
    this.#u8 = new Uint8Array(this.#buffer);
    this.#u32 = new Uint32Array(this.#buffer);
    this.#i32 = new Int32Array(this.#buffer);
    this.#f64 = new Float64Array(this.#buffer);
    this.#i64 = new BigInt64Array(this.#buffer);
    this.#view = new DataView(this.#buffer);
  }

  get u8(): Uint8Array {
    this.#refresh();
    return this.#u8;
  }

  get u32(): Uint32Array {
    this.#refresh();
    return this.#u32;
  }

  get i32(): Int32Array {
    this.#refresh();
    return this.#i32;
  }

  get f64(): Float64Array {
    this.#refresh();
    return this.#f64;
  }

  get i64(): BigInt64Array {
    this.#refresh();
    return this.#i64;
  }

  get view(): DataView {
    this.#refresh();
    return this.#view;
  }

  /** Transient bytes, zeroed only when never used before, aligned to 64. Throws when memory is used up: the caller sized it wrong. */
  allocate(bytes: number): Ptr {
    const ptr = this.#allocate(bytes) >>> 0;
    if (ptr === 0) throw new InternalError(`no ${bytes} bytes of transient memory left`);
    return ptr;
  }
}
