/**
 * Rows of a batch as objects. A view is one object with a getter per column; moving it to another row changes what
 * the getters read and makes nothing. Strings are made when they are read; those that repeat are made once.
 *
 * Invariants
 *  1. A view is valid while its batch is, and shows the row it was last moved to: whoever keeps a row copies it
 *     (`copy`).
 *  2. A null reads as null, an int64 as a number or not at all (E1301), as a bigint when the column says so.
 *  3. Getters are own and enumerable, so `{ ...row }` and JSON.stringify see the columns in order.
 * Not here: what a timestamp looks like to users (the `timestamp` hook), rows into columns (batch-builder.ts).
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import { RowKind } from '../data/row-kind.ts';
import type { Field, TableSchema } from '../data/schema.ts';
import { type ColumnType, Physical, physicalOf } from '../data/types.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { TextReader } from './text-reader.ts';

export interface Row {
  readonly [column: string]: unknown;
}

/** What a timestamp reads as: milliseconds since 1970, and the microseconds beyond them (0 to 999). */
export type TimestampHook = (epochMs: number, micros: number) => unknown;

export interface RowViewOptions {
  readonly timestamp?: TimestampHook;
}

/** The row that the view shows. */
interface Cursor {
  row: number;
}

/** Where a column of the current batch lies. */
interface ColumnPlace {
  /** Index of its first value in the view of its width, for the readers of numbers. */
  at: number;
  values: number;
  validity: number;
  /** Whether every row has a value, as far as the batch says. */
  isFull: boolean;
}

/** Reads the value of a row that has one. */
type Reader = (row: number, place: ColumnPlace) => unknown;

/**
 * Views of memory, taken again when memory has grown: a detached view has no length. Cheaper than asking memory each
 * time.
 */
class Views {
  readonly #memory: LinearMemory;
  u8 = new Uint8Array(0);
  u32 = new Uint32Array(0);
  i32 = new Int32Array(0);
  f64 = new Float64Array(0);
  i64 = new BigInt64Array(0);

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  refresh(): void {
    const { u8, u32, i32, f64, i64 } = this.#memory;
    Object.assign(this, { u8, u32, i32, f64, i64 });
  }
}

export class RowView {
  readonly schema: TableSchema;
  /** The row object: one for the life of the view. */
  readonly row: Row;
  readonly #views: Views;
  readonly #cursor: Cursor = { row: 0 };
  readonly #places: readonly ColumnPlace[];
  #batch: RecordBatch | undefined;
  /** Index of the first selected row in the view of u32; 0: all rows are. */
  #selection = 0;

