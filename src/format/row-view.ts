/**
 * Rows of a batch as objects. A view is one object with a getter per column; moving it to another row changes what the
 * getters read and makes nothing. Strings are made when they are read; those that repeat are made once.
 *
 * Invariants
 *  1. A view is valid while its batch is, and shows the row it was last moved to: whoever keeps a row copies it (`copy`).
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

/** Where a column of the current batch lies, and the row that the view shows. */
interface Cursor {
  row: number;
  readonly values: number[];
  readonly validity: number[];
}

type Reader = (row: number, valuesPtr: number) => unknown;

export class RowView {
  readonly schema: TableSchema;
  /** The row object: one for the life of the view. */
  readonly row: Row;
  readonly #memory: LinearMemory;
  readonly #cursor: Cursor = { row: 0, values: [], validity: [] };
  #batch: RecordBatch | undefined;

  constructor(memory: LinearMemory, schema: TableSchema, options: RowViewOptions = {}) {
    this.schema = schema;
    this.#memory = memory;
    const row: Row = {};
    schema.fields.forEach((field, column) => {
      Object.defineProperty(row, field.name, { enumerable: true, get: this.#getter(field, column, options) });
    });
    this.row = row;
  }

  #getter(field: Field, column: number, options: RowViewOptions): () => unknown {
    const memory = this.#memory;
    const cursor = this.#cursor;
    const read = readerOf(memory, field, options);
    return () => {
      const row = cursor.row;
      const values = cursor.values[column] ?? 0;
      const validity = cursor.validity[column] ?? 0;
      if (values === 0) return null;
      if (validity !== 0 && (((memory.u8[validity + (row >> 3)] ?? 0) >> (row & 7)) & 1) === 0) return null;
      return read(row, values);
    };
  }

  /** Shows rows of `batch` from here on; starts at its first selected row. */
  bind(batch: RecordBatch): void {
    assert(batch.columns.length === this.schema.fields.length, `a batch of ${batch.columns.length} columns for a view of ${this.schema.fields.length}`);
    this.#batch = batch;
    batch.columns.forEach((column, i) => {
      this.#cursor.values[i] = column.values;
      this.#cursor.validity[i] = column.validity;
    });
    if (batch.selected > 0) this.select(0);
  }

  /** Moves to the `i`th selected row and answers the row object. */
  select(i: number): Row {
    const selection = this.#batch?.selection ?? 0;
    this.#cursor.row = selection === 0 ? i : (this.#memory.u32[(selection >>> 2) + i] ?? 0);
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
    return kinds === 0 ? RowKind.INSERT : ((this.#memory.u8[kinds + this.#cursor.row] ?? 0) as RowKind);
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

function readerOf(memory: LinearMemory, field: Field, options: RowViewOptions): Reader {
  const { type } = field;
  switch (physicalOf(type)) {
    case Physical.BOOL:
      return (row, values) => memory.u8[values + row] === 1;
    case Physical.I32:
      return (row, values) => memory.i32[(values >>> 2) + row];
    case Physical.F64:
      return (row, values) => memory.f64[(values >>> 3) + row];
    case Physical.I64:
      return type.kind === 'timestamp' ? timestampReader(memory, type, options.timestamp) : integerReader(memory, field);
    case Physical.VIEW:
      return bytesReader(memory, type);
  }
}

function integerReader(memory: LinearMemory, field: Field): Reader {
  if (field.type.bigint === true) return (row, values) => memory.i64[(values >>> 3) + row];
  return (row, values) => {
    const at = (values >>> 2) + row * 2;
    const value = (memory.i32[at + 1] ?? 0) * 2 ** 32 + (memory.u32[at] ?? 0);
    if (Number.isSafeInteger(value)) return value;
    throw new UserError('E1301', { column: field.name, value: String(memory.i64[(values >>> 3) + row]) }, {
      hint: `declare it int64().asBigInt() to read it as a bigint`,
    });
  };
}

function timestampReader(memory: LinearMemory, type: ColumnType, hook: TimestampHook | undefined): Reader {
  const isMicros = type.unit === 'us';
  const make = hook ?? ((epochMs, micros) => epochMs + micros / 1000);
  return (row, values) => {
    const at = (values >>> 2) + row * 2;
    const value = (memory.i32[at + 1] ?? 0) * 2 ** 32 + (memory.u32[at] ?? 0);
    if (!isMicros) return make(value, 0);
    // Microseconds of the year 9999 are beyond what a number holds exactly, its milliseconds are not.
    const exact = Number.isSafeInteger(value) ? 0n : (memory.i64[at >>> 1] ?? 0n);
    const micros = exact === 0n ? ((value % 1000) + 1000) % 1000 : Number(((exact % 1000n) + 1000n) % 1000n);
    return make(exact === 0n ? (value - micros) / 1000 : Number((exact - BigInt(micros)) / 1000n), micros);
  };
}

function bytesReader(memory: LinearMemory, type: ColumnType): Reader {
  const text = new TextReader();
  const view = (row: number, values: number, read: (u8: Uint8Array, start: number, end: number) => unknown): unknown => {
    const at = (values >>> 2) + row * 2;
    const start = memory.u32[at] ?? 0;
    return read(memory.u8, start, start + (memory.u32[at + 1] ?? 0));
  };
  if (type.kind === 'bytes') return (row, values) => view(row, values, (u8, start, end) => u8.slice(start, end));
  const utf8 = (u8: Uint8Array, start: number, end: number): string => text.read(u8, start, end);
  if (type.kind === 'utf8') return (row, values) => view(row, values, utf8);
  return (row, values) => view(row, values, (u8, start, end): unknown => JSON.parse(text.read(u8, start, end)));
}
