/**
 * Part files, exactly once.
 *
 *   <folder>/.pending-<uid>-<epoch>/part-0000000012.ndjson     written, perhaps sealed
 *   <folder>/part-0000000012.ndjson                            committed: renamed into place
 *   <folder>/.committed-<uid>-0000000013                       empty: every part below this number was committed
 *
 * Committed parts in the order of their names are the output in order, across restarts. A part is sealed at each
 * checkpoint that has rows, and its number is given then.
 *
 * Invariants
 *  1. A committable lists every part sealed and not yet committed, and the number of the next: it is complete in
 *     itself, so a checkpoint may be restored whose predecessor was never committed.
 *  2. A committed part is never replaced, and files of others are never touched. Parts that the restored checkpoint
 *     does not know, or a folder with parts at a fresh start, are refused (E1503): two outputs would be mixed.
 *  3. The fence takes the pending folder away from earlier owners by renaming it: what they rename later is not
 *     there, and they fail (E1505). An owner that was fenced never makes its folder again.
 *  4. A part's bytes are synced before `prepare` answers; its name is durable before `commit` resolves.
 *  5. A part that was committed may be taken away by whoever reads the output. One that is gone before that is an error (E1505).
 * Not here: the bytes of rows (a RowEncoder), real disks (the Disk port).
 */
