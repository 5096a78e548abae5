/**
 * Row objects to columns: batches of collections and of what user functions emit. Values are checked here, where they
 * enter; a value that does not fit is a mistake in the user's program, told with column, type and value (E1303).
 *
 * Invariants
 *  1. All memory is taken from the transient part: columns at construction, areas for texts and bytes as they are
 *     needed; `reset` uses both again. A finished batch is valid until then.
 *  2. A row that throws leaves the builder as it was before.
 *  3. Texts that a lender knows are not copied: their views point at its bytes.
 * Not here: how a value is checked and written (column-writer.ts), columns to row objects (row-view.ts).
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import { isProcessingTime } from '../base/time.ts';
import {
  BATCH_ROWS_MAX,
  type BatchOrigin,
  type ColumnVector,
  type Ptr,
  type RecordBatch,
} from '../data/record-batch.ts';
import { RowKind } from '../data/row-kind.ts';
import type { Field, TableSchema } from '../data/schema.ts';
import { describeType, Physical, physicalOf, widthOf } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { ByteArea } from './byte-area.ts';
import { Views } from './column-getter.ts';
import { type Column, newColumn, put, TextColumn, type TextLender } from './column-writer.ts';
import type { Row } from './row-view.ts';

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
  #isLive = false;

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
    return newColumn(field, { values, validity }, new TextColumn(this.#views, this.#area, this.#lender));
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
    if (this.#isLive) this.#area.settle();
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

  /**
   * Where the columns lie: for results that are read while more rows may follow. From here on every row is whole, texts
   * and bits of nulls with it, as soon as it is appended.
   */
  get columns(): readonly ColumnVector[] {
    this.#isLive = true;
    assert(this.#rows === 0, 'columns are asked for before the first row');
    for (const column of this.#columns) column.hasNulls = column.validity !== 0;
    return this.#columns.map(({ values, validity }) => ({ values, validity }));
  }

  /** Takes the rows from `rows` on back; the room of their texts is not used again before `reset`. */
  truncate(rows: number): void {
    assert(rows <= this.#rows, `${rows} of ${this.#rows} rows`);
    // Else views of rows that are taken back would be moved when those in their place are.
    this.#area.settle();
    this.#rows = rows;
  }

  /** Empties the builder; the batch of the last `finish` is dead. */
  reset(): void {
    this.#rows = 0;
    this.#isChangelog = false;
    this.#area.reset();
    for (const column of this.#columns) column.hasNulls = this.#isLive && column.validity !== 0;
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
