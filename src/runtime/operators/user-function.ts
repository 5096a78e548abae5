/**
 * A user's filter, map or flatMap: JavaScript over flyweight rows.
 *
 * Invariants
 *  1. The row that a function sees is valid only during the call.
 *  2. What a function makes keeps the event time and the watermark of the row that it was made from, so lateness below is
 *     decided as if the function were not there.
 *  3. One batch out a call: a flatMap that makes more goes on in `resume`, also in the middle of one row's results.
 *     Batches out may point at texts and times of the batch that they were made from.
 *  4. A function that throws fails the job, with the operator, the row's event time and a preview of the row in the
 *     message; or, when it was asked for, the row is a dead letter with that message. What a flatMap gave before stays.
 */
import type { EventTimeMs } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import { type Row, RowView, type TimestampHook } from '../../format/row-view.ts';
import { TextDictionary } from '../../format/text-dictionary.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { LinearMemory } from '../../kernel/memory.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { OnError } from '../../plan/process.ts';
import type { Operator, Output } from '../operator.ts';
import { isOfTheFunction, requireNoPromise, rowFailure } from '../process/failures.ts';
import { previewOf } from '../preview.ts';
import { readMs } from '../../kernel/milliseconds.ts';
import type { WatermarkStatus } from '../stream-element.ts';

