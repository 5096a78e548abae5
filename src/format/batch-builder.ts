/**
 * Row objects to columns: batches of collections and of what user functions emit. Values are checked here, where they
 * enter; a value that does not fit is a mistake in the user's program, told with column, type and value (E1303).
 *
 * Invariants
 *  1. All memory is taken from the transient part: columns at construction, areas for texts and bytes as they are
 *     needed; `reset` uses both again. A finished batch is valid until then.
 *  2. A row that throws leaves the builder as it was before.
 *  3. Texts that a lender knows are not copied: their views point at its bytes.
 * Not here: columns to row objects (row-view.ts).
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import { isInstant, isProcessingTime } from '../base/time.ts';
import {
  BATCH_ROWS_MAX,
  type BatchOrigin,
  type ColumnVector,
  type Ptr,
  type RecordBatch,
} from '../data/record-batch.ts';
import { RowKind } from '../data/row-kind.ts';
import type { Field, TableSchema } from '../data/schema.ts';
import { describeType, INTEGER_RANGE, Physical, physicalOf, type TypeKind, widthOf } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { ByteArea } from './byte-area.ts';
import { Views, widthShift } from './column-getter.ts';
import type { Row } from './row-view.ts';

/** Where texts may lie already, that a function was given and hands on: a row view at the row that is appended from. */
export interface TextLender {
  /** Which of the texts that the function was given has these very characters; -1: none. `likely` is looked at first. */
  lenderOf(text: string, likely: number): number;
  /** Index in the view of u32 of the {ptr, len} of one of them, valid as long as the batch built. */
  lend(lender: number): number;
}

interface Column {
  readonly name: string;
  readonly field: Field;
  readonly values: Ptr;
  readonly validity: Ptr;
  readonly take: Take;
  /** Index of the first value in the view of its width. */
  readonly at: number;
  /** Of integers: the range of the type. */
  readonly least: number;
  readonly most: number;
  readonly texts: TextColumn;
  /** Rows before the first null have no bits: the bitmap counts from there on. */
  hasNulls: boolean;
}

/** After so many texts in a row that nobody lent, a column asks for few of them. */
const UNLENT_MAX = 64;
const ASKED_AGAIN = 256;

export class BatchBuilder {
  readonly schema: TableSchema;
  readonly capacity: number;
  readonly #memory: LinearMemory;
  readonly #views: Views;
  readonly #area: ByteArea;
  readonly #lender: TextLender | undefined;
  readonly #columns: readonly Column[];
  readonly #rowKinds: Ptr;
  readonly #hasTexts: boolean;
  #rows = 0;
  #isChangelog = false;

  /** With a lender, a batch is valid only as long as the batch of the rows that it was made from. */
  constructor(
    kernels: KernelInstance,
    schema: TableSchema,
    capacityRows: number = BATCH_ROWS_MAX,
    lender: TextLender | undefined = undefined,
  ) {
    assert(capacityRows > 0, `a batch of ${capacityRows} rows`);
    this.schema = schema;
    this.capacity = capacityRows;
    this.#memory = kernels.memory;
    this.#views = new Views(kernels.memory);
    this.#area = new ByteArea(kernels.memory);
    this.#lender = lender;
    this.#rowKinds = kernels.memory.allocate(capacityRows);
    this.#columns = schema.fields.map((field) => this.#column(field));
    this.#hasTexts = schema.fields.some((field) => physicalOf(field.type) === Physical.VIEW);
  }

  #column(field: Field): Column {
    const values = this.#memory.allocate(this.capacity * widthOf(physicalOf(field.type)));
    const validity = field.type.nullable ? this.#memory.allocate((this.capacity + 7) >> 3) : 0;
    const { kind } = field.type;
    const [least, most] = kind === 'int8' || kind === 'int16' ? INTEGER_RANGE[kind] : INTEGER_RANGE.int32;
    return {
      name: field.name,
      field,
      values,
      validity,
      take: TAKES[kind],
      at: values >>> widthShift(field.type),
      least,
      most,
      texts: new TextColumn(this.#views, this.#area, this.#lender),
      hasNulls: false,
    };
  }

  get rows(): number {
    return this.#rows;
  }

  get isFull(): boolean {
    return this.#rows === this.capacity;
  }

