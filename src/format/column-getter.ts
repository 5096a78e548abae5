/**
 * What a column reads as: a getter for each column of a row view. Each kind of value has a function of its own, short enough
 * for the compiler of the host to put it into the user's code; what is rare goes a slow way.
 *
 * Invariants
 *  1. Nothing here takes memory, so what the engine keeps of it while it calls a user's function stays valid.
 *  2. Memory that has grown leaves views without elements: what they answer is undefined, and the slow way takes new ones.
 * Not here: which row is shown, and where columns lie (row-view.ts).
 */
import { UserError } from '../base/errors.ts';
import type { Field } from '../data/schema.ts';
import { type ColumnType, Physical, physicalOf } from '../data/types.ts';
import { wide } from '../kernel/milliseconds.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { TextReader } from './text-reader.ts';

/** What a timestamp reads as: milliseconds since 1970, and the microseconds beyond them (0 to 999). */
export type TimestampHook = (epochMs: number, micros: number) => unknown;

/** The row that the view shows. */
export interface Cursor {
  row: number;
  /** Whether an int64 that a number cannot hold reads as a bigint. */
  isExact: boolean;
}

/** Where a column of the current batch lies. */
export interface ColumnPlace {
  /** False: no row has a value. */
  isHere: boolean;
  /** Index of its first value in the view of its width. */
  at: number;
  /** 0: every row has a value, as far as the batch says. */
  validity: number;
  /** Of texts: index of the slots of its rows in the view of u32; NOWHERE: they are not known. */
  slots: number;
  /** Of texts: strings by slot, where they have been made. */
  strings: (string | undefined)[];
  /** Of texts: whether those that repeat are looked for batch by batch. */
  hasDictionary: boolean;
  /** Of texts: whether one was ever asked for. */
  isRead: boolean;
  /** Of texts: the one read last, and its row. */
  text: string;
  textRow: number;
}

/** An index beyond the end of the view of u32. */
export const NOWHERE = 2 ** 30;

export const newPlace = (): ColumnPlace => ({
  isHere: false,
  at: NOWHERE,
  validity: 0,
  slots: NOWHERE,
  strings: [],
  hasDictionary: false,
  isRead: false,
  text: '',
  textRow: -1,
});

/** Views of memory, taken again when it has grown. Cheaper than asking memory each time. */
export class Views {
  readonly #memory: LinearMemory;
  u8: Uint8Array = new Uint8Array(0);
  u32: Uint32Array = new Uint32Array(0);
  i32: Int32Array = new Int32Array(0);
  f64: Float64Array = new Float64Array(0);
  i64: BigInt64Array = new BigInt64Array(0);

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  refresh(): void {
    const { u8, u32, i32, f64, i64 } = this.#memory;
    this.u8 = u8;
    this.u32 = u32;
    this.i32 = i32;
    this.f64 = f64;
    this.i64 = i64;
  }
}

export interface Column {
  readonly views: Views;
  readonly cursor: Cursor;
  readonly place: ColumnPlace;
  readonly field: Field;
  readonly timestamp: TimestampHook | undefined;
}

/** Values of this type are indexed in a view whose elements have 1 << shift bytes. */
export function widthShift(type: ColumnType): number {
  const physical = physicalOf(type);
  return physical === Physical.BOOL ? 0 : physical === Physical.F64 ? 3 : 2;
}

/** The getter of a column, of the row that the cursor is at. */
export function getterOf(column: Column): () => unknown {
  const { type } = column.field;
  switch (physicalOf(type)) {
    case Physical.F64:
      return doubleGetter(column);
    case Physical.I32:
      return intGetter(column);
    case Physical.BOOL:
      return slowly(column, (row) => column.views.u8[column.place.at + row] === 1);
    case Physical.I64:
      if (type.kind === 'timestamp') return timestampGetter(column);
      return type.bigint === true ? slowly(column, bigintReader(column)) : integerGetter(column);
    case Physical.VIEW:
      return type.kind === 'utf8' ? textGetter(column) : slowly(column, bytesReader(column));
  }
}

/** Whether a row is null; of memory that has grown nothing is. */
const isNull = (u8: Uint8Array, validity: number, row: number): boolean =>
  validity !== 0 && (((u8[validity + (row >> 3)] ?? 0xff) >> (row & 7)) & 1) === 0;

