/**
 * Drives one real operator, a row at a time: rows as batches of one, watermarks, statuses, the clock, and restarts
 * through a real snapshot of the arena. What comes out stands in the transcript as plain values.
 *
 *   act(step) -> operator -> resume while it has more, tell it the time while a timer is due -> transcript
 *
 * Invariants
 *  1. The operator is called as the task calls it: nothing is handed to it while it has more.
 *  2. After `restart` nothing of the operator is left but what its snapshot and the arena's frames hold.
 * Not here: what steps expect (compare.ts), which operator a case asks for (the driver of its kind).
 */
import type { Json } from '../../src/base/json.ts';
import {
  type EventTimeMs,
  eventTimeMs,
  MAX_TIME,
  MIN_TIME,
  type ProcessingTimeMs,
  processingTimeMs,
} from '../../src/base/time.ts';
import type { BatchOrigin, RecordBatch } from '../../src/data/record-batch.ts';
import { RowKind, shortRowKind } from '../../src/data/row-kind.ts';
import type { Field, TableSchema } from '../../src/data/schema.ts';
import { type Row, RowView } from '../../src/format/row-view.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import type { Output } from '../../src/runtime/operator.ts';
import type { WatermarkStatus } from '../../src/runtime/stream-element.ts';
import type { TaskOperator } from '../../src/runtime/task.ts';
import { GeneralWindow } from '../../src/runtime/operators/general-window.ts';
import { StateArena } from '../../src/state/arena.ts';
import { columnBatch, type Value } from '../support/column-batch.ts';
import { newKernels } from '../support/kernels.ts';
import { type Step, Unsupported } from './case.ts';
import { timeOf, Transcript } from './compare.ts';

const MEMORY_BYTES = 64 << 20;
const STATE_BYTES = 16 << 20;
const KINDS: { readonly [op: string]: RowKind } = {
  '+I': RowKind.INSERT,
  '-U': RowKind.UPDATE_BEFORE,
  '+U': RowKind.UPDATE_AFTER,
  '-D': RowKind.DELETE,
};

/** What an operator is made of. Made anew after a restart. */
export interface HarnessParts {
  readonly kernels: KernelInstance;
  readonly arena: StateArena;
  /** In the order of `ports`. */
  readonly outputs: readonly Output[];
  readonly now: () => ProcessingTimeMs;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export interface HarnessOptions {
  readonly kind: string;
  /** Schema of each input. */
  readonly inputs: readonly TableSchema[];
  /** Name of each output port: the first is the main one, the others are sides ('late' and named ones). */
  readonly ports?: readonly string[];
  readonly make: (parts: HarnessParts) => TaskOperator;
  /** Values of an `element` in the order of the input's schema. As they stand, by default. */
  readonly rowOf?: (element: Json, step: Step) => readonly Json[];
  /** A row that came out as cases write it; by default the list of its values. */
  readonly elementOf?: (row: Row, port: string) => Json;
}

export interface HarnessRow {
  /** In the order of the schema. */
  readonly values: readonly Json[];
  readonly kind?: RowKind;
  readonly timestamp?: number;
  /** In force before it; that of the input by default. */
  readonly watermark?: number;
}

let shared: KernelInstance | undefined;

export class Harness {
  readonly transcript: Transcript;
  readonly deadLetters: string[] = [];
  readonly #options: HarnessOptions;
  readonly #kernels: KernelInstance;
  readonly #arena: StateArena;
  readonly #watermarks: EventTimeMs[];
  #now = processingTimeMs(0);
  #operator: TaskOperator;

  /** Only one harness may live at a time: all use one kernel instance. */
  static async open(options: HarnessOptions): Promise<Harness> {
    shared ??= await newKernels(MEMORY_BYTES);
    shared.reset();
    return new Harness(options, shared);
  }

  private constructor(options: HarnessOptions, kernels: KernelInstance) {
    this.transcript = new Transcript(options.kind);
    this.#options = options;
    this.#kernels = kernels;
    this.#arena = new StateArena(kernels, STATE_BYTES);
    this.#watermarks = options.inputs.map(() => MIN_TIME);
    this.#operator = this.#make();
  }

