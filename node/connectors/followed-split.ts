/**
 * What is read of one name while it is followed: the files that stood under it, one after the other.
 *
 *   app.log       [ file 17 ][ file 23 ]...      renamed to app.log.1, then a file made anew
 *   positions     0          n         n + m     grow through all of them
 *
 *   reading --end reached--> waiting --its size changed--> reading
 *      |                        | another file has the name, or no name is left, and nothing came for `waitMs`
 *      | it was cut             v
 *      +---------------------> over --> reading the next file, or waiting for one
 *
 * Invariants
 *  1. A line is read when its newline is there, or when its file is over. Which bytes come, and where they stand, does not
 *     depend on when they were looked for.
 *  2. A file is read through what was opened, whatever it is called meanwhile, and the next only when it is over.
 *  3. A record does not go on from one file into the next, nor does a line.
 *  4. What was cut off or replaced before it was read, or is gone after a restart, is an error (E1507) or is counted.
 *  5. An offset names the files that are not done, each with its print, and those that are and still may be found under
 *     other names: no file is read twice, and none is taken for one that was there before.
 * Not here: when to look and which names there are (lookout.ts), which file is which (file-identity.ts).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ExternalError, UserError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import { LastAsker } from '../../src/base/last-asker.ts';
import { readFailure } from '../disk.ts';
import { type Chunks, type ChunkTarget, FileChunks } from './chunks.ts';
import { ContentChunks } from './content-chunks.ts';
import type { LineRules } from './line-start.ts';
import { hasPrint, isFile, locate, NO_PRINT, type Print, printAhead, printOf } from './file-identity.ts';
import type { FoundFile } from './glob.ts';

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
  /** Where its byte 0 would stand in the split; known when it is begun. */
  base: number;
  readTo: number;
  print: Print;
  /** As it was when it was looked at last; undefined: never. */
  size: number | undefined;
  /** Since when a file that has lost its name has been so. */
  quietSince: number | undefined;
  endsInNewline: boolean;
}

const UNREAD = { base: 0, readTo: 0, print: NO_PRINT, size: undefined, quietSince: undefined, endsInNewline: true };

/** A file that is over, while lines of it are still being decoded; then its print alone is kept. */
type PastFile = Pick<OpenFile, 'key' | 'path' | 'base' | 'print'> & { readonly end: number };
type DoneFile = Pick<OpenFile, 'key' | 'print'>;

interface SavedFile {
  readonly key: string;
  readonly path: string;
  readonly at: number;
  readonly print: Print;
}

/** What `offsetAt` writes. */
interface SavedSplit {
  readonly position: number;
  readonly files: readonly SavedFile[];
  readonly done: readonly DoneFile[];
  /** The header that the decoder knows, when none of the files has to have it. */
  readonly header?: string;
}

export class FollowedSplit implements Chunks {
  readonly #options: FollowedSplitOptions;
  /** The first is being read, the others wait for it. */
  readonly #files: OpenFile[] = [];
  #past: PastFile[] = [];
  #done: DoneFile[] = [];
  /** Files that are done by their keys, as they were when they were recognised. */
  readonly #recognised = new Map<string, string>();
  /** Position behind the last byte handed over. */
  #pushed = 0;
  /** Of the first file. */
  #state: 'reading' | 'waiting' | 'over' = 'reading';
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

