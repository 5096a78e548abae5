/**
 * Rows of a batch as objects. A view is one object with a getter per column; moving it to another row changes what
 * the getters read and makes nothing. Strings are made when they are read; those that repeat are made once.
 *
 * Invariants
 *  1. A view is valid while its batch is, and shows the row it was last moved to: whoever keeps a row copies it
 *     (`copy`).
 *  2. A null reads as null, an int64 as a number or not at all (E1301), as a bigint when the column says so. Messages, and
 *     what is kept of a row, read it `exactly`: they need what no function asked for.
 *  3. Getters are own and enumerable, so `{ ...row }` and JSON.stringify see the columns in order.
 *  4. Memory is taken in `bind` only, never when a row is read.
 * Not here: how a value is read (column-getter.ts), what a timestamp looks like to users (the `timestamp` hook), rows into
 * columns (batch-builder.ts).
 */
import { assert } from '../base/assert.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import { RowKind } from '../data/row-kind.ts';
import type { TableSchema } from '../data/schema.ts';
import { physicalOf, Physical } from '../data/types.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import {
  type ColumnPlace,
  type Cursor,
  getterOf,
  newPlace,
  NOWHERE,
  type TimestampHook,
  Views,
  widthShift,
} from './column-getter.ts';
import type { TextDictionary } from './text-dictionary.ts';

export type { TimestampHook };

export interface Row {
  readonly [column: string]: unknown;
}

export interface RowViewOptions {
  readonly timestamp?: TimestampHook;
  /** For views through which many rows are read: strings of texts that repeat are found instead of made. */
  readonly dictionary?: () => TextDictionary;
}

/** With fewer rows in a batch, looking for repeated texts costs more than it saves. */
const DICTIONARY_ROWS_MIN = 32;

/** What a view holds of a column. */
interface ViewedColumn {
  readonly place: ColumnPlace;
  readonly shift: number;
  readonly isText: boolean;
  dictionary: TextDictionary | undefined;
}

export class RowView {
  readonly schema: TableSchema;
  /** The row object: one for the life of the view. */
  readonly row: Row;
  readonly #views: Views;
  readonly #cursor: Cursor = { row: 0, isExact: false };
  readonly #columns: readonly ViewedColumn[];
  readonly #texts: readonly ColumnPlace[];
  readonly #newDictionary: (() => TextDictionary) | undefined;
  /** Which of the selected rows is shown. */
  position = 0;
  #batch: RecordBatch | undefined;
  /** Index of the first selected row in the view of u32; 0: all rows are. */
  #selection = 0;

  constructor(memory: LinearMemory, schema: TableSchema, { timestamp, dictionary }: RowViewOptions = {}) {
    this.schema = schema;
    this.#newDictionary = dictionary;
    const views = new Views(memory);
    this.#views = views;
    // A prototype of its own gives the object a shape of its own; accessors under the same names in two objects of one
    // shape would make a slow dictionary of the second.
    const row: Row = Object.create({});
    this.#columns = schema.fields.map((field) => {
      const place = newPlace();
      const get = getterOf({ views, cursor: this.#cursor, place, field, timestamp });
      Object.defineProperty(row, field.name, { enumerable: true, get });
      const isText = physicalOf(field.type) === Physical.VIEW && field.type.kind === 'utf8';
      return { place, shift: widthShift(field.type), isText, dictionary: undefined };
    });
    this.#texts = this.#columns.filter(({ isText }) => isText).map(({ place }) => place);
    this.row = row;
  }

  /** Shows rows of `batch` from here on; starts at its first selected row. */
  bind(batch: RecordBatch): void {
    assert(
      batch.columns.length === this.#columns.length,
      `a batch of ${batch.columns.length} columns for a view of ${this.#columns.length}`,
    );
    this.#batch = batch;
    this.#selection = batch.selection >>> 2;
    for (let i = 0; i < this.#columns.length; i++) {
      const [viewed, column] = [this.#columns[i], batch.columns[i]];
      if (viewed === undefined || column === undefined) continue;
      const { place } = viewed;
      place.validity = column.validity;
      place.isHere = column.values !== 0;
      place.at = place.isHere ? column.values >>> viewed.shift : NOWHERE;
      if (viewed.isText) this.#bindText(viewed, batch, i);
    }
    this.#views.refresh();
    if (batch.selected > 0) this.select(0);
  }

  #bindText(viewed: ViewedColumn, batch: RecordBatch, index: number): void {
    const { place } = viewed;
    place.textRow = -1;
    place.slots = NOWHERE;
    const column = batch.columns[index];
    place.hasDictionary = this.#newDictionary !== undefined && batch.selected >= DICTIONARY_ROWS_MIN;
    const isWorthIt = place.hasDictionary && place.isRead && place.isHere;
    if (!isWorthIt || column === undefined || this.#newDictionary === undefined) return;
    viewed.dictionary ??= this.#newDictionary();
    const slots = viewed.dictionary.find(column, batch);
    if (slots === 0) return;
    place.slots = slots >>> 2;
    place.strings = viewed.dictionary.strings;
  }

  /** Moves to the `i`th selected row and answers the row object. */
  select(i: number): Row {
    if (this.#views.u8.length === 0) this.#views.refresh();
    this.position = i;
    this.#cursor.row = this.#selection === 0 ? i : (this.#views.u32[this.#selection + i] ?? 0);
    return this.row;
  }

  /** The row number in its batch of the row shown. */
  get index(): number {
    return this.#cursor.row;
  }

  /** The kind of the row shown. */
  get kind(): RowKind {
    const kinds = this.#batch?.rowKinds ?? 0;
    // Kernels write no other codes than those of RowKind.
    return kinds === 0 ? RowKind.INSERT : ((this.#views.u8[kinds + this.#cursor.row] ?? 0) as RowKind);
  }

  /** The row shown as an object of its own, with everything read. */
  copy(): Row {
    return { ...this.row };
  }

  /** What `read` makes of the row shown, when an int64 that a number cannot hold reads as a bigint. */
  exactly<T>(read: (row: Row) => T): T {
    this.#cursor.isExact = true;
    try {
      return read(this.row);
    } finally {
      this.#cursor.isExact = false;
    }
  }

  /**
   * Which column of texts (counted among those alone) was read of the row shown and gave this text; -1: none. `likely` is
   * looked at first.
   */
  lenderOf(text: string, likely: number): number {
    const { row } = this.#cursor;
    const texts = this.#texts;
    const first = texts[likely];
    if (first !== undefined && first.textRow === row && first.text === text) return likely;
    for (let i = 0; i < texts.length; i++) {
      const place = texts[i];
      if (place !== undefined && place.textRow === row && place.text === text) return i;
    }
    return -1;
  }

  /**
   * Index, in the view of u32, of the {ptr, len} of the row shown in that column of texts. The bytes live as long as the
   * batch.
   */
  lend(lender: number): number {
    return (this.#texts[lender]?.at ?? 0) + this.#cursor.row * 2;
  }
}

/** Rows of a batch as objects that may be kept. */
export function readRows(view: RowView, batch: RecordBatch): Row[] {
  view.bind(batch);
  return Array.from({ length: batch.selected }, (_, i) => {
    view.select(i);
    return view.copy();
  });
}
