/**
 * Aggregation without windows: one result per key (one in all without keys) that changes with every row.
 *
 * Invariants
 *  1. The changelog is per input row, however rows were batched: an insert for a key's first row, then an update-before with
 *     what stood and an update-after with what stands. Input rows that take rows back do the same; the last of a key gives a
 *     delete, and its group is gone. Of such a row and the one that it takes back nothing is held: both are released.
 *  2. Each output row keeps the event time and the watermark of the input row that made it.
 * State: one table from key to accumulators, in the arena under the uid. It grows with the number of keys.
 */
import type { Json } from '../../base/json.ts';
import type { EventTimeMs } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import { ChangelogAggregate, type ChangelogInput } from '../../kernel/changelog-aggregate.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { AggregateNode } from '../../plan/logical.ts';
import type { StateArena } from '../../state/arena.ts';
import { AggregateInputs, aggregateSpecs, type Conditions } from '../aggregate-inputs.ts';
import { KeyColumns } from '../key-columns.ts';
import type { Operator, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';

export interface AggregateOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly arena: StateArena;
  readonly output: Output;
  readonly node: AggregateNode;
  /** Of its aggregates; undefined when none has one. */
  readonly conditions?: Conditions | undefined;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export class Aggregate implements Operator {
  // configuration
  readonly uid: string;
  /** Groups stay for good. */
  readonly keepsRows = true;
  readonly #options: AggregateOptions;
  readonly #keys: KeyColumns;
  readonly #inputs: AggregateInputs;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernel: ChangelogAggregate;
  readonly #timestamps: Ptr;
  readonly #watermarks: Ptr;
  #pending: { readonly batch: RecordBatch; readonly input: ChangelogInput; at: number } | undefined;

  constructor(options: AggregateOptions) {
    const { uid, kernels, arena, node } = options;
    const input = node.input.schema;
    this.uid = uid;
    this.#options = options;
    this.#keys = new KeyColumns(kernels, input, node.keys);
    this.#inputs = new AggregateInputs({ kernels, input, calls: node.aggregates, uid, conditions: options.conditions });
    this.#timestamps = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    const spec = {
      state: arena.open(uid),
      key: this.#keys.physical,
      aggregates: aggregateSpecs(input, node.aggregates, uid, node.takesBack),
    };
    this.#kernel = new ChangelogAggregate(kernels, spec, BATCH_ROWS_MAX);
  }

  /** A key of its state as text. */
  keyText(key: Uint8Array): string {
    return this.#keys.text(key);
  }

  get more(): boolean {
    return this.#pending !== undefined;
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    const { columns, by, filters, selection, selected, errors } = this.#inputs.of(batch);
    for (const { row, reason } of errors) this.#options.deadLetter(batch, row, reason);
    this.ledger.deadLetters += batch.selected - selected;
    if (selected === 0) return;
    const taken = { ...batch, selection, selected };
    this.#pending = {
      batch: taken,
      at: 0,
      input: {
        selected,
        selection,
        key: this.#keys.of(taken),
        columns,
        by,
        filters,
        rowKinds: batch.rowKinds,
        times: batch.timestamps,
      },
    };
    this.resume();
  }

  resume(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { batch, input, at } = pending;
    const next = this.#kernel.add(input, at);
    if (this.#kernel.status === 'out of memory') throw this.#options.arena.exhausted();
    const backwards = this.#takenBack(batch, at, next);
    this.ledger.held += next - at - 2 * backwards;
    this.ledger.released += 2 * backwards;
    this.ledger.results += this.#kernel.rows;
    this.#pending = next < input.selected ? { batch, input, at: next } : undefined;
    if (this.#kernel.rows > 0) this.#options.output.batch(this.#resultsOf(batch, at));
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

  #resultsOf(batch: RecordBatch, from: number): RecordBatch {
    const { key, results, rowKinds } = this.#kernel.output;
    const { rows } = this.#kernel;
    const { u8 } = this.#options.kernels.memory;
    // An update-before and its update-after are of one input row; every other row is the next one's.
    for (let out = 0, position = from - 1; out < rows; out++) {
      if (u8[rowKinds + out] !== RowKind.UPDATE_AFTER) position++;
      this.#copyTimes(batch, position, out);
    }
    return {
      schema: this.#options.node.schema,
      rows,
      columns: [...this.#keys.decode(key, rows), ...results],
      selection: 0,
      selected: rows,
      rowKinds,
      timestamps: batch.timestamps === 0 ? 0 : this.#timestamps,
      watermarks: batch.watermarks === 0 ? 0 : this.#watermarks,
      origin: batch.origin,
    };
  }

  /** How many of the rows at positions [from, to) take a row back. */
  #takenBack({ rowKinds, selection }: RecordBatch, from: number, to: number): number {
    if (rowKinds === 0) return 0;
    const { u8, u32 } = this.#options.kernels.memory;
    let count = 0;
    for (let position = from; position < to; position++) {
      const kind = u8[rowKinds + (selection === 0 ? position : (u32[(selection >>> 2) + position] ?? 0))];
      if (kind === RowKind.UPDATE_BEFORE || kind === RowKind.DELETE) count++;
    }
    return count;
  }

  #copyTimes(batch: RecordBatch, position: number, out: number): void {
    const { u32, i64 } = this.#options.kernels.memory;
    const row = batch.selection === 0 ? position : (u32[(batch.selection >>> 2) + position] ?? 0);
    if (batch.timestamps !== 0) i64[(this.#timestamps >>> 3) + out] = i64[(batch.timestamps >>> 3) + row] ?? 0n;
    if (batch.watermarks !== 0) i64[(this.#watermarks >>> 3) + out] = i64[(batch.watermarks >>> 3) + row] ?? 0n;
  }
}
