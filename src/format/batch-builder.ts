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
import { type ColumnType, describeType, INTEGER_RANGE, physicalOf, widthOf } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { ByteArea } from './byte-area.ts';
import type { Row } from './row-view.ts';

/** Where texts may lie already, that a function was given and hands on: a row view at the row that is appended from. */
export interface TextLender {
  /** Index in the view of u32 of the {ptr, len} of these very characters, valid as long as the batch built; -1: none. */
  find(text: string): number;
}

interface Column {
  readonly field: Field;
  readonly values: Ptr;
  readonly validity: Ptr;
  readonly write: Writer;
  /** Rows before the first null have no bits: the bitmap counts from there on. */
  hasNulls: boolean;
}

/** Writes `value` as row `row`; false when the column cannot hold it. */
type Writer = (row: number, value: unknown) => boolean;

/** After so many texts in a row that nobody lent, a column asks for few of them. */
const UNLENT_MAX = 64;
const ASKED_AGAIN = 256;

export class BatchBuilder {
  readonly schema: TableSchema;
  readonly capacity: number;
  readonly #memory: LinearMemory;
  readonly #area: ByteArea;
  readonly #lender: TextLender | undefined;
  readonly #columns: readonly Column[];
  readonly #rowKinds: Ptr;
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
    this.#area = new ByteArea(kernels.memory);
    this.#lender = lender;
    this.#rowKinds = kernels.memory.allocate(capacityRows);
    this.#columns = schema.fields.map((field) => this.#column(field));
  }

  #column(field: Field): Column {
    const values = this.#memory.allocate(this.capacity * widthOf(physicalOf(field.type)));
    const validity = field.type.nullable ? this.#memory.allocate((this.capacity + 7) >> 3) : 0;
    const write = writerOf({ memory: this.#memory, area: this.#area, lender: this.#lender }, field.type, values);
    return { field, values, validity, write, hasNulls: false };
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
    this.#area.revert();
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i];
      if (column === undefined) break;
      const value = row[column.field.name];
      if (value === null || value === undefined) this.#putNull(column);
      else if (!column.write(this.#rows, value)) throw refusal(column.field, value);
      else if (column.hasNulls) this.#setBit(column);
    }
    this.#area.keep();
    if (kind !== RowKind.INSERT || this.#isChangelog) this.#putKind(kind);
    this.#rows++;
  }

  #putNull(column: Column): void {
    const { field, values, validity } = column;
    if (validity === 0) throw refusal(field, null);
    const row = this.#rows;
    const { u8 } = this.#memory;
    if (!column.hasNulls) u8.fill(0xff, validity, validity + ((row + 7) >> 3));
    column.hasNulls = true;
    const at = validity + (row >> 3);
    u8[at] = (u8[at] ?? 0) & ~(1 << (row & 7));
    // Kernels may read the values of nulls as long as they do not use them: a stale view would point anywhere.
    const width = widthOf(physicalOf(field.type));
    u8.fill(0, values + row * width, values + (row + 1) * width);
  }

  #setBit({ validity }: Column): void {
    const { u8 } = this.#memory;
    const at = validity + (this.#rows >> 3);
    u8[at] = (u8[at] ?? 0) | (1 << (this.#rows & 7));
  }

  #putKind(kind: RowKind): void {
    const { u8 } = this.#memory;
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

interface Target {
  readonly memory: LinearMemory;
  readonly area: ByteArea;
  readonly lender: TextLender | undefined;
}

function writerOf(target: Target, type: ColumnType, values: Ptr): Writer {
  const { memory, area } = target;
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
        if (typeof value !== 'number' || (value | 0) !== value || value < least || value > most) return false;
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
      return (row, value) => {
        if (typeof value !== 'number') return false;
        memory.f64[(values >>> 3) + row] = Math.fround(value);
        return true;
      };
    case 'float64':
      return (row, value) => {
        if (typeof value !== 'number') return false;
        memory.f64[(values >>> 3) + row] = value;
        return true;
      };
    case 'utf8':
      return textWriter(target, values);
    case 'bytes':
      return (row, value) => {
        if (!(value instanceof Uint8Array)) return false;
        area.putBytes(values + row * 8, value);
        return true;
      };
    case 'json':
      return (row, value) => {
        const text: string | undefined = JSON.stringify(value);
        if (text === undefined) return false;
        area.putText(values + row * 8, text);
        return true;
      };
  }
}

function textWriter({ memory, area, lender }: Target, values: Ptr): Writer {
  let unlent = 0;
  return (row, value) => {
    if (typeof value !== 'string') return false;
    if (lender !== undefined && (unlent < UNLENT_MAX || unlent % ASKED_AGAIN === 0)) {
      const lent = lender.find(value);
      if (lent >= 0) {
        const { u32 } = memory;
        const at = (values >>> 2) + row * 2;
        u32[at] = u32[lent] ?? 0;
        u32[at + 1] = u32[lent + 1] ?? 0;
        unlent = 0;
        return true;
      }
    }
    unlent++;
    area.putText(values + row * 8, value);
    return true;
  };
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
