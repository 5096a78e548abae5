/**
 * Rows as bytes: composite keys, and values that state keeps.
 *
 *   present (1 bit per column, least significant first, whole bytes) | the present values in order:
 *   BOOL u8 | I32 4 bytes | I64 8 | F64 8 (little endian) | VIEW length (varint) and bytes
 *
 * Invariants
 *  1. Injective for one list of column types: different rows give different bytes, and no row's bytes begin another's.
 *  2. As keys, -0 is 0 and all NaN are one; as values, floats keep their bits.
 *  3. Decoding answers CORRUPT for anything that encoding does not write (but for float bits and UTF-8), and reads
 *     nothing outside a row's view.
 */
import {
  BOOL,
  COLUMN_BYTES,
  columnType,
  columnValidity,
  columnValues,
  CORRUPT,
  F64,
  I32,
  isValid,
  OUTPUT_FULL,
  VIEW,
} from '../abi';
import { copyText } from './copy';

/** A varint of a u32 is at most this long. */
const VARINT_BYTES_MAX: u32 = 5;

function rowAt(selectionPtr: u32, n: u32): u32 {
  return selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
}

/** Bytes of all that has a fixed size in a row of these columns, were none null. */
function fixedBytes(columnsPtr: u32, columnCount: u32): u32 {
  let bytes = (columnCount + 7) >> 3;
  for (let i: u32 = 0; i < columnCount; i++) {
    const type = columnType(columnsPtr + i * COLUMN_BYTES);
    bytes += type == BOOL ? 1 : type == I32 ? 4 : type == VIEW ? VARINT_BYTES_MAX : 8;
  }
  return bytes;
}

/** Text of a row. */
function textBytes(columnsPtr: u32, columnCount: u32, row: u32): u64 {
  let bytes: u64 = 0;
  for (let i: u32 = 0; i < columnCount; i++) {
    const column = columnsPtr + i * COLUMN_BYTES;
    if (columnType(column) != VIEW || !isValid(columnValidity(column), row)) continue;
    bytes += load<u32>(columnValues(column) + (row << 3), 4);
  }
  return bytes;
}

/** A capacity that is always enough for the `count` selected rows, as f64. */
export function encodedRowsBytesMax(columnsPtr: u32, columnCount: u32, selectionPtr: u32, count: u32): f64 {
  let bytes: u64 = <u64>count * fixedBytes(columnsPtr, columnCount);
  for (let n: u32 = 0; n < count; n++) bytes += textBytes(columnsPtr, columnCount, rowAt(selectionPtr, n));
  return <f64>bytes;
}

function writeVarint(at: u32, value: u32): u32 {
  for (; value >= 128; value >>= 7, at++) store<u8>(at, <u8>(value | 128));
  store<u8>(at, <u8>value);
  return at + 1;
}

/** One NaN and one zero. */
function keyFloat(x: f64): f64 {
  return x == x ? x + 0 : NaN;
}

function writeValue(at: u32, type: u32, valuesPtr: u32, row: u32, asKey: bool): u32 {
  if (type == I32) {
    store<u32>(at, load<u32>(valuesPtr + (row << 2)));
    return at + 4;
  }
  if (type == BOOL) {
    store<u8>(at, load<u8>(valuesPtr + row));
    return at + 1;
  }
  if (type == VIEW) {
    const view = valuesPtr + (row << 3);
    const length = load<u32>(view, 4);
    at = writeVarint(at, length);
    copyText(at, load<u32>(view), length);
    return at + length;
  }
  if (type == F64 && asKey) store<f64>(at, keyFloat(load<f64>(valuesPtr + (row << 3))));
  else store<u64>(at, load<u64>(valuesPtr + (row << 3)));
  return at + 8;
}

function writeRow(at: u32, columnsPtr: u32, columnCount: u32, row: u32, asKey: bool): u32 {
  let presence = at;
  let bits: u32 = 0;
  at += (columnCount + 7) >> 3;
  for (let i: u32 = 0; i < columnCount; i++) {
    const column = columnsPtr + i * COLUMN_BYTES;
    if (isValid(columnValidity(column), row)) {
      bits |= (<u32>1) << (i & 7);
      at = writeValue(at, columnType(column), columnValues(column), row, asKey);
    }
    if ((i & 7) != 7 && i + 1 < columnCount) continue;
    store<u8>(presence++, <u8>bits);
    bits = 0;
  }
  return at;
}