import { assert } from '../base/assert.ts';
import type { Disk } from '../base/disk.ts';
import { ExternalError, UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import { PartFile } from './part-file.ts';
import type { SinkConnector, SinkContext, SinkWriter } from './sink.ts';

/** Makes bytes of rows. `take` hands over what was encoded since the last take. */
export interface RowEncoder {
  readonly length: number;
  encode(batch: RecordBatch): void;
  take(): Uint8Array;
}

export interface FileSinkOptions {
  readonly disk: Disk;
  /** Path on the disk, '' for all of it. */
  readonly folder: string;
  /** What messages call the folder. */
  readonly location: string;
  /** File name extension of parts, without the dot. */
  readonly extension: string;
  readonly accepts: 'inserts' | 'changelog';
  encoder(context: SinkContext): RowEncoder;
}

interface Part {
  readonly name: string;
  readonly bytes: number;
}

/** What a checkpoint holds of this sink. */
interface Committable {
  readonly parts: readonly Part[];
  readonly next: number;
}

const ANOTHER_RUN =
  'another run writes to this folder: a later start of this job, or one with another state folder, which needs an output folder of its own';
const BLOCK_BYTES = 256 * 1024;
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024;

export function fileSink(options: FileSinkOptions): SinkConnector {
  return {
    accepts: options.accepts,
    open: async (context) => new FileSinkWriter(options, context),
  };
}

class FileSinkWriter implements SinkWriter {
  // configuration
  readonly commits = true;
  readonly #options: FileSinkOptions;
  readonly #disk: Disk;
  readonly #epoch: number;
  readonly #uidName: string;
  readonly #encoder: RowEncoder;
  // transient
  #file: PartFile | undefined;
  #isRecovered = false;
  #bytesWritten = 0;
  #preparing: Promise<unknown> = Promise.resolve();
  readonly #sealing = new Set<PartFile>();
  /** Renames happened that are not durable yet. */
  #isFolderDirty = false;
  /** The number in the name of the mark; undefined: there is none. */
  #mark: number | undefined;
  // checkpointed, in committables
  readonly #sealed = new Map<string, Part>();
  #next = 0;

  constructor(options: FileSinkOptions, context: SinkContext) {
    this.#options = options;
    this.#disk = options.disk;
    this.#epoch = context.epoch;
    // A uid may hold any character; a file name may not.
    this.#uidName = encodeURIComponent(context.uid).replace(/[*]/g, '%2A');
    this.#encoder = options.encoder(context);
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  async fence(): Promise<void> {
    const { folder } = this.#options;
    await this.#disk.makeFolder(folder);
    const above = folder.split('/').slice(0, -1);
    if (folder !== '')
      for (let depth = above.length; depth >= 0; depth--)
        await this.#disk.syncDirectory(above.slice(0, depth).join('/'));
    const mine = this.#pendingFolder(this.#epoch);
    for (let earlier = await this.#earlierEpochs(); earlier.length > 0; earlier = await this.#earlierEpochs()) {
      for (const epoch of earlier) await this.#takeOver(this.#pendingFolder(epoch), mine);
    }
    await this.#disk.makeFolder(mine);
    await this.#disk.syncDirectory(folder);
  }

  /** Epochs with a pending folder of this sink, below ours. One above ours means that we are fenced ourselves. */
  async #earlierEpochs(): Promise<readonly number[]> {
    const prefix = `.pending-${this.#uidName}-`;
    const names = await this.#disk.list(this.#options.folder);
    const epochs = names
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .filter((rest) => /^\d{10}$/.test(rest))
      .map(Number);
    const owner = Math.max(0, ...epochs);
    if (owner > this.#epoch)
      throw new ExternalError(
        'E1404',
        { path: this.#options.location, epoch: this.#epoch, owner },
        { hint: ANOTHER_RUN },
      );
    return epochs.filter((epoch) => epoch < this.#epoch);
  }

  /** Renames an earlier owner's folder to ours, or, when ours exists, each file into it. */
  async #takeOver(theirs: string, mine: string): Promise<void> {
    const mineExists = (await this.#disk.list(this.#options.folder)).includes(mine.slice(mine.lastIndexOf('/') + 1));
    if (!mineExists) {
      await this.#disk.rename(theirs, mine);
      return;
    }
    for (const name of await this.#disk.list(theirs)) await this.#disk.rename(`${theirs}/${name}`, `${mine}/${name}`);
    await this.#disk.remove(theirs);
  }

  async recover(committables: readonly Json[]): Promise<void> {
    const restored = committables.map(parseCommittable);
    this.#next = Math.max(0, ...restored.map((committable) => committable.next));
    await this.#takeBackLaterParts(restored.length > 0);
    await this.#findMark();
    const pending = this.#pendingFolder(this.#epoch);
    for (const part of restored.flatMap((committable) => committable.parts))
      await this.#rollForward(part, `${pending}/${part.name}`);
    await this.#markBelow(this.#next);
    await this.#disk.syncDirectory(this.#options.folder);
    for (const name of await this.#disk.list(pending)) await this.#disk.remove(`${pending}/${name}`);
    this.#isRecovered = true;
  }

  /**
   * Parts beyond the restored checkpoint. A fresh start refuses them: they are another run's. After a checkpoint was found
   * damaged and an earlier one restored, they are what that earlier one will write again, so they are taken back.
   */
  async #takeBackLaterParts(isRestored: boolean): Promise<void> {
    const { folder, location, extension } = this.#options;
    const part = /^part-(\d{10})\./;
    const later = (await this.#disk.list(folder)).filter((name) => Number(part.exec(name)?.[1] ?? -1) >= this.#next);
    if (later[0] === undefined) return;
    if (!isRestored) {
      throw new UserError(
        'E1503',
        { path: location, problem: `it already holds output (${later[0]}) of another run` },
        {
          hint: `name another folder, or move the part-*.${extension} files away; to continue that run, start with its state`,
        },
      );
    }
    for (const name of later) await this.#disk.remove(this.#at(name));
  }

  async #rollForward(part: Part, pending: string): Promise<void> {
    const target = this.#at(part.name);
    const [waiting, there] = [await this.#disk.size(pending), await this.#disk.size(target)];
    const found = there ?? waiting;
    if (found === undefined && numberOf(part.name) < (this.#mark ?? 0)) return;
    if (found === undefined) throw this.#cannotCommit(part, 'it is not there, neither pending nor committed');
    if (found !== part.bytes) throw this.#cannotCommit(part, `it holds ${found} bytes instead of ${part.bytes}`);
    if (there === undefined && !(await this.#disk.rename(pending, target)))
      throw this.#cannotCommit(part, 'it vanished');
  }

  /** Of several, which a power loss may leave, the lowest: what it says is true in any case. */
  async #findMark(): Promise<void> {
    const prefix = `.committed-${this.#uidName}-`;
    const names = await this.#disk.list(this.#options.folder);
    const marks = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    const [lowest, ...others] = marks.filter((rest) => /^\d{10}$/.test(rest)).sort();
    for (const rest of others) await this.#disk.remove(this.#at(prefix + rest));
    this.#mark = lowest === undefined ? undefined : Number(lowest);
  }

  /** Says that the parts below `next` are committed; as durable as their names, with the folder. */
  async #markBelow(next: number): Promise<void> {
    if (next === (this.#mark ?? 0)) return;
    const path = (mark: number): string => this.#at(`.committed-${this.#uidName}-${String(mark).padStart(10, '0')}`);
    const isRenamed = this.#mark !== undefined && (await this.#disk.rename(path(this.#mark), path(next)));
    if (!isRenamed) {
      const file = await this.#disk.create(path(next));
      if (file !== false) await file.close();
    }
    this.#mark = next;
  }

  write(batch: RecordBatch): void {
    assert(this.#isRecovered, 'a file sink takes rows after fence and recover');
    this.#encoder.encode(batch);
    if (this.#encoder.length >= BLOCK_BYTES) this.#handOver();
  }

  /** Gives what the encoder holds to the current part. */
  #handOver(): void {
    if (this.#encoder.length === 0) return;
    const block = this.#encoder.take();
    this.#file ??= this.#newPart();
    this.#file.append(block);
    this.#bytesWritten += block.length;
  }

  #newPart(): PartFile {
    const name = `part-${String(this.#next++).padStart(10, '0')}.${this.#options.extension}`;
    return new PartFile(this.#disk, name, `${this.#pendingFolder(this.#epoch)}/${name}`);
  }

  ready(): Promise<void> | undefined {
    const files = [...this.#sealing, ...(this.#file === undefined ? [] : [this.#file])];
    const failed = files.find((file) => file.failed);
    if (failed !== undefined) return failed.drained(0);
    const buffered = files.reduce((sum, file) => sum + file.bufferedBytes, 0);
    if (buffered <= BUFFERED_BYTES_MAX) return undefined;
    return Promise.all(files.map((file) => file.drained(BUFFERED_BYTES_MAX / 2 / files.length))).then(() => undefined);
  }

  prepare(_checkpoint: number): Promise<Json> {
    this.#handOver();
    const file = this.#file;
    const next = this.#next;
    this.#file = undefined;
    if (file !== undefined) this.#sealing.add(file);
    // One after the other, so that each answer lists the parts before it.
    const prepared = this.#preparing.then(() => this.#seal(file, next));
    this.#preparing = prepared.catch(() => undefined);
    return prepared;
  }

  async #seal(file: PartFile | undefined, next: number): Promise<Json> {
    if (file !== undefined) {
      await file.seal();
      await this.#disk.syncDirectory(this.#pendingFolder(this.#epoch));
      this.#sealing.delete(file);
      this.#sealed.set(file.name, { name: file.name, bytes: file.bytes });
    }
    return { parts: [...this.#sealed.values()].map(({ name, bytes }) => ({ name, bytes })), next };
  }

  async commit(committables: readonly Json[]): Promise<void> {
    for (const part of committables.flatMap((committable) => parseCommittable(committable).parts)) {
      // What is sealed and waits is in the map; any other part that a checkpoint names was committed before.
      if (this.#sealed.has(part.name)) await this.#commitPart(part);
    }
    if (!this.#isFolderDirty) return;
    // Parts that were sealed meanwhile still wait.
    await this.#markBelow(Math.min(this.#next, ...[...this.#sealed.keys()].map(numberOf), ...this.#unsealed()));
    await this.#disk.syncDirectory(this.#options.folder);
    this.#isFolderDirty = false;
  }

  /** Numbers that were given to parts which are not sealed yet. */
  #unsealed(): readonly number[] {
    return [...this.#sealing, ...(this.#file === undefined ? [] : [this.#file])].map(({ name }) => numberOf(name));
  }

  async #commitPart(part: Part): Promise<void> {
    const target = this.#at(part.name);
    if ((await this.#disk.size(target)) !== undefined)
      throw this.#cannotCommit(part, 'a file of this name is there that this run did not write');
    const wasThere = await this.#disk.rename(`${this.#pendingFolder(this.#epoch)}/${part.name}`, target);
    if (!wasThere) throw this.#cannotCommit(part, 'it is no longer pending: a later run of this job has taken over');
    this.#isFolderDirty = true;
    this.#sealed.delete(part.name);
  }

  /** Leaves sealed parts for a restart, removes an unsealed one and, when nothing is pending, the pending folder. */
  async close(): Promise<void> {
    await this.#preparing;
    const pending = this.#pendingFolder(this.#epoch);
    await this.#file?.abandon();
    this.#file = undefined;
    const holdsNothing = this.#isRecovered
      ? this.#sealed.size === 0 && this.#sealing.size === 0
      : (await this.#disk.list(pending)).length === 0;
    if (holdsNothing) await this.#disk.remove(pending);
  }

  #pendingFolder(epoch: number): string {
    return this.#at(`.pending-${this.#uidName}-${String(epoch).padStart(10, '0')}`);
  }

  #at(name: string): string {
    return this.#options.folder === '' ? name : `${this.#options.folder}/${name}`;
  }

  #cannotCommit(part: Part, problem: string): ExternalError {
    return new ExternalError('E1505', { path: this.#options.location, part: part.name, problem });
  }
}

/** Of 'part-0000000012.ndjson' 12. */
const numberOf = (name: string): number => Number.parseInt(name.slice('part-'.length), 10);

function parseCommittable(json: Json): Committable {
  assert(
    typeof json === 'object' && json !== null && 'parts' in json && 'next' in json,
    'a committable of a file sink',
  );
  const { parts, next } = json;
  assert(Array.isArray(parts) && typeof next === 'number', 'a committable of a file sink');
  return { next, parts: parts.map(parsePart) };
}

function parsePart(json: Json): Part {
  assert(typeof json === 'object' && json !== null && 'name' in json && 'bytes' in json, 'a part of a committable');
  const { name, bytes } = json;
  assert(typeof name === 'string' && typeof bytes === 'number', 'a part of a committable');
  return { name, bytes };
}
