/** Door to assembly/watermark: row-exact watermarks. Instants are milliseconds as numbers. */
import { type EventTimeMs, eventTimeMs, MIN_TIME } from '../base/time.ts';
import type { ColumnType } from '../data/types.ts';
import type { ColumnVector, Ptr, RecordBatch } from '../data/record-batch.ts';
import type { KernelInstance } from './instance.ts';

/** Timestamp units in a millisecond. Seconds are stored as milliseconds. */
export const unitsPerMs = (type: ColumnType): number => (type.unit === 'us' ? 1000 : 1);

const NONE = -(2n ** 63n);

export class WatermarkKernels {
  readonly #kernels: KernelInstance;
  readonly #assign;
  readonly #clamp;
  readonly #max;
  readonly #toMillis;
  readonly #statePtr: Ptr;

  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.#assign = kernels.function('assignWatermarks');
    this.#clamp = kernels.function('clampWatermarks');
    this.#max = kernels.function('maxTimestamp');
    this.#toMillis = kernels.function('microsToMillis');
    this.#statePtr = kernels.memory.allocate(8);
  }

  /**
   * Writes the watermark before each meant row of `batch` to `out` (i64 per row). `max` is the largest timestamp of the
   * split so far (MIN_TIME: none); `others` the smallest watermark of the other splits. Returns the new largest timestamp
   * and how many meant rows have none.
   */
  assign(
    batch: RecordBatch,
    timestamps: ColumnVector,
    type: ColumnType,
    state: { readonly max: EventTimeMs; readonly delayMs: number; readonly others: EventTimeMs },
    out: Ptr,
  ): { readonly max: EventTimeMs; readonly missing: number } {
    const at = this.#statePtr >>> 3;
    this.#kernels.memory.i64[at] = state.max === MIN_TIME ? NONE : BigInt(state.max);
    const missing = this.#assign(
      timestamps.values,
      timestamps.validity,
      batch.selection,
      batch.selected,
      this.#statePtr,
      state.delayMs,
      state.others,
      unitsPerMs(type),
      out,
    );
    const max = this.#kernels.memory.i64[at] ?? NONE;
    return { max: max === NONE ? MIN_TIME : eventTimeMs(Number(max)), missing };
  }

  microsToMillis(timestamps: Ptr, rows: number, out: Ptr): void {
    this.#toMillis(timestamps, rows, out);
  }

  clamp(watermarks: Ptr, rows: number, others: EventTimeMs, out: Ptr): void {
    this.#clamp(watermarks, rows, others, out);
  }

  /** The largest timestamp of all rows of a column, at least `floor`. */
  max(timestamps: ColumnVector, type: ColumnType, rows: number, floor: EventTimeMs): EventTimeMs {
    return eventTimeMs(this.#max(timestamps.values, timestamps.validity, rows, unitsPerMs(type), floor));
  }
}
