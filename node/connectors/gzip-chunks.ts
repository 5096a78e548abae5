/**
 * The text of a gzip file (RFC 1952), a chunk at a time: one member or several, one behind the other.
 *
 * Invariants
 *  1. Positions are those of the text. Gzip cannot be entered in its middle: whoever continues at a position decompresses
 *     all that is before it, and drops it.
 *  2. At most READ_BYTES of the file and a few chunks of text are held, whatever the ratio between them.
 *  3. The whole file must be gzip, checksums included (zeros may follow, as tapes have them). What is cut off or damaged is
 *     an error that names the file and the place (E1501), after the text before it.
 * Not here: plain files and streams (chunks.ts).
 */
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { ExternalError } from '../../src/base/errors.ts';
import { readFailure } from '../disk.ts';
import { type Chunks, type ChunkTarget, markLengthOf, StreamChunks } from './chunks.ts';

const READ_BYTES = 65_536;
const TEXT_BYTES = 131_072;
const MARK_BYTES = 3;

/** Whether a file is gzip, by its first bytes: neither JSON nor CSV can begin with them. E1501 when only its name says so. */
export async function isGzip(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(2), 0, 2, 0);
      const is = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
      if (is || !path.endsWith('.gz')) return is;
      throw damaged(
        path,
        'its name ends with .gz, but it does not begin as gzip does',
        'is it cut off, or named wrongly?',
      );
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw readFailure(path, error);
  }
}

export class GzipChunks implements Chunks {
  readonly #chunks: StreamChunks;
  readonly #unzip: Gunzip;
  readonly #handle: FileHandle;

  private constructor(chunks: StreamChunks, unzip: Gunzip, handle: FileHandle) {
    this.#chunks = chunks;
    this.#unzip = unzip;
    this.#handle = handle;
  }

  /** As FileChunks.open: from byte `from` of the text on, or behind a byte order mark. */
  static async open(path: string, from: number | undefined): Promise<{ chunks: GzipChunks; start: number }> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw readFailure(path, error);
    });
    const unzip = createGunzip({ chunkSize: TEXT_BYTES });
    try {
      const { size } = await handle.stat();
      const text = textOf({ handle, unzip, path, size });
      const { start, rest } =
        from === undefined ? await behindMark(text) : { start: from, rest: behind(text, from, path) };
      return { chunks: new GzipChunks(new StreamChunks(rest, path, true), unzip, handle), start };
    } catch (error) {
      unzip.destroy();
      await handle.close();
      throw error;
    }
  }

  next(target: ChunkTarget): 'given' | 'wait' | 'end' {
    return this.#chunks.next(target);
  }

  ready(): Promise<void> {
    return this.#chunks.ready();
  }

  async close(): Promise<void> {
    await this.#chunks.close();
    this.#unzip.destroy();
    await this.#handle.close();
  }
}

interface Compressed {
  readonly handle: FileHandle;
  readonly unzip: Gunzip;
  readonly path: string;
  /** Of the file when it was opened; what is appended later is not read. */
  readonly size: number;
}

async function* textOf({ handle, unzip, path, size }: Compressed): AsyncGenerator<Uint8Array> {
  // A failure of either ends both, and is thrown by the loop.
  pipeline(Readable.from(bytesOf(handle, size), { objectMode: false }), unzip, () => undefined);
  let position = 0;
  try {
    for await (const chunk of unzip) {
      const bytes: Uint8Array = chunk;
      position += bytes.length;
      yield bytes;
    }
  } catch (error) {
    throw gzipFailure(path, { at: unzip.bytesWritten, size, position }, error);
  }
  await requireZeros(handle, path, unzip.bytesWritten, size);
}

/** The file's own bytes from `from` on, as far as it reached when it was opened. */
async function* bytesOf(handle: FileHandle, size: number, from = 0): AsyncGenerator<Uint8Array> {
  for (let at = from; at < size; ) {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(READ_BYTES), 0, Math.min(READ_BYTES, size - at), at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Nothing but zeros may stand behind the last member: other bytes would be text that nobody sees. */
async function requireZeros(handle: FileHandle, path: string, from: number, size: number): Promise<void> {
  let at = from;
  for await (const bytes of bytesOf(handle, size, from)) {
    const other = bytes.findIndex((byte) => byte !== 0);
    if (other >= 0)
      throw damaged(path, `something that is not gzip follows its gzip data, at byte ${at + other}`, REPLACE);
    at += bytes.length;
  }
}

/** The text without a byte order mark at its start, and the mark's length. */
async function behindMark(
  text: AsyncGenerator<Uint8Array>,
): Promise<{ readonly start: number; readonly rest: AsyncGenerator<Uint8Array> }> {
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < MARK_BYTES) {
    const { done, value } = await text.next();
    if (done === true) break;
    first = Buffer.concat([first, value]);
  }
  const start = first.length < MARK_BYTES ? 0 : markLengthOf(first);
  const bytes = first;
  async function* rest(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(start);
    yield* text;
  }
  return { start, rest: rest() };
}

/** The text from byte `from` on. */
async function* behind(text: AsyncGenerator<Uint8Array>, from: number, path: string): AsyncGenerator<Uint8Array> {
  let passed = 0;
  for await (const bytes of text) {
    const keptFrom = Math.min(bytes.length, from - Math.min(from, passed));
    passed += bytes.length;
    if (keptFrom < bytes.length) yield bytes.subarray(keptFrom);
  }
  if (passed >= from) return;
  throw damaged(path, `its text ends at byte ${passed}, but had ${from} bytes or more`, KEEP);
}

const REPLACE = 'replace it by a whole one and start again: the job goes on from its last checkpoint';
const KEEP = 'files that a job reads must not be cut or replaced';

const damaged = (path: string, problem: string, hint: string): ExternalError =>
  new ExternalError('E1501', { path, problem }, { hint });

/** What zlib says, as what it means for the file. */
function gzipFailure(
  path: string,
  { at, size, position }: { readonly at: number; readonly size: number; readonly position: number },
  error: unknown,
): ExternalError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !code.startsWith('Z_')) return readFailure(path, error);
  const isCut = code === 'Z_BUF_ERROR';
  const what = isCut
    ? `it is cut off: it ends at byte ${size}, inside its gzip data`
    : `its gzip data is damaged before byte ${at + 1}`;
  const detail = isCut || !(error instanceof Error) ? '' : ` (${error.message})`;
  return new ExternalError(
    'E1501',
    { path, problem: `${what}${detail}, behind byte ${position} of its text` },
    { hint: REPLACE, cause: error },
  );
}
