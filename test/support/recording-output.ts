/** An output that keeps what it is given: rows with their watermark and timestamp, watermarks, statuses and ends. */
import type { BatchOrigin, RecordBatch } from '../../src/data/record-batch.ts';
import { readRows, type Row, RowView } from '../../src/format/row-view.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import type { Output } from '../../src/runtime/operator.ts';
import type { WatermarkStatus } from '../../src/runtime/stream-element.ts';

export interface RecordedRow {
  readonly row: Row;
  /** Undefined: the batch has none. */
  readonly watermark: number | undefined;
  readonly timestamp: number | undefined;
}

export type Recorded =
  | { readonly kind: 'batch'; readonly rows: readonly RecordedRow[] }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'status'; readonly status: WatermarkStatus; readonly split?: BatchOrigin }
  | { readonly kind: 'end'; readonly split?: BatchOrigin };

export class RecordingOutput implements Output {
  readonly #memory: LinearMemory;
  elements: Recorded[] = [];

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  batch(batch: RecordBatch): void {
    const { i64, u32 } = this.#memory;
    const rows = readRows(new RowView(this.#memory, batch.schema), batch);
    const at = (column: number, row: number): number | undefined =>
      column === 0 ? undefined : Number(i64[(column >>> 3) + row]);
    this.elements.push({
      kind: 'batch',
      rows: rows.map((row, i) => {
        const index = batch.selection === 0 ? i : (u32[(batch.selection >>> 2) + i] ?? 0);
        return { row, watermark: at(batch.watermarks, index), timestamp: at(batch.timestamps, index) };
      }),
    });
  }

  watermark(watermark: number): void {
    this.elements.push({ kind: 'watermark', watermark });
  }

  status(status: WatermarkStatus, split?: BatchOrigin): void {
    this.elements.push({ kind: 'status', status, ...(split === undefined ? {} : { split }) });
  }

  end(split?: BatchOrigin): void {
    this.elements.push({ kind: 'end', ...(split === undefined ? {} : { split }) });
  }

  get rows(): readonly RecordedRow[] {
    return this.elements.flatMap((element) => (element.kind === 'batch' ? element.rows : []));
  }

  get watermarks(): readonly number[] {
    return this.elements.flatMap((element) => (element.kind === 'watermark' ? [element.watermark] : []));
  }

  /** The elements so far, which are forgotten. */
  take(): readonly Recorded[] {
    const { elements } = this;
    this.elements = [];
    return elements;
  }
}
