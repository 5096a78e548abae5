/**
 * A disk in memory that knows what a power loss would leave. It is as forgetful as the Disk port allows, so code that
 * is right on it is right on every file system that keeps the port's promises.
 *
 * Invariants
 *  1. `crash()` keeps all that was written: the process died, the operating system did not.
 *  2. `powerLoss()` keeps what was synced. Unsynced bytes survive as some prefix in 512-byte sectors, of which any
 *     may read as zeros; an unsynced truncation may have happened or not. Of the unsynced operations of a folder any
 *     subset happened, in order. A rename between folders never loses the file: the name to which it went stands, or
 *     the one it had.
 *  3. A copy shares nothing with the disk it came from: a process that goes on with the original cannot reach the
 *     copy.
 *  4. Calls are numbered from 1, before they take effect: stopping at call n leaves the effects of calls 1 … n - 1.
 * Not here: crash points of other ports, interleavings (they are put around a disk, not into it).
 */
import { assert } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { ExternalError } from '../base/errors.ts';
import { below, type Random } from '../base/random.ts';
import {
  type DirectoryChange,
  FileNode,
  FolderNode,
  type Node,
  copyTree,
  folderAfterPowerLoss,
} from './sim-disk-nodes.ts';

export type DiskFault = 'ENOSPC' | 'EIO' | 'EACCES' | 'EXDEV';

/** What a stopped disk answers to every call: the process that asks is dead and must not take it for an answer. */
export class DiskStopped extends Error {
  override readonly name = 'DiskStopped';
}

type Effect = 'read' | 'write';

export class SimDisk implements Disk {
  #root: FolderNode;
  #calls = 0;
  #stopAt = Number.POSITIVE_INFINITY;
  readonly #faults = new Map<number, DiskFault>();
  /** The calls so far, as 'operation path', for messages. */
  readonly trace: string[] = [];
  /** Awaited before each call takes effect: where a simulator holds callers back and lets others go first. */
  beforeCall: ((operation: string, path: string) => Promise<void>) | undefined;

  constructor(root: FolderNode = new FolderNode()) {
    this.#root = root;
  }

  get calls(): number {
    return this.#calls;
  }

  /** From the `call`th call on (counted over the life of this disk) nothing has any effect and everything throws. */
  stopAt(call: number): void {
    this.#stopAt = call;
  }

  /**
   * The `call`th call fails. A failing append leaves half of its bytes; a failing sync leaves them unsynced for good.
   */
  failAt(call: number, fault: DiskFault): void {
    this.#faults.set(call, fault);
  }

