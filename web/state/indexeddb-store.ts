/**
 * The checkpoint store on IndexedDB.
 *
 * Invariants
 *  1. Every transaction that writes checks the owner's epoch inside itself: a frozen tab that wakes up after another
 *     took over changes nothing, whatever locks it believes to hold.
 *  2. Segments are written with relaxed durability, publish and acquire with strict. A browser keeps the transactions
 *     of one database in one log (Chromium: one per origin), so flushing the publish flushes what was sealed before it.
 *  3. An empty database whose generation marker exists was lost: opening it throws E1413, never a fresh start.
 *  4. A connection that the browser closed, or that failed for any other reason than room, is not used again (E1412):
 *     open the store anew, acquire, restore.
 * Not here: the layout and the transactions (indexeddb-schema.ts), segments (indexeddb-segment.ts), the marker.
 */
import { deleteDB } from 'idb';
import { assert } from '../../src/base/assert.ts';
import { ExternalError } from '../../src/base/errors.ts';
import type { BlobInfo, CheckpointStore, SegmentWriter } from '../../src/state/checkpoint-store.ts';
import { type GenerationMarker, opfsMarker } from './generation-marker.ts';
import { type Connection, connectionLost, translate } from './indexeddb-errors.ts';
import {
  CHUNK_BYTES,
  chunksOf,
  openStateDatabase,
  type OwnerRow,
  putChunks,
  type StateDatabase,
  type StateTransaction,
  transact,
} from './indexeddb-schema.ts';
import { IndexedDbSegment } from './indexeddb-segment.ts';

/** How the state of a job lies in IndexedDB. */
export interface IndexedDbOptions {
  /** Where the generation is remembered a second time; by default OPFS, where there is one. `null`: nowhere. */
  readonly marker?: GenerationMarker | null;
}

const databaseName = (name: string): string => `millrace:${name}`;

/** A checkpoint store in IndexedDB: each checkpoint is one transaction, durable when it is committed. */
export class IndexedDbStore implements CheckpointStore {
  readonly location: string;
  /** Whether a lost database would be noticed: false where there is no second place for the marker. */
  readonly detectsLoss: boolean;
  readonly #database: StateDatabase;
  readonly #marker: GenerationMarker | undefined;
  readonly #connection: Connection;
  /** 0 until acquired. */
  #epoch = 0;

  private constructor(
    location: string,
    database: StateDatabase,
    marker: GenerationMarker | undefined,
    connection: Connection,
  ) {
    this.location = location;
    this.detectsLoss = marker !== undefined;
    this.#database = database;
    this.#marker = marker;
    this.#connection = connection;
  }

  /** Opens the state of this name, or makes it. Throws E1413 when there was some and it is gone. */
  static async open(name: string, options: IndexedDbOptions = {}): Promise<IndexedDbStore> {
    const location = `indexeddb ${databaseName(name)}`;
    const connection: Connection = { lost: undefined };
    let database: StateDatabase | undefined;
    try {
      const marker = options.marker === undefined ? await opfsMarker(name) : (options.marker ?? undefined);
      const opened = await openStateDatabase(databaseName(name), {
        blocking: () => {
          connection.lost = 'another page deletes or upgrades the database';
          opened.close();
        },
        terminated: () => {
          connection.lost = 'the browser closed it';
        },
      });
      database = opened;
      await requireGeneration(location, opened, marker);
      return new IndexedDbStore(location, opened, marker, connection);
    } catch (error) {
      database?.close();
      throw translate(error, location, connection);
    }
  }

  /** Forgets the state of this name, its marker too: the next `open` is a fresh start. */
  static async forget(name: string, options: IndexedDbOptions = {}): Promise<void> {
    const marker = options.marker === undefined ? await opfsMarker(name) : options.marker;
    await deleteDB(databaseName(name));
    await marker?.clear();
  }

  async acquire(): Promise<number> {
    const owner = await this.#attempt(() => transact(this.#database, 'strict', takeOver));
    this.#epoch = owner.epoch;
    await this.#attempt(async () => this.#marker?.write(owner.generation));
    return owner.epoch;
  }

