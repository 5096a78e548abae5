/**
 * Makes watermarks from rows: by a strategy for each split, the minimum over splits.
 *
 * Invariants
 *  1. Each row carries the watermark in force just before it; the watermark after a batch follows the batch.
 *  2. Splits that have ended or are idle do not hold the others back. A replayed split never idles. A row wakes its split.
 *     When that ends the silence of all, the watermark goes out again behind the row.
 *  3. A row without a timestamp is a dead letter: it could belong to no window.
 *  4. A row dated too far ahead of the earlier ones of its split moves nothing and goes to the output of rows from the
 *     future (assembly/watermark/assign.ts has the rule).
 * State in the manifest: what the strategy knows of each split by its id, its watermark, and the watermark last sent.
 */
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME, type ProcessingTimeMs, processingTimeMs } from '../../base/time.ts';
import { type BatchOrigin, BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { ColumnType } from '../../data/types.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { type SplitRule, SplitState, unitsPerMs, WatermarkKernels } from '../../kernel/watermark.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { Operator, Output } from '../operator.ts';
import { WatermarkTracker } from '../progress/watermark-tracker.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import type { UserWatermarks } from './user-watermarks.ts';

export interface AssignWatermarksOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  /** Takes the rows from the future, with the schema of the input. */
  readonly future: Output;
  /** Index and type of the event time column. */
  readonly column: number;
  readonly type: ColumnType;
  /** How the watermark of a split follows its rows; a user's functions are not the kernel's. */
  readonly rule: Exclude<SplitRule, 'elsewhere'> | UserWatermarks;
  /** Undefined: no guard. */
  readonly skewMs: number | undefined;
  /** The splits of all sources above at the start, in order: `source/split id`. */
  readonly splits: readonly string[];
  /** Index in `splits`, and those added behind them, of what a batch comes from. */
  readonly splitOf: (origin: BatchOrigin) => number;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

/** Where a split stands. */
export interface SplitProgress {
  readonly id: string;
  /** Largest timestamp that is not from the future; MIN_TIME: none. */
  readonly max: EventTimeMs;
  readonly watermark: EventTimeMs;
  readonly idle: boolean;
  /** Whether the combined watermark waits for it: it is the lowest, or one of those. */
  readonly holds: boolean;
}

type SavedSplit = { readonly state: Json; readonly input: Json; readonly user: Json };

export class AssignWatermarks implements Operator {
  // configuration
  readonly uid: string;
  readonly hearsSplits = true;
  readonly #options: AssignWatermarksOptions;
  readonly #user: UserWatermarks | undefined;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernels: WatermarkKernels;
  readonly #watermarks: Ptr;
  readonly #timestamps: Ptr;
  readonly #selection: Ptr;
  #sendWatermark = false;
  /** The next batch is to be followed by the watermark, whether it moves or not. */
  #sendBehindRow = false;
  /** What follows the watermark that goes out first. */
  #sendIdle = false;
  #sendEnd = false;
  #nextTimer: ProcessingTimeMs | undefined;
  // checkpointed
  readonly #tracker: WatermarkTracker;
  readonly #splits: string[];
  readonly #states: SplitState[];

  constructor(options: AssignWatermarksOptions) {
    this.uid = options.uid;
    this.#options = options;
    const { kernels, rule } = options;
    this.#kernels = new WatermarkKernels(kernels);
    this.#watermarks = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#timestamps = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#selection = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
    this.#splits = [...options.splits];
    this.#tracker = new WatermarkTracker(options.splits.length);
    this.#user = 'assign' in rule ? rule : undefined;
    this.#states = options.splits.map(() => this.#newState());
    if (this.#user?.everyMs !== undefined) this.#nextTimer = processingTimeMs(0);
  }

  /** A split that came into being while the job runs, behind those that are there. Call while the graph is quiet. */
  addSplit(id: string): void {
    const wasIdle = this.#tracker.idle;
    this.#splits.push(id);
    this.#states.push(this.#newState());
    this.#user?.add();
    this.#tracker.add();
    if (wasIdle) this.#options.output.status('active');
  }

  get more(): boolean {
    return this.#sendWatermark || this.#sendIdle || this.#sendEnd;
  }

  get watermark(): EventTimeMs {
    return this.#tracker.watermark;
  }

  get nextTimer(): ProcessingTimeMs | undefined {
    return this.#nextTimer;
  }

  /** For status and explanations. */
  splits(): readonly SplitProgress[] {
    const counting = this.#splits.map((_, i) => (this.#tracker.counts(i) ? this.#tracker.of(i) : Infinity));
    const lowest = Math.min(...counting);
    return this.#splits.map((id, i) => ({
      id,
      max: this.#stateOf(i).max,
      watermark: this.#tracker.of(i),
      idle: this.#tracker.isIdle(i),
      holds: counting[i] === lowest && lowest !== Infinity,
    }));
  }

  /** Largest timestamp of a split that is not from the future: how sources take turns and are aligned. */
  maxOf(origin: BatchOrigin): EventTimeMs {
    return this.#stateOf(this.#options.splitOf(origin)).max;
  }

  resume(): void {
    if (this.#sendWatermark) {
      this.#sendWatermark = false;
      this.#options.output.watermark(this.#tracker.watermark);
      return;
    }
    if (this.#sendIdle) {
      this.#sendIdle = false;
      this.#options.output.status('idle');
      return;
    }
    this.#sendEnd = false;
    this.#options.output.end();
    this.#options.future.end();
  }

  processBatch(batch: RecordBatch): void {
    const { column, type, skewMs, output, future } = this.#options;
    const split = this.#splitOf(batch.origin);
    const timestamps = batch.columns[column];
    if (timestamps === undefined) throw new RangeError(`no column ${column}`);
    if (this.#tracker.isIdle(split)) this.#setStatus(split, 'active');
    const state = this.#stateOf(split);
    const bounds = { others: this.#tracker.others(split), floor: this.#tracker.watermark };
    const isListed = this.#kernels.assign(batch, timestamps, state, { type, skewMs, ...bounds }, this.#watermarks);
    const { missing } = state;
    const ahead = isListed ? state.ahead : 0;
    const present = missing === 0 ? batch : this.#withTimestamp(batch, timestamps.validity);
    const kept = isListed ? { ...batch, selection: this.#kernels.kept, selected: state.kept } : present;
    const millis = this.#millis(timestamps.values, batch.rows);
    this.#user?.assign(kept, millis, { index: split, state }, bounds, this.#watermarks);
    this.ledger.in += batch.selected;
    this.ledger.deadLetters += missing;
    this.ledger.future += ahead;
    this.ledger.out += kept.selected;
    if (this.#tracker.advance(split, state.watermark) || this.#sendBehindRow) this.#sendWatermark = true;
    this.#sendBehindRow = false;
    const times = { watermarks: this.#watermarks, timestamps: millis };
    output.batch({ ...kept, ...times });
    if (ahead > 0) future.batch({ ...batch, selection: this.#kernels.ahead, selected: ahead, ...times });
  }

  /** Watermarks from above are not ours: this operator replaces them. */
  processWatermark(): void {}

  processStatus(status: WatermarkStatus, _input: number, split?: BatchOrigin): void {
    if (split !== undefined) this.#setStatus(this.#splitOf(split), status);
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    if (split === undefined) {
      this.#sendEnd = true;
    } else if (this.#tracker.end(this.#splitOf(split))) {
      this.#sendWatermark = true;
    }
  }

  processTime(now: ProcessingTimeMs): void {
    const everyMs = this.#user?.everyMs;
    if (everyMs === undefined) return;
    this.#nextTimer = processingTimeMs(now + everyMs);
    this.#states.forEach((state, split) => {
      const next = this.#user?.periodic(split, now);
      if (next !== undefined) state.moveTo(eventTimeMs(next));
      if (this.#tracker.advance(split, state.watermark)) this.#sendWatermark = true;
    });
  }

  snapshot(): Json {
    // What the tracker writes: its output and its inputs in order.
    const { output, inputs } = this.#tracker.snapshot() as { output: number; inputs: Json[] };
    const saved = this.#splits.map((id, i): [string, Json] => {
      const user = this.#user?.snapshot(i) ?? null;
      return [id, { state: this.#stateOf(i).snapshot(), input: inputs[i] ?? null, user }];
    });
    return { output, splits: Object.fromEntries(saved) };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { output, splits } = state as { output: number; splits: { [id: string]: SavedSplit } };
    const inputs = this.#splits.map((id, i): Json => {
      const before = Object.hasOwn(splits, id) ? splits[id] : undefined;
      if (before === undefined) return [MIN_TIME, false, false];
      this.#stateOf(i).restore(before.state);
      this.#user?.restore(i, before.user);
      return before.input;
    });
    this.#tracker.restore({ output, inputs });
  }

  #setStatus(split: number, status: WatermarkStatus): void {
    const wasIdle = this.#tracker.idle;
    const moved = this.#tracker.setIdle(split, status === 'idle');
    // The row that wakes a split follows at once: what waking moves goes out behind it.
    if (moved && status === 'active') this.#sendBehindRow = true;
    else if (moved) this.#sendWatermark = true;
    if (this.#tracker.idle === wasIdle) return;
    if (wasIdle) {
      this.#options.output.status('active');
      // Where this input stands may move an operator with several inputs, also when it has not moved itself.
      this.#sendBehindRow ||= this.#tracker.watermark > MIN_TIME;
    } else this.#sendIdle = true;
  }

  #newState(): SplitState {
    const { kernels, rule } = this.#options;
    return new SplitState(kernels, 'assign' in rule ? 'elsewhere' : rule);
  }

  #stateOf(split: number): SplitState {
    const state = this.#states[split];
    if (state === undefined) throw new RangeError(`split ${split} of ${this.#states.length}`);
    return state;
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
