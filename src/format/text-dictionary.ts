/**
 * Strings of texts that repeat in a column, from batch to batch: a kernel finds which slot holds the bytes of each row, and
 * for each slot there is at most one string.
 *
 * Invariants
 *  1. What is answered for a row is a string of exactly its bytes (the kernel compares them), or undefined.
 *  2. When more than half of a batch's texts are met for the first time, the kernel rests for the next batches: for texts
 *     that do not repeat there is nothing to find.
 * Not here: making strings (text-reader.ts).
 */
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../data/record-batch.ts';
import type { KernelInstance } from '../kernel/instance.ts';

/** As in assembly/hash/intern.ts. */
const SLOTS = 4096;
const SLOT_BYTES = 64;
const REST_BATCHES = 64;

export class TextDictionary {
  readonly #kernels: KernelInstance;
  readonly #intern: (...args: number[]) => number;
  readonly #table: Ptr;
  readonly #ids: Ptr;
  readonly #fresh: Ptr;
  #epoch = 0;
  #rest = 0;
  /** By slot, filled by those who make them; the last one is that of texts without a slot and stays undefined. */
  readonly strings: (string | undefined)[] = Array.from({ length: SLOTS + 1 });

  /** Takes 290 KB of transient memory, so views that were taken before may be dead. */
  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.#intern = kernels.function('internTexts');
    const { memory } = kernels;
    this.#table = memory.allocate(SLOTS * SLOT_BYTES);
    this.#ids = memory.allocate(BATCH_ROWS_MAX * 4);
    this.#fresh = memory.allocate(BATCH_ROWS_MAX * 4);
    memory.u8.fill(0, this.#table, this.#table + SLOTS * SLOT_BYTES);
  }

  /** Where the slots of the rows are, u32 a row number; 0: they were not looked for. Valid until the next call. */
  find({ values, validity }: ColumnVector, { selection, selected }: RecordBatch): Ptr {
    if (this.#rest > 0) {
      this.#rest--;
      return 0;
    }
    // Of 2^32 batches the first epoch again would be that of slots used long ago: harmless, but 0 is that of empty ones.
    this.#epoch = (this.#epoch + 1) >>> 0 || 1;
    const fresh = this.#intern(values, validity, selection, selected, this.#table, this.#epoch, this.#ids, this.#fresh);
    const { u32 } = this.#kernels.memory;
    const from = this.#fresh >>> 2;
    for (let i = from; i < from + fresh; i++) this.strings[u32[i] ?? SLOTS] = undefined;
    if (fresh * 2 > selected) this.#rest = REST_BATCHES;
    return this.#ids;
  }
}
