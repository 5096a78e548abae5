/**
 * Record batches as byte arrays that leave linear memory: over channels between workers, and into checkpoints as
 * in-flight data.
 *
 * Invariants
 *  1. `encode` answers a copy that the caller owns; a decoded batch is borrowed until the next call on the same
 *     serializer.
 *  2. Memory for the bytes grows by at least double, so that what is left behind is never more than what is in use.
 * Not here: the format (assembly/codec/batch.ts), checksums (whoever stores or sends the bytes).
 */
import { assert } from '../../base/assert.ts';
import type { Ptr, RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { OUTPUT_FULL } from '../../kernel/abi.ts';
import { BatchCodec } from '../../kernel/batch-codec.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { LinearMemory } from '../../kernel/memory.ts';

export class BatchSerializer {
  readonly #codec: BatchCodec;
  readonly #memory: LinearMemory;
  #at: Ptr = 0;
  #capacity = 0;

  constructor(kernels: KernelInstance, schema: TableSchema) {
    this.#codec = new BatchCodec(kernels, schema);
    this.#memory = kernels.memory;
  }

  encode(batch: RecordBatch): Uint8Array {
    let bytes = this.#codec.encode(batch, this.#at, this.#capacity);
    if (bytes === OUTPUT_FULL) {
      this.#reserve(this.#codec.encodedBytes(batch));
      bytes = this.#codec.encode(batch, this.#at, this.#capacity);
    }
    assert(bytes >= 0, `a batch of ${batch.selected} rows does not fit the bytes measured for it`);
    return this.#memory.u8.slice(this.#at, this.#at + bytes);
  }

  /**
   * Undefined when the bytes are not a batch of this schema: they come from elsewhere, so the caller says what that
   * means.
   */
  tryDecode(bytes: Uint8Array): RecordBatch | undefined {
    this.#reserve(bytes.length);
    this.#memory.u8.set(bytes, this.#at);
    return this.#codec.tryDecode(this.#at, bytes.length);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#capacity) return;
    this.#capacity = Math.max(bytes, this.#capacity * 2);
    this.#at = this.#memory.allocate(this.#capacity);
  }
}
