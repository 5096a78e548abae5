/**
 * The Disk port on a directory of this machine.
 *
 * Invariants
 *  1. A file whose sync or append failed is never written or synced again: after a failed sync the operating system may
 *     report success for bytes that are lost.
 *  2. No handle outlives the call or the DiskFile that opened it.
 *  3. Every failure is an ExternalError with the system's code, the whole path and, where one is known, what to do.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { assert } from '../src/base/assert.ts';
import type { Disk, DiskFile } from '../src/base/disk.ts';
import { ExternalError } from '../src/base/errors.ts';

const READ_BYTES_MAX = 1 << 30;

export class NodeDisk implements Disk {
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  async create(path: string, options: { readonly exclusive?: boolean } = {}): Promise<DiskFile | false> {
    const full = this.#full(path);
    const exclusive = options.exclusive === true ? constants.O_EXCL : constants.O_TRUNC;
    try {
      return new NodeDiskFile(await open(full, constants.O_WRONLY | constants.O_CREAT | exclusive), full);
    } catch (error) {
      if (options.exclusive === true && codeOf(error) === 'EEXIST') return false;
      throw writeFailure(full, error);
    }
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const full = this.#full(path);
    try {
      const handle = await open(full, 'r');
      try {
        return await readRange(handle, offset, length);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw readFailure(full, error);
    }
  }

  async size(path: string): Promise<number | undefined> {
    const full = this.#full(path);
    try {
      const found = await stat(full);
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw readFailure(full, error);
    }
  }

  async list(folder: string): Promise<readonly string[]> {
    const full = this.#full(folder);
    try {
      return (await readdir(full)).sort();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw readFailure(full, error);
    }
  }

  /**
   * The names of folders made above and including the root are durable at once: the port has no path for what holds
   * them.
   */
  async makeFolder(folder: string): Promise<void> {
    const full = this.#full(folder);
    try {
      const first = await mkdir(full, { recursive: true });
      if (first === undefined) return;
      for (let made = this.root; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
    } catch (error) {
      throw writeFailure(full, error);
    }
  }

  async rename(from: string, to: string): Promise<boolean> {
    const source = this.#full(from);
    try {
      await rename(source, this.#full(to));
      return true;
    } catch (error) {
      // A missing folder of the target answers ENOENT as well.
      if (isAbsent(error) && (await isMissing(source))) return false;
      throw writeFailure(this.#full(to), error);
    }
  }

  async remove(path: string): Promise<void> {
    const full = this.#full(path);
    assert(full !== this.root, 'a disk does not remove its own root');
    try {
      await rm(full, { recursive: true, force: true });
    } catch (error) {
      if (isAbsent(error)) return;
      throw writeFailure(full, error);
    }
  }

  async syncDirectory(folder: string): Promise<void> {
    const full = this.#full(folder);
    try {
      await syncFolder(full);
    } catch (error) {
      throw writeFailure(full, error);
    }
  }

  #full(path: string): string {
    if (path === '') return this.root;
    const inside = path
      .split('/')
      .every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\\'));
    assert(inside, `'${path}' is not a path of the Disk port`);
    return join(this.root, path);
  }
}

class NodeDiskFile implements DiskFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  #failed: unknown;
  #open = true;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#guarded(async () => {
      for (let written = 0; written < bytes.length; ) {
        written += (await this.#handle.write(bytes, written, bytes.length - written)).bytesWritten;
      }
    });
  }

  sync(): Promise<void> {
    return this.#guarded(() => this.#handle.datasync());
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      await this.#handle.close();
    } catch (error) {
      throw writeFailure(this.#path, error);
    }
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    assert(this.#open, `${this.#path} is used after close`);
    if (this.#failed !== undefined) throw writeFailure(this.#path, this.#failed);
    try {
      await work();
    } catch (error) {
      this.#failed = error;
      throw writeFailure(this.#path, error);
    }
  }
}

async function readRange(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, READ_BYTES_MAX), offset + at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}

async function syncFolder(path: string): Promise<void> {
  try {
    // Windows has no O_DIRECTORY.
    const handle = await open(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Windows has no handle on a folder that could be synced; its file system orders names by its own journal.
    const refused = process.platform === 'win32' && ['EPERM', 'EISDIR'].includes(codeOf(error));
    if (!refused) throw error;
  }
}

async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(() => false, isAbsent);
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';

const REASONS: { readonly [code: string]: { readonly text: string; readonly hint?: string; readonly again?: true } } = {
  ENOSPC: {
    text: 'no space is left',
    hint: 'free some space on this disk; the job continues from its last checkpoint',
    again: true,
  },
  EDQUOT: {
    text: 'the disk quota is used up',
    hint: 'free some space; the job continues from its last checkpoint',
    again: true,
  },
  EFBIG: {
    text: 'the file would be larger than this file system, or a limit of this user, allows',
    hint: 'raise the limit (ulimit -f), or take checkpoints more often; the job continues from its last checkpoint',
    again: true,
  },
  EACCES: { text: 'permission denied', hint: 'the user who runs the job needs read and write access here' },
  EPERM: { text: 'not permitted', hint: 'the user who runs the job needs read and write access here' },
  EROFS: { text: 'the file system is read-only' },
  EXDEV: {
    text: 'source and target are on different file systems',
    hint: 'keep the folder and what lies in it on one file system: files are renamed, never copied',
  },
  EMFILE: { text: 'too many open files', hint: 'raise the limit of open files (ulimit -n)', again: true },
  ENFILE: { text: 'too many open files on this machine', again: true },
  EBUSY: { text: 'busy', again: true },
  EIO: { text: 'input/output error', hint: 'the medium or its connection fails' },
  ENOENT: { text: 'no such file or folder' },
  ENOTDIR: { text: 'a part of the path is not a folder' },
  ELOOP: { text: 'a link leads back to itself' },
  EISDIR: { text: 'it is a folder' },
};

/** The error for reading `path` (E1501), from what the system answered. */
export const readFailure = (path: string, error: unknown): ExternalError => failure('E1501', path, error);
/** The error for writing `path` (E1502), from what the system answered. */
export const writeFailure = (path: string, error: unknown): ExternalError => failure('E1502', path, error);

function failure(code: 'E1501' | 'E1502', path: string, error: unknown): ExternalError {
  if (error instanceof ExternalError) return error;
  const systemCode = codeOf(error);
  const reason = REASONS[systemCode];
  const text = reason?.text ?? (error instanceof Error ? error.message : String(error));
  return new ExternalError(
    code,
    { path, problem: `${text} (${systemCode})` },
    {
      cause: error,
      retry: reason?.again === true ? 'backoff' : 'never',
      ...(reason?.hint === undefined ? {} : { hint: reason.hint }),
    },
  );
}
