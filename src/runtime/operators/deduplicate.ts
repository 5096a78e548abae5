/**
 * One row of each key: the first or the last, by event time or as rows arrive.
 *
 *   final, by event time:  row -> waits under its key, an earlier one takes its place -> the watermark reaches it -> out
 *   final, by arrival:     row -> out, when its key has none yet
 *   changelog:             row -> better than the one kept? -> the kept one back, this one out and kept
 *
 * Invariants
 *  1. Rows of one key and one time: the first that arrived is the first, the last that arrived the last.
 *  2. What comes out does not depend on how rows were batched, except when changes are told 'of a batch': a row whose
 *     watermark releases waiting rows comes after them.
 *  3. Without `within` a last row equal to the one kept changes nothing and tells nothing.
 *  4. Late is a row that waiting could no longer put in order: only for the first by event time, when it is final.
 * State: 'kept' by key, which expires after `within`; 'waiting' by key, with a timer at its time.
 */
import { assert } from '../../base/assert.ts';
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME, type ProcessingTimeMs } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { DeduplicateNode } from '../../plan/logical.ts';
import type { KeyedState, KeyedTable } from '../../state/keyed-state.ts';
import { EncodedOutput } from '../deduplicate/encoded-output.ts';
import { EncodedRows } from '../deduplicate/encoded-rows.ts';
import { Condition } from '../expression.ts';
import type { Operator, Output } from '../operator.ts';
import type { RowDeadLetter } from './filter.ts';
import type { WatermarkStatus } from '../stream-element.ts';

/** Which of the rows of a key stays, by which order, and for how long a key is remembered. */
export interface DeduplicateOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly state: KeyedState;
  readonly output: Output;
  /** Takes rows that are too late to be put in order. */
  readonly late: Output;
  readonly node: DeduplicateNode;
  readonly now: () => ProcessingTimeMs;
  readonly deadLetter: RowDeadLetter;
}

/** A row with the event time it stands for; 0 when there is none. */
interface Held {
  readonly time: number;
  readonly bytes: Uint8Array;
}

interface Taking {
  readonly batch: RecordBatch;
  /** Rows to be taken, by number. */
  readonly rows: readonly number[];
  at: number;
}

const NO_SUB = new Uint8Array(0);
const TIME_BYTES = 8;
/** Entries removed from state, and timers fired, at once. */
const STEP_MAX = 1024;

export class Deduplicate implements Operator {
  // configuration
  readonly uid: string;
  readonly #options: DeduplicateOptions;
  readonly #node: DeduplicateNode;
  readonly #waits: boolean;
  readonly #condition: Condition | undefined;
  // transient
  readonly ledger = emptyLedger();
  readonly #rows: EncodedRows;
  readonly #out: EncodedOutput;
  readonly #kept: KeyedTable;
  readonly #waiting: KeyedTable;
  readonly #lateRows: Ptr;
  #lateCount = 0;
  /** Rows of the batch that the condition holds for; undefined: all. */
  #wanted: ReadonlySet<number> | undefined;
  #taking: Taking | undefined;
  /** Waiting rows up to here go out. */
  #due: EventTimeMs | undefined;
  /** To be passed on when they have. */
  #watermark: EventTimeMs | undefined;
  #ending = false;
  // checkpointed, besides the state
  #passed: EventTimeMs = MIN_TIME;
  /** How far the clock of expiry has come. */
  #clock = MIN_TIME;

  constructor(options: DeduplicateOptions) {
    const { uid, kernels, state, node } = options;
    this.uid = uid;
    this.#options = options;
    this.#node = node;
    this.#waits = node.emits === 'final' && node.order === 'event time';
    this.#condition =
      node.where === undefined
        ? undefined
        : new Condition(kernels, node.schema, node.where, `the condition of '${uid}'`);
    this.#rows = new EncodedRows(kernels, node.schema, node.keys);
    this.#out = new EncodedOutput(kernels, node.schema);
    const { within } = node;
    this.#kept = state.open('kept', within === undefined ? undefined : { ttlMs: within.ms, refresh: 'write' });
    this.#waiting = state.open('waiting');
    this.#lateRows = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
  }