export interface UserFunctionOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  readonly input: TableSchema;
  readonly out: TableSchema;
  readonly does: 'filter' | 'map' | 'flatMap';
  readonly run: (row: Row) => unknown;
  /** What a timestamp reads as. */
  readonly timestamp: TimestampHook;
  readonly onError: OnError;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export class UserFunction implements Operator {
  // configuration
  readonly uid: string;
  readonly hearsSplits = true;
  readonly #options: UserFunctionOptions;
  readonly #memory: LinearMemory;
  // transient
  readonly ledger = emptyLedger();
  readonly #view: RowView;
  readonly #builder: BatchBuilder;
  readonly #selection: Ptr;
  readonly #timestamps: Ptr;
  readonly #watermarks: Ptr;
  /** Row numbers that a filter keeps, or that the rows of a map were made from. */
  readonly #sources: RowList = { rows: new Uint32Array(BATCH_ROWS_MAX), count: 0 };
  /** A flatMap in progress: its batch, the row it is at, what that row still has to give. */
  #batch: RecordBatch | undefined;
  #next = 0;
  #results: Iterator<unknown> | undefined;

  constructor(options: UserFunctionOptions) {
    this.uid = options.uid;
    this.#options = options;
    const { kernels, timestamp } = options;
    const { memory } = kernels;
    this.#memory = memory;
    const dictionary = (): TextDictionary => new TextDictionary(kernels);
    this.#view = new RowView(memory, options.input, { timestamp, dictionary });
    this.#builder = new BatchBuilder(kernels, options.out, BATCH_ROWS_MAX, this.#view);
    this.#selection = memory.allocate(BATCH_ROWS_MAX * 4);
    this.#timestamps = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = memory.allocate(BATCH_ROWS_MAX * 8);
  }

  get more(): boolean {
    return this.#batch !== undefined;
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    this.#view.bind(batch);
    switch (this.#options.does) {
      case 'filter':
        this.#filter(batch);
        break;
      case 'map':
        this.#map(batch);
        break;
      case 'flatMap':
        this.#batch = batch;
        this.#next = 0;
        this.resume();
    }
  }

  /** Fills one batch from where the last one ended, and hands it on. */
  resume(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#builder.reset();
    while (!this.#builder.isFull && this.#step(batch)) {
      // Each step appends at most one row.
    }
    this.#emit(batch, this.#timestamps, this.#watermarks);
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

  snapshot(): null {
    return null;
  }

  restore(): void {}

  #filter(batch: RecordBatch): void {
    const { run } = this.#options;
    const [view, kept, { selected }] = [this.#view, this.#sources, batch];
    const lettersBefore = this.ledger.deadLetters;
    kept.count = 0;
    for (let from = 0; from < selected; from = view.position + 1) {
      try {
        keepRows(view, run, { from, to: selected }, kept);
      } catch (error) {
        this.#refuse(batch, error);
      }
    }
    this.ledger.out += kept.count;
    this.ledger.filtered += selected - kept.count - (this.ledger.deadLetters - lettersBefore);
    if (kept.count === selected) this.#options.output.batch(batch);
    else this.#options.output.batch({ ...batch, selection: this.#select(kept), selected: kept.count });
  }

  #select({ rows, count }: RowList): Ptr {
    this.#memory.u32.set(rows.subarray(0, count), this.#selection >>> 2);
    return this.#selection;
  }

  #map(batch: RecordBatch): void {
    const { run } = this.#options;
    const [view, sources, builder] = [this.#view, this.#sources, this.#builder];
    builder.reset();
    for (let from = 0; from < batch.selected; from = view.position + 1) {
      try {
        mapRows(view, run, { from, to: batch.selected }, builder, sources.rows);
      } catch (error) {
        this.#refuse(batch, error);
      }
    }
    const isOneForOne = builder.rows === batch.rows;
    this.#emit(
      batch,
      isOneForOne ? batch.timestamps : this.#gather(batch.timestamps, this.#timestamps),
      isOneForOne ? batch.watermarks : this.#gather(batch.watermarks, this.#watermarks),
    );
  }

  /** The times of the rows that those in the builder were made from. */
  #gather(source: Ptr, target: Ptr): Ptr {
    const { u32 } = this.#memory;
    const [sources, rows] = [this.#sources.rows, this.#builder.rows];
    if (source === 0) return 0;
    for (let k = 0, to = target >>> 2; k < rows; k++, to += 2) {
      const from = (source >>> 2) + (sources[k] ?? 0) * 2;
      u32[to] = u32[from] ?? 0;
      u32[to + 1] = u32[from + 1] ?? 0;
    }
    return target;
  }

  #emit(batch: RecordBatch, timestamps: Ptr, watermarks: Ptr): void {
    const out = this.#builder.finish(batch.origin);
    this.ledger.out += out.rows;
    this.#options.output.batch({
      ...out,
      timestamps: batch.timestamps === 0 ? 0 : timestamps,
      watermarks: batch.watermarks === 0 ? 0 : watermarks,
    });
  }

  /** Appends at most one result; false when the batch has no more. */
  #step(batch: RecordBatch): boolean {
    if (this.#results !== undefined) {
      this.#pull(batch, this.#results);
      return true;
    }
    if (this.#next === batch.selected) {
      this.#batch = undefined;
      return false;
    }
    const row = this.#view.select(this.#next++);
    try {
      this.#results = iteratorOf(this.#options.run(row));
      // A row makes its results, not itself: what the ledger counts as made beyond the row starts at one less.
      this.ledger.expanded--;
    } catch (error) {
      this.#refuse(batch, error);
    }
    return true;
  }

  /** Appends the next result of a row. */
  #pull(batch: RecordBatch, results: Iterator<unknown>): void {
    try {
      const next = results.next();
      if (next.done === true) {
        this.#results = undefined;
        return;
      }
      this.#append(batch, next.value);
      this.ledger.expanded++;
    } catch (error) {
      this.#results = undefined;
      this.ledger.expanded++;
      this.#refuse(batch, error);
    }
  }

  #append(batch: RecordBatch, row: unknown): void {
    const at = this.#builder.rows;
    const from = this.#view.index;
    // The builder refuses anything that is not a row of the schema.
    this.#builder.append(row as Row);
    if (batch.timestamps !== 0) this.#copy(batch.timestamps, from, this.#timestamps, at);
    if (batch.watermarks !== 0) this.#copy(batch.watermarks, from, this.#watermarks, at);
  }

  #copy(source: Ptr, from: number, target: Ptr, to: number): void {
    const { u32 } = this.#memory;
    u32[(target >>> 2) + to * 2] = u32[(source >>> 2) + from * 2] ?? 0;
    u32[(target >>> 2) + to * 2 + 1] = u32[(source >>> 2) + from * 2 + 1] ?? 0;
  }

  /** Fails the job with the row at hand, or puts the row aside. */
  #refuse(batch: RecordBatch, error: unknown): void {
    if (!isOfTheFunction(error)) throw error;
    const { does, onError, deadLetter } = this.#options;
    const timestamp = batch.timestamps === 0 ? undefined : readMs(this.#memory, batch.timestamps, this.#view.index);
    const failed = { operator: this.uid, does, timestamp, key: undefined, row: this.#view.exactly(previewOf) };
    const failure = rowFailure(failed, error);
    if (onError === 'fail') throw failure;
    this.ledger.deadLetters++;
    deadLetter(batch, this.#view.index, failure.message);
  }
}

interface RowRange {
  readonly from: number;
  readonly to: number;
}

interface RowList {
  readonly rows: Uint32Array;
  count: number;
}

// Loops by themselves, so that the compiler of the host has room to put the user's function, and what it reads, into them.

/** Adds the rows of a range for which the function is true. */
function keepRows(view: RowView, run: (row: Row) => unknown, { from, to }: RowRange, kept: RowList): void {
  const { rows } = kept;
  for (let k = from; k < to; k++) {
    const answer = run(view.select(k));
    if (answer === true) rows[kept.count++] = view.index;
    else if (answer !== false) requireNoPromise(answer);
  }
}

/** Appends what the function makes of the rows of a range. */
function mapRows(
  view: RowView,
  run: (row: Row) => unknown,
  { from, to }: RowRange,
  builder: BatchBuilder,
  sources: Uint32Array,
): void {
  for (let k = from; k < to; k++) {
    // The builder refuses anything that is not a row of the schema.
    builder.append(run(view.select(k)) as Row);
    sources[builder.rows - 1] = view.index;
  }
}

function iteratorOf(made: unknown): Iterator<unknown> {
  if (typeof made === 'object' && made !== null && Symbol.iterator in made) {
    // The check above is all that can be known of it.
    return (made as Iterable<unknown>)[Symbol.iterator]();
  }
  throw new TypeError('a flatMap function must return something iterable, such as an array');
}
