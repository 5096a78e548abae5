/**
 * How results lie in IndexedDB: the rows of an output as NDJSON, in parts.
 *
 *   meta    'owner' -> { owner, next, visible, revision }
 *   parts   number  -> Uint8Array                        whole lines; those up to `visible` are committed
 *
 * Invariants
 *  1. Part numbers are given once and only grow. Committed parts in the order of their numbers are the output.
 *  2. `visible` goes back only when a job falls back to an earlier checkpoint or begins anew; `revision` counts that.
 * Not here: who may write (connectors/indexeddb-sink.ts), reading (results.ts).
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb';
import type { Connection } from './indexeddb-errors.ts';
import { complete } from './indexeddb-schema.ts';

const SCHEMA_VERSION = 1;

export interface ResultsRow {
  /** Counts takeovers: only the latest owner writes. */
  readonly owner: number;
  /** Number of the next part. */
  readonly next: number;
  /** Parts up to this number are committed; 0: none. */
  readonly visible: number;
  readonly revision: number;
}

interface ResultsSchema extends DBSchema {
  meta: { key: 'owner'; value: ResultsRow };
  parts: { key: number; value: Uint8Array };
}

const STORES = ['meta', 'parts'] as const;
export type ResultsDatabase = IDBPDatabase<ResultsSchema>;
export type ResultsTransaction = IDBPTransaction<ResultsSchema, typeof STORES, 'readwrite'>;

export const NO_RESULTS: ResultsRow = { owner: 0, next: 1, visible: 0, revision: 0 };

export const resultsDatabaseName = (name: string): string => `millrace-results:${name}`;

export async function openResultsDatabase(name: string, connection: Connection): Promise<ResultsDatabase> {
  const opened = await openDB<ResultsSchema>(resultsDatabaseName(name), SCHEMA_VERSION, {
    upgrade(database) {
      database.createObjectStore('meta');
      database.createObjectStore('parts');
    },
    blocking: () => {
      connection.lost = 'another page deletes or upgrades the database';
      opened.close();
    },
    terminated: () => {
      connection.lost = 'the browser closed it';
    },
  });
  return opened;
}

/** One transaction over everything, given what `meta` holds. */
export function transactResults<T>(
  database: ResultsDatabase,
  durability: 'strict' | 'relaxed',
  body: (tx: ResultsTransaction, row: ResultsRow) => Promise<T>,
): Promise<T> {
  return complete(database.transaction(STORES, 'readwrite', { durability }), async (tx) =>
    body(tx, (await tx.objectStore('meta').get('owner')) ?? NO_RESULTS),
  );
}
