/**
 * A checkpoint store in memory, with the exact semantics of the port and the losses that a medium may show.
 *
 *   MemoryMedium   what outlives a process: blobs, the owner's epoch
 *   MemoryStore    one process's connection to it; several may stand at once (a zombie beside its successor)
 *
 *   createSegment -> open --seal--> sealed --publish (any)--> durable
 *                      |               |
 *        lost by a crash               may be lost by a power loss
 *
 * Invariants
 *  1. An open segment is seen by nobody and is lost when its process crashes, is fenced or releases the store.
 *  2. A power loss takes each sealed segment that no publish has followed, or leaves it, by the random; a removal that
 *     no publish has followed may be undone. Nothing else is lost.
 *  3. Effects happen at the call, whole; what is handed in or out is copied.
 * Not here: crashes inside a call (crash-points.ts puts them before and after each), torn writes (the simulated disk).
 */
import { assert } from '../base/assert.ts';
import { ExternalError } from '../base/errors.ts';
import { below, type Random } from '../base/random.ts';
import type { BlobInfo, CheckpointStore, SegmentWriter } from '../state/checkpoint-store.ts';

interface StoredBlob {
  bytes: Uint8Array;
  isDurable: boolean;
}

/** What outlives processes. Also the place where a test damages it. */
export class MemoryMedium {
  readonly location: string;
  epoch = 0;
  readonly blobs = new Map<string, StoredBlob>();
  /** Names of segments being written, with the epoch that writes them. */
  readonly open = new Map<string, number>();
  /** Removed blobs whose removal no publish has followed. */
  readonly removed = new Map<string, Uint8Array>();

  constructor(location = 'memory') {
    this.location = location;
  }

  /** Every process is gone: open segments are lost, sealed ones stay. */
  crash(): void {
    this.open.clear();
  }

  /** As crash; besides, what no publish has followed is lost or kept, each by itself. */
  powerLoss(random: Random): void {
    this.crash();
    for (const [name, blob] of this.blobs) {
      if (!blob.isDurable && below(random, 2) === 0) this.blobs.delete(name);
    }
    for (const [name, bytes] of this.removed) {
      if (below(random, 2) === 0 && !this.blobs.has(name)) this.blobs.set(name, { bytes, isDurable: true });
    }
    this.removed.clear();
  }

  /** Damage: inverts the bits of `mask` in one byte. */
  flip(name: string, offset: number, mask = 0x01): void {
    const { bytes } = this.#require(name);
    assert(offset >= 0 && offset < bytes.length, `byte ${offset} of ${name}, which has ${bytes.length}`);
    bytes[offset] = (bytes[offset] ?? 0) ^ mask;
  }

  /** Damage: keeps the first `length` bytes. */
  truncate(name: string, length: number): void {
    const blob = this.#require(name);
    assert(length >= 0 && length < blob.bytes.length, `${length} bytes of ${name}, which has ${blob.bytes.length}`);
    blob.bytes = blob.bytes.slice(0, length);
  }

  /** Damage: the blob is gone without anybody having removed it. */
  lose(name: string): void {
    this.#require(name);
    this.blobs.delete(name);
  }

  #require(name: string): StoredBlob {
    const blob = this.blobs.get(name);
    assert(blob !== undefined, `no blob ${name} to damage; there are: ${[...this.blobs.keys()].join(', ')}`);
    return blob;
  }
}

/** One process's connection to a medium in memory; fenced by the next. */
export class MemoryStore implements CheckpointStore {
  readonly medium: MemoryMedium;
  /** 0 until acquired and after release. */
  #epoch = 0;
  #isDead = false;

  constructor(medium = new MemoryMedium()) {
    this.medium = medium;
  }

  get location(): string {
    return this.medium.location;
  }

  /** The process of this store dies; the result is the store as a new process finds it. */
  crash(): MemoryStore {
    this.#isDead = true;
    this.medium.crash();
    return new MemoryStore(this.medium);
  }

  async acquire(): Promise<number> {
    this.#requireAlive();
    this.#epoch = ++this.medium.epoch;
    this.medium.open.clear();
    return this.#epoch;
  }

  async list(): Promise<readonly BlobInfo[]> {
    this.#requireAlive();
    return [...this.medium.blobs]
      .map(([name, { bytes }]) => ({ name, bytes: bytes.length }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    this.#requireAlive();
    const blob = this.medium.blobs.get(name);
    if (blob === undefined) {
      throw new ExternalError('E1501', { path: `${this.location}/${name}`, problem: 'there is no such blob' });
    }
    return blob.bytes.slice(offset, offset + length);
  }

  async createSegment(name: string): Promise<SegmentWriter> {
    this.#requireOwner();
    const { medium } = this;
    if (medium.blobs.has(name) || medium.open.has(name)) {
      throw new ExternalError('E1502', { path: `${this.location}/${name}`, problem: 'a blob of this name exists' });
    }
    medium.open.set(name, this.#epoch);
    return this.#segment(name);
  }

  #segment(name: string): SegmentWriter {
    const { medium } = this;
    const parts: Uint8Array[] = [];
    const requireOpen = (): void => {
      this.#requireOwner();
      assert(medium.open.get(name) === this.#epoch, `segment ${name} is sealed or given up`);
    };
    return {
      name,
      append: async (bytes) => {
        requireOpen();
        parts.push(bytes.slice());
      },
      seal: async () => {
        requireOpen();
        medium.open.delete(name);
        medium.blobs.set(name, { bytes: joined(parts), isDurable: false });
      },
      abandon: async () => {
        if (medium.open.get(name) === this.#epoch) medium.open.delete(name);
      },
    };
  }

  async publish(name: string, bytes: Uint8Array): Promise<void> {
    this.#requireOwner();
    this.medium.blobs.set(name, { bytes: bytes.slice(), isDurable: true });
    for (const blob of this.medium.blobs.values()) blob.isDurable = true;
    this.medium.removed.clear();
  }

  async remove(names: readonly string[]): Promise<void> {
    this.#requireOwner();
    for (const name of names) {
      const blob = this.medium.blobs.get(name);
      if (blob?.isDurable === true) this.medium.removed.set(name, blob.bytes);
      this.medium.blobs.delete(name);
    }
  }

  async release(): Promise<void> {
    this.#requireAlive();
    for (const [name, epoch] of this.medium.open) {
      if (epoch === this.#epoch) this.medium.open.delete(name);
    }
    this.#epoch = 0;
  }

  #requireAlive(): void {
    assert(!this.#isDead, `the process that holds this store of ${this.location} has crashed`);
  }

  #requireOwner(): void {
    this.#requireAlive();
    assert(this.#epoch !== 0, `the store at ${this.location} is written before it is acquired`);
    const owner = this.medium.epoch;
    if (owner !== this.#epoch) {
      throw new ExternalError('E1404', { path: this.location, epoch: this.#epoch, owner });
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}
