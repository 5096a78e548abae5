/**
 * What windows hold, and what it comes to: accumulators alone, or the rows themselves when an evictor or a function
 * wants to see them.
 *
 * Invariants
 *  1. A place holds contents from its first row on, until it is cleared.
 *  2. Both kinds give results that are equal to the bit: rows are added in the order in which they came.
 * Not here: when windows fire (operators/general-window.ts), how results go out (window-results.ts).
 */
import { BATCH_ROWS_MAX, type RecordBatch } from '../../data/record-batch.ts';
import { RowView, type TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { KeyedTable } from '../../state/keyed-state.ts';
import type { AggregateInputs, Inputs } from '../aggregate-inputs.ts';
import type { Entries } from '../aggregates/entries.ts';
import type { TableSchema } from '../../data/schema.ts';
import type { Evictor, WindowRows } from './evictor.ts';
import { RowLog, type StoredRow } from './row-log.ts';
import { RowStore } from './row-store.ts';
import { encodeWindow, type Window } from './window.ts';

/** A row that is being added. */
export interface AddedRow {
  /** Its number in the batch. */
  readonly row: number;
  /** NaN: it has no timestamp. */
  readonly time: number;
  /** It takes an earlier one back. */
  readonly isRetraction: boolean;
}

export interface Contents {
  /** A batch whose rows are added next, and what aggregates read of it. */
  bind(batch: RecordBatch, inputs: Inputs): void;
  add(place: Window, row: AddedRow): void;
  /** Moves the contents of later places behind those of `into`. */
  merge(into: Window, later: readonly Window[]): void;
  /** Rows in it, those taken back counted as less than none. */
  count(place: Window): number;
  /** Removes; how many rows were in it, those taken back counted as less than none. */
  clear(place: Window): number;
}

/** Contents that come to the results of aggregates. */
export interface AggregateContents extends Contents {
  /** Brings the accumulators of a firing window to hand; false when it has nothing. Rows evicted meanwhile: `evicted`. */
  open(place: Window): boolean;
  /** Rows that the last `open` evicted for good. */
  readonly evicted: number;
}

export class AccumulatedContents implements AggregateContents {
  readonly evicted = 0;
  readonly #table: KeyedTable;
  readonly #accumulators: Entries;

  constructor(table: KeyedTable, accumulators: Entries) {
    this.#table = table;
    this.#accumulators = accumulators;
  }

  bind(batch: RecordBatch, { columns, by, filters, selection, selected }: Inputs): void {
    const input = { selected, selection, key: undefined, columns, by, filters };
    this.#accumulators.setInput(input, batch.timestamps, batch);
  }

  add(place: Window, { row, isRetraction }: AddedRow): void {
    const sub = encodeWindow(place);
    const held = this.#table.get(sub);
    if (held === undefined) this.#accumulators.create();
    else this.#accumulators.load(held);
    if (isRetraction) this.#accumulators.retract(row);
    else this.#accumulators.add(row);
    this.#table.put(sub, this.#accumulators.store());
  }

  merge(into: Window, later: readonly Window[]): void {
    const sub = encodeWindow(into);
    for (const place of later) {
      const moved = this.#table.get(encodeWindow(place))?.slice();
      if (moved === undefined) continue;
      const held = this.#table.get(sub);
      if (held === undefined) this.#table.put(sub, moved);
      else {
        this.#accumulators.load(held);
        this.#accumulators.merge(moved);
        this.#table.put(sub, this.#accumulators.store());
      }
      this.#table.delete(encodeWindow(place));
    }
  }

  open(place: Window): boolean {
    const held = this.#table.get(encodeWindow(place));
    if (held === undefined) return false;
    this.#accumulators.load(held);
    return this.#accumulators.rows !== 0;
  }

  count(place: Window): number {
    const held = this.#table.get(encodeWindow(place));
    if (held === undefined) return 0;
    this.#accumulators.load(held);
    return this.#accumulators.rows;
  }

  clear(place: Window): number {
    const sub = encodeWindow(place);
    const held = this.#table.get(sub);
    if (held === undefined) return 0;
    this.#accumulators.load(held);
    this.#table.delete(sub);
    return this.#accumulators.rows;
  }
}

export interface RowContentsOptions {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  readonly columns: ReadonlySet<string>;
  readonly table: KeyedTable;
  readonly evictor: Evictor | undefined;
  readonly timestamp: TimestampHook;
}

/** Contents that keep their rows. */
export class RowContents implements Contents {
  readonly #log: RowLog;
  readonly #store: RowStore;
  readonly #evictor: Evictor | undefined;
  readonly #view: RowView;

  constructor({ kernels, schema, columns, table, evictor, timestamp }: RowContentsOptions) {
    this.#log = new RowLog(table);
    this.#store = new RowStore(kernels, schema, columns);
    this.#evictor = evictor;
    this.#view = new RowView(kernels.memory, schema, { timestamp });
  }

  bind(batch: RecordBatch): void {
    this.#store.bind(batch);
  }

  add(place: Window, { row, time }: AddedRow): void {
    this.#log.append(place, { time, bytes: this.#store.bytesOf(row) });
  }

  merge(into: Window, later: readonly Window[]): void {
    for (const place of later) {
      for (const row of this.#log.read(place)) this.#log.append(into, row);
      this.#log.clear(place);
    }
  }

  count(place: Window): number {
    return this.#log.count(place);
  }

  clear(place: Window): number {
    const rows = this.#log.count(place);
    this.#log.clear(place);
    return rows;
  }

  /** The rows of a firing window, without those that an evictor takes out before; and how many leave for good. */
  take(place: Window): { readonly rows: readonly StoredRow[]; readonly evicted: number } {
    const all = this.#log.read(place);
    if (this.#evictor === undefined) return { rows: all, evicted: 0 };
    const kept = this.#keep(all, this.#evictor);
    if (kept.length < all.length) this.#log.replace(place, kept);
    return { rows: this.#evictor.when === 'before' ? kept : all, evicted: all.length - kept.length };
  }

  /** Rows as batches, one valid until the next. */
  *batches(rows: readonly StoredRow[]): Generator<RecordBatch> {
    for (let at = 0; at < rows.length; at += BATCH_ROWS_MAX)
      yield this.#store.load(rows.slice(at, at + BATCH_ROWS_MAX));
  }

  #keep(rows: readonly StoredRow[], evictor: Evictor): StoredRow[] {
    let loadedFrom = -1;
    const window: WindowRows = {
      count: rows.length,
      timeOf: (index) => rows[index]?.time ?? Number.NaN,
      row: (index) => {
        const from = index - (index % BATCH_ROWS_MAX);
        if (from !== loadedFrom) this.#view.bind(this.#store.load(rows.slice(from, from + BATCH_ROWS_MAX)));
        loadedFrom = from;
        return this.#view.select(index - from);
      },
    };
    const keeps = evictor.keeps(window);
    return rows.filter((_, index) => keeps(index));
  }
}

/** Aggregates over the rows that a window keeps. */
export class AggregatedRows implements AggregateContents {
  evicted = 0;
  readonly #rows: RowContents;
  readonly #accumulators: Entries;
  readonly #inputs: AggregateInputs;

  constructor(rows: RowContents, accumulators: Entries, inputs: AggregateInputs) {
    this.#rows = rows;
    this.#accumulators = accumulators;
    this.#inputs = inputs;
  }

  bind(batch: RecordBatch): void {
    this.#rows.bind(batch);
  }

  add(place: Window, row: AddedRow): void {
    this.#rows.add(place, row);
  }

  merge(into: Window, later: readonly Window[]): void {
    this.#rows.merge(into, later);
  }

  count(place: Window): number {
    return this.#rows.count(place);
  }

  clear(place: Window): number {
    return this.#rows.clear(place);
  }

  open(place: Window): boolean {
    const { rows, evicted } = this.#rows.take(place);
    this.evicted = evicted;
    this.#accumulators.create();
    for (const batch of this.#rows.batches(rows)) {
      const { columns, by, filters } = this.#inputs.of(batch);
      const input = { selected: batch.rows, selection: 0, key: undefined, columns, by, filters };
      this.#accumulators.setInput(input, batch.timestamps, batch);
      for (let row = 0; row < batch.rows; row++) this.#accumulators.add(row);
    }
    return rows.length > 0;
  }
}
