/** Door to assembly/watermark: row-exact watermarks. Instants are milliseconds as numbers. */
import type { Json } from '../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME } from '../base/time.ts';
import type { ColumnType } from '../data/types.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../data/record-batch.ts';
import type { KernelInstance } from './instance.ts';
import type { LinearMemory } from './memory.ts';

/** Timestamp units in a millisecond. Seconds are stored as milliseconds. */
export const unitsPerMs = (type: ColumnType): number => (type.unit === 'us' ? 1000 : 1);

const NONE = -(2n ** 63n);
const STATE_BYTES = 64;

/** How the watermark of a split follows its rows. */
export type SplitRule =
  | { readonly delayMs: number }
  | { readonly lateRate: number; readonly maxMs: number }
  /** Something else moves it (`moveTo`): the kernel keeps the guard alone. */
  | 'elsewhere';

/** What the kernel keeps of one split: assembly/watermark/assign.ts and adaptive.ts. */
export class SplitState {
  readonly #memory: LinearMemory;
  readonly #rule: SplitRule;
  readonly ptr: Ptr;
  readonly #adaptive: Ptr;
  readonly #adaptiveBytes: number;

  constructor(kernels: KernelInstance, rule: SplitRule) {
    const { memory } = kernels;
    this.#memory = memory;
    this.#rule = rule;
    this.ptr = memory.allocate(STATE_BYTES);
    memory.u8.fill(0, this.ptr, this.ptr + STATE_BYTES);
    this.#set(0, MIN_TIME);
    this.#set(8, MIN_TIME);
    this.#set(16, MIN_TIME);
    this.#adaptiveBytes = 0;
    this.#adaptive = 0;
    if (rule !== 'elsewhere' && 'lateRate' in rule) {
      this.#adaptiveBytes = kernels.function('adaptiveBytes')();
      this.#adaptive = memory.allocate(this.#adaptiveBytes);
      const tail = Math.log(1 / rule.lateRate) / Math.LN10;
      kernels.function('adaptiveInit')(this.#adaptive, rule.lateRate, rule.maxMs, tail);
    }
    this.#set(48, rule === 'elsewhere' ? 0 : 'lateRate' in rule ? rule.maxMs : rule.delayMs);
    memory.u32[(this.ptr + 56) >>> 2] = this.#adaptive;
  }

  /** Largest timestamp of the split that is not ahead of its peers; MIN_TIME: none. */
  get max(): EventTimeMs {
    return this.#get(0);
  }

  /** The split's watermark; MIN_TIME: none. */
  get watermark(): EventTimeMs {
    return this.#rule === 'elsewhere' ? this.#moved : this.#get(8);
  }

  /** Rows ahead, kept and without a timestamp of the batch that was assigned last. */
  get ahead(): number {
    return this.#memory.u32[(this.ptr + 36) >>> 2] ?? 0;
  }

  get kept(): number {
    return this.#memory.u32[(this.ptr + 40) >>> 2] ?? 0;
  }

  get missing(): number {
    return this.#memory.u32[(this.ptr + 32) >>> 2] ?? 0;
  }

  /** The delay in force, which an adaptive rule moves. */
  get delayMs(): number {
    return this.#get(48);
  }

  #moved: EventTimeMs = MIN_TIME;

  /** For rules that work elsewhere: never back. */
  moveTo(watermark: EventTimeMs): void {
    if (watermark > this.#moved) this.#moved = watermark;
  }

  snapshot(): Json {
    const { u32 } = this.#memory;
    const at = this.ptr >>> 2;
    const base: Json = {
      max: this.max,
      watermark: this.watermark,
      low: this.#get(16),
      streak: u32[at + 6] ?? 0,
      peers: u32[at + 7] ?? 0,
    };
    return this.#adaptive === 0 ? base : { ...base, delay: this.delayMs, lateness: this.#words() };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const from = state as { [name: string]: number } & { lateness?: readonly (readonly [number, number])[] };
    this.#set(0, from['max'] ?? MIN_TIME);
    this.#moved = eventTimeMs(from['watermark'] ?? MIN_TIME);
    if (this.#rule !== 'elsewhere') this.#set(8, this.#moved);
    this.#set(16, from['low'] ?? MIN_TIME);
    const { u32 } = this.#memory;
    u32[(this.ptr >>> 2) + 6] = from['streak'] ?? 0;
    u32[(this.ptr >>> 2) + 7] = from['peers'] ?? 0;
    if (this.#adaptive === 0 || from.lateness === undefined) return;
    this.#set(48, from['delay'] ?? 0);
    for (const [word, value] of from.lateness) u32[(this.#adaptive >>> 2) + word] = value;
  }

  /** The words of the adaptive area that are not 0, behind its settings: most buckets are empty. */
  #words(): Json {
    const from = this.#adaptive >>> 2;
    const words: [number, number][] = [];
    this.#memory.u32.subarray(from, from + (this.#adaptiveBytes >>> 2)).forEach((value, word) => {
      if (word >= SETTINGS_WORDS && value !== 0) words.push([word, value]);
    });
    const delay = [4, 5].map((word): [number, number] => [word, this.#memory.u32[from + word] ?? 0]);
    return [...delay, ...words];
  }

  #get(offset: number): EventTimeMs {
    const value = this.#memory.i64[(this.ptr + offset) >>> 3] ?? NONE;
    return value === NONE ? MIN_TIME : eventTimeMs(Number(value));
  }

  #set(offset: number, ms: number): void {
    this.#memory.i64[(this.ptr + offset) >>> 3] = ms === MIN_TIME ? NONE : BigInt(ms);
  }
}

/** Late rate, largest delay, delay and tail: from the plan, but for the delay. */
const SETTINGS_WORDS = 7;

export interface AssignSettings {
  readonly type: ColumnType;
  /** Undefined: no guard. */
  readonly skewMs: number | undefined;
  /** Smallest watermark of the other splits. */
  readonly others: EventTimeMs;
  /** The combined watermark so far. */
  readonly floor: EventTimeMs;
}

export class WatermarkKernels {
  readonly #assign;
  readonly #clamp;
  readonly #max;
  readonly #toMillis;
  readonly #beyond;
  /** Row numbers (u32) that `assign` leaves: those kept and those ahead. */
  readonly kept: Ptr;
  readonly ahead: Ptr;

  constructor(kernels: KernelInstance) {
    this.#assign = kernels.function('assignWatermarks');
    this.#clamp = kernels.function('clampWatermarks');
    this.#max = kernels.function('maxTimestamp');
    this.#toMillis = kernels.function('microsToMillis');
    this.#beyond = kernels.function('rowsWithin');
    this.kept = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
    this.ahead = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
  }

  /**
   * Writes the watermark before each meant row of `batch` to `out` (i64 per row) and moves the state of its split on. True:
   * rows are ahead, and `kept` and `ahead` list the rows of the batch, as many as the state says.
   */
  assign(
    batch: RecordBatch,
    timestamps: ColumnVector,
    state: SplitState,
    { type, skewMs, others, floor }: AssignSettings,
    out: Ptr,
  ): boolean {
    const listed = this.#assign(
      timestamps.values,
      timestamps.validity,
      batch.selection,
      batch.selected,
      state.ptr,
      skewMs ?? -1,
      floor,
      others,
      unitsPerMs(type),
      out,
      this.kept,
      this.ahead,
    );
    return listed === 1;
  }

  /**
   * How many of the rows from number `from` on go before one that is later than `limit`, when `max` is the largest timestamp
   * so far. A row that is no later than `others` lets the next go on whatever it is, and so does one more than `skewMs` ahead
   * of its split: it moves nothing.
   */
  rowsWithin(
    batch: RecordBatch,
    timestamps: ColumnVector,
    from: number,
    bounds: {
      readonly type: ColumnType;
      readonly max: EventTimeMs;
      readonly others: EventTimeMs;
      readonly limit: EventTimeMs;
      readonly skewMs: number | undefined;
    },
  ): number {
    return this.#beyond(
      timestamps.values,
      timestamps.validity,
      batch.selection,
      from,
      batch.selected,
      unitsPerMs(bounds.type),
      bounds.max,
      bounds.others,
      bounds.limit,
      bounds.skewMs ?? -1,
    );
  }

  microsToMillis(timestamps: Ptr, rows: number, out: Ptr): void {
    this.#toMillis(timestamps, rows, out);
  }

  clamp(
    watermarks: Ptr,
    rows: number,
    bounds: { readonly floor: EventTimeMs; readonly others: EventTimeMs },
    out: Ptr,
  ): void {
    this.#clamp(watermarks, rows, bounds.floor, bounds.others, out);
  }

  /** The largest timestamp of all rows of a column, at least `floor`. */
  max(timestamps: ColumnVector, type: ColumnType, rows: number, floor: EventTimeMs): EventTimeMs {
    return eventTimeMs(this.#max(timestamps.values, timestamps.validity, rows, unitsPerMs(type), floor));
  }
}
