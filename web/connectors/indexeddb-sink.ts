/**
 * Results in IndexedDB, exactly once: a page reads them whenever it likes, after a reload too (results.ts).
 *
 * Invariants
 *  1. Rows are in a part, flushed by the browser, before `prepare` answers; its committable is the number of the last
 *     part. Committing is one transaction that moves `visible` there: repeating it changes nothing.
 *  2. Every transaction checks inside itself that no later owner took over (E1404): a frozen tab changes nothing.
 *  3. Recovery takes away what came after the restored checkpoint, committed or not: the job makes it again. A job
 *     that begins anew begins its results anew.
 *  4. A committable whose parts are gone fails the job (E1505), it is never dropped.
 */
import { assert } from '../../src/base/assert.ts';
import { ExternalError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import type { SinkConnector, SinkContext, SinkWriter } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import { type Connection, connectionLost, translate } from '../state/indexeddb-errors.ts';
import {
  openResultsDatabase,
  type ResultsDatabase,
  resultsDatabaseName,
  type ResultsRow,
  type ResultsTransaction,
  transactResults,
} from '../state/results-database.ts';

export interface IndexedDbSinkOptions {
  /** Takes updates and deletes as well; each row begins with what it does: "op": "+I", "-U", "+U", "-D". */
  readonly changelog?: boolean;
}

/** Rows beyond this are written out between checkpoints. */
const BUFFERED_BYTES_MAX = 4 << 20;

export function indexedDbSink(name: string, options: IndexedDbSinkOptions = {}): SinkConnector {
  return {
    accepts: options.changelog === true ? 'changelog' : 'inserts',
    open: async (context) => {
      const connection: Connection = { lost: undefined };
      try {
        return new IndexedDbSinkWriter(name, await openResultsDatabase(name, connection), connection, context, options);
      } catch (error) {
        throw translate(error, `indexeddb ${resultsDatabaseName(name)}`, connection);
      }
    },
  };
}

class IndexedDbSinkWriter implements SinkWriter {
  readonly commits = true;
  readonly #location: string;
  readonly #database: ResultsDatabase;
  readonly #connection: Connection;
  readonly #encoder: NdjsonEncoder;
  readonly #news: BroadcastChannel;
  /** 0 until fenced. */
  #owner = 0;
  #bytesWritten = 0;
  /** Something was written out since the last prepare. */
  #isDirty = false;
  /** The number of the last part; rejected for good when a write failed. */
  #tail: Promise<number> = Promise.resolve(0);

  constructor(
    name: string,
    database: ResultsDatabase,
    connection: Connection,
    { kernels, schema }: SinkContext,
    options: IndexedDbSinkOptions,
  ) {
    this.#location = `indexeddb ${resultsDatabaseName(name)}`;
    this.#database = database;
    this.#connection = connection;
    this.#encoder = new NdjsonEncoder(kernels.memory, schema, { changelog: options.changelog === true });
    this.#news = new BroadcastChannel(resultsDatabaseName(name));
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  async fence(): Promise<void> {
    this.#owner = await this.#attempt(() =>
      transactResults(this.#database, 'strict', async (tx, row) => {
        await tx.objectStore('meta').put({ ...row, owner: row.owner + 1 }, 'owner');
        return row.owner + 1;
      }),
    );
  }

  async recover(committables: readonly Json[]): Promise<void> {
    const through = Math.max(0, ...committables.map(throughOf));
    await this.#transact('strict', async (tx, row) => {
      this.#requireParts(through, row);
      await tx.objectStore('parts').delete(IDBKeyRange.lowerBound(through, true));
      const revision = through < row.visible ? row.revision + 1 : row.revision;
      await tx.objectStore('meta').put({ ...row, visible: through, revision }, 'owner');
    });
    this.#news.postMessage(through);
  }

  write(batch: RecordBatch): void {
    this.#encoder.encode(batch);
  }

  ready(): Promise<void> | undefined {
    if (this.#encoder.length <= BUFFERED_BYTES_MAX) return undefined;
    return this.#writeOut().then(() => undefined);
  }

  async prepare(_checkpoint: number): Promise<Json | undefined> {
    // Rows and flag are taken before anything is awaited: what is written meanwhile belongs to the next checkpoint.
    const written = this.#writeOut();
    const isDirty = this.#isDirty;
    this.#isDirty = false;
    const through = await written;
    return isDirty ? { through } : undefined;
  }

  /** Writes what is encoded as a part; answers with the number of the last part. */
  #writeOut(): Promise<number> {
    const bytes = this.#encoder.take();
    if (bytes.length === 0) return this.#tail;
    this.#isDirty = true;
    this.#bytesWritten += bytes.length;
    this.#tail = this.#tail.then(() =>
      this.#transact('strict', async (tx, row) => {
        // Sliced: a view would be stored with all of its buffer.
        await tx.objectStore('parts').put(bytes.slice(), row.next);
        await tx.objectStore('meta').put({ ...row, next: row.next + 1 }, 'owner');
        return row.next;
      }),
    );
    // Whoever prepares or writes next hears of it; nobody may.
    this.#tail.catch(() => {});
    return this.#tail;
  }

  async commit(committables: readonly Json[]): Promise<void> {
    const through = Math.max(0, ...committables.map(throughOf));
    // Relaxed: a commit that a power loss takes back is in the manifest, and recovery repeats it.
    await this.#transact('relaxed', async (tx, row) => {
      this.#requireParts(through, row);
      if (through > row.visible) await tx.objectStore('meta').put({ ...row, visible: through }, 'owner');
    });
    this.#news.postMessage(through);
  }

  async close(): Promise<void> {
    await this.#tail.catch(() => {});
    this.#news.close();
    this.#database.close();
    this.#connection.lost ??= 'the sink was closed';
  }

  #requireParts(through: number, row: ResultsRow): void {
    if (through < row.next) return;
    const problem = 'the browser has deleted the results that the checkpoint knows of';
    throw new ExternalError(
      'E1505',
      { path: this.#location, part: `part ${through}`, problem },
      { hint: 'forget the state of the job (IndexedDbStore.forget) to begin again with the first record' },
    );
  }

  #transact<T>(
    durability: 'strict' | 'relaxed',
    body: (tx: ResultsTransaction, row: ResultsRow) => Promise<T>,
  ): Promise<T> {
    assert(this.#owner !== 0, `the results at ${this.#location} are written before they are fenced`);
    return this.#attempt(() =>
      transactResults(this.#database, durability, async (tx, row) => {
        if (row.owner === this.#owner) return body(tx, row);
        throw new ExternalError('E1404', { path: this.#location, epoch: this.#owner, owner: row.owner });
      }),
    );
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    if (this.#connection.lost !== undefined) throw connectionLost(this.#location, this.#connection.lost);
    try {
      return await action();
    } catch (error) {
      throw translate(error, this.#location, this.#connection);
    }
  }
}

function throughOf(committable: Json): number {
  const through =
    typeof committable === 'object' && committable !== null && 'through' in committable
      ? committable.through
      : undefined;
  assert(typeof through === 'number', 'a committable of an IndexedDB sink is the number of a part');
  return through;
}
