/**
 * A user's function with state and timers, for each key; of one input, or of two that are connected.
 *
 *   processBatch:      before each row what its watermark releases, then the row        (row function)
 *   processWatermark:  timers at or before it, in order of time, hash and bytes of the key, name; then it is passed on
 *   processTime:       timers of processing time that are due, in the same order
 *
 * Invariants
 *  1. What functions see and the order in which they are called do not depend on how rows were batched: a row's own
 *     watermark fires what is due before it, and in a timer the clock stands at the timer's time, not at the watermark
 *     that happened to release it.
 *     Entries that expire are told to a function that asks for them, at their time, before the timers of that time.
 *  2. A timer at or before the watermark fires when the watermark moves next (in a timer: at once). What a timer emits
 *     has the timer's time, so what a timer in the past emits may be late below.
 *  3. A timer of processing time emits at the first instant that is not late. Those not due when the input ends are dropped.
 *  4. A call does a bounded number of function calls and hands on at most one batch to each output.
 *  5. State that was asked to expire by processing time lies in a port of its own, the only one that sees the clock.
 *  6. Between calls nothing is cached: all state is in the port.
 * Long because the order of rows, timers, expiry and watermarks is one algorithm.
 * State: tables and timers in the port, under the uid. Not here: handles (runtime/state), the context (runtime/process).
 */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME, type ProcessingTimeMs, processingTimeMs } from '../../base/time.ts';
