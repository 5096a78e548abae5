/**
 * Bytes on their way in, a chunk at a time: from a file, or from a stream.
 *
 * A file is read straight into the memory of whoever takes it, while the caller waits: what the system has at hand, as it
 * mostly does for files read in order, is then there sooner than another thread could say so. Storage that lets one such
 * read wait is given time: the next chunks are read ahead, two at a time, while other work goes on.
 *
 *   direct --a read took SLOW_MS or more--> ahead --AHEAD_CHUNKS chunks later--> direct
 *
 * Invariants
 *  1. Chunks come in order, and which bytes come does not depend on how they are read.
 *  2. A file is read up to the size it had when it was opened; ending before is an error (E1501), growing is not seen.
 *  3. A failure is thrown by `next` and by `ready`, each time.
 *  4. At most one chunk in AHEAD_CHUNKS + 1 lets the caller wait for slow storage.
 */
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ExternalError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import { LastAsker } from '../../src/base/last-asker.ts';
import { readFailure } from '../disk.ts';

const READS_IN_FLIGHT = 2;
const SLOW_MS = 4;
const AHEAD_CHUNKS = 32;

/** Where bytes go: a decoder. */
export interface ChunkTarget {
  /** Memory for `bytes` bytes, to be filled at once; `pushed` then tells how many came. */
  space(bytes: number): Uint8Array;
  pushed(bytes: number): void;
  /** Takes a copy. */
  push(bytes: Uint8Array): void;
}

export interface Chunks {
  /** Gives the next chunk to `target`, when there is one. 'part end': no record goes on behind what was given so far. */
  next(target: ChunkTarget): 'given' | 'wait' | 'part end' | 'end';
  /** What goes on at a position that a decoder of these chunks has come to; undefined: the position itself. */
  offsetAt?(position: number): Json;
  readonly filesLost?: number;
  /** Resolves when `next` may answer something other than 'wait', for whoever asks last. */
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
  readonly #slowMs: number;
  /** Reads not taken yet, in order of the file. */
  readonly #slots: Slot[] = [];
  readonly #asker = new LastAsker();
  #readTo: number;
  /** Chunks that are still to be read ahead. */
  #ahead = 0;
  #failure: ExternalError | undefined;

  private constructor(
    handle: FileHandle,
    path: string,
    size: number,
    from: number,
    chunkBytes: number,
    slowMs: number,
  ) {
    this.#handle = handle;
    this.#path = path;
    this.#size = size;
    this.#readTo = from;
    this.#slowMs = slowMs;
    this.#chunkBytes = Math.max(1, Math.min(chunkBytes, size - from));
  }

  /** Reads from byte `from` on; a read of `slowMs` or more is slow. A byte order mark at the start of the file is not part of the content. */
  static async open(
    path: string,
    from: number | undefined,
    chunkBytes: number,
    slowMs = SLOW_MS,
  ): Promise<{ chunks: FileChunks; start: number }> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const { size } = await handle.stat();
      const start = from ?? (await markLength(handle));
      if (start > size) throw shrunk(path, start, size);
      return { chunks: new FileChunks(handle, path, size, start, chunkBytes, slowMs), start };
    } catch (error) {
      await handle?.close();
      throw readFailure(path, error);
    }
  }

  next(target: ChunkTarget): 'given' | 'wait' | 'end' {
    if (this.#failure !== undefined) throw this.#failure;
    const slot = this.#slots[0];
    if (slot === undefined) return this.#readDirect(target);
    if (slot.filled === undefined) return 'wait';
    this.#slots.shift();
    target.push(slot.filled);
    if (this.#ahead > 0) this.#readAhead(slot.buffer);
    return 'given';
  }

  #readDirect(target: ChunkTarget): 'given' | 'end' {
    const bytes = Math.min(this.#chunkBytes, this.#size - this.#readTo);
    if (bytes <= 0) return 'end';
    const began = performance.now();
    try {
      const read = readSync(this.#handle.fd, target.space(bytes), 0, bytes, this.#readTo);
      if (read === 0) throw shrunk(this.#path, this.#size, this.#readTo);
      target.pushed(read);
      this.#readTo += read;
    } catch (error) {
      this.#failure = readFailure(this.#path, error);
      throw this.#failure;
    }
    if (performance.now() - began >= this.#slowMs) {
      this.#ahead = AHEAD_CHUNKS;
      for (let i = 0; i < READS_IN_FLIGHT; i++) this.#readAhead(undefined);
    }
    return 'given';
  }

  async ready(): Promise<void> {
    const [slot] = this.#slots;
    if (slot !== undefined && slot.filled === undefined && this.#failure === undefined) await this.#asker.asked();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    // A read in flight writes into its buffer; the handle closes after it.
    await Promise.all(this.#slots.map((slot) => slot.reading));
    await this.#handle.close();
  }

  #readAhead(buffer: Uint8Array | undefined): void {
    const from = this.#readTo;
    const bytes = Math.min(this.#chunkBytes, this.#size - from);
    if (bytes <= 0) return;
    this.#ahead--;
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
    this.#asker.tell();
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

/** Bytes of the byte order mark at the start of `bytes`. */
export const markLengthOf = (bytes: Uint8Array): number =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;

/** Chunks of a stream that is read once, one ahead; the stream is not asked for more than that. */
export class StreamChunks implements Chunks {
  readonly #stream: AsyncIterable<Uint8Array>;
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #name: string;
  readonly #asker = new LastAsker();
  #next: Uint8Array | 'wait' | 'end' = 'wait';
  #isFirst: boolean;
  #failure: ExternalError | undefined;

  /** A byte order mark at the start is not part of the content, unless whoever gives the stream has seen to that. */
  constructor(stream: AsyncIterable<Uint8Array>, name: string, isContent = false) {
    this.#isFirst = !isContent;
    this.#stream = stream;
    this.#iterator = stream[Symbol.asyncIterator]();
    this.#name = name;
    void this.#read();
  }

  next(target: ChunkTarget): 'given' | 'wait' | 'end' {
    if (this.#failure !== undefined) throw this.#failure;
    const taken = this.#next;
    if (taken === 'wait' || taken === 'end') return taken;
    target.push(taken);
    this.#next = 'wait';
    void this.#read();
    return 'given';
  }

  async ready(): Promise<void> {
    if (this.#next === 'wait' && this.#failure === undefined) await this.#asker.asked();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Does not wait for bytes that may never come. */
  async close(): Promise<void> {
    if (this.#stream instanceof Readable) this.#stream.destroy();
    else this.#iterator.return?.().catch(() => undefined);
  }

  /** Never rejects: a failure is kept. */
  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      this.#next = done === true ? 'end' : this.#isFirst ? value.subarray(markLengthOf(value)) : value;
      this.#isFirst = false;
    } catch (error) {
      this.#failure = readFailure(this.#name, error);
    }
    this.#asker.tell();
  }
}