  constructor(memory: LinearMemory, schema: TableSchema, options: RowViewOptions = {}) {
    this.schema = schema;
    this.#views = new Views(memory);
    // A prototype of its own gives the object a shape of its own; accessors under the same names in two objects of one
    // shape would make a slow dictionary of the second.
    const row: Row = Object.create({});
    this.#places = schema.fields.map((field) => {
      const place: ColumnPlace = { at: 0, values: 0, validity: 0, isFull: false };
      const get = getterOf(this.#views, this.#cursor, place, field, options);
      Object.defineProperty(row, field.name, { enumerable: true, get });
      return place;
    });
    this.row = row;
  }

  /** Shows rows of `batch` from here on; starts at its first selected row. */
  bind(batch: RecordBatch): void {
    assert(
      batch.columns.length === this.#places.length,
      `a batch of ${batch.columns.length} columns for a view of ${this.#places.length}`,
    );
    this.#batch = batch;
    this.#selection = batch.selection >>> 2;
    this.#views.refresh();
    for (let i = 0; i < this.#places.length; i++) {
      const [place, column] = [this.#places[i], batch.columns[i]];
      if (place === undefined || column === undefined) continue;
      place.values = column.values;
      place.validity = column.validity;
      place.isFull = column.values !== 0 && column.validity === 0;
      place.at = column.values >>> widthShift(this.schema.fields[i]?.type);
    }
    if (batch.selected > 0) this.select(0);
  }

  /** Moves to the `i`th selected row and answers the row object. */
  select(i: number): Row {
    if (this.#views.u8.length === 0) this.#views.refresh();
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
}

/** Rows of a batch as objects that may be kept. */
export function readRows(view: RowView, batch: RecordBatch): Row[] {
  view.bind(batch);
  return Array.from({ length: batch.selected }, (_, i) => {
    view.select(i);
    return view.copy();
  });
}

/** Values of this type are indexed in a view whose elements have 1 << shift bytes. */
const widthShift = (type: ColumnType | undefined): number => {
  const physical = type === undefined ? Physical.BOOL : physicalOf(type);
  return physical === Physical.BOOL ? 0 : physical === Physical.F64 ? 3 : 2;
};

/**
 * The getter of a column. Each kind of number has a function of its own, so that the compiler of the host can put it into
 * the user's code; everything else goes through a reader.
 */
function getterOf(
  views: Views,
  cursor: Cursor,
  place: ColumnPlace,
  field: Field,
  options: RowViewOptions,
): () => unknown {
  const read = readerOf(views, field, options);
  const slow = (): unknown => {
    if (views.u8.length === 0) views.refresh();
    const { row } = cursor;
    if (place.values === 0) return null;
    if (place.validity !== 0 && (((views.u8[place.validity + (row >> 3)] ?? 0) >> (row & 7)) & 1) === 0) return null;
    return read(row, place);
  };
  // Memory that has grown leaves views without elements: what they answer is undefined, and the slow way takes new ones.
  switch (physicalOf(field.type)) {
    case Physical.F64:
      return () => {
        const value = place.isFull ? views.f64[place.at + cursor.row] : undefined;
        return value === undefined ? slow() : value;
      };
    case Physical.I32:
      return () => {
        const value = place.isFull ? views.i32[place.at + cursor.row] : undefined;
        return value === undefined ? slow() : value;
      };
    case Physical.I64:
      if (field.type.kind === 'timestamp' || field.type.bigint === true) return slow;
      return () => {
        if (!place.isFull) return slow();
        const at = place.at + cursor.row * 2;
        const low = views.i32[at];
        // Most integers are small: their upper half only repeats the sign.
        return low !== undefined && views.i32[at + 1] === low >> 31 ? low : slow();
      };
    default:
      return slow;
  }
}

function readerOf(views: Views, field: Field, options: RowViewOptions): Reader {
  const { type } = field;
  switch (physicalOf(type)) {
    case Physical.BOOL:
      return (row, { values }) => views.u8[values + row] === 1;
    case Physical.I32:
      return (row, { at }) => views.i32[at + row];
    case Physical.F64:
      return (row, { at }) => views.f64[at + row];
    case Physical.I64:
      return type.kind === 'timestamp' ? timestampReader(views, type, options.timestamp) : integerReader(views, field);
    case Physical.VIEW:
      return bytesReader(views, type);
  }
}

function integerReader(views: Views, field: Field): Reader {
  if (field.type.bigint === true) return (row, { values }) => views.i64[(values >>> 3) + row];
  return (row, { values, at: first }) => {
    const at = first + row * 2;
    const value = (views.i32[at + 1] ?? 0) * 2 ** 32 + (views.u32[at] ?? 0);
    if (Number.isSafeInteger(value)) return value;
    throw new UserError(
      'E1301',
      { column: field.name, value: String(views.i64[(values >>> 3) + row]) },
      {
        hint: `declare it int64().asBigInt() to read it as a bigint`,
      },
    );
  };
}

function timestampReader(views: Views, type: ColumnType, hook: TimestampHook | undefined): Reader {
  const isMicros = type.unit === 'us';
  const make = hook ?? ((epochMs, micros) => epochMs + micros / 1000);
  return (row, place) => {
    const at = place.at + row * 2;
    const value = (views.i32[at + 1] ?? 0) * 2 ** 32 + (views.u32[at] ?? 0);
    if (!isMicros) return make(value, 0);
    // Microseconds of the year 9999 are beyond what a number holds exactly, its milliseconds are not.
    const exact = Number.isSafeInteger(value) ? 0n : (views.i64[at >>> 1] ?? 0n);
    const micros = exact === 0n ? ((value % 1000) + 1000) % 1000 : Number(((exact % 1000n) + 1000n) % 1000n);
    return make(exact === 0n ? (value - micros) / 1000 : Number((exact - BigInt(micros)) / 1000n), micros);
  };
}

function bytesReader(views: Views, type: ColumnType): Reader {
  const text = new TextReader();
  const view = (
    row: number,
    place: ColumnPlace,
    read: (u8: Uint8Array, start: number, end: number) => unknown,
  ): unknown => {
    const at = place.at + row * 2;
    const start = views.u32[at] ?? 0;
    return read(views.u8, start, start + (views.u32[at + 1] ?? 0));
  };
  if (type.kind === 'bytes') return (row, place) => view(row, place, (u8, start, end) => u8.slice(start, end));
  const utf8 = (u8: Uint8Array, start: number, end: number): string => text.read(u8, start, end);
  if (type.kind === 'utf8') return (row, place) => view(row, place, utf8);
  return (row, place) => view(row, place, (u8, start, end): unknown => JSON.parse(text.read(u8, start, end)));
}