/** Takes views again where memory has grown, then reads what the row has. */
function slowly({ views, cursor, place }: Column, read: (row: number) => unknown): () => unknown {
  return () => {
    if (views.u8.length === 0) views.refresh();
    const { row } = cursor;
    return !place.isHere || isNull(views.u8, place.validity, row) ? null : read(row);
  };
}

function doubleGetter(column: Column): () => unknown {
  const { views, cursor, place } = column;
  const slow = slowly(column, (row) => views.f64[place.at + row]);
  return () => {
    const { row } = cursor;
    if (isNull(views.u8, place.validity, row)) return null;
    const value = views.f64[place.at + row];
    return value === undefined ? slow() : value;
  };
}

function intGetter(column: Column): () => unknown {
  const { views, cursor, place } = column;
  const slow = slowly(column, (row) => views.i32[place.at + row]);
  return () => {
    const { row } = cursor;
    if (isNull(views.u8, place.validity, row)) return null;
    const value = views.i32[place.at + row];
    return value === undefined ? slow() : value;
  };
}

function integerGetter(column: Column): () => unknown {
  const { views, cursor, place } = column;
  const slow = slowly(column, (row) => {
    const value = wide(views, place.at + row * 2);
    if (Number.isSafeInteger(value)) return value;
    const exact = views.i64[(place.at >>> 1) + row];
    if (cursor.isExact) return exact;
    throw inexact(column.field, exact);
  });
  return () => {
    const { row } = cursor;
    if (isNull(views.u8, place.validity, row)) return null;
    const at = place.at + row * 2;
    const low = views.i32[at];
    // Most integers are small: their upper half only repeats the sign.
    return low !== undefined && views.i32[at + 1] === low >> 31 ? low : slow();
  };
}

export const inexact = ({ name }: Field, value: bigint | undefined): UserError =>
  new UserError(
    'E1301',
    { column: name, value: String(value) },
    { hint: `declare it int64().asBigInt() to read it as a bigint` },
  );

const bigintReader =
  ({ views, place }: Column) =>
  (row: number): unknown =>
    views.i64[(place.at >>> 1) + row];

function timestampGetter(column: Column): () => unknown {
  const { views, place, field } = column;
  const make = column.timestamp ?? ((epochMs, micros) => epochMs + micros / 1000);
  if (field.type.unit !== 'us') return slowly(column, (row) => make(wide(views, place.at + row * 2), 0));
  return slowly(column, (row) => {
    const at = place.at + row * 2;
    const value = wide(views, at);
    // Microseconds of the year 9999 are beyond what a number holds exactly, its milliseconds are not.
    const exact = Number.isSafeInteger(value) ? 0n : (views.i64[at >>> 1] ?? 0n);
    const micros = exact === 0n ? ((value % 1000) + 1000) % 1000 : Number(((exact % 1000n) + 1000n) % 1000n);
    return make(exact === 0n ? (value - micros) / 1000 : Number((exact - BigInt(micros)) / 1000n), micros);
  });
}

/** The last string is kept beside its row: what a function hands on as it is needs no bytes of its own. */
function textGetter(column: Column): () => unknown {
  const { views, cursor, place } = column;
  const reader = new TextReader();
  const slow = slowly(column, (row) => {
    const { u8, u32 } = views;
    const start = u32[place.at + row * 2] ?? 0;
    const end = start + (u32[place.at + row * 2 + 1] ?? 0);
    const slot = place.slots === NOWHERE ? undefined : u32[place.slots + row];
    place.isRead = true;
    // A view with a dictionary has slots for texts that repeat; without one they are looked for here.
    const text = place.hasDictionary ? reader.make(u8, start, end) : reader.read(u8, start, end);
    if (slot !== undefined && slot + 1 < place.strings.length) place.strings[slot] = text;
    place.text = text;
    place.textRow = row;
    return text;
  });
  return () => {
    const { row } = cursor;
    if (isNull(views.u8, place.validity, row)) return null;
    const slot = views.u32[place.slots + row];
    const text = slot === undefined ? undefined : place.strings[slot];
    if (text === undefined) return slow();
    place.text = text;
    place.textRow = row;
    return text;
  };
}

function bytesReader({ views, place, field }: Column): (row: number) => unknown {
  const text = new TextReader();
  const isBytes = field.type.kind === 'bytes';
  return (row) => {
    const { u8, u32 } = views;
    const start = u32[place.at + row * 2] ?? 0;
    const end = start + (u32[place.at + row * 2 + 1] ?? 0);
    return isBytes ? u8.slice(start, end) : JSON.parse(text.read(u8, start, end));
  };
}
