/**
 * Windows of any kind, row by row: sessions with a gap of their own, count and global windows, processing time, triggers,
 * evictors, functions over all rows of a window. What kernels do for aligned windows and plain sessions
 * (plan/window-choice.ts decides) this does in general, at the price of a call per row.
 *
 *   row -> timers that its watermark passes -> windows -> late? -> contents -> trigger -> fire, purge
 *   timer -> trigger -> fire, purge -> the window's time is over? -> forgotten
 *
 * Invariants
 *  1. All timers up to a row's own watermark are told before the row is taken, so the answer does not depend on how rows
 *     were batched. Timers are told in order of time, then key, then window.
 *  2. A window is late when its last instant and the allowed lateness are at or before the watermark; a row is late when
 *     all its windows are. A row that joins an open session is never late.
 *  3. A watermark is passed on after all results that it releases. With results that are final it is held back by the
 *     allowed lateness, because they come that much later.
 *  4. The clock is read once per element: all rows of a batch arrive at one instant of processing time. A timer of
 *     processing time is told when the clock has left its millisecond, so that a window has the rows of its last one.
 *  5. Ledger: a row counts once for each window that holds it (`expanded` has the difference), until that window is
 *     purged, forgotten, or an evictor takes the row out.
 * Long because a row, a timer and a join of sessions go through the same few steps, which belong side by side.
 * Not here: which windows (windows/assigner.ts), when they fire (windows/trigger.ts), what they hold (windows/contents.ts).
 */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import {
  type EventTimeMs,
  eventTimeMs,
  MAX_TIME,
  MIN_TIME,
  type ProcessingTimeMs,
  processingTimeMs,
} from '../../base/time.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { Row } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { ResultMode, WindowClock } from '../../plan/logical.ts';
import type { KeyedState, StateKey } from '../../state/keyed-state.ts';
import type { OnError } from '../../plan/process.ts';
import type { AggregateInputs } from '../aggregate-inputs.ts';
import { AggregateFailure, inWindow } from '../aggregates/aggregate-failure.ts';
import type { Operator, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import type { Assigner } from '../windows/assigner.ts';
import type { Firing } from '../windows/firing.ts';
import type { AsksWindows, HeldWindow } from '../windows/held-window.ts';
import { MergingWindows } from '../windows/merging-windows.ts';
import type { Answer, Trigger } from '../windows/trigger.ts';
import { TriggerScope } from '../windows/trigger-scope.ts';
import { decodeWindow, lastInstant, type Window } from '../windows/window.ts';
import type { WindowQuestions } from '../windows/window-questions.ts';
import type { WindowRows } from '../windows/window-rows.ts';
import { clocksOf, requireClocks, zonesIn } from '../windows/zone-clocks.ts';

export interface GeneralWindowOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly state: KeyedState;
  readonly output: Output;
  /** Takes the late rows, with the schema of the input. */
  readonly late: Output;
  readonly rows: WindowRows;
  readonly inputs: AggregateInputs;
  readonly assigner: Assigner;
  /** Zones of all windows; those that rows name are the assigner's. */
  readonly fixedZones: readonly string[];
  readonly trigger: Trigger;
  readonly firing: Firing;
  readonly questions: WindowQuestions;
  readonly allowedLatenessMs: number;
  readonly results: ResultMode;
  /** Whether contents can give rows back that were taken. */
  readonly canRetract: boolean;
  /** What becomes of a row on which a user's aggregate fails. */
  readonly onError: OnError;
  readonly now: () => ProcessingTimeMs;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export class GeneralWindow implements Operator, AsksWindows {
  // configuration
  readonly uid: string;
  /** Windows that event time does not end, of rows or of the clock of the machine, are open when the input ends. */
  readonly keepsRows: boolean;
  readonly #options: GeneralWindowOptions;
  readonly #state: KeyedState;
  readonly #rows: WindowRows;
  readonly #trigger: Trigger;
  readonly #firing: Firing;
  /** Undefined: windows are never joined. */
  readonly #sessions: MergingWindows | undefined;
  readonly #scope: TriggerScope;
  readonly #clock: WindowClock | undefined;
  readonly #readsClock: boolean;
  // transient
  readonly ledger = emptyLedger();
  readonly #late: Ptr;
  #lateRows = 0;
  /** Windows of the row at hand that it has not met yet. */
  #windows: readonly Window[] | undefined;
  #window = 0;
  /** Windows that took the row at hand. */
  #taken = 0;
  /** Whether a user's aggregate failed on the row at hand, which is then put aside. */
  #failed = false;
  /** Event timers up to here are to be told. */
  #due: number | undefined;
  /** Processing timers up to here are to be told. */
  #clockDue: number | undefined;
  /** To be passed on when its timers are told. */
  #watermark: EventTimeMs | undefined;
  #ended = false;
  // checkpointed, besides keyed state
  /** The watermark last passed on. */
  #passed: EventTimeMs = MIN_TIME;
  /** Event timers up to here have been told. */
  #time: number = MIN_TIME;
  /** Zones that rows named before a restart. */
  #zonesBefore: readonly string[] = [];

  constructor(options: GeneralWindowOptions) {
    const { assigner, trigger, state, kernels } = options;
    if (assigner.isMerging && trigger.onMerge === undefined) {
      throw new UserError(
        'E1006',
        { what: 'the trigger of a session window', needs: 'one that can join windows (onMerge)', got: 'not' },
        { location: { operator: options.uid } },
      );
    }
    this.uid = options.uid;
    this.#options = options;
    this.#state = state;
    this.#rows = options.rows;
    this.#trigger = trigger;
    this.#firing = options.firing;
    this.#sessions = assigner.isMerging ? new MergingWindows(state.open('sessions')) : undefined;
    this.#scope = new TriggerScope(state, state.open('trigger'));
    this.#clock = assigner.clock;
    this.keepsRows = assigner.clock !== 'event time';
    this.#readsClock = trigger.usesClock || assigner.clock === 'processing time';
    this.#late = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
  }

  get more(): boolean {
    return (
      this.#rows.batch !== undefined
      || this.#due !== undefined
      || this.#clockDue !== undefined
      || this.#watermark !== undefined
      || this.#ended
    );
  }

  get nextTimer(): ProcessingTimeMs | undefined {
    const { earliest } = this.#state.processingTimers;
    return earliest === undefined ? undefined : processingTimeMs(earliest + 1);
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    const inputs = this.#options.inputs.of(batch);
    for (const { row, reason } of inputs.errors) this.#options.deadLetter(batch, row, reason);
    this.ledger.deadLetters += batch.selected - inputs.selected;
    if (inputs.selected === 0) return;
    if (batch.rowKinds !== 0 && !this.#options.canRetract) {
      throw new UserError('E1211', { where: 'this window' }, { location: { operator: this.uid } });
    }
    if (this.#readsClock) this.#tellTime(this.#options.now());
    const taken = { ...batch, selection: inputs.selection, selected: inputs.selected };
    this.#rows.bind(taken);
    this.#firing.contents.bind(taken, inputs);
    this.resume();
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#watermark = watermark;
    this.#due = watermark;
    this.resume();
  }

  processTime(now: ProcessingTimeMs): void {
    this.#tellTime(now);
    this.resume();
  }

  processStatus(status: WatermarkStatus): void {
    this.#options.output.status(status);
    this.#options.late.status(status);
  }

  endOfInput(): void {
    this.#ended = true;
  }

  snapshot(): Json {
    return { watermark: this.#passed, time: this.#time, clocks: clocksOf(this.#zones(), this.#passed) };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { watermark, time, clocks = null } = state as { watermark: number; time: number; clocks?: Json };
    this.#passed = eventTimeMs(watermark);
    this.#time = time;
    requireClocks(this.uid, clocks, this.ledger.held);
    this.#zonesBefore = zonesIn(clocks);
  }

  /** Zones of windows that may be open. */
  #zones(): readonly string[] {
    const { assigner, fixedZones } = this.#options;
    return [...new Set([...fixedZones, ...this.#zonesBefore, ...(assigner.zones?.() ?? [])])];
  }

  /** Watermark of the operator, for explanations. */
  get watermark(): EventTimeMs {
    return this.#passed;
  }

  held(key: Row, at: number): HeldWindow {
    return this.#options.questions.held(key, at, this.#passed);
  }

  /** Works until a batch of results is full or nothing is left, and hands on what there is. */
  resume(): void {
    this.#firing.drain();
    while (!this.#firing.isFull && this.#step()) this.#firing.drain();
    if (this.#firing.rows > 0) {
      this.ledger.results += this.#firing.rows;
      this.#options.output.batch(this.#firing.take(this.#passed));
      this.#passLate();
    } else if (!this.#passLate()) {
      this.#passTime();
    }
  }

  #tellTime(now: ProcessingTimeMs): void {
    this.#scope.now = now;
    // Rows may still arrive in this millisecond: only those before it are over.
    this.#clockDue = now - 1;
  }

  /** One timer, or one window of one row; false when there is nothing to do but to hand on. */
  #step(): boolean {
    if (this.#clockDue !== undefined) {
      if (!this.#tellTimer('processing time', this.#clockDue)) this.#clockDue = undefined;
      return true;
    }
    if (this.#due !== undefined) {
      this.#time = Math.max(this.#time, this.#due);
      if (!this.#tellTimer('event time', this.#due)) this.#due = undefined;
      return true;
    }
    if (!this.#rows.has) return false;
    if (this.#windows === undefined) this.#beginRow();
    else this.#meetWindow(this.#windows);
    return true;
  }

  /** Late rows of a batch go out when all of it is taken; whether there were some. */
  #passLate(): boolean {
    const { batch } = this.#rows;
    if (batch === undefined || this.#rows.has) return false;
    this.#rows.release();
    const selected = this.#lateRows;
    this.#lateRows = 0;
    this.ledger.late += selected;
    if (selected === 0) return false;
    this.#options.late.batch({ ...batch, selection: this.#late, selected });
    return true;
  }

  #passTime(): void {
    if (this.#due !== undefined || this.#rows.batch !== undefined) return;
    if (this.#watermark !== undefined) {
      const watermark = this.#heldBack(this.#watermark);
      this.#watermark = undefined;
      this.#passed = watermark;
      this.#options.output.watermark(watermark);
      this.#options.late.watermark(watermark);
    } else if (this.#ended) {
      this.#ended = false;
      this.#options.output.end();
      this.#options.late.end();
    }
  }

  #heldBack(watermark: EventTimeMs): EventTimeMs {
    if (this.#options.results !== 'final' || watermark === MAX_TIME) return watermark;
    return eventTimeMs(Math.max(this.#passed, watermark - this.#options.allowedLatenessMs));
  }

  #beginRow(): void {
    const rows = this.#rows;
    const watermark = Math.max(this.#time, rows.watermark);
    const { earliest } = this.#state.eventTimers;
    if (earliest !== undefined && earliest <= watermark) {
      this.#due = watermark;
      return;
    }
    this.#time = watermark;
    const refusal = this.#options.assigner.refusal?.(rows.row);
    if (refusal !== undefined) {
      this.#putAside(refusal);
      return;
    }
    this.#state.select(rows.key);
    this.#windows = this.#options.assigner.assign({ time: this.#rowTime(), row: rows.row });
    this.#window = 0;
    this.#taken = 0;
    this.#failed = false;
  }

  #putAside(reason: string): void {
    const { batch, number } = this.#rows;
    if (batch !== undefined) this.#options.deadLetter(batch, number, reason);
    this.ledger.deadLetters++;
    this.#rows.next();
  }

  /** Time of the row at hand on the clock of its windows. */
  #rowTime(): number {
    const { timestamp } = this.#rows;
    if (this.#clock === 'processing time') return this.#scope.now;
    if (this.#clock === undefined || !Number.isNaN(timestamp)) return timestamp;
    throw new UserError('E1205', { where: 'this window' }, { location: { operator: this.uid } });
  }

  #meetWindow(windows: readonly Window[]): void {
    const window = windows[this.#window++];
    if (window === undefined) {
      this.#endRow();
      return;
    }
    // A firing of the row's other windows may have left another key selected.
    this.#state.select(this.#rows.key);
    if (this.#sessions === undefined) {
      if (!this.#isOver(window)) this.#take(window, window);
      return;
    }
    const { window: whole, place, joined } = this.#sessions.add(window);
    if (joined.length > 0) this.#join(whole, joined);
    if (this.#isOver(whole)) this.#sessions.retire(whole);
    else this.#take(whole, place);
  }

  #endRow(): void {
    const rows = this.#rows;
    this.#windows = undefined;
    if (this.#failed) {
      this.ledger.deadLetters++;
      // What took it counts as rows made of it.
      if (this.#taken > 0) this.ledger.expanded++;
    }
    if (this.#taken > 0) this.#count(this.#taken, rows.isRetraction);
    else if (this.#failed) {
      // It is a dead letter, and nothing else.
    } else if (this.#isLate(rows.timestamp)) {
      this.#options.kernels.memory.u32[(this.#late >>> 2) + this.#lateRows++] = rows.number;
    } else {
      // Between two windows: the slide is larger than the size.
      this.ledger.filtered++;
    }
    rows.next();
  }

  #count(windows: number, isRetraction: boolean): void {
    if (isRetraction) {
      this.ledger.held -= windows;
      this.ledger.expanded -= windows + 1;
    } else {
      this.ledger.held += windows;
      this.ledger.expanded += windows - 1;
    }
  }

  #isLate(time: number): boolean {
    return this.#clock === 'event time' && time + this.#options.allowedLatenessMs <= this.#time;
  }

  /** Whether nothing can reach a window any more. */
  #isOver(window: Window): boolean {
    return this.#isLate(lastInstant(window));
  }

  #take(window: Window, place: Window): void {
    const rows = this.#rows;
    const { timestamp } = rows;
    // The window is the row's also when an aggregate refuses the row: triggers and timers must not miss it.
    if (this.#hold(place)) this.#taken++;
    this.#enter(window);
    const row = { time: this.#clock === 'processing time' ? this.#scope.now : timestamp, row: rows.row };
    this.#obey(this.#trigger.onRow(row, this.#scope), window, place);
    const end = this.#endOf(window);
    if (end !== undefined && this.#clock !== undefined) this.#scope.register(this.#clock, end);
  }

  /** Adds the row at hand to what a window holds; false when a user's aggregate failed on it. */
  #hold(place: Window): boolean {
    const { number, timestamp, isRetraction, key, batch } = this.#rows;
    try {
      this.#firing.contents.add(place, { row: number, time: timestamp, isRetraction });
      return true;
    } catch (error) {
      if (!(error instanceof AggregateFailure)) throw error;
      const failure = error.atRow({ row: this.#rows.preview, timestamp, key: key.bytes });
      if (this.#options.onError === 'fail') throw failure;
      if (!this.#failed && batch !== undefined) this.#options.deadLetter(batch, number, failure.message);
      this.#failed = true;
      return false;
    }
  }

  #enter(window: Window): void {
    this.#scope.window = window;
    this.#scope.watermark = this.#time;
  }

  /** Sessions become one: the trigger is told, their timers go, their contents move to the place of the whole. */
  #join(whole: Window, joined: readonly { readonly window: Window; readonly place: Window }[]): void {
    this.#enter(whole);
    this.#scope.joined = joined.map(({ window }) => window);
    this.#trigger.onMerge?.(this.#scope);
    for (const { window } of joined) {
      this.#enter(window);
      this.#trigger.clear(this.#scope);
      const end = this.#endOf(window);
      if (end !== undefined && this.#clock !== undefined) this.#scope.unregister(this.#clock, end);
      this.#firing.joined(this.#key(), window);
    }
    this.#scope.joined = [];
    const [first, ...later] = joined.map(({ place }) => place);
    if (first !== undefined && later.length > 0) this.#merge(whole, first, later);
    this.#enter(whole);
  }

  #merge(whole: Window, first: Window, later: readonly Window[]): void {
    try {
      this.#firing.contents.merge(first, later);
    } catch (error) {
      throw inWindow(error, this.#rows.key.bytes, whole);
    }
  }

  /** When a window is forgotten, on its clock; undefined: never. */
  #endOf(window: Window): number | undefined {
    if (this.#clock === undefined) return undefined;
    const end = lastInstant(window) + (this.#clock === 'event time' ? this.#options.allowedLatenessMs : 0);
    return end >= MAX_TIME ? undefined : end;
  }

  /** Tells the first timer at or before `until`; false when there is none. */
  #tellTimer(clock: WindowClock, until: number): boolean {
    const timers = clock === 'event time' ? this.#state.eventTimers : this.#state.processingTimers;
    const timer = timers.next(until);
    if (timer === undefined) return false;
    const { time } = timer;
    const window = decodeWindow(timer.tag);
    const place = this.#sessions === undefined ? window : this.#sessions.placeOf(window);
    if (place === undefined) return true;
    this.#enter(window);
    this.#obey(this.#trigger.onTime(clock, time, this.#scope), window, place);
    if (clock === this.#clock && time === this.#endOf(window)) this.#forget(window, place);
    return true;
  }

  #obey({ fire, purge }: Answer, window: Window, place: Window): void {
    if (fire && this.#options.results !== 'final') this.#fire(window, place);
    if (purge || (fire && this.#options.results === 'discarding')) this.#release(this.#firing.contents.clear(place));
  }

  /** The selected key, a copy: writing results may move memory. */
  #key(): StateKey {
    const { bytes, hash } = this.#state.key;
    return { bytes: bytes.slice(), hash };
  }

  #fire(window: Window, place: Window): void {
    this.#release(this.#firing.fire(this.#key(), window, place));
  }

  /** The window's time is over: it fires a last time when results are final, and leaves nothing behind. */
  #forget(window: Window, place: Window): void {
    if (this.#options.results === 'final') this.#fire(window, place);
    this.#release(this.#firing.contents.clear(place));
    this.#enter(window);
    this.#trigger.clear(this.#scope);
    this.#firing.ended(window);
    this.#sessions?.retire(window);
  }

  #release(rows: number): void {
    this.ledger.held -= rows;
    this.ledger.released += rows;
  }
}