  get operator(): TaskOperator {
    return this.#operator;
  }

  get arena(): StateArena {
    return this.#arena;
  }

  get now(): ProcessingTimeMs {
    return this.#now;
  }

  /** Counters as cases name them; undefined: not known here. */
  metric(name: string): number | undefined {
    return name === 'lateRecordsDropped' ? this.#operator.ledger.late : undefined;
  }

  /** Does what a step says goes in. Throws Unsupported for steps that are not of an operator in general. */
  act(step: Step): void {
    const input = typeof step['input'] === 'number' ? step['input'] - 1 : 0;
    if (step['element'] !== undefined) this.#stepElement(step, input);
    else if (step['watermark'] !== undefined) this.watermark(timeOf(step['watermark']), input);
    else if (step['status'] !== undefined) this.status(step['status'] === 'idle' ? 'idle' : 'active', input);
    else if (step['processingTime'] !== undefined) this.time(timeOf(step['processingTime']));
    else if (step['advanceProcessingTime'] !== undefined) this.time(this.#now + timeOf(step['advanceProcessingTime']));
    else if (step['snapshotRestore'] !== undefined) this.restart();
    else if (step['endOfInput'] !== undefined) this.end(input);
    else throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  }

  #stepElement(step: Step, input: number): void {
    this.rows([this.rowOf(step)], { input });
  }

  /** The row that a step with an element hands in. */
  rowOf(step: Step): HarnessRow {
    const { element = null, timestamp, op = '+I' } = step;
    const values = this.#options.rowOf?.(element, step) ?? (Array.isArray(element) ? element : [element]);
    const kind = KINDS[String(op)];
    if (kind === undefined) throw new Unsupported(`the row kind ${String(op)}`);
    return { values, kind, ...(timestamp === undefined ? {} : { timestamp: timeOf(timestamp) }) };
  }

  row(
    values: readonly Json[],
    { input = 0, origin, ...more }: Omit<HarnessRow, 'values'> & { input?: number; origin?: BatchOrigin } = {},
  ): void {
    this.rows([{ values, ...more }], origin === undefined ? { input } : { input, origin });
  }

