/**
 * Checkpoint store on a disk.
 *
 *   owner-0000000007                 whoever made the highest of these owns the store
 *   <manifest>                       published blobs, each renamed into place as a whole
 *   <manifest>.tmp-7                 a publish of epoch 7 on its way, or what a crash left of one
 *   segments/<segment>               sealed, never written again
 *   segments/<segment>.tmp-7         being written
 *
 * Invariants
 *  1. A blob is published by: bytes synced under a temporary name, segments folder synced, ownership checked, rename,
 *     folder synced. Sealing a segment synced its bytes before it got its name.
 *  2. The fence. A new owner's file is there before it removes temporary files, and it removes them before `acquire`
 *     resolves. An earlier owner checks for newer owner files after its temporary file is complete: so either it sees
 *     the newer owner, or its temporary file is removed (its rename finds nothing), or its rename came before `acquire`
 *     ended and the new owner lists the blob.
 *  3. `acquire` syncs the folders before it resolves, so whatever the new owner lists is as durable as its own epoch:
 *     what it restores from cannot vanish later. Only then are earlier owner files removed; no epoch is given twice.
 *  4. An error of the disk is never taken for an empty store.
 * Not here: what blobs hold, which ones are still needed (their owner tells), checksums.
 */
import { assert } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { ExternalError } from '../base/errors.ts';
import type { BlobInfo, CheckpointStore, SegmentWriter } from './checkpoint-store.ts';

const SEGMENTS = 'segments';
const OWNER = /^owner-(\d{10})$/;
const TEMPORARY = /\.tmp-\d+$/;

export class DiskCheckpointStore implements CheckpointStore {
  readonly location: string;
  readonly #disk: Disk;
  readonly #folder: string;
  /** Where each blob that was met lies, so that reading many ranges of one looks for it once. */
  readonly #paths = new Map<string, string>();
  #epoch = 0;
  /** Segments sealed so far, and how many of them have a durable name. */
  #sealed = 0;
  #named = 0;

  /** `folder` is a path on `disk`, '' for all of it; `location` is what messages call it. */
  constructor(disk: Disk, location: string, folder = '') {
    this.#disk = disk;
    this.location = location;
    this.#folder = folder;
  }

