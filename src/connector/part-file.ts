/**
 * One part on its way to the disk: takes blocks at once and writes them behind the caller's back, one after the other.
 *
 * Invariants
 *  1. The file is made with the first block; blocks reach it in the order of `append`.
 *  2. The first failure is kept: nothing is written after it, and every wait that follows throws it.
 */
import { assert } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';

interface Waiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

export class PartFile {
  readonly name: string;
  readonly #disk: Disk;
  readonly #path: string;
  #file: DiskFile | undefined;
  #blocks: Uint8Array[] = [];
  #buffered = 0;
  #bytes = 0;
  /** The writing under way; undefined when all is written or has failed. */
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #waiters: Waiter[] = [];

  constructor(disk: Disk, name: string, path: string) {
    this.#disk = disk;
    this.name = name;
    this.#path = path;
  }

  /** Bytes appended, written or not. */
  get bytes(): number {
    return this.#bytes;
  }

  get bufferedBytes(): number {
    return this.#buffered;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  append(block: Uint8Array): void {
    this.#blocks.push(block);
    this.#buffered += block.length;
    this.#bytes += block.length;
    if (this.#writing === undefined && !this.failed) this.#writing = this.#writeAll();
  }

  /** Never rejects: a failure is kept and thrown to whoever waits. */
  async #writeAll(): Promise<void> {
    try {
      this.#file ??= await this.#create();
      for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
        await this.#file.append(block);
        this.#buffered -= block.length;
        this.#wake();
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#writing = undefined;
    this.#wake();
  }

  async #create(): Promise<DiskFile> {
    const file = await this.#disk.create(this.#path);
    assert(file !== false, 'only an exclusive create may be refused');
    return file;
  }

  #wake(): void {
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) {
      if (this.#failure !== undefined) waiter.reject(this.#failure.error);
      else if (this.#buffered <= waiter.bytes) waiter.resolve();
      else this.#waiters.push(waiter);
    }
  }

  /** Resolves when at most `bytes` bytes are not written yet. */
  drained(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ bytes, resolve, reject });
      this.#wake();
    });
  }

  /** Writes the rest, makes the bytes durable and closes the file. */
  async seal(): Promise<void> {
    try {
      await this.drained(0);
      await this.#file?.sync();
    } finally {
      await this.#file?.close();
    }
  }

  /** Stops writing and removes what there is; errors no longer matter. */
  async abandon(): Promise<void> {
    this.#blocks = [];
    await this.#writing;
    await this.#file?.close().catch(() => undefined);
    await this.#disk.remove(this.#path).catch(() => undefined);
  }
}
