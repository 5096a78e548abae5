/**
 * Reads what a job wrote with `indexedDbSink`: in any tab, while the job runs or long after.
 *
 * Invariants
 *  1. Only committed rows are seen, each once, in order.
 *  2. When a job fell back to an earlier checkpoint, what it took back is gone here too, and followers are told to
 *     begin again.
 * Not here: writing (connectors/indexeddb-sink.ts).
 */
import { deleteDB } from 'idb';
import { type ResultRow, rowsOf } from './result-row.ts';
import { type Connection, connectionLost, translate } from './state/indexeddb-errors.ts';
import {
  NO_RESULTS,
  openResultsDatabase,
  type ResultsDatabase,
  resultsDatabaseName,
  type ResultsRow,
} from './state/results-database.ts';

/** Rows that came since the last change; `begins` says that all earlier ones are void. */
export interface ResultsChange {
  readonly rows: readonly ResultRow[];
  /** These rows are the first: forget those told before. */
  readonly begins: boolean;
}

type Failed = (error: unknown) => void;

/** How far a reader has come. */
interface Place {
  readonly part: number;
  readonly revision: number;
}

/** Opens the results of this name; there need be none yet. */
export async function openResults(name: string): Promise<Results> {
  const connection: Connection = { lost: undefined };
  try {
    return new Results(name, await openResultsDatabase(name, connection), connection);
  } catch (error) {
    throw translate(error, `indexeddb ${resultsDatabaseName(name)}`, connection);
  }
}

/** What `openResults` gives: the rows of a sink in IndexedDB, now and as they come. */
export class Results {
  readonly #name: string;
  readonly #database: ResultsDatabase;
  readonly #connection: Connection;
  readonly #followers = new Set<BroadcastChannel>();

  constructor(name: string, database: ResultsDatabase, connection: Connection) {
    this.#name = name;
    this.#database = database;
    this.#connection = connection;
  }

  /** Deletes the results of this name. Of a job that is to begin anew, forget its state as well. */
  static forget(name: string): Promise<void> {
    return deleteDB(resultsDatabaseName(name));
  }

  /** All committed rows so far. */
  async rows(): Promise<readonly ResultRow[]> {
    return rowsOf(await this.text());
  }

  /** The same as text, a line of JSON each: what a file sink would have written. */
  async text(): Promise<string> {
    return textOf((await this.#readAfter(undefined)).parts);
  }

  /**
   * Calls `listener` with the rows so far, then with further ones as checkpoints commit them. The result ends it.
   * `onError` hears why following ended when the browser took the database away.
   */
  follow(listener: (change: ResultsChange) => void, onError: Failed = (error) => reportError(error)): () => void {
    const news = new BroadcastChannel(resultsDatabaseName(this.#name));
    this.#followers.add(news);
    let place: Place | undefined;
    const advance = async (): Promise<void> => {
      if (!this.#followers.has(news)) return;
      const { parts, place: reached } = await this.#readAfter(place);
      const begins = place?.revision !== reached.revision;
      place = reached;
      if (this.#followers.has(news) && (begins || parts.length > 0)) listener({ rows: rowsOf(textOf(parts)), begins });
    };
    const end = (): void => {
      this.#followers.delete(news);
      news.close();
    };
    let turn = Promise.resolve();
    // One after the other: a later reading starts where the earlier one ended.
    const next = (): void => {
      turn = turn.then(advance).catch((error: unknown) => {
        end();
        onError(error);
      });
    };
    news.onmessage = next;
    next();
    return end;
  }

  close(): void {
    for (const news of this.#followers) news.close();
    this.#followers.clear();
    this.#database.close();
    this.#connection.lost ??= 'the results were closed';
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Committed parts behind `place`, or all when the place does not hold any more. */
  async #readAfter(
    place: Place | undefined,
  ): Promise<{ readonly parts: readonly Uint8Array[]; readonly place: Place }> {
    const location = `indexeddb ${resultsDatabaseName(this.#name)}`;
    if (this.#connection.lost !== undefined) throw connectionLost(location, this.#connection.lost);
    try {
      const tx = this.#database.transaction(['meta', 'parts'], 'readonly');
      const { visible, revision }: ResultsRow = (await tx.objectStore('meta').get('owner')) ?? NO_RESULTS;
      const after = place?.revision === revision ? place.part : 0;
      const range = after < visible ? IDBKeyRange.bound(after, visible, true) : undefined;
      const parts = range === undefined ? [] : await tx.objectStore('parts').getAll(range);
      return { parts, place: { part: visible, revision } };
    } catch (error) {
      throw translate(error, location, this.#connection);
    }
  }
}

function textOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part)).join('');
}
