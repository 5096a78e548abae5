/**
 * How state lies in IndexedDB, and how one transaction on it is made.
 *
 *   meta    'owner'      -> { epoch, generation, nextId }
 *   blobs   name         -> { name, id, bytes }            published blobs and sealed segments
 *   open    id           -> { id, name, epoch }            segments being written
 *   chunks  [id, index]  -> Uint8Array                     CHUNK_BYTES each, the last of a blob shorter
 *
 * Invariants
 *  1. Chunks belong to an id, never to a name: a blob is replaced by giving its name another id in one transaction.
 *  2. A transaction resolves when it is complete and rejects when any part of it failed; nothing of it stays then.
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, type OpenDBCallbacks, openDB } from 'idb';

export const CHUNK_BYTES = 1 << 18;
const SCHEMA_VERSION = 1;

export interface OwnerRow {
  readonly epoch: number;
  readonly generation: string;
  readonly nextId: number;
}

export interface BlobRow {
  readonly name: string;
  readonly id: number;
  readonly bytes: number;
}

export interface OpenRow {
  readonly id: number;
  readonly name: string;
  readonly epoch: number;
}

export interface StateSchema extends DBSchema {
  meta: { key: 'owner'; value: OwnerRow };
  blobs: { key: string; value: BlobRow };
  open: { key: number; value: OpenRow };
  chunks: { key: [number, number]; value: Uint8Array };
}

export type StateDatabase = IDBPDatabase<StateSchema>;
const STORES = ['meta', 'blobs', 'open', 'chunks'] as const;
export type StateTransaction = IDBPTransaction<StateSchema, typeof STORES, 'readwrite'>;

export function openStateDatabase(
  name: string,
  callbacks: Pick<OpenDBCallbacks<StateSchema>, 'blocking' | 'terminated'>,
): Promise<StateDatabase> {
  return openDB<StateSchema>(name, SCHEMA_VERSION, {
    upgrade(database) {
      database.createObjectStore('meta');
      database.createObjectStore('blobs', { keyPath: 'name' });
      database.createObjectStore('open', { keyPath: 'id' });
      database.createObjectStore('chunks');
    },
    ...callbacks,
  });
}

/**
 * One transaction over everything. 'strict' resolves when the medium has it; 'relaxed' when the system has.
 * Inside `body` only requests of the transaction may be awaited: it completes by itself when it has none.
 */
export function transact<T>(
  database: StateDatabase,
  durability: 'strict' | 'relaxed',
  body: (tx: StateTransaction) => Promise<T>,
): Promise<T> {
  return complete(database.transaction(STORES, 'readwrite', { durability }), body);
}

/** What of a transaction is used to end it. */
interface Endable {
  readonly done: Promise<void>;
  readonly error: DOMException | null;
  abort(): void;
}

/** Runs `body` in a transaction: resolves when it is complete, rejects when any part of it failed. */
export async function complete<X extends Endable, T>(tx: X, body: (tx: X) => Promise<T>): Promise<T> {
  const done = tx.done;
  // Awaited below; while the body runs, its rejection has no other handler.
  done.catch(() => {});
  try {
    const result = await body(tx);
    await done;
    return result;
  } catch (error) {
    try {
      tx.abort();
    } catch {
      // It is over already: that is what failed.
    }
    await done.catch(() => {});
    throw tx.error ?? error;
  }
}

/** All keys of the chunks of an id, or of those with the given numbers. */
export const chunksOf = (id: number, first = 0, last = Number.MAX_SAFE_INTEGER): IDBKeyRange =>
  IDBKeyRange.bound([id, first], [id, last]);

/** Puts the bytes from chunk number `index` on. Views are copied: a view would be stored with all of its buffer. */
export async function putChunks(tx: StateTransaction, id: number, index: number, bytes: Uint8Array): Promise<void> {
  const puts: Promise<unknown>[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    puts.push(tx.objectStore('chunks').put(bytes.slice(start, start + CHUNK_BYTES), [id, index + start / CHUNK_BYTES]));
  }
  await Promise.all(puts);
}
