/**
 * Windows whose results a user's function makes from all their rows.
 *
 * Invariants
 *  1. The function gets the rows in the order in which they came, as objects of their own, and must answer with rows of
 *     the result's schema.
 *  2. What it keeps stands in keyed state: `window` until the window is gone (joined sessions: that of the first), `key`
 *     for good.
 *  3. A function that throws, a generator in its middle, or that answers with what is no row, fails the job with the window
 *     in the message.
 */
import { UserError } from '../../base/errors.ts';
import { type EventTimeMs, formatTime } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import { exactCopy, readable } from '../../format/exact-row.ts';
import { type Row, RowView, type TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { KeyedTable, StateKey } from '../../state/keyed-state.ts';
import type { RowContents } from './contents.ts';
import type { Firing } from './firing.ts';
import { encodeWindow, lastInstant, type Window } from './window.ts';

/** A value that JSON can hold, kept for the window or its key. */
export interface WindowValue {
  get(): unknown;
  set(value: unknown): void;
  clear(): void;
}

export interface WindowProcessContext {
  readonly start: number;
  readonly end: number;
  /** Kept for this window. */
  readonly window: WindowValue;
  /** Kept for this key, over all windows. */
  readonly key: WindowValue;
}

export type WindowProcessFunction = (rows: readonly Row[], context: WindowProcessContext) => Iterable<unknown>;

export interface ProcessFiringOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly contents: RowContents;
  readonly input: TableSchema;
  readonly out: TableSchema;
  readonly run: WindowProcessFunction;
  readonly values: KeyedTable;
  readonly timestamp: TimestampHook;
}

export class ProcessFiring implements Firing {
  readonly contents: RowContents;
  readonly #options: ProcessFiringOptions;
  readonly #builder: BatchBuilder;
  readonly #view: RowView;
  readonly #timestamps: Ptr;
  readonly #watermarks: Ptr;
  /** What the last firing still has to give, and of which window. Empty between elements. */
  #making: { readonly rows: Iterator<unknown>; readonly window: Window } | undefined;

  constructor(options: ProcessFiringOptions) {
    const { kernels, input, out, contents, timestamp } = options;
    this.#options = options;
    this.contents = contents;
    this.#builder = new BatchBuilder(kernels, out, BATCH_ROWS_MAX);
    this.#view = new RowView(kernels.memory, input, { timestamp });
    this.#timestamps = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = kernels.memory.allocate(BATCH_ROWS_MAX * 8);
  }

  get rows(): number {
    return this.#builder.rows;
  }

  get isFull(): boolean {
    return this.#making !== undefined || this.#builder.isFull;
  }

  fire(_key: StateKey, window: Window, place: Window): number {
    const { rows, evicted } = this.contents.take(place);
    if (rows.length === 0) return evicted;
    const copies: Row[] = [];
    for (const batch of this.contents.batches(rows)) {
      this.#view.bind(batch);
      for (let i = 0; i < batch.selected; i++) {
        this.#view.select(i);
        copies.push(readable(exactCopy(this.#view), this.#options.input));
      }
    }
    // Taken whole: a generator runs here, guarded, and later changes of an array do no harm.
    const made = this.#guard(window, () => [...iterable(this.#options.run(copies, this.#contextOf(window, place)))]);
    this.#making = { rows: made.values(), window };
    this.drain();
    return evicted;
  }

  joined(): void {}

  ended(window: Window): void {
    this.#options.values.delete(encodeWindow(window));
  }

  drain(): void {
    const making = this.#making;
    if (making === undefined) return;
    const { memory } = this.#options.kernels;
    while (!this.#builder.isFull) {
      const { done, value } = making.rows.next();
      if (done === true) {
        this.#making = undefined;
        return;
      }
      memory.i64[(this.#timestamps >>> 3) + this.#builder.rows] = BigInt(
        Math.min(Number.MAX_SAFE_INTEGER, lastInstant(making.window)),
      );
      // The builder refuses what is no row of the schema.
      this.#guard(making.window, () => this.#builder.append(value as Row));
    }
  }

  take(passed: EventTimeMs): RecordBatch {
    const batch = this.#builder.finish();
    this.#options.kernels.memory.i64.fill(
      BigInt(passed),
      this.#watermarks >>> 3,
      (this.#watermarks >>> 3) + batch.rows,
    );
    this.#builder.reset();
    return { ...batch, timestamps: this.#timestamps, watermarks: this.#watermarks };
  }

  #contextOf(window: Window, place: Window): WindowProcessContext {
    const { values } = this.#options;
    return {
      start: window.start,
      end: window.end,
      window: valueAt(values, encodeWindow(place)),
      key: valueAt(values, new Uint8Array(0)),
    };
  }

  #guard<T>(window: Window, run: () => T): T {
    try {
      return run();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new UserError(
        'E1213',
        { start: formatTime(window.start), end: formatTime(window.end), problem },
        { location: { operator: this.#options.uid }, cause: error },
      );
    }
  }
}

/** The types say so; functions in JavaScript may answer with anything. */
function iterable(made: Iterable<unknown> | undefined | null): Iterable<unknown> {
  if (typeof made?.[Symbol.iterator] === 'function') return made;
  throw new TypeError(`it must answer with something iterable, such as an array, but did with ${String(made)}`);
}

function valueAt(table: KeyedTable, sub: Uint8Array): WindowValue {
  return {
    get() {
      const held = table.get(sub);
      return held === undefined ? undefined : JSON.parse(new TextDecoder().decode(held));
    },
    set(value) {
      const text: string | undefined = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`JSON cannot hold what is to be kept: ${String(value)}`);
      table.put(sub, new TextEncoder().encode(text));
    },
    clear() {
      table.delete(sub);
    },
  };
}