  /** One batch. All of its rows have a timestamp, or none. */
  rows(rows: readonly HarnessRow[], { input = 0, origin }: { input?: number; origin?: BatchOrigin } = {}): void {
    const schema = this.#options.inputs[input];
    if (schema === undefined) throw new TypeError(`no input ${input}`);
    const { memory } = this.#kernels;
    const columns = schema.fields.map((field, i) => rows.map(({ values }) => valueOf(field, values[i] ?? null)));
    const batch = columnBatch(this.#kernels, schema, columns);
    const rowKinds = rows.every(({ kind = RowKind.INSERT }) => kind === RowKind.INSERT)
      ? 0
      : memory.allocate(rows.length);
    if (rowKinds !== 0) rows.forEach(({ kind = RowKind.INSERT }, i) => (memory.u8[rowKinds + i] = kind));
    const times = (of: (row: HarnessRow) => number): number => {
      const at = memory.allocate(rows.length * 8);
      rows.forEach((row, i) => (memory.i64[(at >>> 3) + i] = BigInt(of(row))));
      return at;
    };
    const watermark = this.#watermarks[input] ?? MIN_TIME;
    const timestamps = rows[0]?.timestamp === undefined ? 0 : times((row) => row.timestamp ?? 0);
    const watermarks = times((row) => row.watermark ?? watermark);
    this.#operator.processBatch({ ...batch, rowKinds, timestamps, watermarks, origin }, input);
    this.settle();
  }

  watermark(ms: number, input = 0): void {
    const watermark = eventTimeMs(ms);
    this.#watermarks[input] = watermark;
    this.#operator.processWatermark(watermark, input);
    this.settle();
  }

  status(status: WatermarkStatus, input = 0, split?: BatchOrigin): void {
    this.#operator.processStatus(status, input, split);
    this.settle();
  }

  /** The clock is `ms`. */
  time(ms: number): void {
    this.#now = processingTimeMs(ms);
    this.settle();
  }

  /** As a source ends: the final watermark, then the end. */
  end(input = 0): void {
    this.watermark(MAX_TIME, input);
    this.#operator.endOfInput(input);
    this.settle();
  }

  /** Lets the operator do all that it has to do now. */
  settle(): void {
    // Cases tell timers in the millisecond that they are set for, as Flink's test service does. Its real one waits for that
    // millisecond to be over, and so do windows here.
    const now = processingTimeMs(this.#now + (this.#operator instanceof GeneralWindow ? 1 : 0));
    for (;;) {
      while (this.#operator.more) this.#operator.resume();
      const { nextTimer } = this.#operator;
      if (nextTimer === undefined || nextTimer > now) return;
      if (this.#operator.processTime === undefined) throw new TypeError('a timer, but nothing to tell the time to');
      this.#operator.processTime(now);
    }
  }

  /** Takes a checkpoint, forgets the operator and all memory, and makes it anew from the checkpoint. */
  restart(): void {
    this.#arena.markAllDirty();
    this.#arena.beginSnapshot();
    const frames: Uint8Array[] = [];
    for (
      let frame = this.#arena.nextFrame(1, 0);
      frame !== undefined;
      frame = this.#arena.nextFrame(1, frames.length)
    ) {
      frames.push(frame);
    }
    const ledger = this.#operator.ledger;
    const kept = JSON.stringify({ operator: this.#operator.snapshot(), arena: this.#arena.describe() });
    this.#arena.reset();
    frames.forEach((frame, number) => {
      if (!this.#arena.restoreFrame(frame, 1, number)) throw new Error(`frame ${number} of the snapshot is damaged`);
    });
    // Written above.
    const { operator, arena } = JSON.parse(kept) as { operator: Json; arena: Json };
    this.#arena.finishRestore(arena);
    this.#operator = this.#make();
    this.#operator.restore(operator);
    Object.assign(this.#operator.ledger, ledger);
    this.settle();
  }

  #make(): TaskOperator {
    const { ports = ['main'], make } = this.#options;
    return make({
      kernels: this.#kernels,
      arena: this.#arena,
      outputs: ports.map((name, i) => this.#output(name, i === 0)),
      now: () => this.#now,
      deadLetter: (_batch, _row, reason) => this.deadLetters.push(reason),
    });
  }

  #output(name: string, isMain: boolean): Output {
    return {
      batch: (batch) => this.#record(batch, name, isMain),
      watermark: (watermark) => (isMain ? this.transcript.watermark(watermark) : undefined),
      status: (status) => (isMain ? this.transcript.status(status) : undefined),
      end: () => undefined,
    };
  }

  #record(batch: RecordBatch, name: string, isMain: boolean): void {
    const view = new RowView(this.#kernels.memory, batch.schema);
    const { i64 } = this.#kernels.memory;
    view.bind(batch);
    for (let i = 0; i < batch.selected; i++) {
      view.select(i);
      const row = view.copy();
      const element = this.#options.elementOf?.(row, name) ?? plainValues(row);
      const timestamp = batch.timestamps === 0 ? undefined : Number(i64[(batch.timestamps >>> 3) + view.index]);
      if (isMain) this.transcript.record(element, shortRowKind(view.kind), timestamp);
      else this.transcript.side(name, element, timestamp);
    }
  }
}

const INTEGERS: ReadonlySet<string> = new Set(['int8', 'int16', 'int32', 'int64', 'timestamp']);

function valueOf(field: Field, value: Json): Value {
  if (value === null || typeof value === 'boolean') return value;
  if (INTEGERS.has(field.type.kind)) return BigInt(timeOf(value, field.name));
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw new Unsupported(`the value ${JSON.stringify(value)} in column ${field.name}`);
}

/** The values of a row in the order of its columns, as cases write them. */
export function plainValues(row: Row): readonly Json[] {
  return Object.values(row).map((value): Json => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    // Cases have no other columns than numbers, texts and truth values.
    return value as Json;
  });
}
