/**
 * Rows on their way into a window kernel and out of it: what the operators over such kernels have in common.
 *
 * Invariants
 *  1. A row whose aggregates cannot be computed is a dead letter, counted here; all others go to the kernel.
 *  2. Every result carries the last instant of its window as event time, and the watermark that was passed on last: results
 *     are never behind it.
 *  3. Results are valid until the next call of the kernel.
 * Not here: when windows fire (operators/window-aggregate.ts, operators/session-window.ts); results of the general operator
 * (window-results.ts).
 */
import type { EventTimeMs } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { FiredColumns, WindowInput } from '../../kernel/window-aggregate.ts';
import type { LedgerEntry } from '../../metrics/ledger.ts';
import type { WindowAggregateNode } from '../../plan/logical.ts';
import type { StateArena } from '../../state/arena.ts';
import { AggregateInputs, type Conditions } from '../aggregate-inputs.ts';
import { KeyColumns } from '../key-columns.ts';
import type { Output } from '../operator.ts';

export interface KernelWindowOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly arena: StateArena;
  readonly output: Output;
  /** Takes the late rows, with the schema of the input. */
  readonly late: Output;
  readonly node: WindowAggregateNode;
  /** Of its aggregates; undefined when none has one. */
  readonly conditions?: Conditions | undefined;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

/** Rows that a kernel can take, and how it is told of them. */
export interface KernelRowsInput {
  readonly batch: RecordBatch;
  readonly input: WindowInput;
}

export class KernelRows {
  readonly keys: KeyColumns;
  readonly #options: KernelWindowOptions;
  readonly #ledger: LedgerEntry;
  readonly #inputs: AggregateInputs;
  readonly #timestamps: Ptr;
  /** A column of one value: the watermark before each result. */
  readonly #watermarks: Ptr;
  #filledWith: EventTimeMs | undefined;

  constructor(options: KernelWindowOptions, ledger: LedgerEntry) {
    const { uid, kernels, node } = options;
    const input = node.input.schema;
    this.#options = options;
    this.#ledger = ledger;
    this.keys = new KeyColumns(kernels, input, node.keys);
    this.#inputs = new AggregateInputs({ kernels, input, calls: node.aggregates, uid, conditions: options.conditions });
    this.#timestamps = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
  }

  /** Undefined when no row of the batch can be used. */
  in(batch: RecordBatch): KernelRowsInput | undefined {
    const { columns, by, filters, selection, selected, errors } = this.#inputs.of(batch);
    for (const { row, reason } of errors) this.#options.deadLetter(batch, row, reason);
    this.#ledger.in += batch.selected;
    this.#ledger.deadLetters += batch.selected - selected;
    if (selected === 0) return undefined;
    const taken = { ...batch, selection, selected };
    const { timestamps: times, watermarks } = batch;
    const key = this.keys.of(taken);
    return { batch: taken, input: { selected, selection, key, times, watermarks, columns, by, filters } };
  }

  /** The first `rows` rows that the kernel fired, after the watermark `passed`. */
  out({ key, start, end, results, kinds }: FiredColumns, rows: number, passed: EventTimeMs): RecordBatch {
    const columns: readonly ColumnVector[] = [...this.keys.decode(key, rows), start, end, ...results];
    const { i64 } = this.#options.kernels.memory;
    const ends = end.values >>> 3;
    for (let i = 0; i < rows; i++) i64[(this.#timestamps >>> 3) + i] = (i64[ends + i] ?? 0n) - 1n;
    return {
      schema: this.#options.node.schema,
      rows,
      columns,
      selection: 0,
      selected: rows,
      rowKinds: kinds,
      timestamps: this.#timestamps,
      watermarks: this.#watermarksOf(passed),
      origin: undefined,
    };
  }

  /** Rows that no window needs any more have left state: what the ledger holds follows the arena's own count. */
  settle(): void {
    const held = this.#options.arena.rowsHeld(this.#options.uid);
    this.#ledger.released += this.#ledger.held - held;
    this.#ledger.held = held;
  }

  #watermarksOf(passed: EventTimeMs): Ptr {
    if (passed !== this.#filledWith) {
      const from = this.#watermarks >>> 3;
      this.#options.kernels.memory.i64.fill(BigInt(passed), from, from + BATCH_ROWS_MAX);
      this.#filledWith = passed;
    }
    return this.#watermarks;
  }
}
