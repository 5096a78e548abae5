/**
 * Row objects to columns: batches of collections and of what user functions emit. Values are checked here, where they
 * enter; a value that does not fit is a mistake in the user's program, told with column, type and value (E1303).
 *
 * Invariants
 *  1. All memory is taken from the transient part: columns at construction, areas for texts and bytes as they are
 *     needed; `reset` uses both again. A finished batch is valid until then.
 *  2. A row that throws leaves the builder as it was before.
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
import { type ColumnType, describeType, INTEGER_RANGE, physicalOf, widthOf } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { ByteArea } from './byte-area.ts';
import type { Row } from './row-view.ts';

/** Writes `value` as row `row`; false when the column cannot hold it. */
type Writer = (row: number, value: unknown) => boolean;

interface Column {
  readonly field: Field;
  readonly values: Ptr;
  readonly validity: Ptr;
  readonly write: Writer;
  hasNulls: boolean;
}

export class BatchBuilder {
  readonly schema: TableSchema;
  readonly capacity: number;
  readonly #memory: LinearMemory;
  readonly #area: ByteArea;
  readonly #columns: readonly Column[];
  readonly #rowKinds: Ptr;
  #rows = 0;
  #isChangelog = false;

  constructor(kernels: KernelInstance, schema: TableSchema, capacityRows: number = BATCH_ROWS_MAX) {
    assert(capacityRows > 0, `a batch of ${capacityRows} rows`);
    this.schema = schema;
    this.capacity = capacityRows;
    this.#memory = kernels.memory;
    this.#area = new ByteArea(kernels.memory);
    this.#rowKinds = kernels.memory.allocate(capacityRows);
    this.#columns = schema.fields.map((field) => this.#column(field));
  }

  #column(field: Field): Column {
    const values = this.#memory.allocate(this.capacity * widthOf(physicalOf(field.type)));
    const validity = field.type.nullable ? this.#memory.allocate((this.capacity + 7) >> 3) : 0;
    return { field, values, validity, write: writerOf(this.#memory, this.#area, field.type, values), hasNulls: false };
  }

  get rows(): number {
    return this.#rows;
  }

  get isFull(): boolean {
    return this.#rows === this.capacity;
  }

  /** Adds a row; the builder must not be full. Properties that are no columns are ignored, an absent one is null. */
  append(row: Row, kind: RowKind = RowKind.INSERT): void {
    assert(!this.isFull, `a batch holds ${this.capacity} rows`);
    if (typeof row !== 'object' || row === null) throw new UserError('E1304', { value: describeValue(row) });
    for (const column of this.#columns) this.#put(column, row[column.field.name]);
    if (kind !== RowKind.INSERT && !this.#isChangelog) {
      this.#isChangelog = true;
      this.#memory.u8.fill(RowKind.INSERT, this.#rowKinds, this.#rowKinds + this.#rows);
    }
    if (this.#isChangelog) this.#memory.u8[this.#rowKinds + this.#rows] = kind;
    this.#rows++;
  }

  #put(column: Column, value: unknown): void {
    const row = this.#rows;
    const isNull = value === null || value === undefined;
    if (isNull ? !column.field.type.nullable : !column.write(row, value)) throw refusal(column.field, value);
    if (column.validity === 0) return;
    const u8 = this.#memory.u8;
    const at = column.validity + (row >> 3);
    const bit = 1 << (row & 7);
    u8[at] = isNull ? (u8[at] ?? 0) & ~bit : (u8[at] ?? 0) | bit;
    if (!isNull) return;
    column.hasNulls = true;
    // Kernels may read the values of nulls as long as they do not use them: a stale view would point anywhere.
    const width = widthOf(physicalOf(column.field.type));
    u8.fill(0, column.values + row * width, column.values + (row + 1) * width);
  }

  /** What was appended, as a batch. More rows may follow only after `reset`. */
  finish(origin?: BatchOrigin): RecordBatch {
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

  /** Where the columns lie: for results that are read while more rows may follow. */
  get columns(): readonly ColumnVector[] {
    return this.#columns.map(({ values, validity }) => ({ values, validity }));
  }

  /** Takes the rows from `rows` on back; the room of their texts is not used again before `reset`. */
  truncate(rows: number): void {
    assert(rows <= this.#rows, `${rows} of ${this.#rows} rows`);
    this.#rows = rows;
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

function writerOf(memory: LinearMemory, area: ByteArea, type: ColumnType, values: Ptr): Writer {
  switch (type.kind) {
    case 'bool':
      return (row, value) => {
        memory.u8[values + row] = value === true ? 1 : 0;
        return typeof value === 'boolean';
      };
    case 'int8':
    case 'int16':
    case 'int32': {
      const [least, most] = INTEGER_RANGE[type.kind];
      return (row, value) => {
        if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) return false;
        memory.i32[(values >>> 2) + row] = value;
        return true;
      };
    }
    case 'int64':
      return (row, value) => writeInteger(memory, values, row, value);
    case 'timestamp': {
      const perMs = type.unit === 'us' ? 1000 : 1;
      return (row, value) => writeInteger(memory, values, row, timestampOf(value, perMs));
    }
    case 'float32':
    case 'float64': {
      const isSingle = type.kind === 'float32';
      return (row, value) => {
        if (typeof value !== 'number') return false;
        memory.f64[(values >>> 3) + row] = isSingle ? Math.fround(value) : value;
        return true;
      };
    }
    case 'utf8':
      return (row, value) => typeof value === 'string' && area.putText(values + row * 8, value);
    case 'bytes':
      return (row, value) => value instanceof Uint8Array && area.putBytes(values + row * 8, value);
    case 'json':
      return (row, value) => {
        const text: string | undefined = JSON.stringify(value);
        return text !== undefined && area.putText(values + row * 8, text);
      };
  }
}

function writeInteger(memory: LinearMemory, values: Ptr, row: number, value: unknown): boolean {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) return false;
    memory.i64[(values >>> 3) + row] = value;
    return true;
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false;
  const at = (values >>> 2) + row * 2;
  memory.i32[at] = value | 0;
  memory.i32[at + 1] = Math.floor(value / 2 ** 32);
  return true;
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
