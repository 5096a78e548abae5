/**
 * What the parsers of all formats of lines share: their struct and its columns, dead letters, and what a record that gave
 * a column no value means.
 *
 *   PARSER_BYTES   64 each                     32 each
 *   +--------+--------+---------+---------+---------+--------+--------+------------------------+
 *   | parser | unread | columns ...       | letters | powers | digits | own bytes of a format  |
 *   +--------+--------+---------+---------+---------+--------+--------+------------------------+
 *
 * Not here: what a record looks like (parser.ts and line.ts for JSON, ../csv for CSV).
 */
import { transientAlloc } from '../memory/frames';
import { DECIMAL_BYTES } from './decimal';
import { fillPowers, POWERS_BYTES } from './float';
import {
  ALL_BITS,
  BAD_AT,
  BAD_COLUMN,
  BAD_REASON,
  BAD_STAMP,
  BIT,
  BITS_MAX,
  COLUMN_COUNT,
  COLUMNS,
  DIGITS,
  ERROR_AT,
  HAS_NULLS,
  JSON_COLUMN_BYTES,
  KIND,
  KIND_BOOL,
  KIND_INT32,
  KIND_UNREAD,
  LETTER_BYTES,
  LETTER_COUNT,
  LETTERS,
  LETTERS_MAX,
  LINE_BYTES_MAX,
  LINE_TOO_LONG,
  MISSING,
  NEWLINE,
  NO_COLUMN,
  NULLABLE,
  PARSER_BYTES,
  POWERS,
  REASON,
  refuse,
  ROWS_MAX,
  SCRATCH_AT,
  SCRATCH_FULL,
  SCRATCH_START,
  STAMP,
  TYPE_MISMATCH,
  UNIT,
  UNREAD,
  VALIDITY,
  VALUES,
  WHOLE,
  WIDTH,
} from './layout';

const LINE: u32 = 64;

/** A parser with `extra` bytes for its format; 0 when memory is used up. */
export function openParser(columns: u32, rowsMax: u32, lettersMax: u32, lineBytesMax: u32, extra: u32): u32 {
  const unreadAt = PARSER_BYTES;
  const columnsAt = unreadAt + JSON_COLUMN_BYTES;
  const lettersAt = columnsAt + columns * JSON_COLUMN_BYTES;
  const powersAt = lettersAt + lettersMax * LETTER_BYTES;
  const digitsAt = powersAt + POWERS_BYTES;
  const bytes = digitsAt + DECIMAL_BYTES + LINE + extra;
  const parser = transientAlloc(bytes);
  if (parser == 0) return 0;
  memory.fill(parser, 0, bytes);
  store<u32>(parser, parser + columnsAt, COLUMNS);
  store<u32>(parser, columns, COLUMN_COUNT);
  store<u32>(parser, rowsMax, ROWS_MAX);
  store<u32>(parser, parser + unreadAt, UNREAD);
  // With more columns than bits the bits never say that all are there: their stamps are looked at.
  store<u64>(parser, columns <= BITS_MAX ? ((<u64>1) << columns) - 1 : (<u64>1) << BITS_MAX, ALL_BITS);
  store<u32>(parser, parser + lettersAt, LETTERS);
  store<u32>(parser, lettersMax, LETTERS_MAX);
  store<u32>(parser, lineBytesMax, LINE_BYTES_MAX);
  store<u32>(parser, parser + powersAt, POWERS);
  store<u32>(parser, parser + digitsAt, DIGITS);
  store<u32>(parser + unreadAt, KIND_UNREAD, KIND);
  // Of width 0: the values of all its rows go to the same word.
  store<u32>(parser + unreadAt, parser + WHOLE, VALUES);
  fillPowers(parser + powersAt, parser + digitsAt);
  return parser;
}

/** Where the bytes of the parser's format begin: with a line of the processor's cache, since they may be read at each value. */
export function ownBytes(parserPtr: u32): u32 {
  return (load<u32>(parserPtr, DIGITS) + DECIMAL_BYTES + LINE - 1) & ~(LINE - 1);
}

