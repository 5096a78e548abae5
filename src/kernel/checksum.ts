/** The door to XXH64: the checksum of segments and manifests. */
import type { Ptr } from '../data/record-batch.ts';
import type { KernelInstance } from './instance.ts';

const BYTES_INITIAL = 64 * 1024;

export class Checksum {
  readonly #kernels: KernelInstance;
  readonly #function: (ptr: number, bytes: number, outPtr: number) => number;
  readonly #out: Ptr;
  /** Where bytes of the host are put to be read. */
  #bytes: Ptr;
  #capacity = BYTES_INITIAL;

  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.#function = kernels.function('checksum');
    this.#out = kernels.memory.allocate(8);
    this.#bytes = kernels.memory.allocate(this.#capacity);
  }

  /** XXH64 of [ptr, ptr + bytes) as 16 hexadecimal digits. */
  of(ptr: Ptr, bytes: number): string {
    this.write(ptr, bytes, this.#out);
    const words = this.#kernels.memory.u32;
    const hex = (word: number | undefined): string => (word ?? 0).toString(16).padStart(8, '0');
    return hex(words[(this.#out >>> 2) + 1]) + hex(words[this.#out >>> 2]);
  }

  /** Writes it, 8 bytes little-endian, to outPtr (a multiple of 4). */
  write(ptr: Ptr, bytes: number, outPtr: Ptr): void {
    this.#function(ptr, bytes, outPtr);
  }

  /** Whether the 8 bytes at expectedPtr (a multiple of 4) are the checksum of [ptr, ptr + bytes). */
  matches(ptr: Ptr, bytes: number, expectedPtr: Ptr): boolean {
    this.write(ptr, bytes, this.#out);
    const words = this.#kernels.memory.u32;
    const [out, expected] = [this.#out >>> 2, expectedPtr >>> 2];
    return words[out] === words[expected] && words[out + 1] === words[expected + 1];
  }

  /** Of bytes of the host, which are copied in. */
  ofBytes(bytes: Uint8Array): string {
    if (bytes.length > this.#capacity) {
      this.#capacity = Math.max(bytes.length, this.#capacity * 2);
      this.#bytes = this.#kernels.memory.allocate(this.#capacity);
    }
    this.#kernels.memory.u8.set(bytes, this.#bytes);
    return this.of(this.#bytes, bytes.length);
  }
}