import type { BatchOrigin, RecordBatch } from '../../data/record-batch.ts';
import type { Row, TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { ProcessInput, ProcessNode } from '../../plan/logical.ts';
import type { StateSpec } from '../../plan/process.ts';
import type { KeyedState, TimerService } from '../../state/keyed-state.ts';
import type { Operator, Output } from '../operator.ts';
import { previewOf } from '../preview.ts';
import { expiryFailure, isOfTheFunction, requireNoPromise, rowFailure, timerFailure } from '../process/failures.ts';
import { KeyedRows } from '../process/keyed-rows.ts';
import { PortBuffer, type Stamp } from '../process/port-buffer.ts';
import { type ContextHost, ProcessContext } from '../process/process-context.ts';
import { WatermarkTracker } from '../progress/watermark-tracker.ts';
import { requireColumn } from '../../data/schema.ts';
import { LookupRoom } from '../process/lookup-room.ts';
import { KeyScope } from '../state/key-scope.ts';
import { readOnly } from '../state/read-only.ts';
import { RowBytes } from '../state/row-bytes.ts';
import { type ExpiredEntry, States } from '../state/states.ts';
import type { WatermarkStatus } from '../stream-element.ts';

export interface ProcessOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly node: ProcessNode;
  readonly state: KeyedState;
  /** For what is the same for all keys; undefined when the node has no broadcast state. */
  readonly broadcast: KeyedState | undefined;
  /** For what expires by the clock of the machine; undefined when nothing does. */
  readonly aging: KeyedState | undefined;
  /** The main output, then one for each side. */
  readonly outputs: readonly Output[];
  readonly timestamp: TimestampHook;
  readonly now: () => ProcessingTimeMs;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

interface Input {
  readonly spec: ProcessInput;
  readonly rows: KeyedRows;
  readonly context: ProcessContext;
}

/** Function calls between two returns to the task. */
const CALLS_MAX = 4096;
/** Entries removed from state at once. */
const EXPIRED_MAX = 512;
/** The same by processing time, before each call: more than one call adds. */
const AGED_MAX = 8;

/** A function with state and timers, row by row of each key. */
export class Process implements Operator {
  // configuration
  readonly uid: string;
  readonly #options: ProcessOptions;
  readonly #inputs: readonly Input[];
  readonly #ports: readonly PortBuffer[];
  readonly #tags: ReadonlyMap<unknown, Uint8Array>;
  readonly #names: ReadonlyMap<string, string>;
  readonly #keys: RowBytes;
  readonly #expires: boolean;
  // transient
  readonly ledger = emptyLedger();
  readonly #scope: KeyScope;
  readonly #states: States;
  readonly #broadcast: States;
  /** States that expire by processing time, whose keys follow those of the others. */
  readonly #aging: States;
  readonly #agingScope: KeyScope;
  readonly #stamp: Stamp = { timestamp: MIN_TIME, watermark: MIN_TIME };
  readonly #timerContext: ProcessContext;
  readonly #expiryContext: ProcessContext;
  #key: Row | undefined;
  /** Where keys that are asked for from outside lie while they are hashed. */
  #room: LookupRoom | undefined;
  /** The input whose batch is being taken. */
  #taking: Input | undefined;
  /** Timers up to here are to fire; then it is passed on. */
  #target: EventTimeMs | undefined;
  /** Timers of processing time up to here are to fire. */
  #due: ProcessingTimeMs | undefined;
  /** Whether it woke, and those below have not heard since where it stands. */
  #woke = false;
  #endedInputs = 0;
  #ending = false;
  /** Behind the watermark that goes out first: nobody below takes one of an input that is idle. */
  #sendIdle = false;
  // checkpointed, besides the port
  readonly #tracker: WatermarkTracker;
  /** The watermark last passed on. */
  #passed: EventTimeMs = MIN_TIME;
  /** How far event time has come for functions: at least `passed`, within a batch the watermark of its row. */
  #clock: EventTimeMs = MIN_TIME;
  /** The watermark that those below have seen, on its own or with a row. Equal to the clock between elements. */
  #shown: number = MIN_TIME;
  /** The largest event time of a row so far. */
  #largest: EventTimeMs = MIN_TIME;

  constructor(options: ProcessOptions) {
    const { uid, kernels, node, state, outputs, timestamp } = options;
    this.uid = uid;
    this.#options = options;
    this.#scope = new KeyScope(state);
    const { broadcast = state, aging = state } = options;
    const isAging = ({ expiry }: StateSpec): boolean => expiry?.clock === 'processing time';
    const lasting = node.states.filter((spec) => !isAging(spec));
    this.#states = new States(this.#scope, state, lasting, node.clocks);
    this.#expires = lasting.some(({ expiry }) => expiry !== undefined);
    this.#agingScope = new KeyScope(aging);
    this.#aging = new States(this.#agingScope, aging, node.states.filter(isAging), node.clocks);
    this.#broadcast = new States(new KeyScope(broadcast), broadcast, node.broadcast, node.clocks);
    this.#keys = new RowBytes(node.key, { eventTime: node.clocks.eventTime, as: 'keys' });
    const schemas = [node.schema, ...node.sides.map(({ schema }) => schema)];
    this.#ports = outputs.flatMap((output, i) => {
      const schema = schemas[i];
      return schema === undefined ? [] : [new PortBuffer(kernels, schema, output, this.#stamp, node.hasEventTime)];
    });
    const encoder = new TextEncoder();
    this.#tags = new Map(node.timers.map((name) => [name, encoder.encode(name)]));
    this.#names = new Map(node.timers.map((name) => [String(encoder.encode(name)), name]));
    const host = this.#host();
    this.#inputs = node.inputs.map((spec) => ({
      spec,
      rows: new KeyedRows(kernels, spec.node.schema, spec.keys, timestamp),
      context: this.#contextOf(host, spec.keys === undefined),
    }));
    this.#timerContext = this.#contextOf(host, false);
    this.#expiryContext = this.#contextOf(host, false);
    this.#tracker = new WatermarkTracker(node.inputs.length);
    node.inputs.forEach(({ hasEventTime }, input) => this.#tracker.setIdle(input, !hasEventTime));
  }

  get more(): boolean {
    return (
      this.#taking !== undefined
      || this.#target !== undefined
      || this.#due !== undefined
      || this.#ending
      || this.#sendIdle
      || this.#ports.some((port) => !port.isEmpty)
    );
  }

  resume(): void {
    this.#step();
  }

  processBatch(batch: RecordBatch, input: number): void {
    this.ledger.in += batch.selected;
    this.#taking = this.#inputs[input];
    this.#taking?.rows.bind(batch);
    this.#step();
  }

  processWatermark(watermark: EventTimeMs, input: number): void {
    const wasIdle = this.#tracker.idle;
    const moved = this.#tracker.pass(input, watermark);
    // Where one ends, all that are left may be idle.
    this.#sendIdle = !wasIdle && this.#tracker.idle;
    if (moved || this.#woke) this.#target = this.#tracker.watermark;
    else if (!this.#sendIdle) return;
    this.#woke = false;
    this.#step();
  }

  processStatus(status: WatermarkStatus, input: number): void {
    const wasIdle = this.#tracker.idle;
    const moved = this.#tracker.setIdle(input, status === 'idle');
    if (this.#tracker.idle !== wasIdle) {
      this.#woke = wasIdle;
      this.#sendIdle = !wasIdle && moved;
      if (!this.#sendIdle) this.#passStatus(wasIdle ? 'active' : 'idle');
    }
    if (moved) this.#target = this.#tracker.watermark;
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    if (split === undefined && ++this.#endedInputs === this.#inputs.length) this.#ending = true;
  }

  get nextTimer(): ProcessingTimeMs | undefined {
    if (this.#options.node.timers.length === 0) return undefined;
    const { earliest } = this.#options.state.processingTimers;
    return earliest === undefined ? undefined : processingTimeMs(earliest);
  }

  processTime(now: ProcessingTimeMs): void {
    this.#due = now;
    this.#step();
  }

  snapshot(): Json {
    return { tracker: this.#tracker.snapshot(), passed: this.#passed, clock: this.#clock, largest: this.#largest };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const before = state as { tracker: Json; passed: number; clock: number; largest: number };
    this.#tracker.restore(before.tracker);
    this.#passed = eventTimeMs(before.passed);
    this.#clock = eventTimeMs(before.clock);
    this.#shown = before.clock;
    this.#largest = eventTimeMs(before.largest);
    if (this.#expires) this.#options.state.advance(this.#clock);
  }

  /**
   * What is held for a key: the state when there is one, otherwise an object of them by name. Only between calls. E1203,
   * E1303 when it is no key of this operator.
   */
  lookup(key: Row): unknown {
    for (const name of Object.keys(key)) requireColumn(this.#keys.schema, name, `the key of '${this.uid}'`);
    const bytes = this.#keys.encode(this.#keys.conform(key));
    const { memory } = this.#options.kernels;
    this.#room ??= new LookupRoom(memory);
    const at = this.#room.put(bytes);
    const hash = this.#options.kernels.function('hashBytes')(at, bytes.length) >>> 0;
    this.#scope.key = this.#scope.keyOf(bytes, 0, bytes.length, hash);
    this.#agingScope.key = this.#scope.key;
    this.#age();
    const held = { ...this.#states.peek(), ...this.#aging.peek() };
    const [only, ...more] = this.#options.node.states;
    return only !== undefined && more.length === 0 ? held[only.name] : held;
  }

  /** Watermark of the operator, for explanations. */
  get watermark(): EventTimeMs {
    return this.#passed;
  }

  #step(): void {
    for (const port of this.#ports) port.release();
    let isLeft = true;
    for (let calls = 0; calls < CALLS_MAX && isLeft && !this.#isFull(); calls++) {
      // Each is one call of a function, or nothing.
      isLeft = this.#work();
    }
    this.#states.writeBack();
    this.#broadcast.writeBack();
    this.#scope.forget();
    if (this.#flush() || isLeft || this.#taking !== undefined || this.#due !== undefined) return;
    if (this.#target !== undefined) this.#passWatermark(this.#target);
    else if (this.#sendIdle) this.#passStatus('idle');
    else if (this.#ending) this.#passEnd();
  }

  /** The next thing to do: a row, a timer. False when nothing is left but to pass on what waits. */
  #work(): boolean {
    if (this.#taking !== undefined) return this.#takeRow(this.#taking);
    if (this.#due !== undefined) return this.#fireProcessing(this.#due);
    if (this.#target === undefined) return false;
    if (!this.#isReleased(this.#target)) return true;
    return this.#expires && this.#scope.whole.expire(EXPIRED_MAX, () => undefined);
  }

  #isFull(): boolean {
    return this.#ports.some((port) => port.isFull);
  }

  /** At most one batch to each output; whether there was any. */
  #flush(): boolean {
    const origin = this.#taking?.rows.batch.origin;
    let rows = 0;
    for (const port of this.#ports) rows += port.flush(origin);
    this.ledger.results += rows;
    return rows > 0;
  }

  #takeRow(input: Input): boolean {
    const { rows } = input;
    if (rows.isDone) {
      rows.release();
      this.#taking = undefined;
      return true;
    }
    rows.peek();
    const { timestamp } = rows;
    if (this.#options.node.hasEventTime) {
      const watermark = this.#watermarkBefore(input);
      if (!this.#isReleased(watermark)) return true;
      if (timestamp !== undefined && timestamp > this.#largest) this.#largest = eventTimeMs(timestamp);
      const at = timestamp ?? this.#instantOfNoRow();
      if (this.#expires) this.#options.state.advance(this.#clock, eventTimeMs(at));
      this.#stampWith(at, this.#clock);
    }
    rows.take();
    this.#age();
    const key = rows.keyIn(this.#scope);
    if (key === undefined) this.#scope.leave();
    else this.#scope.key = key;
    this.#agingScope.key = this.#scope.key;
    this.#key = undefined;
    this.#callRow(input);
    return true;
  }

  /** What stood before the row at hand, as far as the other input allows. */
  #watermarkBefore({ spec, rows }: Input): EventTimeMs {
    const own = rows.watermark;
    const others = this.#tracker.others(this.#options.node.inputs.indexOf(spec));
    const least = own === undefined ? this.#clock : Math.min(own, others);
    return eventTimeMs(Math.max(least, this.#clock));
  }

  /** Tells one expiry or fires one timer at or before `to`; true when there is none and the clock stands at `to`. */
  #isReleased(to: EventTimeMs): boolean {
    const { state, node } = this.#options;
    const timer = (this.#tags.size === 0 ? undefined : state.eventTimers.earliest) ?? Number.POSITIVE_INFINITY;
    const expiry = (node.onExpire === undefined ? undefined : state.earliestExpiry) ?? Number.POSITIVE_INFINITY;
    const due = Math.min(timer, expiry);
    const before = this.#clock;
    this.#clock = eventTimeMs(Math.max(before, due <= to ? due : to));
    if (this.#expires && (due <= to || this.#clock !== before)) state.advance(this.#clock);
    if (due > to) return true;
    // What happens at an instant is not late: of one instant all come before the watermark that passes it.
    this.#stampWith(due, due > this.#shown ? due - 1 : this.#shown);
    if (expiry <= timer) this.#tellExpiry(expiry);
    else this.#fire('event time', this.#scope.whole.eventTimers, to);
    return false;
  }

  /** Event time and watermark of what is emitted now. */
  #stampWith(timestamp: number, watermark: number): void {
    this.#stamp.timestamp = timestamp;
    this.#stamp.watermark = watermark;
    this.#shown = Math.max(this.#shown, watermark);
  }

  /** Tells the function of the entry that expires first, at `time`; of none when it was refreshed meanwhile. */
  #tellExpiry(time: number): void {
    const { node } = this.#options;
    const context = this.#expiryContext;
    let entry: ExpiredEntry | undefined;
    this.#scope.whole.expire(1, (table, sub, value) => {
      context.name = table.name;
      entry = this.#states.expired(table.name, sub, value);
      this.#scope.adopt();
    });
    if (entry === undefined) return;
    this.#key = undefined;
    context.at = node.clocks.eventTime(time);
    context.value = entry.value;
    context.entry = entry.entry;
    try {
      // The API's types tie the function to this context.
      requireNoPromise(node.onExpire?.(context as never));
    } catch (error) {
      if (!isOfTheFunction(error)) throw error;
      throw expiryFailure({ operator: this.uid, name: context.name ?? '', time, key: this.#keyPreview() }, error);
    }
  }

  #fireProcessing(now: ProcessingTimeMs): boolean {
    const timers = this.#options.state.processingTimers;
    const { earliest } = timers;
    if (earliest === undefined || earliest > now) {
      this.#due = undefined;
      return true;
    }
    this.#stampWith(this.#instantOfNoRow(), this.#clock);
    this.#fire('processing time', this.#scope.whole.processingTimers, now);
    return true;
  }

  /** The event time of what no row and no timer of event time made. */
  #instantOfNoRow(): number {
    return this.#clock === MIN_TIME ? this.#largest : this.#clock + 1;
  }

  #fire(clock: 'event time' | 'processing time', timers: TimerService, until: number): void {
    const timer = timers.next(until);
    if (timer === undefined) return;
    const name = this.#names.get(String(timer.tag)) ?? new TextDecoder().decode(timer.tag);
    this.#scope.adopt();
    this.#agingScope.key = this.#scope.key;
    this.#age();
    this.#key = undefined;
    const { clocks } = this.#options.node;
    const context = this.#timerContext;
    context.name = name;
    context.clock = clock;
    context.at = clock === 'event time' ? clocks.eventTime(timer.time) : clocks.processingTime(timer.time);
    try {
      // The API's types tie the function to this context. A timer of a name that the job no longer has finds nobody.
      if (this.#tags.has(name)) requireNoPromise(this.#options.node.timer?.(context as never));
    } catch (error) {
      if (!isOfTheFunction(error)) throw error;
      throw timerFailure({ operator: this.uid, name, time: timer.time, key: this.#keyPreview() }, error);
    }
  }

  #callRow({ spec, rows, context }: Input): void {
    try {
      // The API's types tie the function to the rows of its input and to this context.
      requireNoPromise(spec.run(rows.row as never, context as never));
      this.ledger.released++;
    } catch (error) {
      if (!isOfTheFunction(error)) throw error;
      const { preview: row, timestamp } = rows;
      const key = spec.keys === undefined ? undefined : this.#keyPreview();
      const failure = rowFailure({ operator: this.uid, does: 'process', timestamp, key, row }, error);
      if (this.#options.node.onError === 'fail') throw failure;
      this.ledger.deadLetters++;
      this.#options.deadLetter(rows.batch, rows.index, failure.message);
    }
  }

  /** Processing time goes on for what expires by it, and some of what has expired goes. */
  #age(): void {
    const { aging, now } = this.#options;
    if (aging === undefined) return;
    // The port counts in one clock, that of whoever opened it.
    aging.advance(eventTimeMs(now()));
    this.#agingScope.whole.expire(AGED_MAX, () => undefined);
  }

  #keyRow(): Row {
    return (this.#key ??= this.#keys.decode(this.#scope.key.bytes));
  }

  #keyPreview(): string {
    return previewOf(this.#keys.exact().decode(this.#scope.key.bytes));
  }

  /** The broadcast input sees no state of a key and may change what is broadcast; for the others it is the other way round. */
  #contextOf(host: ContextHost, isBroadcast: boolean): ProcessContext {
    const { handles } = this.#broadcast;
    return isBroadcast
      ? new ProcessContext(host, {}, handles)
      : new ProcessContext(host, { ...this.#states.handles, ...this.#aging.handles }, readOnly(handles));
  }

  #host(): ContextHost {
    const { node, state, now } = this.#options;
    const sides = new Map(node.sides.map(({ name }, i) => [name, this.#ports[i + 1]]));
    const declared = (names: Iterable<string>): string => [...names].join(', ') || 'none';
    return {
      hasEventTime: node.hasEventTime,
      key: () => this.#keyRow(),
      watermark: () => node.clocks.eventTime(this.#clock),
      now: () => node.clocks.processingTime(now()),
      emit: (row) => this.#ports[0]?.append(row),
      side: (name, row) => {
        const port = sides.get(name);
        if (port === undefined) throw new UserError('E1332', { side: String(name), declared: declared(sides.keys()) });
        port.append(row);
      },
      timers: (clock) => {
        this.#scope.select(this.#scope.key);
        return clock === 'event time' ? state.eventTimers : state.processingTimers;
      },
      tag: (name) => {
        const tag = this.#tags.get(name);
        if (tag === undefined) throw new UserError('E1331', { timer: String(name), declared: declared(node.timers) });
        return tag;
      },
    };
  }

  #passWatermark(watermark: EventTimeMs): void {
    this.#target = undefined;
    this.#passed = watermark;
    this.#shown = Math.max(this.#shown, watermark);
    for (const { output } of this.#ports) output.watermark(watermark);
  }

  #passStatus(status: WatermarkStatus): void {
    this.#sendIdle = false;
    for (const { output } of this.#ports) output.status(status);
  }

  #passEnd(): void {
    this.#ending = false;
    for (const { output } of this.#ports) output.end();
  }
}
