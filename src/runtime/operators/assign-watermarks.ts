/**
 * Makes watermarks from rows: bounded disorder for each split, the minimum over splits.
 *
 * Invariants
 *  1. Each row carries the watermark in force just before it; the watermark after a batch follows the batch.
 *  2. Splits that have ended or are idle do not hold the others back. A replayed split never idles.
 *  3. A row without a timestamp is a dead letter: it could belong to no window.
 * State in the manifest: per split id the largest timestamp and its watermark, and the watermark last sent.
 */
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME } from '../../base/time.ts';
import { type BatchOrigin, BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { ColumnType } from '../../data/types.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { unitsPerMs, WatermarkKernels } from '../../kernel/watermark.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { Operator, Output } from '../operator.ts';
import { WatermarkTracker } from '../progress/watermark-tracker.ts';
import type { WatermarkStatus } from '../stream-element.ts';

export interface AssignWatermarksOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  /** Index and type of the event time column. */
  readonly column: number;
  readonly type: ColumnType;
  readonly delayMs: number;
  /** All splits of all sources above, in order: `source/split id`. */
  readonly splits: readonly string[];
  /** Index in `splits` of what a batch comes from. */
  readonly splitOf: (origin: BatchOrigin) => number;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export class AssignWatermarks implements Operator {
  // configuration
  readonly uid: string;
  readonly #options: AssignWatermarksOptions;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernels: WatermarkKernels;
  readonly #watermarks: Ptr;
  readonly #timestamps: Ptr;
  readonly #selection: Ptr;
  #sendWatermark = false;
  #sendEnd = false;
  // checkpointed
  readonly #tracker: WatermarkTracker;
  readonly #max: EventTimeMs[];

  constructor(options: AssignWatermarksOptions) {
    this.uid = options.uid;
    this.#options = options;
    this.#kernels = new WatermarkKernels(options.kernels);
    this.#watermarks = options.kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#timestamps = options.kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#selection = options.kernels.memory.allocate(BATCH_ROWS_MAX * 4);
    this.#tracker = new WatermarkTracker(options.splits.length);
    this.#max = options.splits.map(() => MIN_TIME);
  }

  get more(): boolean {
    return this.#sendWatermark || this.#sendEnd;
  }

  get watermark(): EventTimeMs {
    return this.#tracker.watermark;
  }

  /** For status and explanations: each split with its largest timestamp and watermark. */
  splits(): readonly { readonly id: string; readonly max: EventTimeMs; readonly watermark: EventTimeMs }[] {
    return this.#options.splits.map((id, i) => ({ id, max: this.#max[i] ?? MIN_TIME, watermark: this.#tracker.of(i) }));
  }

  resume(): void {
    if (this.#sendWatermark) {
      this.#sendWatermark = false;
      this.#options.output.watermark(this.#tracker.watermark);
      return;
    }
    this.#sendEnd = false;
    this.#options.output.end();
  }

  processBatch(batch: RecordBatch): void {
    const { column, type, delayMs, output } = this.#options;
    const split = this.#splitOf(batch.origin);
    const timestamps = batch.columns[column];
    if (timestamps === undefined) throw new RangeError(`no column ${column}`);
    const state = { max: this.#max[split] ?? MIN_TIME, delayMs, others: this.#tracker.others(split) };
    const { max, missing } = this.#kernels.assign(batch, timestamps, type, state, this.#watermarks);
    this.ledger.in += batch.selected;
    this.ledger.deadLetters += missing;
    this.ledger.out += batch.selected - missing;
    this.#max[split] = max;
    if (max !== MIN_TIME && this.#tracker.advance(split, eventTimeMs(max - delayMs - 1))) this.#sendWatermark = true;
    const present = missing === 0 ? batch : this.#withTimestamp(batch, timestamps.validity);
    output.batch({ ...present, watermarks: this.#watermarks, timestamps: this.#millis(timestamps.values, batch.rows) });
  }

  /** Watermarks from above are not ours: this operator replaces them. */
  processWatermark(): void {}

  processStatus(status: WatermarkStatus, _input: number, split?: BatchOrigin): void {
    const wasIdle = this.#tracker.idle;
    const moved = split === undefined ? false : this.#tracker.setIdle(this.#splitOf(split), status === 'idle');
    if (moved) this.#sendWatermark = true;
    if (this.#tracker.idle !== wasIdle) this.#options.output.status(this.#tracker.idle ? 'idle' : 'active');
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    if (split === undefined) {
      this.#sendEnd = true;
    } else if (this.#tracker.end(this.#splitOf(split))) {
      this.#sendWatermark = true;
    }
  }

  snapshot(): Json {
    return { splits: [...this.#options.splits], max: [...this.#max], tracker: this.#tracker.snapshot() };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { splits, max, tracker } = state as {
      splits: string[];
      max: number[];
      tracker: { output: number; inputs: Json[] };
    };
    const inputs = this.#options.splits.map((id, i): Json => {
      const before = splits.indexOf(id);
      this.#max[i] = eventTimeMs(max[before] ?? MIN_TIME);
      return tracker.inputs[before] ?? [MIN_TIME, false, false];
    });
    this.#tracker.restore({ output: tracker.output, inputs });
  }

  /** The column itself, or its milliseconds when it counts microseconds. */
  #millis(values: Ptr, rows: number): Ptr {
    if (unitsPerMs(this.#options.type) === 1) return values;
    this.#kernels.microsToMillis(values, rows, this.#timestamps);
    return this.#timestamps;
  }

  #splitOf(origin: BatchOrigin | undefined): number {
    if (origin === undefined) throw new RangeError(`${this.uid}: rows of no split`);
    return this.#options.splitOf(origin);
  }

  /** The batch without its rows that have no timestamp, which become dead letters. */
  #withTimestamp(batch: RecordBatch, validity: Ptr): RecordBatch {
    const memory = this.#options.kernels.memory;
    let kept = 0;
    for (let k = 0; k < batch.selected; k++) {
      const row = batch.selection === 0 ? k : (memory.u32[(batch.selection >>> 2) + k] ?? 0);
      const present = (((memory.u8[validity + (row >>> 3)] ?? 0) >> (row & 7)) & 1) === 1;
      if (present) memory.u32[(this.#selection >>> 2) + kept++] = row;
      else this.#options.deadLetter(batch, row, 'the event time is null');
    }
    return { ...batch, selection: this.#selection, selected: kept };
  }
}