  get more(): boolean {
    return (
      !this.#out.isEmpty
      || this.#taking !== undefined
      || this.#due !== undefined
      || this.#watermark !== undefined
      || this.#ending
    );
  }

  /** Watermark of the operator, for explanations. */
  get watermark(): EventTimeMs {
    return this.#passed;
  }

  resume(): void {
    if (!this.#out.isEmpty) this.#options.output.batch(this.#out.take(this.#taking?.batch.origin));
    else if (this.#due !== undefined) this.#release(this.#due);
    else if (this.#taking !== undefined) this.#take(this.#taking);
    else if (this.#watermark !== undefined) this.#pass(this.#watermark);
    else if (this.#ending) this.#end();
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    this.#rows.bind(batch);
    const failed = this.#choose(batch);
    const all = Array.from({ length: batch.selected }, (_, i) => this.#rows.rowAt(i)).filter((row) => !failed.has(row));
    this.#take({ batch, rows: this.#node.emits === 'of a batch' ? this.#best(all) : all, at: 0 });
  }

  /** Asks the condition of each row; answers the rows for which it could not be told, which are dead letters. */
  #choose(batch: RecordBatch): ReadonlySet<number> {
    if (this.#condition === undefined) return new Set();
    const { selection, selected, errors } = this.#condition.filter(batch);
    const { u32 } = this.#options.kernels.memory;
    this.#wanted = new Set(
      Array.from({ length: selected }, (_, i) => (selection === 0 ? i : (u32[(selection >>> 2) + i] ?? 0))),
    );
    for (const { row, reason } of errors) this.#options.deadLetter(batch, row, reason);
    this.ledger.deadLetters += errors.length;
    return new Set(errors.map(({ row }) => row));
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#watermark = watermark;
    if (this.#waits) this.#due = watermark;
    else this.#pass(watermark);
  }

  processStatus(status: WatermarkStatus): void {
    this.#options.output.status(status);
    this.#options.late.status(status);
  }

  endOfInput(): void {
    this.#ending = true;
  }

  snapshot(): Json {
    return { passed: this.#passed, clock: this.#clock };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { passed, clock } = state as { passed: number; clock: number };
    this.#passed = eventTimeMs(passed);
    this.#clock = eventTimeMs(clock);
    if (this.#node.within !== undefined) this.#options.state.advance(this.#clock);
  }

  /** Takes rows until the batch is done, or waiting rows must go out first. */
  #take(taking: Taking): void {
    this.#taking = taking;
    for (; taking.at < taking.rows.length; taking.at++) {
      const row = taking.rows[taking.at] ?? 0;
      const watermark = this.#rows.watermarkOf(row) ?? MIN_TIME;
      if (this.#waits && (this.#options.state.eventTimers.earliest ?? Number.POSITIVE_INFINITY) <= watermark) {
        this.#due = eventTimeMs(watermark);
        return;
      }
      this.#takeRow(row, watermark);
    }
    this.#taking = undefined;
    if (this.#lateCount > 0) {
      this.#options.late.batch({ ...taking.batch, selection: this.#lateRows, selected: this.#lateCount });
    }
    this.#lateCount = 0;
    this.#forget();
    if (!this.#out.isEmpty) this.#options.output.batch(this.#out.take(taking.batch.origin));
  }

  #takeRow(row: number, watermark: number): void {
    const { state } = this.#options;
    const time = this.#rows.timeOf(row);
    this.#tick(watermark, time);
    state.select(this.#rows.keyOf(row));
    if (this.#waits) this.#wait(row, time ?? 0, watermark);
    else if (this.#node.emits === 'final') this.#keepFirst(row, time, watermark);
    else this.#change(row, time, watermark);
  }

  /** The clock of expiry goes on; what is kept from here on is of this row's time. */
  #tick(watermark: number, time: number | undefined): void {
    const { within } = this.#node;
    if (within === undefined) return;
    const isEventTime = within.clock === 'event time';
    const now = eventTimeMs(Math.max(this.#clock, isEventTime ? watermark : this.#options.now()));
    this.#clock = now;
    this.#options.state.advance(now, isEventTime && time !== undefined ? eventTimeMs(time) : now);
  }

  #wait(row: number, time: number, watermark: number): void {
    if (time <= watermark) {
      this.#options.kernels.memory.u32[(this.#lateRows >>> 2) + this.#lateCount++] = row;
      this.ledger.late++;
      return;
    }
    if (this.#isKept(time) || !this.#mayWait(time)) {
      this.ledger.filtered++;
      return;
    }
    const sub = this.#placeOf(time);
    this.ledger.held++;
    this.#waiting.put(sub, writeHeld(time, this.#rows.bytesOf(row)));
    this.#options.state.eventTimers.register(time, sub);
  }

  /** Where a row of this time waits. With `within` any of a key may turn out to be a first; without it only the earliest. */
  #placeOf(time: number): Uint8Array {
    return this.#node.within === undefined ? NO_SUB : writeHeld(time, NO_SUB);
  }

  /** Whether no row that waits is in the place of this one; a later one leaves it. */
  #mayWait(time: number): boolean {
    const waiting = readHeld(this.#waiting.get(this.#placeOf(time)));
    if (waiting === undefined) return true;
    if (waiting.time <= time) return false;
    this.#options.state.eventTimers.delete(waiting.time, NO_SUB);
    this.ledger.filtered++;
    this.ledger.held--;
    return true;
  }

  /** Whether the key has a row already that one of this time is a duplicate of. */
  #isKept(time: number): boolean {
    return this.#near(readHeld(this.#kept.get(NO_SUB)), time) !== undefined;
  }

  /** What is kept, unless it is too far back by event time: the clock, a watermark, may not have come so far. */
  #near(kept: Held | undefined, time: number): Held | undefined {
    const { within } = this.#node;
    const isFar = kept !== undefined && within?.clock === 'event time' && time - kept.time >= within.ms;
    return isFar ? undefined : kept;
  }

  #keepFirst(row: number, time: number | undefined, watermark: number): void {
    if (this.#isKept(time ?? 0)) {
      this.ledger.filtered++;
      return;
    }
    this.#kept.put(NO_SUB, writeHeld(time ?? 0, NO_SUB));
    this.#emit(this.#rows.bytesOf(row), RowKind.INSERT, time, watermark);
  }

  #change(row: number, time: number | undefined, watermark: number): void {
    const { updateBefore, insert, within } = this.#node;
    const kept = this.#near(readHeld(this.#kept.get(NO_SUB)), time ?? 0);
    const kind = this.#rows.kindOf(row);
    const bytes = this.#rows.bytesOf(row);
    const isUnwanted = this.#wanted !== undefined && !this.#wanted.has(row);
    if (kind === RowKind.DELETE || kind === RowKind.UPDATE_BEFORE || isUnwanted) {
      if (kept === undefined) this.ledger.filtered++;
      else this.#emit(kept.bytes, RowKind.DELETE, time, watermark);
      this.#kept.delete(NO_SUB);
      return;
    }
    const isSame = kept !== undefined && within === undefined && this.#node.order !== 'event time';
    if ((kept !== undefined && !this.#isBetter(time ?? 0, kept.time)) || (isSame && sameBytes(kept.bytes, bytes))) {
      this.ledger.filtered++;
      return;
    }
    this.#kept.put(NO_SUB, writeHeld(time ?? 0, bytes));
    if (kept !== undefined && updateBefore) {
      this.ledger.expanded++;
      this.#emit(kept.bytes, RowKind.UPDATE_BEFORE, time, watermark);
    }
    const isFirst = kept === undefined && (updateBefore || insert);
    this.#emit(bytes, isFirst ? RowKind.INSERT : RowKind.UPDATE_AFTER, time, watermark);
  }

  /** Whether a row of this time takes the place of one that came before it. */
  #isBetter(time: number, kept: number): boolean {
    if (this.#node.order !== 'event time') return this.#node.keep === 'last';
    return this.#node.keep === 'last' ? time >= kept : time < kept;
  }

  /** The best row of each key of a batch, in the order of their keys' first rows. */
  #best(rows: readonly number[]): readonly number[] {
    const best = new Map<string, number>();
    for (const row of rows) {
      const key = this.#rows.keyOf(row).bytes.join();
      const before = best.get(key);
      const isBetter =
        before === undefined || this.#isBetter(this.#rows.timeOf(row) ?? 0, this.#rows.timeOf(before) ?? 0);
      if (isBetter) best.set(key, row);
    }
    this.ledger.filtered += rows.length - best.size;
    return [...best.values()];
  }

  #emit(bytes: Uint8Array, kind: RowKind, time: number | undefined, watermark: number): void {
    this.ledger.out++;
    this.#out.push({ bytes, kind, time, watermark });
  }

  /** Waiting rows that the watermark has reached, in order of time. */
  #release(until: EventTimeMs): void {
    const { state, output } = this.#options;
    for (let fired = 0; fired < STEP_MAX; fired++) {
      const timer = state.eventTimers.next(until);
      if (timer === undefined) {
        this.#due = undefined;
        break;
      }
      this.#releaseOne(timer.tag.slice(), until);
    }
    if (!this.#out.isEmpty) output.batch(this.#out.take(undefined));
  }

  /** The row that waits there is the first of its key, or a duplicate of one that has gone out since. */
  #releaseOne(sub: Uint8Array, until: EventTimeMs): void {
    const held = readHeld(this.#waiting.get(sub));
    assert(held !== undefined, 'a timer without a row that waits');
    this.#waiting.delete(sub);
    this.ledger.held--;
    if (this.#isKept(held.time)) {
      this.ledger.filtered++;
      return;
    }
    this.#tickTo(until, held.time);
    this.#kept.put(NO_SUB, writeHeld(held.time, NO_SUB));
    this.#emit(held.bytes, RowKind.INSERT, held.time, this.#passed);
  }

  /** As `#tick`, without losing the key that the timer has selected. */
  #tickTo(watermark: number, time: number): void {
    const { key } = this.#options.state;
    const selected = { bytes: key.bytes.slice(), hash: key.hash };
    this.#tick(Math.min(watermark, time), time);
    this.#options.state.select(selected);
  }

  #pass(watermark: EventTimeMs): void {
    this.#watermark = undefined;
    this.#passed = watermark;
    this.#forget();
    this.#options.output.watermark(watermark);
    this.#options.late.watermark(watermark);
  }

  /** Removes some of what has expired. */
  #forget(): void {
    if (this.#node.within !== undefined) this.#options.state.expire(STEP_MAX, () => undefined);
  }

  #end(): void {
    this.#ending = false;
    this.#options.output.end();
    this.#options.late.end();
  }
}

/** As state holds it: time, then the row. The bytes are a copy. */
function writeHeld(time: number, bytes: Uint8Array): Uint8Array {
  const held = new Uint8Array(TIME_BYTES + bytes.length);
  new DataView(held.buffer).setFloat64(0, time, true);
  held.set(bytes, TIME_BYTES);
  return held;
}

function readHeld(held: Uint8Array | undefined): Held | undefined {
  if (held === undefined) return undefined;
  return { time: new DataView(held.buffer, held.byteOffset).getFloat64(0, true), bytes: held.slice(TIME_BYTES) };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
