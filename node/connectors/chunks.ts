/**
 * Bytes on their way in, a chunk at a time: from a file with two reads in flight, or from a stream.
 *
 * Invariants
 *  1. Chunks come in order. The one taken last may be used until the next `take`; its memory is then read into again.
 *  2. A file is read up to the size it had when it was opened; ending before is an error (E1501), growing is not seen.
 *  3. A failure is thrown by `take` and by `ready`, each time.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ExternalError } from '../../src/base/errors.ts';
import { readFailure } from '../disk.ts';

const READS_IN_FLIGHT = 2;

export interface Chunks {
  take(): Uint8Array | 'wait' | 'end';
  /** Resolves when `take` may answer something other than 'wait'. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** One of the buffers of a file: being read into, or full and waiting to be taken. */
interface Slot {
  readonly buffer: Uint8Array;
  /** Bytes read; undefined while reading. */
  filled: Uint8Array | undefined;
  reading: Promise<void>;
}

export class FileChunks implements Chunks {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #size: number;
  readonly #chunkBytes: number;
  /** Reads not taken yet, in order of the file. */
  readonly #slots: Slot[] = [];
  #taken: Slot | undefined;
  #readTo: number;
  #failure: ExternalError | undefined;

  private constructor(handle: FileHandle, path: string, size: number, from: number, chunkBytes: number) {
    this.#handle = handle;
    this.#path = path;
    this.#size = size;
    this.#readTo = from;
    this.#chunkBytes = Math.max(1, Math.min(chunkBytes, size - from));
    for (let i = 0; i < READS_IN_FLIGHT; i++) this.#readNext(undefined);
  }

  /** Reads from byte `from` on. A byte order mark at the start of the file is not part of the content. */
  static async open(
    path: string,
    from: number | undefined,
    chunkBytes: number,
  ): Promise<{ chunks: FileChunks; start: number }> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const { size } = await handle.stat();
      const start = from ?? (await markLength(handle));
      if (start > size) throw shrunk(path, start, size);
      return { chunks: new FileChunks(handle, path, size, start, chunkBytes), start };
    } catch (error) {
      await handle?.close();
      throw readFailure(path, error);
    }
  }

  take(): Uint8Array | 'wait' | 'end' {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#taken !== undefined) this.#readNext(this.#taken.buffer);
    this.#taken = undefined;
    const next = this.#slots[0];
    if (next === undefined) return 'end';
    if (next.filled === undefined) return 'wait';
    this.#taken = this.#slots.shift();
    return next.filled;
  }

  async ready(): Promise<void> {
    await this.#slots[0]?.reading;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    // A read in flight writes into its buffer; the handle closes after it.
    await Promise.all(this.#slots.map((slot) => slot.reading));
    await this.#handle.close();
  }

  #readNext(buffer: Uint8Array | undefined): void {
    const from = this.#readTo;
    const bytes = Math.min(this.#chunkBytes, this.#size - from);
    if (bytes <= 0) return;
    this.#readTo += bytes;
    const slot: Slot = {
      buffer: buffer ?? new Uint8Array(this.#chunkBytes),
      filled: undefined,
      reading: Promise.resolve(),
    };
    slot.reading = this.#fill(slot, from, bytes);
    this.#slots.push(slot);
  }

  /** Never rejects: a failure is kept. */
  async #fill(slot: Slot, from: number, bytes: number): Promise<void> {
    try {
      for (let at = 0; at < bytes; ) {
        const { bytesRead } = await this.#handle.read(slot.buffer, at, bytes - at, from + at);
        if (bytesRead === 0) throw shrunk(this.#path, this.#size, from + at);
        at += bytesRead;
      }
      slot.filled = slot.buffer.subarray(0, bytes);
    } catch (error) {
      this.#failure ??= readFailure(this.#path, error);
    }
  }
}

const shrunk = (path: string, expected: number, size: number): ExternalError =>
  new ExternalError(
    'E1501',
    { path, problem: `it ends at byte ${size}, but had ${expected} bytes or more` },
    { hint: 'files that a job reads must not be cut or replaced' },
  );

async function markLength(handle: FileHandle): Promise<number> {
  const { bytesRead, buffer } = await handle.read(new Uint8Array(3), 0, 3, 0);
  return bytesRead === 3 ? markLengthOf(buffer) : 0;
}

const markLengthOf = (bytes: Uint8Array): number =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;

/** Chunks of a stream that is read once, one ahead; the stream is not asked for more than that. */
export class StreamChunks implements Chunks {
  readonly #stream: AsyncIterable<Uint8Array>;
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #name: string;
  #next: Uint8Array | 'wait' | 'end' = 'wait';
  #reading: Promise<void>;
  #isFirst = true;
  #failure: ExternalError | undefined;

  constructor(stream: AsyncIterable<Uint8Array>, name: string) {
    this.#stream = stream;
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#name = name;
    this.#reading = this.#read();
  }

  take(): Uint8Array | 'wait' | 'end' {
    if (this.#failure !== undefined) throw this.#failure;
    const taken = this.#next;
    if (taken === 'wait' || taken === 'end') return taken;
    this.#next = 'wait';
    this.#reading = this.#read();
    return taken;
  }

  async ready(): Promise<void> {
    await this.#reading;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Does not wait for bytes that may never come. */
  async close(): Promise<void> {
    if (this.#stream instanceof Readable) this.#stream.destroy();
    else this.#iterator.return?.().catch(() => undefined);
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      this.#next = done === true ? 'end' : this.#isFirst ? value.subarray(markLengthOf(value)) : value;
      this.#isFirst = false;
    } catch (error) {
      this.#failure = readFailure(this.#name, error);
    }
  }
}