  /** What begins with the header of the file that is being read; nothing when that header is still to be read. */
  async beginning(chunkBytes: number): Promise<{ readonly chunks: Chunks; readonly start: number }> {
    const [file] = this.#files;
    if (file !== undefined && file.readTo > 0)
      return { ...(await FileChunks.open(file.path, undefined, chunkBytes)), start: -1 };
    const header = this.#header ?? new Uint8Array();
    return { chunks: new ContentChunks(header, 0, header.length), start: header.length > 0 ? -1 : this.#pushed };
  }

  /** Goes on where an earlier run was; `others` are paths where its files may be found as well. */
  resume(offset: Json, others: readonly string[]): void {
    // What `offsetAt` wrote; the manifest's checksum was verified.
    const saved = offset as unknown as SavedSplit;
    this.#pushed = saved.position;
    this.#done = [...saved.done];
    for (const { key, path, at, print } of saved.files) {
      const there = locate(path, others, key, print);
      const file = there === undefined ? undefined : this.#open(there);
      if (file === undefined) {
        this.#lose(path, `it is gone, was cut in front of byte ${print.bytes}, or is another file`);
        continue;
      }
      Object.assign(file, { readTo: at, base: this.#pushed - at, print });
      this.#files.push(file);
    }
    this.#header = saved.header === undefined ? undefined : Buffer.from(saved.header);
    this.#isHeaderKnown = this.#header !== undefined || (this.#files[0]?.readTo ?? 0) > 0;
    if (this.#failure !== undefined) {
      this.#closeAll();
      throw this.#failure;
    }
  }

  /** Whether this split reads the file, or has read it. */
  has({ key, path, stamp }: FoundFile): boolean {
    if (this.#files.some((file) => file.key === key)) return true;
    if (this.#recognised.get(key) === stamp) return true;
    const isDone = [...this.#done, ...this.#past].some((file) => file.key === key && isFile(path, key, file.print));
    if (isDone) this.#recognised.set(key, stamp);
    return isDone;
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
    if (file === undefined || this.#failure !== undefined || this.#state === 'over') return;
    const { size, nlink } = fstatSync(file.fd);
    const isWaiting = this.#state === 'waiting';
    const isOther = size < file.readTo || (size > file.readTo && isWaiting && !hasPrint(file.fd, file.print));
    if (isOther) {
      this.#cut(file, size);
      return;
    }
    // Not all that is there may be read: what is no whole header, or no whole mark, is not.
    if (size !== file.size) {
      file.size = size;
      file.quietSince = undefined;
      this.#state = 'reading';
    }
    // Whoever wrote it may go on for a while after it was renamed.
    file.quietSince = this.#files.length === 1 && nlink > 0 ? undefined : (file.quietSince ?? now);
    const isQuiet = file.quietSince !== undefined && now - file.quietSince >= this.#options.waitMs;
    if (isQuiet && this.#state === 'waiting') this.#state = 'over';
  }

  next(target: ChunkTarget): 'given' | 'wait' | 'part end' {
    if (this.#failure !== undefined) throw this.#failure;
    const file = this.#files[0];
    if (file === undefined) return 'wait';
    if (this.#state === 'reading') {
      if (this.#read(file, target)) return 'given';
      file.print = printOf(file.fd, file.readTo, file.print);
      this.#state = 'waiting';
    }
    if (this.#state === 'waiting') return 'wait';
    this.#turn(file, target);
    return 'part end';
  }

  /** Whoever asks last is answered. */
  async ready(): Promise<void> {
    const canGoOn = this.#files.length > 0 && this.#state !== 'waiting';
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
    const isOver = ({ end }: PastFile): boolean => end <= position;
    for (const file of this.#past.filter(isOver)) this.#addDone(file);
    this.#past = this.#past.filter((file) => !isOver(file));
    const all = [...this.#past, ...this.#files];
    const files = all.map((file, i) => saved(file, i === 0 ? position - file.base : 0));
    const done = this.#done.map(({ key, print }) => ({ key, print: { ...print } }));
    const isBegun = position === 0 || (files[0]?.at ?? 0) > 0;
    const known = isBegun || this.#header === undefined ? {} : { header: this.#header.toString() };
    return { position, files: files.map((file) => ({ ...file, print: { ...file.print } })), done, ...known };
  }

  #addDone({ key, print }: PastFile): void {
    // An earlier file of this key is gone.
    this.#done = this.#done.filter((file) => file.key !== key);
    // An empty one has nothing that could tell it from a file that gets its inode later.
    if (print.bytes > 0) this.#done.push({ key, print });
  }

  #open(path: string): OpenFile | undefined {
    try {
      const fd = openSync(path, 'r');
      const { dev, ino } = fstatSync(fd, { bigint: true });
      return { ...UNREAD, key: `${dev}:${ino}`, path, fd };
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
      if (read === mark) return true;
      this.#isHeaderKnown = true;
      file.endsInNewline = space[read - mark - 1] === NEWLINE;
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
    const found = headerIn(file.fd, header);
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
    if (!file.endsInNewline) {
      target.push(Uint8Array.of(NEWLINE));
      this.#pushed++;
    }
    const print = printOf(file.fd, file.readTo);
    if (this.#options.header !== undefined)
      this.#header = headerIn(file.fd, this.#options.header)?.text ?? this.#header;
    this.#past.push({ key: file.key, path: file.path, base: file.base, print, end: this.#pushed });
    this.#files.shift();
    const [next] = this.#files;
    // One that was cut is its own next file.
    if (next?.fd !== file.fd) closeSync(file.fd);
    if (next !== undefined) next.base = this.#pushed;
    this.#state = 'reading';
  }

  #cut(file: OpenFile, size: number): void {
    const was = `${file.readTo} bytes of it had been read`;
    this.#lose(file.path, size < file.readTo ? `it was cut to ${size} bytes, ${was}` : `it was written anew, ${was}`);
    if (this.#failure !== undefined) return;
    // The same file once more, from its first byte.
    const { key, path, fd } = file;
    this.#files.splice(1, 0, { ...UNREAD, key, path, fd });
    this.#state = 'over';
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
function headerIn(
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

function saved(file: OpenFile | PastFile, at: number): SavedFile {
  const { key, path } = file;
  if (!('fd' in file)) return { key, path, at, print: file.print };
  if (at === 0) return { key, path, at, print: printAhead(file.fd) };
  // What is read beyond is no whole line: a machine that stops may lose it.
  const print = printOf(file.fd, at, file.print);
  return { key, path, at, print };
}

/** Bytes of a byte order mark at the start; 'perhaps' when it may be one of which not all is there. */
function markBytes(bytes: Uint8Array): number | 'perhaps' {
  const mark = [0xef, 0xbb, 0xbf];
  const fits = mark.slice(0, bytes.length).every((byte, i) => bytes[i] === byte);
  if (!fits || bytes.length === 0) return 0;
  return bytes.length < MARK_BYTES ? 'perhaps' : MARK_BYTES;
}
