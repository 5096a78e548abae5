/**
 * What is read of one name while it is followed: the files that stood under it, one after the other.
 *
 *   app.log       [ file 17 ][ file 23 ]...      renamed to app.log.1, then a file made anew
 *   positions     0          n         n + m     grow through all of them
 *
 *   reading --end reached--> waiting --it grew--> reading
 *                               | another file has the name, or no name is left, and nothing came for `waitMs`
 *                               v
 *                            over --> the next file, or waiting for one
 *
 * Invariants
 *  1. A line is read when its newline is there, or when its file is over. Which bytes come, and where they stand, does not
 *     depend on when they were looked for.
 *  2. A file is read through what was opened, whatever it is called meanwhile, and the next only when it is over.
 *  3. What was cut off or replaced before it was read, or is gone after a restart, is an error (E1507) or is counted.
 *  4. An offset names the files that are not done, each with its first bytes, and those that are and still may be found
 *     under other names: no file is read twice.
 * Not here: when to look and which names there are (lookout.ts), which file is which (file-identity.ts).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ExternalError, UserError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import { LastAsker } from '../../src/base/last-asker.ts';
import { readFailure } from '../disk.ts';
import { type Chunks, type ChunkTarget, FileChunks } from './chunks.ts';
import type { LineRules } from './line-start.ts';
import { type Head, hasHead, headOf, isFile, locate, NO_HEAD } from './file-identity.ts';

const NEWLINE = 10;
const MARK_BYTES = 3;

export interface FollowedSplitOptions {
  readonly path: string;
  readonly chunkBytes: number;
  /** A file whose name is gone is over when nothing came for so long. */
  readonly waitMs: number;
  readonly onLoss: 'fail' | 'continue';
  /** Of files that say first what follows (line-start.ts). */
  readonly header: LineRules['header'];
}

interface OpenFile {
  readonly key: string;
  readonly path: string;
  readonly fd: number;
  /** Whether the file before is the same one, cut since: then it stays open. */
  readonly isShared: boolean;
  /** Where its byte 0 would stand in the split; known when it is begun. */
  base: number;
  readTo: number;
  head: Head;
}

/** A file that is over, while lines of it are still being decoded; then its first bytes alone are kept. */
type PastFile = Pick<OpenFile, 'key' | 'path' | 'base' | 'head'> & { readonly end: number };
type DoneFile = Pick<OpenFile, 'key' | 'head'>;

interface SavedFile {
  readonly key: string;
  readonly path: string;
  readonly at: number;
  readonly head: Head;
}

/** What `offsetAt` writes. */
interface SavedSplit {
  readonly position: number;
  readonly files: readonly SavedFile[];
  readonly done: readonly DoneFile[];
}

export class FollowedSplit implements Chunks {
  readonly #options: FollowedSplitOptions;
  /** The first is being read, the others wait for it. */
  readonly #files: OpenFile[] = [];
  #past: PastFile[] = [];
  #done: DoneFile[] = [];
  /** Paths under which files that are done were recognised. */
  readonly #recognised = new Map<string, string>();
  /** Position behind the last byte handed over. */
  #pushed = 0;
  #endsInNewline = true;
  #atEnd = false;
  #over = false;
  #quietSince: number | undefined;
  #failure: ExternalError | UserError | undefined;
  readonly #asker = new LastAsker();
  #filesLost = 0;
  /** Whether the decoder knows the header: those of later files are kept from it, but must be the same. */
  #isHeaderKnown = false;
  #header: Buffer | undefined;

  constructor(options: FollowedSplitOptions) {
    this.#options = options;
  }

  /** Where reading begins. */
  get position(): number {
    return this.#pushed;
  }

  get filesLost(): number {
    return this.#filesLost;
  }

  /** Begins with the file that has the name, at a byte of it; without a file it waits for one. */
  begin(at = 0): void {
    const file = this.#open(this.#options.path);
    if (file === undefined) return;
    file.readTo = at;
    this.#pushed = at;
    this.#isHeaderKnown = at > 0;
    this.#files.push(file);
  }

