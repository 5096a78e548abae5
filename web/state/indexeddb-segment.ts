/**
 * A segment on its way into IndexedDB: bytes are gathered into chunks, full chunks are written as they come.
 *
 * Invariants
 *  1. Bytes are stored in the order of the appends, also when an append is not awaited before the next.
 *  2. After a failure the segment accepts nothing more but `abandon`.
 */
import { assert } from '../../src/base/assert.ts';
import type { SegmentWriter } from '../../src/state/checkpoint-store.ts';
import { CHUNK_BYTES, chunksOf, type OwnerRow, putChunks, type StateTransaction } from './indexeddb-schema.ts';

/** Runs one writing transaction of the owner that made the segment. */
export type OwnerTransaction = <T>(body: (tx: StateTransaction, owner: OwnerRow) => Promise<T>) => Promise<T>;

export class IndexedDbSegment implements SegmentWriter {
  readonly name: string;
  readonly #id: number;
  readonly #write: OwnerTransaction;
  readonly #gathered = new Uint8Array(CHUNK_BYTES);
  #gatheredBytes = 0;
  #chunks = 0;
  #state: 'open' | 'sealed' | 'given up' = 'open';
  /** The last write; rejected for good when one failed. */
  #tail: Promise<void> = Promise.resolve();

  constructor(name: string, id: number, write: OwnerTransaction) {
    this.name = name;
    this.#id = id;
    this.#write = write;
  }

  async append(bytes: Uint8Array): Promise<void> {
    assert(this.#state === 'open', `segment ${this.name} is ${this.#state}`);
    const full = this.#gather(bytes);
    if (full.length === 0) return this.#tail;
    const first = this.#chunks;
    this.#chunks += full.length / CHUNK_BYTES;
    return this.#enqueue((tx) => putChunks(tx, this.#id, first, full));
  }

  async seal(): Promise<void> {
    assert(this.#state === 'open', `segment ${this.name} is ${this.#state}`);
    this.#state = 'sealed';
    const rest = this.#gathered.subarray(0, this.#gatheredBytes);
    const bytes = this.#chunks * CHUNK_BYTES + rest.length;
    return this.#enqueue(async (tx) => {
      await putChunks(tx, this.#id, this.#chunks, rest);
      await tx.objectStore('open').delete(this.#id);
      await tx.objectStore('blobs').put({ name: this.name, id: this.#id, bytes });
    });
  }

  async abandon(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'given up';
    await this.#tail.catch(() => {});
    await this.#write(async (tx) => {
      await tx.objectStore('chunks').delete(chunksOf(this.#id));
      await tx.objectStore('open').delete(this.#id);
    });
  }

  #enqueue(body: (tx: StateTransaction) => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(() => this.#write(body));
    // Whoever appends or seals next hears of it; nobody may.
    this.#tail.catch(() => {});
    return this.#tail;
  }

  /** Adds to the gathered bytes; answers with whole chunks, ready to be written, or with nothing. */
  #gather(bytes: Uint8Array): Uint8Array {
    const total = this.#gatheredBytes + bytes.length;
    const fullBytes = total - (total % CHUNK_BYTES);
    const full = new Uint8Array(fullBytes);
    const taken = Math.max(0, fullBytes - this.#gatheredBytes);
    if (fullBytes > 0) {
      full.set(this.#gathered.subarray(0, this.#gatheredBytes));
      full.set(bytes.subarray(0, taken), this.#gatheredBytes);
      this.#gatheredBytes = 0;
    }
    this.#gathered.set(bytes.subarray(taken), this.#gatheredBytes);
    this.#gatheredBytes = total - fullBytes;
    return full;
  }
}