/** Makes column `i` one of this kind, with room for its rows; its address, or 0 when memory is used up. */
export function describeColumn(parserPtr: u32, i: u32, kind: u32, unit: u32, nullable: u32): u32 {
  const column = load<u32>(parserPtr, COLUMNS) + i * JSON_COLUMN_BYTES;
  const rows = load<u32>(parserPtr, ROWS_MAX);
  const width: u32 = kind == KIND_BOOL ? 1 : kind <= KIND_INT32 ? 4 : 8;
  const values = transientAlloc(rows * width);
  const validity: u32 = nullable ? transientAlloc((rows + 7) >> 3) : 0;
  if (values == 0 || (nullable && validity == 0)) return 0;
  store<u32>(column, kind, KIND);
  store<u32>(column, values, VALUES);
  store<u32>(column, validity, VALIDITY);
  store<u32>(column, nullable, NULLABLE);
  store<u32>(column, unit, UNIT);
  store<u32>(column, width, WIDTH);
  store<u64>(column, i < BITS_MAX ? (<u64>1) << i : 0, BIT);
  return column;
}

/** Before the first record of a call: no column has a value or a null, no letter is written. */
export function startBatch(parserPtr: u32): void {
  const count = load<u32>(parserPtr, COLUMN_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const column = load<u32>(parserPtr, COLUMNS) + i * JSON_COLUMN_BYTES;
    store<u32>(column, 0, STAMP);
    store<u32>(column, 0, BAD_STAMP);
    store<u32>(column, 0, HAS_NULLS);
  }
  store<u32>(parserPtr, load<u32>(parserPtr, SCRATCH_START), SCRATCH_AT);
  store<u32>(parserPtr, 0, LETTER_COUNT);
}

/** Notes the refused record [record, end), of which REASON and ERROR_AT tell; returns what is past its newline. */
export function addLetter(parserPtr: u32, record: u32, end: u32): u32 {
  const bytes = end - record;
  const isLong = bytes > load<u32>(parserPtr, LINE_BYTES_MAX);
  const reason = isLong ? LINE_TOO_LONG : load<u32>(parserPtr, REASON);
  const count = load<u32>(parserPtr, LETTER_COUNT);
  const letter = load<u32>(parserPtr, LETTERS) + count * LETTER_BYTES;
  const isOfColumn = reason >= TYPE_MISMATCH && reason < SCRATCH_FULL;
  store<u32>(letter, record);
  store<u32>(letter, bytes, 4);
  store<u32>(letter, isLong ? 0 : load<u32>(parserPtr, ERROR_AT) - record, 8);
  store<u32>(letter, reason, 12);
  store<u32>(letter, isOfColumn ? load<u32>(parserPtr, BAD_COLUMN) : NO_COLUMN, 16);
  store<u32>(parserPtr, count + 1, LETTER_COUNT);
  return end + 1;
}

/** Makes the columns that the record gave no value null; false when one of them must not be. */
export function fillAbsent(parserPtr: u32, lineEnd: u32, row: u32, serial: u32): bool {
  const first = load<u32>(parserPtr, COLUMNS);
  const count = load<u32>(parserPtr, COLUMN_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const column = first + i * JSON_COLUMN_BYTES;
    if (load<u32>(column, STAMP) == serial) continue;
    const isBad = load<u32>(column, BAD_STAMP) == serial;
    if (!isBad && load<u32>(column, NULLABLE)) continue;
    store<u32>(parserPtr, i, BAD_COLUMN);
    refuse(parserPtr, isBad ? load<u32>(column, BAD_REASON) : MISSING, isBad ? load<u32>(column, BAD_AT) : lineEnd);
    return false;
  }
  const rows = load<u32>(parserPtr, ROWS_MAX);
  for (let i: u32 = 0; i < count; i++) {
    const column = first + i * JSON_COLUMN_BYTES;
    if (load<u32>(column, STAMP) != serial) setNull(column, row, rows);
  }
  return true;
}

/** The bitmap is written from the first null of a batch on; a null's value is zero. */
function setNull(columnPtr: u32, row: u32, rows: u32): void {
  const validity = load<u32>(columnPtr, VALIDITY);
  if (load<u32>(columnPtr, HAS_NULLS) == 0) {
    memory.fill(validity, 0xff, (rows + 7) >> 3);
    store<u32>(columnPtr, 1, HAS_NULLS);
  }
  const at = validity + (row >> 3);
  store<u8>(at, <u8>(<u32>load<u8>(at) & ~((<u32>1) << (row & 7))));
  const width = load<u32>(columnPtr, WIDTH);
  memory.fill(load<u32>(columnPtr, VALUES) + row * width, 0, width);
}

/** The newline at or after `atPtr`, of which there is one. */
export function lineEnd(atPtr: u32): u32 {
  let p = atPtr;
  while (true) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(<i8>NEWLINE)));
    if (mask != 0) return p + <u32>ctz<i32>(mask);
    p += 16;
  }
}