  crash(): SimDisk {
    return new SimDisk(copyTree(this.#root));
  }

  powerLoss(random: Random): SimDisk {
    return new SimDisk(folderAfterPowerLoss(copyTree(this.#root), random));
  }

  async create(path: string, options: { readonly exclusive?: boolean } = {}): Promise<DiskFile | false> {
    await this.#enter('create', path, 'write');
    const { folder, name } = this.#place(path, 'write');
    const there = folder.entries.get(name);
    if (there !== undefined && options.exclusive === true) return false;
    if (there instanceof FolderNode) throw this.#failure('write', path, 'EISDIR');
    if (there !== undefined) there.truncate();
    const file = there ?? new FileNode();
    if (there === undefined) folder.change({ kind: 'link', name, node: file });
    return this.#handle(path, file);
  }

  #handle(path: string, file: FileNode): DiskFile {
    let open = true;
    return {
      append: async (bytes) => {
        assert(open, `append to ${path} after close`);
        assert(!file.poisoned, `append to ${path} after a failed sync`);
        try {
          await this.#enter('append', path, 'write');
        } catch (error) {
          if (error instanceof ExternalError) file.append(bytes.subarray(0, bytes.length >> 1));
          throw error;
        }
        file.append(bytes);
      },
      sync: async () => {
        assert(open, `sync of ${path} after close`);
        assert(!file.poisoned, `${path} was synced again after a failed sync`);
        try {
          await this.#enter('sync', path, 'write');
        } catch (error) {
          file.poisoned = true;
          throw error;
        }
        file.sync();
      },
      close: async () => {
        open = false;
      },
    };
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    await this.#enter('read', path, 'read');
    const node = this.#find(path);
    if (!(node instanceof FileNode)) throw this.#failure('read', path, node === undefined ? 'ENOENT' : 'EISDIR');
    return node.bytes().slice(offset, offset + length);
  }

  async size(path: string): Promise<number | undefined> {
    await this.#enter('size', path, 'read');
    const node = this.#find(path);
    return node instanceof FileNode ? node.length : undefined;
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#enter('list', folder, 'read');
    const names = parts(folder);
    const throughFile = names.some((_, i) => this.#find(names.slice(0, i + 1).join('/')) instanceof FileNode);
    if (throughFile) throw this.#failure('read', folder, 'ENOTDIR');
    const node = this.#find(folder);
    return node instanceof FolderNode ? [...node.entries.keys()].sort() : [];
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#enter('makeFolder', folder, 'write');
    let at = this.#root;
    for (const name of parts(folder)) {
      const next = at.entries.get(name) ?? new FolderNode();
      if (next instanceof FileNode) throw this.#failure('write', folder, 'ENOTDIR');
      if (!at.entries.has(name)) at.change({ kind: 'link', name, node: next });
      at = next;
    }
  }

  async rename(from: string, to: string): Promise<boolean> {
    await this.#enter('rename', from, 'write');
    const node = this.#find(from);
    if (node === undefined) return false;
    const source = this.#place(from, 'write');
    const target = this.#place(to, 'write');
    const replaced = target.folder.entries.get(target.name);
    if (replaced === node) return true;
    if (replaced instanceof FolderNode && (node instanceof FileNode || replaced.entries.size > 0)) {
      throw this.#failure('write', to, node instanceof FileNode ? 'EISDIR' : 'ENOTEMPTY');
    }
    if (replaced instanceof FileNode && node instanceof FolderNode) throw this.#failure('write', to, 'ENOTDIR');
    if (source.folder === target.folder) {
      source.folder.change({ kind: 'rename', name: source.name, to: target.name, node });
      return true;
    }
    const link: DirectoryChange = { kind: 'link', name: target.name, node };
    target.folder.change(link);
    source.folder.change({ kind: 'unlink', name: source.name, after: { folder: target.folder, link } });
    return true;
  }

  async remove(path: string): Promise<void> {
    await this.#enter('remove', path, 'write');
    const node = this.#find(path);
    if (node === undefined) return;
    removeAll(node);
    const { folder, name } = this.#place(path, 'write');
    folder.change({ kind: 'unlink', name });
  }

  async syncDirectory(folder: string): Promise<void> {
    await this.#enter('syncDirectory', folder, 'write');
    const node = this.#find(folder);
    if (!(node instanceof FolderNode)) throw this.#failure('write', folder, node === undefined ? 'ENOENT' : 'ENOTDIR');
    node.sync();
  }

  /** Counts the call, and stops or fails it when that was asked for. */
  async #enter(operation: string, path: string, effect: Effect): Promise<void> {
    assert(isPath(path), `'${path}' is not a path of the Disk port`);
    await this.beforeCall?.(operation, path);
    this.#calls++;
    if (this.#calls >= this.#stopAt) throw new DiskStopped(`stopped before call ${this.#calls}: ${operation} ${path}`);
    this.trace.push(`${operation} ${path}`);
    const fault = this.#faults.get(this.#calls);
    if (fault !== undefined) throw this.#failure(effect, path, fault);
  }

  #failure(effect: Effect, path: string, problem: string): ExternalError {
    return new ExternalError(effect === 'read' ? 'E1501' : 'E1502', { path, problem });
  }

  #find(path: string): Node | undefined {
    let at: Node | undefined = this.#root;
    for (const name of parts(path)) at = at instanceof FolderNode ? at.entries.get(name) : undefined;
    return at;
  }

  /** The folder that holds `path`, which must exist, and the last name. */
  #place(path: string, effect: Effect): { folder: FolderNode; name: string } {
    const names = parts(path);
    const name = names.pop();
    assert(name !== undefined, 'the root has no name');
    const folder = this.#find(names.join('/'));
    if (!(folder instanceof FolderNode)) throw this.#failure(effect, path, folder === undefined ? 'ENOENT' : 'ENOTDIR');
    return { folder, name };
  }
}

/** A disk as some power loss may have left it, chosen by `random`, or as a process crash leaves it. */
export const afterFailure = (disk: SimDisk, random: Random): SimDisk =>
  below(random, 4) === 0 ? disk.crash() : disk.powerLoss(random);

function removeAll(node: Node): void {
  if (node instanceof FileNode) return;
  for (const [name, child] of [...node.entries]) {
    removeAll(child);
    node.change({ kind: 'unlink', name });
  }
}

const parts = (path: string): string[] => (path === '' ? [] : path.split('/'));

const isPath = (path: string): boolean =>
  parts(path).every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\\'));