  /** The content of the file that is being read, from its beginning; nothing when there is none, so that one follows. */
  async beginning(chunkBytes: number): Promise<{ readonly chunks: Chunks; readonly start: number }> {
    const [file] = this.#files;
    if (file !== undefined) return { ...(await FileChunks.open(file.path, undefined, chunkBytes)), start: -1 };
    const chunks = { next: () => 'end' as const, ready: async () => undefined, close: async () => undefined };
    return { chunks, start: this.#pushed };
  }

  /** Goes on where an earlier run was; `others` are paths where its files may be found as well. */
  resume(offset: Json, others: readonly string[]): void {
    // What `offsetAt` wrote; the manifest's checksum was verified.
    const saved = offset as unknown as SavedSplit;
    this.#pushed = saved.position;
    this.#done = [...saved.done];
    for (const { key, path, at, head } of saved.files) {
      const there = locate(path, others, key, head);
      const file = there === undefined ? undefined : this.#open(there);
      if (file === undefined || fstatSync(file.fd).size < at) {
        if (file !== undefined) closeSync(file.fd);
        this.#lose(path, file === undefined ? 'it is gone, or another file' : `it was cut in front of byte ${at}`);
        continue;
      }
      Object.assign(file, { readTo: at, base: this.#pushed - at, head });
      this.#files.push(file);
    }
    this.#isHeaderKnown = this.#pushed > 0 && this.#files.length > 0;
    if (this.#failure !== undefined) {
      this.#closeAll();
      throw this.#failure;
    }
  }

  /** Whether this split reads the file, or has read it. */
  has(key: string, path: string): boolean {
    if (this.#files.some((file) => file.key === key)) return true;
    if (this.#recognised.get(key) === path) return true;
    const done = [...this.#done, ...this.#past].find((file) => file.key === key);
    if (done === undefined || !isFile(path, key, done.head)) return false;
    this.#recognised.set(key, path);
    return true;
  }

  /** Forgets files that are done and that no name leads to any more. */
  forget(isThere: (key: string) => boolean): void {
    this.#done = this.#done.filter(({ key }) => isThere(key));
    for (const key of this.#recognised.keys()) if (!isThere(key)) this.#recognised.delete(key);
  }

  /** The name leads to another file now. */
  succeed(): void {
    const file = this.#open(this.#options.path);
    if (file === undefined) return;
    if (this.#files.some(({ key }) => key === file.key)) closeSync(file.fd);
    else this.#files.push(file);
    if (this.#files.length === 1) file.base = this.#pushed;
  }

  /** Finds out whether there is more to read. `now` never goes back. */
  look(now: number): void {
    const file = this.#files[0];
    if (file === undefined || this.#failure !== undefined) return;
    const { size, nlink } = fstatSync(file.fd);
    const isOther = size < file.readTo || (size > file.readTo && this.#atEnd && !hasHead(file.fd, file.head));
    if (isOther) this.#cut(file, size);
    else if (size !== file.readTo) {
      this.#atEnd = false;
      this.#quietSince = now;
    }
    // Whoever wrote it may go on for a while after it was renamed.
    this.#quietSince = this.#files.length === 1 && nlink > 0 ? undefined : (this.#quietSince ?? now);
    if (this.#quietSince !== undefined && this.#atEnd && now - this.#quietSince >= this.#options.waitMs)
      this.#over = true;
  }

  next(target: ChunkTarget): 'given' | 'wait' {
    if (this.#failure !== undefined) throw this.#failure;
    const file = this.#files[0];
    if (file === undefined) return 'wait';
    if (!this.#atEnd && this.#read(file, target)) return 'given';
    if (!this.#atEnd) file.head = headOf(file.fd, file.readTo, file.head);
    this.#atEnd = true;
    if (!this.#over) return 'wait';
    this.#turn(file, target);
    return 'given';
  }

  /** Whoever asks last is answered. */
  async ready(): Promise<void> {
    const canGoOn = this.#files.length > 0 && (!this.#atEnd || this.#over);
    if (!canGoOn && this.#failure === undefined) await this.#asker.asked();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** After a look, or when nothing will be looked at any more. */
  tell(): void {
    this.#asker.tell();
  }

  async close(): Promise<void> {
    this.#closeAll();
  }

  /** What `resume` takes to go on at a position: that of a line that was not handed on. */
  offsetAt(position: number): Json {
    // An empty one has nothing that could tell it from a file that gets its inode later.
    for (const { key, head, end } of this.#past) if (end <= position && head.bytes > 0) this.#done.push({ key, head });
    this.#past = this.#past.filter(({ end }) => end > position);
    for (const file of this.#files) file.head = headOf(file.fd, file.readTo, file.head);
    const [first, ...rest] = [...this.#past, ...this.#files];
    const files: SavedFile[] = first === undefined ? [] : [saved(first, position - first.base)];
    files.push(...rest.map((file) => saved(file, 0)));
    const done = this.#done.map(({ key, head }) => ({ key, head: { ...head } }));
    return { position, files: files.map((file) => ({ ...file, head: { ...file.head } })), done };
  }

  #open(path: string): OpenFile | undefined {
    try {
      const fd = openSync(path, 'r');
      const { dev, ino } = fstatSync(fd, { bigint: true });
      return { key: `${dev}:${ino}`, path, fd, isShared: false, base: 0, readTo: 0, head: NO_HEAD };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw readFailure(path, error);
    }
  }

  /** False: its end is reached. */
  #read(file: OpenFile, target: ChunkTarget): boolean {
    try {
      if (file.readTo === 0 && !this.#passHeader(file)) return false;
      const space = target.space(this.#options.chunkBytes);
      const read = readSync(file.fd, space, 0, space.length, file.readTo);
      if (file.readTo === 0 && space[0] === 0x1f && space[1] === 0x8b && read > 1) throw compressed(file.path);
      const mark = file.readTo === 0 ? markBytes(space.subarray(0, read)) : 0;
      if (read === 0 || mark === 'perhaps') return false;
      if (mark > 0) {
        space.copyWithin(0, mark, read);
        file.base -= mark;
      }
      target.pushed(read - mark);
      file.readTo += read;
      this.#pushed += read - mark;
      this.#isHeaderKnown = true;
      this.#endsInNewline = read === mark || space[read - mark - 1] === NEWLINE;
      return true;
    } catch (error) {
      this.#failure = error instanceof UserError ? error : readFailure(file.path, error);
      throw this.#failure;
    }
  }

  /** Leaves out the header of a file that is not the first; false while not all of it is there. */
  #passHeader(file: OpenFile): boolean {
    const { header } = this.#options;
    if (header === undefined || !this.#isHeaderKnown) return true;
    const found = headerOf(file.fd, header);
    if (found === undefined) return false;
    if (this.#header !== undefined && !found.text.equals(this.#header)) {
      const hint =
        "files that take each other's place under a name must have the same columns; begin anew with another state";
      throw new UserError('E1521', { path: file.path, problem: 'it is not that of the file before it' }, { hint });
    }
    file.readTo = found.end;
    file.base = this.#pushed - found.end;
    return true;
  }

  /** From a file that is over to the next: a line that it leaves without a newline ends there. */
  #turn(file: OpenFile, target: ChunkTarget): void {
    if (!this.#endsInNewline) {
      target.push(Uint8Array.of(NEWLINE));
      this.#pushed++;
    }
    const head = headOf(file.fd, file.readTo, file.head);
    if (this.#options.header !== undefined)
      this.#header = headerOf(file.fd, this.#options.header)?.text ?? this.#header;
    this.#past.push({ key: file.key, path: file.path, base: file.base, head, end: this.#pushed });
    this.#files.shift();
    if (this.#files[0]?.isShared !== true) closeSync(file.fd);
    if (this.#files[0] !== undefined) this.#files[0].base = this.#pushed;
    this.#endsInNewline = true;
    this.#over = this.#atEnd = false;
    this.#quietSince = undefined;
  }

  #cut(file: OpenFile, size: number): void {
    const was = `${file.readTo} bytes of it had been read`;
    this.#lose(file.path, size < file.readTo ? `it was cut to ${size} bytes, ${was}` : `it was written anew, ${was}`);
    if (this.#failure !== undefined) return;
    // The same file once more, from its first byte.
    this.#files.splice(1, 0, { ...file, isShared: true, readTo: 0, head: NO_HEAD });
    this.#atEnd = this.#over = true;
  }

  #lose(path: string, problem: string): void {
    this.#filesLost++;
    if (this.#options.onLoss === 'continue') return;
    this.#failure ??= new ExternalError(
      'E1507',
      { path, problem },
      {
        hint: "files that are followed are rotated by renaming; follow: { onLoss: 'continue' } goes on with what is there and counts it (filesLost)",
      },
    );
  }

  #closeAll(): void {
    for (const fd of new Set(this.#files.splice(0).map((file) => file.fd))) closeSync(fd);
  }
}

const compressed = (path: string): UserError =>
  new UserError('E1510', { source: path, option: 'follow', problem: 'it is compressed (gzip)' });

const HEADER_BYTES_MAX = 1 << 20;

/** The header of a file, and where it ends, when it is all there. */
function headerOf(
  fd: number,
  bytesOf: (bytes: Uint8Array) => number | undefined,
): { readonly text: Buffer; readonly end: number } | undefined {
  const bytes = Buffer.alloc(Math.min(HEADER_BYTES_MAX, fstatSync(fd).size));
  const read = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  const mark = markBytes(read);
  if (mark === 'perhaps') return undefined;
  const length = bytesOf(read.subarray(mark));
  return length === undefined ? undefined : { text: read.subarray(mark, mark + length), end: mark + length };
}

const saved = ({ key, path, head }: OpenFile | PastFile, at: number): SavedFile => ({ key, path, at, head });

/** Bytes of a byte order mark at the start; 'perhaps' when it may be one of which not all is there. */
function markBytes(bytes: Uint8Array): number | 'perhaps' {
  const mark = [0xef, 0xbb, 0xbf];
  const fits = mark.slice(0, bytes.length).every((byte, i) => bytes[i] === byte);
  if (!fits || bytes.length === 0) return 0;
  return bytes.length < MARK_BYTES ? 'perhaps' : MARK_BYTES;
}