  async acquire(): Promise<number> {
    await this.#disk.makeFolder(this.#at(SEGMENTS));
    let epoch = Math.max(0, ...owners(await this.#disk.list(this.#folder))) + 1;
    let file = await this.#disk.create(this.#at(ownerName(epoch)), { exclusive: true });
    while (file === false) file = await this.#disk.create(this.#at(ownerName(++epoch)), { exclusive: true });
    await file.close();
    this.#epoch = epoch;
    const names = await this.#disk.list(this.#folder);
    await this.#removeTemporary('', names);
    await this.#removeTemporary(`${SEGMENTS}/`, await this.#disk.list(this.#at(SEGMENTS)));
    await this.#syncParents();
    await this.#disk.syncDirectory(this.#at(SEGMENTS));
    await this.#disk.syncDirectory(this.#folder);
    for (const owner of owners(names)) if (owner < epoch) await this.#disk.remove(this.#at(ownerName(owner)));
    return epoch;
  }

  /** Sorted by name; manifests and segments alike, also those that nothing refers to. */
  async list(): Promise<readonly BlobInfo[]> {
    const manifests = (await this.#disk.list(this.#folder)).filter(isBlob);
    const segments = (await this.#disk.list(this.#at(SEGMENTS))).filter(isBlob);
    const blobs: BlobInfo[] = [];
    for (const [name, path] of [
      ...manifests.map((name) => [name, name] as const),
      ...segments.map((name) => [name, `${SEGMENTS}/${name}`] as const),
    ]) {
      const bytes = await this.#disk.size(this.#at(path));
      // Removed since it was listed, by an owner that is still at work.
      if (bytes === undefined) continue;
      this.#paths.set(name, this.#at(path));
      blobs.push({ name, bytes });
    }
    return blobs.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const path = this.#paths.get(name) ?? (await this.#find(name));
    return this.#disk.read(path, offset, length);
  }

  async createSegment(name: string): Promise<SegmentWriter> {
    assert(isBlob(name), `'${name}' cannot name a segment`);
    await this.#checkOwner();
    const path = this.#at(`${SEGMENTS}/${name}`);
    const temporary = `${path}.tmp-${this.#epoch}`;
    const file = await this.#disk.create(temporary);
    assert(file !== false, 'only an exclusive create may be refused');
    return this.#writer(name, path, temporary, file);
  }

  #writer(name: string, path: string, temporary: string, file: DiskFile): SegmentWriter {
    return {
      name,
      append: (bytes) => file.append(bytes),
      seal: async () => {
        await file.sync();
        await file.close();
        await this.#rename(temporary, path, name);
        this.#sealed++;
      },
      abandon: async () => {
        await file.close();
        // Temporary names hold the epoch: nobody else has one of this name.
        await this.#disk.remove(temporary);
      },
    };
  }

  async #rename(temporary: string, path: string, name: string): Promise<void> {
    if (!(await this.#disk.rename(temporary, path))) {
      await this.#checkOwner();
      throw this.#unusable(`the file of ${name} vanished before it had its name`);
    }
    this.#paths.set(name, path);
  }

  async publish(name: string, bytes: Uint8Array): Promise<void> {
    assert(isBlob(name), `'${name}' cannot name a blob`);
    await this.#checkOwner();
    const temporary = this.#at(`${name}.tmp-${this.#epoch}`);
    try {
      await this.#writeWhole(temporary, bytes);
      await this.#nameSegments();
      await this.#checkOwner();
    } catch (error) {
      // Frees its space, which matters when the disk is full. The first error is the one to tell.
      await this.#disk.remove(temporary).catch(() => undefined);
      throw error;
    }
    await this.#rename(temporary, this.#at(name), name);
    await this.#disk.syncDirectory(this.#folder);
  }

  async remove(names: readonly string[]): Promise<void> {
    await this.#checkOwner();
    for (const name of names) {
      const path = await this.#tryFind(name);
      this.#paths.delete(name);
      if (path !== undefined) await this.#disk.remove(path);
    }
  }

  /** Keeps the owner file: the next epoch must be greater than this one. */
  async release(): Promise<void> {
    this.#epoch = 0;
  }

  async #removeTemporary(folder: string, names: readonly string[]): Promise<void> {
    for (const name of names) if (TEMPORARY.test(name)) await this.#disk.remove(this.#at(folder + name));
  }

  async #writeWhole(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#disk.create(path);
    assert(file !== false, 'only an exclusive create may be refused');
    try {
      await file.append(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #nameSegments(): Promise<void> {
    const sealed = this.#sealed;
    if (this.#named >= sealed) return;
    await this.#disk.syncDirectory(this.#at(SEGMENTS));
    this.#named = Math.max(this.#named, sealed);
  }

  /** Makes the names of the store's own folder and of those above it durable. */
  async #syncParents(): Promise<void> {
    const names = this.#folder === '' ? [] : this.#folder.split('/');
    while (names.pop() !== undefined) await this.#disk.syncDirectory(names.join('/'));
  }

  async #checkOwner(): Promise<void> {
    assert(this.#epoch > 0, `the state at ${this.location} is not owned: acquire comes first`);
    const highest = Math.max(0, ...owners(await this.#disk.list(this.#folder)));
    if (highest > this.#epoch) {
      throw new ExternalError(
        'E1404',
        { path: this.location, epoch: this.#epoch, owner: highest },
        {
          hint: 'another run of this job was started on the same state; only the last one started may write to it',
        },
      );
    }
    if (highest < this.#epoch) throw this.#unusable('its files were removed while the job was running');
  }

  async #find(name: string): Promise<string> {
    const path = await this.#tryFind(name);
    if (path === undefined) {
      throw new ExternalError('E1501', { path: `${name} in ${this.location}`, problem: 'there is no such blob' });
    }
    this.#paths.set(name, path);
    return path;
  }

  async #tryFind(name: string): Promise<string | undefined> {
    for (const path of [this.#at(`${SEGMENTS}/${name}`), this.#at(name)]) {
      if ((await this.#disk.size(path)) !== undefined) return path;
    }
    return undefined;
  }

  #unusable(problem: string): ExternalError {
    return new ExternalError('E1401', { path: this.location, problem });
  }

  #at(name: string): string {
    return this.#folder === '' ? name : `${this.#folder}/${name}`;
  }
}

const ownerName = (epoch: number): string => `owner-${String(epoch).padStart(10, '0')}`;

const owners = (names: readonly string[]): number[] => names.flatMap((name) => OWNER.exec(name)?.[1] ?? []).map(Number);

const isBlob = (name: string): boolean =>
  /^[\w.-]+$/.test(name) && name !== SEGMENTS && !name.startsWith('.') && !OWNER.test(name) && !TEMPORARY.test(name);
