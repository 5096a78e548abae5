/**
 * Rows as objects in memory, exactly once with respect to checkpoints: rows appear in `rows` when their checkpoint is
 * committed. The object outlives restarts of a job inside one process, and goes with the process.
 *
 * Invariants
 *  1. `rows` only grows, by whole checkpoints, in order.
 *  2. Each set of rows has a number, and a committable names the last one that its checkpoint holds: committing it
 *     again adds nothing, and recovering to it forgets what came after.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/json.ts';
import type { SinkConnector, SinkContext, SinkWriter } from '../connector/sink.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import { shortRowKind } from '../data/row-kind.ts';
import { type Row, RowView, type TimestampHook } from './row-view.ts';

export interface CollectSinkOptions {
  /** Takes updates and deletes as well; each row then begins with `op`: '+I', '-U', '+U' or '-D'. */
  readonly changelog?: boolean;
  readonly timestamp?: TimestampHook;
}

export interface CollectSink extends SinkConnector {
  /** The committed rows, in order. */
  readonly rows: readonly Row[];
}

/** Rows prepared for a checkpoint that is not committed yet. */
interface PreparedRows {
  readonly number: number;
  readonly rows: readonly Row[];
}

export function collectSink(options: CollectSinkOptions = {}): CollectSink {
  const store = new CollectedRows();
  return {
    accepts: options.changelog === true ? 'changelog' : 'inserts',
    rows: store.rows,
    open: async (context) => new CollectSinkWriter(store, context, options),
  };
}

/** What is common to all writers of one sink, over all restarts. */
class CollectedRows {
  readonly rows: Row[] = [];
  #prepared: PreparedRows[] = [];
  #lastNumber = 0;
  epoch = 0;

  prepare(rows: readonly Row[]): number {
    this.#lastNumber++;
    if (rows.length > 0) this.#prepared.push({ number: this.#lastNumber, rows });
    return this.#lastNumber;
  }

  commitThrough(number: number): void {
    // One by one: a call takes only so many arguments.
    for (const { rows } of this.#prepared.filter((prepared) => prepared.number <= number))
      for (const row of rows) this.rows.push(row);
    this.#prepared = this.#prepared.filter((prepared) => prepared.number > number);
  }

  forgetPrepared(): void {
    this.#prepared = [];
  }
}

class CollectSinkWriter implements SinkWriter {
  readonly commits = true;
  readonly #store: CollectedRows;
  readonly #epoch: number;
  readonly #reader: ChangeReader;
  #rows: Row[] = [];
  readonly bytesWritten = 0;

  constructor(store: CollectedRows, context: SinkContext, options: CollectSinkOptions) {
    this.#store = store;
    this.#epoch = context.epoch;
    this.#reader = new ChangeReader(context, options);
  }

  async fence(): Promise<void> {
    this.#store.epoch = Math.max(this.#store.epoch, this.#epoch);
  }

  async recover(committables: readonly Json[]): Promise<void> {
    await this.commit(committables);
    this.#store.forgetPrepared();
  }

  write(batch: RecordBatch): void {
    for (const row of this.#reader.read(batch)) this.#rows.push(row);
  }

  ready(): undefined {}

  async prepare(_checkpoint: number): Promise<Json> {
    const rows = this.#rows;
    this.#rows = [];
    return { through: this.#store.prepare(rows) };
  }

  async commit(committables: readonly Json[]): Promise<void> {
    assert(
      this.#store.epoch <= this.#epoch,
      `a sink of epoch ${this.#epoch} commits after epoch ${this.#store.epoch} took over`,
    );
    for (const committable of committables) this.#store.commitThrough(throughOf(committable));
  }

  async close(): Promise<void> {}
}

function throughOf(committable: Json): number {
  assert(
    typeof committable === 'object' && committable !== null && 'through' in committable,
    'a committable of a collecting sink',
  );
  assert(typeof committable.through === 'number', 'a committable of a collecting sink');
  return committable.through;
}

/** Rows of batches as objects that may be kept, on changelogs with their kind first. */
export class ChangeReader {
  readonly #view: RowView;
  readonly #isChangelog: boolean;

  constructor({ kernels, schema }: SinkContext, options: CollectSinkOptions) {
    this.#view = new RowView(
      kernels.memory,
      schema,
      options.timestamp === undefined ? {} : { timestamp: options.timestamp },
    );
    this.#isChangelog = options.changelog === true;
  }

  read(batch: RecordBatch): Row[] {
    this.#view.bind(batch);
    return Array.from({ length: batch.selected }, (_, i) => {
      const row = this.#view.select(i);
      return this.#isChangelog ? { op: shortRowKind(this.#view.kind), ...row } : { ...row };
    });
  }
}
