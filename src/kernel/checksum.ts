/** The door to XXH64: the checksum of segments and manifests. */
import type { Ptr } from '../data/record-batch.ts';
import type { KernelInstance } from './instance.ts';

export class Checksum {
  readonly #kernels: KernelInstance;
  readonly #function: (ptr: number, bytes: number, outPtr: number) => number;
  readonly #out: Ptr;

  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.#function = kernels.function('checksum');
    this.#out = kernels.memory.allocate(8);
  }

  /** XXH64 of [ptr, ptr + bytes) as 16 hexadecimal digits. */
  of(ptr: Ptr, bytes: number): string {
    this.#function(ptr, bytes, this.#out);
    const words = this.#kernels.memory.u32;
    const hex = (word: number | undefined): string => (word ?? 0).toString(16).padStart(8, '0');
    return hex(words[(this.#out >>> 2) + 1]) + hex(words[this.#out >>> 2]);
  }
}
