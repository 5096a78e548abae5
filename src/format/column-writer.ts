/**
 * How a column of a batch that is being built takes values: checked, and written where they belong.
 *
 * Not here: nulls, rows and batches (batch-builder.ts).
 */
import { CALENDAR_MS_MAX, isInstant } from '../base/time.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import type { Field } from '../data/schema.ts';
import { INTEGER_RANGE, type TypeKind } from '../data/types.ts';
import type { ByteArea } from './byte-area.ts';
import { type Views, widthShift } from './column-getter.ts';

/** Where texts may lie already, that a function was given and hands on: a row view at the row that is appended from. */
export interface TextLender {
  /** Which of the texts that the function was given has these very characters; -1: none. `likely` is looked at first. */
  lenderOf(text: string, likely: number): number;
  /** Index in the view of u32 of the {ptr, len} of one of them, valid as long as the batch built. */
  lend(lender: number): number;
}

export interface Column {
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

export function newColumn(field: Field, { values, validity }: ColumnVector, texts: TextColumn): Column {
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
    texts,
    hasNulls: false,
  };
}

/**
 * Writes a value that is not null as row `row` of a column; false when it cannot hold it. One function for all types: the
 * way through it is the same for each column in every row, which costs less than calls of a function for each.
 */
export function put(views: Views, column: Column, row: number, value: unknown): boolean {
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
    case Take.TIMESTAMP: {
      const perMs = column.field.type.unit === 'us' ? 1000 : 1;
      const instant = timestampOf(value, perMs);
      return isWithin(instant, CALENDAR_MS_MAX * perMs) && putInteger(views, at + row * 2, instant);
    }
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

/** What is no number of either kind, or not a number at all, is within nothing. */
const isWithin = (value: unknown, most: number): boolean =>
  (typeof value === 'number' || typeof value === 'bigint') && value <= most && value >= -most;

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
export class TextColumn {
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
