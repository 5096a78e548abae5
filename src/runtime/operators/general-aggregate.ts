/**
 * Aggregation without windows in which functions of users take part: row by row, what operators/aggregate.ts does by
 * kernels.
 *
 * Invariants
 *  1. The changelog is the one of operators/aggregate.ts: per input row an insert, an update-before and an update-after, or
 *     a delete for the last row of a key that is taken back.
 *  2. A row on which a function fails changes nothing and gives nothing.
 *  3. Each output row keeps the event time and the watermark of the input row that made it.
 * State: one table from key to accumulators, in the arena under the uid. It grows with the number of keys.
 */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, MIN_TIME } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import type { TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { AggregateNode } from '../../plan/logical.ts';
import type { KeyedState, KeyedTable, StateKey } from '../../state/keyed-state.ts';
import { AggregateInputs } from '../aggregate-inputs.ts';
import { AggregateFailure } from '../aggregates/aggregate-failure.ts';
import type { Entries } from '../aggregates/entries.ts';
import { MixedEntries } from '../aggregates/mixed-entries.ts';
import { conditionsOf } from '../expression.ts';
import type { Operator, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import { WindowResults } from '../windows/window-results.ts';
import { WindowRows } from '../windows/window-rows.ts';

export interface GeneralAggregateOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly state: KeyedState;
  readonly output: Output;
  readonly node: AggregateNode;
  readonly timestamp: TimestampHook;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

const GROUP = new Uint8Array(0);
/** Groups have no bounds. */
const ALL_TIME = { start: 0, end: 0 };

export class GeneralAggregate implements Operator {
  // configuration
  readonly uid: string;
  /** Groups stay for good. */
  readonly keepsRows = true;
  readonly #options: GeneralAggregateOptions;
  readonly #inputs: AggregateInputs;
  readonly #groups: KeyedTable;
  readonly #entries: Entries;
  // transient
  readonly ledger = emptyLedger();
  readonly #rows: WindowRows;
  readonly #results: WindowResults;
  readonly #timestamps: Ptr;
  readonly #watermarks: Ptr;

  constructor(options: GeneralAggregateOptions) {
    const { uid, kernels, state, node, timestamp } = options;
    const input = node.input.schema;
    const { keys, aggregates: calls } = node;
    this.uid = uid;
    this.#options = options;
    this.#inputs = new AggregateInputs({
      kernels,
      input,
      calls: calls,
      uid,
      conditions: conditionsOf(kernels, input, calls, uid),
    });
    this.#groups = state.open('groups');
    this.#entries = new MixedEntries({ uid, kernels, input, keys, calls, takesBack: node.takesBack, timestamp });
    this.#rows = new WindowRows(kernels, input, keys, timestamp);
    this.#results = new WindowResults({
      kernels,
      schema: node.schema,
      keyCount: keys.length,
      bounds: 'none',
      results: this.#entries.results,
    });
    this.#timestamps = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
  }

  get more(): boolean {
    return this.#rows.batch !== undefined;
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    const inputs = this.#inputs.of(batch);
    const { columns, by, filters, selection, selected, errors } = inputs;
    for (const { row, reason } of errors) this.#options.deadLetter(batch, row, reason);
    this.ledger.deadLetters += batch.selected - selected;
    if (selected === 0) return;
    const taken = { ...batch, selection, selected };
    this.#rows.bind(taken);
    this.#entries.setInput({ selected, selection, key: undefined, columns, by, filters }, batch.timestamps, taken);
    this.resume();
  }

  /** Takes rows until a batch of results is full or none is left, and hands on what there is. */
  resume(): void {
    const { batch } = this.#rows;
    if (batch === undefined) return;
    while (this.#rows.has && !this.#results.isFull) {
      this.#take(batch);
      this.#rows.next();
    }
    if (!this.#rows.has) this.#rows.release();
    const { rows } = this.#results;
    this.ledger.results += rows;
    if (rows === 0) return;
    this.#options.output.batch({
      ...this.#results.take(MIN_TIME),
      timestamps: batch.timestamps === 0 ? 0 : this.#timestamps,
      watermarks: batch.watermarks === 0 ? 0 : this.#watermarks,
      origin: batch.origin,
    });
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#options.output.watermark(watermark);
  }

  processStatus(status: WatermarkStatus, _input: number, split?: BatchOrigin): void {
    this.#options.output.status(status, split);
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    this.#options.output.end(split);
  }

  snapshot(): Json {
    return null;
  }

  restore(): void {}

  #take(batch: RecordBatch): void {
    const { key } = this.#rows;
    this.#options.state.select(key);
    const before = this.#groups.get(GROUP)?.slice();
    try {
      if (this.#rows.isRetraction) this.#takeBack(batch, key, before);
      else this.#add(batch, key, before);
    } catch (error) {
      if (!(error instanceof AggregateFailure)) throw error;
      throw error.ofGroup(key.bytes, '');
    }
  }

  #add(batch: RecordBatch, key: StateKey, before: Uint8Array | undefined): void {
    const entries = this.#entries;
    if (before === undefined) entries.create();
    else entries.load(before);
    if (!this.#isDone(batch, key, () => entries.add(this.#rows.number))) return;
    this.#groups.put(GROUP, this.#change(batch, key, before));
    this.ledger.held++;
  }

  #takeBack(batch: RecordBatch, key: StateKey, before: Uint8Array | undefined): void {
    const entries = this.#entries;
    if (before === undefined) throw new UserError('E1312', undefined, { location: { operator: this.uid } });
    entries.load(before);
    if (entries.rows === 1) {
      this.#emit(batch, key, RowKind.DELETE);
      this.#groups.delete(GROUP);
    } else {
      if (!this.#isDone(batch, key, () => entries.retract(this.#rows.number))) return;
      this.#groups.put(GROUP, this.#change(batch, key, before));
    }
    this.ledger.held--;
    this.ledger.released += 2;
  }

  /** Emits what the row changed; the accumulators after it, which are at hand. */
  #change(batch: RecordBatch, key: StateKey, before: Uint8Array | undefined): Uint8Array {
    const after = this.#entries.store();
    if (before === undefined) {
      this.#emit(batch, key, RowKind.INSERT);
      return after;
    }
    this.#entries.load(before);
    this.#emit(batch, key, RowKind.UPDATE_BEFORE);
    this.#entries.load(after);
    this.#emit(batch, key, RowKind.UPDATE_AFTER);
    return after;
  }

  /** Runs a change by the row at hand; false when a function failed on it and the row was put aside. */
  #isDone(batch: RecordBatch, { bytes: key }: StateKey, change: () => void): boolean {
    const { number, timestamp } = this.#rows;
    try {
      change();
      return true;
    } catch (error) {
      if (!(error instanceof AggregateFailure)) throw error;
      const failure = error.atRow({ row: this.#rows.preview, timestamp, key });
      if (this.#options.node.onError !== 'dead letter') throw failure;
      this.ledger.deadLetters++;
      this.#options.deadLetter(batch, number, failure.message);
      return false;
    }
  }

  #emit(batch: RecordBatch, key: StateKey, kind: RowKind): void {
    const at = this.#results.add(key.bytes, ALL_TIME, kind);
    this.#entries.finish(at);
    const { i64 } = this.#options.kernels.memory;
    const from = this.#rows.number;
    if (batch.timestamps !== 0) i64[(this.#timestamps >>> 3) + at] = i64[(batch.timestamps >>> 3) + from] ?? 0n;
    if (batch.watermarks !== 0) i64[(this.#watermarks >>> 3) + at] = i64[(batch.watermarks >>> 3) + from] ?? 0n;
  }
}