  list(): Promise<readonly BlobInfo[]> {
    return this.#attempt(async () => {
      const rows = await this.#database.getAll('blobs');
      return rows.map(({ name, bytes }) => ({ name, bytes }));
    });
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#attempt(async () => {
      const tx = this.#database.transaction(['blobs', 'chunks'], 'readonly');
      const row = await tx.objectStore('blobs').get(name);
      if (row === undefined) throw this.#unreadable(name, 'there is no such blob');
      const end = Math.min(offset + length, row.bytes);
      if (end <= offset) return new Uint8Array();
      const first = Math.floor(offset / CHUNK_BYTES);
      const last = Math.floor((end - 1) / CHUNK_BYTES);
      const chunks = await tx.objectStore('chunks').getAll(chunksOf(row.id, first, last));
      const bytes = new Uint8Array(end - offset);
      let position = first * CHUNK_BYTES;
      for (const chunk of chunks) {
        const from = Math.max(0, offset - position);
        bytes.set(chunk.subarray(from, end - position), position + from - offset);
        position += chunk.length;
      }
      if (position < end) throw this.#unreadable(name, 'a part of it is missing');
      return bytes;
    });
  }

  async createSegment(name: string): Promise<SegmentWriter> {
    const id = await this.#write('relaxed', async (tx, owner) => {
      const open = await tx.objectStore('open').getAll();
      const isTaken =
        open.some((row) => row.name === name) || (await tx.objectStore('blobs').getKey(name)) !== undefined;
      if (isTaken) {
        throw new ExternalError('E1502', { path: `${this.location}/${name}`, problem: 'a blob of this name exists' });
      }
      await tx.objectStore('meta').put({ ...owner, nextId: owner.nextId + 1 }, 'owner');
      await tx.objectStore('open').put({ id: owner.nextId, name, epoch: owner.epoch });
      return owner.nextId;
    });
    return new IndexedDbSegment(name, id, (body) => this.#write('relaxed', body));
  }

  publish(name: string, bytes: Uint8Array): Promise<void> {
    const mine = bytes.slice();
    return this.#write('strict', async (tx, owner) => {
      const before = await tx.objectStore('blobs').get(name);
      if (before !== undefined) await tx.objectStore('chunks').delete(chunksOf(before.id));
      await putChunks(tx, owner.nextId, 0, mine);
      await tx.objectStore('blobs').put({ name, id: owner.nextId, bytes: mine.length });
      await tx.objectStore('meta').put({ ...owner, nextId: owner.nextId + 1 }, 'owner');
    });
  }

  remove(names: readonly string[]): Promise<void> {
    return this.#write('relaxed', async (tx) => {
      for (const name of names) {
        const row = await tx.objectStore('blobs').get(name);
        if (row === undefined) continue;
        await tx.objectStore('chunks').delete(chunksOf(row.id));
        await tx.objectStore('blobs').delete(name);
      }
    });
  }

  /** Closes the connection as well; what this owner left open is cleared away by the next. */
  async release(): Promise<void> {
    this.#epoch = 0;
    this.#database.close();
    this.#connection.lost ??= 'the store was released';
  }

  /** One writing transaction of the owner, or E1404. */
  #write<T>(durability: 'strict' | 'relaxed', body: (tx: StateTransaction, owner: OwnerRow) => Promise<T>): Promise<T> {
    return this.#attempt(async () => {
      assert(this.#epoch !== 0, `the store at ${this.location} is written before it is acquired`);
      const epoch = this.#epoch;
      return transact(this.#database, durability, async (tx) => {
        const owner = await tx.objectStore('meta').get('owner');
        if (owner === undefined)
          throw new ExternalError('E1413', { path: this.location, problem: 'its owner record is missing' });
        if (owner.epoch !== epoch) throw new ExternalError('E1404', { path: this.location, epoch, owner: owner.epoch });
        return body(tx, owner);
      });
    });
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    if (this.#connection.lost !== undefined) throw connectionLost(this.location, this.#connection.lost);
    try {
      return await action();
    } catch (error) {
      throw translate(error, this.location, this.#connection);
    }
  }

  #unreadable(name: string, problem: string): ExternalError {
    return new ExternalError('E1501', { path: `${this.location}/${name}`, problem });
  }
}

/** The next owner: counts the epoch on, and clears away the segments that earlier owners left open. */
async function takeOver(tx: StateTransaction): Promise<OwnerRow> {
  const before = await tx.objectStore('meta').get('owner');
  const owner: OwnerRow =
    before === undefined
      ? { epoch: 1, generation: randomGeneration(), nextId: 1 }
      : { ...before, epoch: before.epoch + 1 };
  await tx.objectStore('meta').put(owner, 'owner');
  for (const { id } of await tx.objectStore('open').getAll()) {
    await tx.objectStore('chunks').delete(chunksOf(id));
    await tx.objectStore('open').delete(id);
  }
  return owner;
}

async function requireGeneration(
  location: string,
  database: StateDatabase,
  marker: GenerationMarker | undefined,
): Promise<void> {
  if (marker === undefined) return;
  const owner = await database.get('meta', 'owner');
  const marked = await marker.read();
  if (marked === owner?.generation) return;
  if (marked === undefined && owner !== undefined) {
    // Its first owner ended between the two writes, or the file system was cleared: the database is the truth.
    await marker.write(owner.generation);
    return;
  }
  const problem =
    owner === undefined
      ? 'the browser has deleted the database'
      : 'the database is not the one that was written before';
  throw new ExternalError(
    'E1413',
    { path: location, problem },
    {
      hint: 'restore it from a savepoint, or forget it (IndexedDbStore.forget) to begin again with the first record',
    },
  );
}

function randomGeneration(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