function encode(
  columnsPtr: u32,
  columnCount: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
  capacity: u32,
  viewsPtr: u32,
  asKeys: bool,
): i32 {
  const fixed = fixedBytes(columnsPtr, columnCount);
  let at = outPtr;
  for (let n: u32 = 0; n < count; n++) {
    const row = rowAt(selectionPtr, n);
    if (<u64>(at - outPtr) + fixed + textBytes(columnsPtr, columnCount, row) > <u64>capacity) return OUTPUT_FULL;
    const end = writeRow(at, columnsPtr, columnCount, row, asKeys);
    store<u32>(viewsPtr + (row << 3), at);
    store<u32>(viewsPtr + (row << 3), end - at, 4);
    at = end;
  }
  return at - outPtr;
}

/**
 * The key of each of the `count` selected rows, and a view on it at the row's number in `viewsPtr`: a VIEW column
 * beside the others. Answers the bytes written, or OUTPUT_FULL (never with a capacity of `encodedRowsBytesMax`).
 */
export function encodeKeys(
  columnsPtr: u32,
  columnCount: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
  capacity: u32,
  viewsPtr: u32,
): i32 {
  return encode(columnsPtr, columnCount, selectionPtr, count, outPtr, capacity, viewsPtr, true);
}

/** As encodeKeys, but floats keep their bits. */
export function encodeRows(
  columnsPtr: u32,
  columnCount: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
  capacity: u32,
  viewsPtr: u32,
): i32 {
  return encode(columnsPtr, columnCount, selectionPtr, count, outPtr, capacity, viewsPtr, false);
}

function setValidity(validityPtr: u32, row: u32, present: bool): void {
  const at = validityPtr + (row >> 3);
  const bit = (<u32>1) << (row & 7);
  const rest = <u32>load<u8>(at) & ~bit;
  store<u8>(at, <u8>(present ? rest | bit : rest));
}

/** Reads a VIEW of a row; answers the place after it, or 0 when it is wrong. */
function readView(at: u32, end: u32, viewPtr: u32): u32 {
  let length: u64 = 0;
  let shift: u64 = 0;
  let byte: u32 = 128;
  for (; byte >= 128; shift += 7) {
    if (at == end || shift > 28) return 0;
    byte = load<u8>(at++);
    length |= (<u64>(byte & 127)) << shift;
  }
  // A last byte of 0 would be a longer way to write a shorter varint.
  if ((byte == 0 && shift > 7) || length > <u64>(end - at)) return 0;
  store<u32>(viewPtr, at);
  store<u32>(viewPtr, <u32>length, 4);
  return at + <u32>length;
}

function readValue(at: u32, end: u32, type: u32, valuesPtr: u32, row: u32): u32 {
  if (type == VIEW) return readView(at, end, valuesPtr + (row << 3));
  const width: u32 = type == BOOL ? 1 : type == I32 ? 4 : 8;
  if (end - at < width) return 0;
  if (type == BOOL) {
    if (load<u8>(at) > 1) return 0;
    store<u8>(valuesPtr + row, load<u8>(at));
  } else if (type == I32) store<u32>(valuesPtr + (row << 2), load<u32>(at));
  else store<u64>(valuesPtr + (row << 3), load<u64>(at));
  return at + width;
}

function readRow(at: u32, end: u32, columnsPtr: u32, columnCount: u32, row: u32): bool {
  const presence = at;
  const presenceBytes = (columnCount + 7) >> 3;
  if (end - at < presenceBytes) return false;
  at += presenceBytes;
  if ((columnCount & 7) != 0 && load<u8>(at - 1) >> <u8>(columnCount & 7) != 0) return false;
  for (let i: u32 = 0; i < columnCount; i++) {
    const column = columnsPtr + i * COLUMN_BYTES;
    const present = isValid(presence, i);
    setValidity(columnValidity(column), row, present);
    if (!present) continue;
    at = readValue(at, end, columnType(column), columnValues(column), row);
    if (at == 0) return false;
  }
  return at == end;
}

/**
 * Rows 0 to `rows` of the columns from the views at `viewsPtr`. Every column has room for them and a validity bitmap;
 * views made point into the bytes. Answers `rows`, or CORRUPT.
 */
export function decodeRows(viewsPtr: u32, rows: u32, columnsPtr: u32, columnCount: u32): i32 {
  for (let row: u32 = 0; row < rows; row++) {
    const view = viewsPtr + (row << 3);
    const at = load<u32>(view);
    if (!readRow(at, at + load<u32>(view, 4), columnsPtr, columnCount, row)) return CORRUPT;
  }
  return rows;
}