  /** Adds a row; the builder must not be full. Properties that are no columns are ignored, an absent one is null. */
  append(row: Row, kind: RowKind = RowKind.INSERT): void {
    assert(this.#rows < this.capacity, 'a row for a batch that is full');
    if (typeof row !== 'object' || row === null) throw new UserError('E1304', { value: describeValue(row) });
    if (this.#views.u8.length === 0) this.#views.refresh();
    if (this.#hasTexts) this.#area.revert();
    if (!this.#appendInOrder(row)) this.#appendByName(row);
    if (this.#hasTexts) this.#area.keep();
    if (kind !== RowKind.INSERT || this.#isChangelog) this.#putKind(kind);
    this.#rows++;
  }

  /**
   * Takes the properties as they come, which spares looking each up; false when they are not the columns in their order, and
   * all have to be taken by name.
   */
  #appendInOrder(row: Row): boolean {
    const [views, columns, at] = [this.#views, this.#columns, this.#rows];
    let i = 0;
    for (const name in row) {
      const column = columns[i++];
      if (column === undefined || column.name !== name) return false;
      const value = row[name];
      if (value === null || value === undefined) this.#putNull(column, value);
      else if (!put(views, column, at, value)) throw refusal(column.field, value);
      else if (column.hasNulls) this.#setBit(column);
    }
    return i === columns.length;
  }

  #appendByName(row: Row): void {
    if (this.#hasTexts) this.#area.revert();
    for (const column of this.#columns) {
      const value = row[column.name];
      if (value === null || value === undefined) this.#putNull(column, value);
      else if (!put(this.#views, column, this.#rows, value)) throw refusal(column.field, value);
      else if (column.hasNulls) this.#setBit(column);
    }
  }

  #putNull(column: Column, value: null | undefined): void {
    const { field, values, validity } = column;
    if (validity === 0) throw refusal(field, value);
    const row = this.#rows;
    const { u8 } = this.#views;
    if (!column.hasNulls) u8.fill(0xff, validity, validity + ((row + 7) >> 3));
    column.hasNulls = true;
    const at = validity + (row >> 3);
    u8[at] = (u8[at] ?? 0) & ~(1 << (row & 7));
    // Kernels may read the values of nulls as long as they do not use them: a stale view would point anywhere.
    const width = widthOf(physicalOf(field.type));
    u8.fill(0, values + row * width, values + (row + 1) * width);
  }

  #setBit({ validity }: Column): void {
    const { u8 } = this.#views;
    const at = validity + (this.#rows >> 3);
    u8[at] = (u8[at] ?? 0) | (1 << (this.#rows & 7));
  }

  #putKind(kind: RowKind): void {
    const { u8 } = this.#views;
    if (!this.#isChangelog) u8.fill(RowKind.INSERT, this.#rowKinds, this.#rowKinds + this.#rows);
    this.#isChangelog = true;
    u8[this.#rowKinds + this.#rows] = kind;
  }

  /** What was appended, as a batch. More rows may follow only after `reset`. */
  finish(origin?: BatchOrigin): RecordBatch {
    this.#area.revert();
    this.#area.settle();
    const columns = this.#columns.map(
      ({ values, validity, hasNulls }): ColumnVector => ({ values, validity: hasNulls ? validity : 0 }),
    );
    return {
      schema: this.schema,
      rows: this.#rows,
      columns,
      selection: 0,
      selected: this.#rows,
      rowKinds: this.#isChangelog ? this.#rowKinds : 0,
      timestamps: 0,
      watermarks: 0,
      origin,
    };
  }

  /** Empties the builder; the batch of the last `finish` is dead. */
  reset(): void {
    this.#rows = 0;
    this.#isChangelog = false;
    this.#area.reset();
    for (const column of this.#columns) column.hasNulls = false;
  }
}

/** The error for a value that a column cannot hold. */
export function refusal(field: Field, value: unknown): UserError {
  const isNull = value === null || value === undefined;
  return new UserError(
    'E1303',
    { column: field.name, type: describeType(field.type), value: describeValue(value) },
    isNull ? { hint: `give every row a ${field.name}, or declare the column nullable` } : {},
  );
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (isProcessingTime(value)) return 'an instant of processing time';
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** How a column takes values. */
const Take = { BOOL: 0, INT: 1, INT64: 2, TIMESTAMP: 3, FLOAT32: 4, FLOAT64: 5, UTF8: 6, BYTES: 7, JSON: 8 } as const;
type Take = (typeof Take)[keyof typeof Take];

const TAKES: { readonly [K in TypeKind]: Take } = {
  bool: Take.BOOL,
  int8: Take.INT,
  int16: Take.INT,
  int32: Take.INT,
  int64: Take.INT64,
  timestamp: Take.TIMESTAMP,
  float32: Take.FLOAT32,
  float64: Take.FLOAT64,
  utf8: Take.UTF8,
  bytes: Take.BYTES,
  json: Take.JSON,
};

/**
 * Writes a value that is not null as row `row` of a column; false when it cannot hold it. One function for all types: the
 * way through it is the same for each column in every row, which costs less than calls of a function for each.
 */
function put(views: Views, column: Column, row: number, value: unknown): boolean {
  const { at } = column;
  switch (column.take) {
    case Take.FLOAT64:
      if (typeof value !== 'number') return false;
      views.f64[at + row] = value;
      return true;
    case Take.INT:
      if (typeof value !== 'number' || (value | 0) !== value || value < column.least || value > column.most)
        return false;
      views.i32[at + row] = value;
      return true;
    case Take.INT64:
      if (typeof value !== 'number' || (value | 0) !== value) return putInteger(views, at + row * 2, value);
      views.i32[at + row * 2] = value;
      views.i32[at + row * 2 + 1] = value >> 31;
      return true;
    case Take.UTF8:
      return typeof value === 'string' && column.texts.put(at + row * 2, value);
    default:
      return putRare(views, column, row, value);
  }
}

function putRare(views: Views, column: Column, row: number, value: unknown): boolean {
  const { at } = column;
  switch (column.take) {
    case Take.TIMESTAMP:
      return putInteger(views, at + row * 2, timestampOf(value, column.field.type.unit === 'us' ? 1000 : 1));
    case Take.FLOAT32:
      if (typeof value !== 'number') return false;
      views.f64[at + row] = Math.fround(value);
      return true;
    case Take.BOOL:
      if (typeof value !== 'boolean') return false;
      views.u8[at + row] = value ? 1 : 0;
      return true;
    case Take.BYTES:
      return value instanceof Uint8Array && column.texts.putBytes(at + row * 2, value);
    case Take.JSON:
      return column.texts.putJson(at + row * 2, value);
    default:
      return false;
  }
}

/** Writes an int64 whose lower half is at `at` in the view of i32. */
function putInteger(views: Views, at: number, value: unknown): boolean {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return false;
    views.i32[at] = value | 0;
    views.i32[at + 1] = Math.floor(value / 2 ** 32);
    return true;
  }
  if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return false;
  views.i64[at >>> 1] = value;
  return true;
}

/** Texts and bytes of one column: into the area, or where a lender has them. */
class TextColumn {
  readonly #views: Views;
  readonly #area: ByteArea;
  readonly #lender: TextLender | undefined;
  #likely = 0;
  /** Texts since the last one that was lent. */
  #unlent = 0;

  constructor(views: Views, area: ByteArea, lender: TextLender | undefined) {
    this.#views = views;
    this.#area = area;
    this.#lender = lender;
  }

  /** Always true, as those below when they could: `at` is the index of the {ptr, len} in the view of u32. */
  put(at: number, text: string): boolean {
    if (this.#lender !== undefined && (this.#unlent < UNLENT_MAX || this.#unlent % ASKED_AGAIN === 0)) {
      const found = this.#lender.lenderOf(text, this.#likely);
      if (found >= 0) {
        this.#likely = found;
        const lent = this.#lender.lend(found);
        const { u32 } = this.#views;
        u32[at] = u32[lent] ?? 0;
        u32[at + 1] = u32[lent + 1] ?? 0;
        this.#unlent = 0;
        return true;
      }
    }
    this.#unlent++;
    this.#area.putText(at * 4, text);
    return this.#again();
  }

  putBytes(at: number, bytes: Uint8Array): boolean {
    this.#area.putBytes(at * 4, bytes);
    return this.#again();
  }

  putJson(at: number, value: unknown): boolean {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) return false;
    this.#area.putText(at * 4, text);
    return this.#again();
  }

  /** The area may have made memory grow. */
  #again(): true {
    if (this.#views.u8.length === 0) this.#views.refresh();
    return true;
  }
}

/**
 * The stored value of what users give as a timestamp: milliseconds as a number, a Date or `epochMs`; a bigint as it is
 * stored.
 */
function timestampOf(value: unknown, perMs: number): unknown {
  if (value instanceof Date) return value.getTime() * perMs;
  const ms = isInstant(value) ? value.epochMs : value;
  return typeof ms === 'number' && perMs > 1 ? Math.round(ms * perMs) : ms;
}
