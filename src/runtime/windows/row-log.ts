/**
 * The rows of windows that keep them: appended in order, read all at once, in chunks so that a row costs no more than
 * a chunk's copy however long the window is.
 *
 *   head:   place              -> rows u32 | chunks u32
 *   chunk:  place | index u32  -> (length u32 | time f64 | row bytes)*        at most CHUNK_BYTES unless a row is longer
 *
 * Invariant: rows come back in the order in which they were appended; joined windows one after the other.
 */
import type { KeyedTable } from '../../state/keyed-state.ts';
import { encodeWindow, type Window, WINDOW_BYTES } from './window.ts';

const CHUNK_BYTES = 2048;
const ROW_HEADER_BYTES = 12;

export interface StoredRow {
  /** NaN: the row has no timestamp. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

export class RowLog {
  readonly #table: KeyedTable;

  constructor(table: KeyedTable) {
    this.#table = table;
  }

  append(place: Window, row: StoredRow): void {
    const { rows, chunks } = this.#head(place);
    const bytes = ROW_HEADER_BYTES + row.bytes.length;
    const last = chunks === 0 ? undefined : this.#table.get(chunkOf(place, chunks - 1));
    const fits = last !== undefined && last.length + bytes <= CHUNK_BYTES;
    const from = fits ? last.length : 0;
    const chunk = new Uint8Array(from + bytes);
    if (fits) chunk.set(last);
    const view = new DataView(chunk.buffer);
    view.setUint32(from, row.bytes.length, true);
    view.setFloat64(from + 4, row.time, true);
    chunk.set(row.bytes, from + ROW_HEADER_BYTES);
    this.#table.put(chunkOf(place, fits ? chunks - 1 : chunks), chunk);
    this.#setHead(place, rows + 1, fits ? chunks : chunks + 1);
  }

  /** All rows of a window, copies. */
  read(place: Window): StoredRow[] {
    const { chunks } = this.#head(place);
    const rows: StoredRow[] = [];
    for (let i = 0; i < chunks; i++) {
      const chunk = this.#table.get(chunkOf(place, i))?.slice() ?? new Uint8Array(0);
      const view = new DataView(chunk.buffer);
      for (let at = 0; at < chunk.length; ) {
        const from = at + ROW_HEADER_BYTES;
        const end = from + view.getUint32(at, true);
        rows.push({ time: view.getFloat64(at + 4, true), bytes: chunk.subarray(from, end) });
        at = end;
      }
    }
    return rows;
  }

  count(place: Window): number {
    return this.#head(place).rows;
  }

  clear(place: Window): void {
    const { chunks } = this.#head(place);
    for (let i = 0; i < chunks; i++) this.#table.delete(chunkOf(place, i));
    this.#table.delete(encodeWindow(place));
  }

  replace(place: Window, rows: readonly StoredRow[]): void {
    this.clear(place);
    for (const row of rows) this.append(place, row);
  }

  #head(place: Window): { readonly rows: number; readonly chunks: number } {
    const head = this.#table.get(encodeWindow(place));
    if (head === undefined) return { rows: 0, chunks: 0 };
    const view = new DataView(head.buffer, head.byteOffset, 8);
    return { rows: view.getUint32(0, true), chunks: view.getUint32(4, true) };
  }

  #setHead(place: Window, rows: number, chunks: number): void {
    const head = new Uint8Array(8);
    const view = new DataView(head.buffer);
    view.setUint32(0, rows, true);
    view.setUint32(4, chunks, true);
    this.#table.put(encodeWindow(place), head);
  }
}

function chunkOf(place: Window, index: number): Uint8Array {
  const sub = encodeWindow(place, 4);
  new DataView(sub.buffer).setUint32(WINDOW_BYTES, index);
  return sub;
}
