/**
 * Record batches as self-contained bytes, for channels and for in-flight data in checkpoints. Little endian; every part
 * is padded with zeros to a multiple of 8.
 *
 *   header 40: magic u32 | version u32 | bytes u32 | rows u32 | columns u32 | flags u32 | marks u32 | split u32 |
 *              source bytes u32 | 0 u32
 *   source text | row kinds (u8 per row) | timestamps (i64 per row) | marks (row u32, 0 u32, watermark i64) | columns
 *   column: type u32 | has nulls u32 | text bytes u32 | 0 u32 | validity bitmap | values, or for VIEW lengths (u32) and
 *   text
 *
 * Invariants
 *  1. Only selected rows are written; they are renumbered from 0. A batch decoded has no selection.
 *  2. Equal rows give equal bytes: values of null rows, padding and unused bits are zeros.
 *  3. A mark stands where the watermark differs from that of the row before, and at row 0. Timestamps stand row by row:
 *     few rows share one.
 *  4. Decoding checks all that it follows and answers CORRUPT; it reads nothing outside the bytes given and writes
 *     nothing beyond `maxRows` rows. Views that it makes point into the bytes given. UTF-8 is not checked.
 * Not here: checksums (whoever stores or sends the bytes), memory for the columns (src/kernel/batch-codec.ts).
 */
import {
  BOOL,
  COLUMN_BYTES,
  columnType,
  columnValidity,
  columnValues,
  CORRUPT,
  I32,
  isValid,
  OUTPUT_FULL,
  VIEW,
} from '../abi';
import { copyText } from './copy';

const MAGIC: u32 = 0x4252524d;
const VERSION: u32 = 2;
const HEADER_BYTES: u32 = 40;
const COLUMN_HEADER_BYTES: u32 = 16;
const MARK_BYTES: u32 = 16;
const HAS_KINDS: u32 = 1;
const HAS_WATERMARKS: u32 = 2;
const HAS_SOURCE: u32 = 4;
const HAS_TIMESTAMPS: u32 = 8;
const FLAGS_MAX: u32 = 15;

/** Argument block of both directions: pointers and numbers, u32 each. */
export const BATCH_COLUMNS: u32 = 0;
export const BATCH_COLUMN_COUNT: u32 = 4;
/** Rows meant (encode), or the most that the columns hold (decode). */
export const BATCH_ROWS: u32 = 8;
export const BATCH_SELECTION: u32 = 12;
export const BATCH_KINDS: u32 = 16;
export const BATCH_WATERMARKS: u32 = 20;
export const BATCH_SOURCE: u32 = 24;
export const BATCH_SOURCE_BYTES: u32 = 28;
export const BATCH_SPLIT: u32 = 32;
export const BATCH_TIMESTAMPS: u32 = 36;

function padded(bytes: u32): u32 {
  return (bytes + 7) & ~7;
}

function widthOf(type: u32): u32 {
  return type == BOOL ? 1 : type == I32 ? 4 : 8;
}

function rowAt(selectionPtr: u32, n: u32): u32 {
  return selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
}

/** Rows whose watermark differs from that of the selected row before. */
function countMarks(watermarksPtr: u32, selectionPtr: u32, rows: u32): u32 {
  if (watermarksPtr == 0 || rows == 0) return 0;
  let marks: u32 = 1;
  let last = load<i64>(watermarksPtr + (rowAt(selectionPtr, 0) << 3));
  for (let n: u32 = 1; n < rows; n++) {
    const watermark = load<i64>(watermarksPtr + (rowAt(selectionPtr, n) << 3));
    marks += u32(watermark != last);
    last = watermark;
  }
  return marks;
}

function textBytesOf(columnPtr: u32, selectionPtr: u32, rows: u32): u64 {
  const values = columnValues(columnPtr);
  const validity = columnValidity(columnPtr);
  let bytes: u64 = 0;
  for (let n: u32 = 0; n < rows; n++) {
    const row = rowAt(selectionPtr, n);
    if (isValid(validity, row)) bytes += load<u32>(values + (row << 3), 4);
  }
  return bytes;
}

/** Bytes that `encodeBatch` will write, as f64: text may make them more than an i32 holds. */
export function encodedBatchBytes(argsPtr: u32): f64 {
  const rows = load<u32>(argsPtr, BATCH_ROWS);
  const selection = load<u32>(argsPtr, BATCH_SELECTION);
  let bytes: u64 = HEADER_BYTES + padded(load<u32>(argsPtr, BATCH_SOURCE_BYTES));
  if (load<u32>(argsPtr, BATCH_KINDS) != 0) bytes += padded(rows);
  if (load<u32>(argsPtr, BATCH_TIMESTAMPS) != 0) bytes += rows << 3;
  bytes += countMarks(load<u32>(argsPtr, BATCH_WATERMARKS), selection, rows) * MARK_BYTES;
  const columns = load<u32>(argsPtr, BATCH_COLUMNS);
  const end = columns + load<u32>(argsPtr, BATCH_COLUMN_COUNT) * COLUMN_BYTES;
  for (let column = columns; column < end; column += COLUMN_BYTES) {
    bytes += COLUMN_HEADER_BYTES;
    if (columnValidity(column) != 0) bytes += padded((rows + 7) >> 3);
    if (columnType(column) == VIEW) bytes += padded(rows << 2) + ((textBytesOf(column, selection, rows) + 7) & ~7);
    else bytes += padded(rows * widthOf(columnType(column)));
  }
  return <f64>bytes;
}

/** Zeros from `at` to the next multiple of 8 of what began at `start`; answers that place. */
function pad(start: u32, at: u32): u32 {
  const end = start + padded(at - start);
  memory.fill(at, 0, end - at);
  return end;
}

function writeMarks(at: u32, watermarksPtr: u32, selectionPtr: u32, rows: u32): u32 {
  let last: i64 = 0;
  for (let n: u32 = 0; n < rows; n++) {
    const watermark = load<i64>(watermarksPtr + (rowAt(selectionPtr, n) << 3));
    if (n > 0 && watermark == last) continue;
    store<u64>(at, n);
    store<i64>(at, watermark, 8);
    at += MARK_BYTES;
    last = watermark;
  }
  return at;
}

function gather<T>(at: u32, valuesPtr: u32, validityPtr: u32, selectionPtr: u32, rows: u32): u32 {
  if (validityPtr == 0 && selectionPtr == 0) {
    memory.copy(at, valuesPtr, rows * <u32>sizeof<T>());
    return at + rows * <u32>sizeof<T>();
  }
  for (let n: u32 = 0; n < rows; n++, at += sizeof<T>()) {
    const row = rowAt(selectionPtr, n);
    store<T>(at, isValid(validityPtr, row) ? load<T>(valuesPtr + row * <u32>sizeof<T>()) : <T>0);
  }
  return at;
}

function gatherValidity(at: u32, validityPtr: u32, selectionPtr: u32, rows: u32): u32 {
  const start = at;
  for (let n: u32 = 0; n < rows; n += 8, at++) {
    let bits: u32 = 0;
    const count = min<u32>(8, rows - n);
    for (let k: u32 = 0; k < count; k++) bits |= u32(isValid(validityPtr, rowAt(selectionPtr, n + k))) << k;
    store<u8>(at, <u8>bits);
  }
  return pad(start, at);
}

/** Lengths, then text, whose bytes go to `textBytesPtr`. */
function gatherViews(at: u32, valuesPtr: u32, validityPtr: u32, selectionPtr: u32, rows: u32, textBytesPtr: u32): u32 {
  const text = at + padded(rows << 2);
  let to = text;
  for (let n: u32 = 0; n < rows; n++) {
    const row = rowAt(selectionPtr, n);
    const view = valuesPtr + (row << 3);
    const length = isValid(validityPtr, row) ? load<u32>(view, 4) : 0;
    store<u32>(at + (n << 2), length);
    copyText(to, load<u32>(view), length);
    to += length;
  }
  pad(at, at + (rows << 2));
  store<u32>(textBytesPtr, to - text);
  return pad(text, to);
}

function encodeColumn(at: u32, columnPtr: u32, selectionPtr: u32, rows: u32): u32 {
  const type = columnType(columnPtr);
  const values = columnValues(columnPtr);
  const validity = columnValidity(columnPtr);
  store<u32>(at, type);
  store<u32>(at, u32(validity != 0), 4);
  store<u64>(at, 0, 8);
  const textBytesPtr = at + 8;
  at += COLUMN_HEADER_BYTES;
  if (validity != 0) at = gatherValidity(at, validity, selectionPtr, rows);
  if (type == VIEW) return gatherViews(at, values, validity, selectionPtr, rows, textBytesPtr);
  if (type == BOOL) return pad(at, gather<u8>(at, values, validity, selectionPtr, rows));
  if (type == I32) return pad(at, gather<u32>(at, values, validity, selectionPtr, rows));
  return gather<u64>(at, values, validity, selectionPtr, rows);
}

/** Writes a batch; answers its bytes, or OUTPUT_FULL when they are more than `capacity`. */
export function encodeBatch(argsPtr: u32, outPtr: u32, capacity: u32): i32 {
  const needed = encodedBatchBytes(argsPtr);
  if (needed > <f64>min<u32>(capacity, i32.MAX_VALUE)) return OUTPUT_FULL;
  const rows = load<u32>(argsPtr, BATCH_ROWS);
  const selection = load<u32>(argsPtr, BATCH_SELECTION);
  const kinds = load<u32>(argsPtr, BATCH_KINDS);
  const timestamps = load<u32>(argsPtr, BATCH_TIMESTAMPS);
  const watermarks = load<u32>(argsPtr, BATCH_WATERMARKS);
  const source = load<u32>(argsPtr, BATCH_SOURCE);
  const sourceBytes = load<u32>(argsPtr, BATCH_SOURCE_BYTES);
  const columnCount = load<u32>(argsPtr, BATCH_COLUMN_COUNT);
  store<u32>(outPtr, MAGIC);
  store<u32>(outPtr, VERSION, 4);
  store<u32>(outPtr, <u32>needed, 8);
  store<u32>(outPtr, rows, 12);
  store<u32>(outPtr, columnCount, 16);
  const flags =
    (kinds != 0 ? HAS_KINDS : 0)
    | (watermarks != 0 ? HAS_WATERMARKS : 0)
    | (source != 0 ? HAS_SOURCE : 0)
    | (timestamps != 0 ? HAS_TIMESTAMPS : 0);
  store<u32>(outPtr, flags, 20);
  store<u32>(outPtr, countMarks(watermarks, selection, rows), 24);
  store<u32>(outPtr, load<u32>(argsPtr, BATCH_SPLIT), 28);
  store<u64>(outPtr, sourceBytes, 32);
  let at = outPtr + HEADER_BYTES;
  memory.copy(at, source, sourceBytes);
  at = pad(at, at + sourceBytes);
  if (kinds != 0) at = pad(at, gather<u8>(at, kinds, 0, selection, rows));
  if (timestamps != 0) at = gather<u64>(at, timestamps, 0, selection, rows);
  if (watermarks != 0) at = writeMarks(at, watermarks, selection, rows);
  const columns = load<u32>(argsPtr, BATCH_COLUMNS);
  for (let i: u32 = 0; i < columnCount; i++) at = encodeColumn(at, columns + i * COLUMN_BYTES, selection, rows);
  return at - outPtr;
}

/** Whether `bytes`, padded, still fit before `end`. */
function fits(at: u32, bytes: u32, end: u32): bool {
  const left = end - at;
  return bytes <= left && padded(bytes) <= left;
}

/** Whether `count` bytes are all at most `most`. */
function areAtMost(at: u32, count: u32, most: u8): bool {
  let highest: u8 = 0;
  for (let i: u32 = 0; i < count; i++) highest = max<u8>(highest, load<u8>(at + i));
  return highest <= most;
}

/** Spreads marks over rows. */
function readMarks(at: u32, marks: u32, rows: u32, watermarksPtr: u32): bool {
  if (marks == 0) return rows == 0;
  for (let k: u32 = 0; k < marks; k++, at += MARK_BYTES) {
    const row = load<u32>(at);
    const next = k + 1 < marks ? load<u32>(at, MARK_BYTES) : rows;
    if ((k == 0 && row != 0) || next <= row || next > rows) return false;
    const watermark = load<i64>(at, 8);
    for (let n = row; n < next; n++) store<i64>(watermarksPtr + (n << 3), watermark);
  }
  return true;
}

/** Answers the place after the lengths and text of a VIEW column, or 0 when they are wrong. */
function readViews(at: u32, end: u32, rows: u32, textBytes: u32, valuesPtr: u32): u32 {
  if (!fits(at, rows << 2, end)) return 0;
  const text = at + padded(rows << 2);
  if (!fits(text, textBytes, end)) return 0;
  let used: u64 = 0;
  for (let n: u32 = 0; n < rows; n++) {
    const length = load<u32>(at + (n << 2));
    store<u32>(valuesPtr + (n << 3), text + <u32>used);
    store<u32>(valuesPtr + (n << 3), length, 4);
    used += length;
  }
  return used == textBytes ? text + padded(textBytes) : 0;
}

/**
 * Answers the place after a column, or 0 when it is wrong. Sets the spare word of the descriptor to whether it has
 * nulls.
 */
function decodeColumn(at: u32, end: u32, rows: u32, columnPtr: u32): u32 {
  if (!fits(at, COLUMN_HEADER_BYTES, end)) return 0;
  const type = load<u32>(at);
  const hasNulls = load<u32>(at, 4);
  const textBytes = load<u32>(at, 8);
  if (type != columnType(columnPtr) || hasNulls > 1 || (type != VIEW && textBytes != 0)) return 0;
  at += COLUMN_HEADER_BYTES;
  store<u32>(columnPtr, hasNulls, 12);
  if (hasNulls != 0) {
    const bytes = (rows + 7) >> 3;
    if (!fits(at, bytes, end)) return 0;
    memory.copy(columnValidity(columnPtr), at, bytes);
    at += padded(bytes);
  }
  if (type == VIEW) return readViews(at, end, rows, textBytes, columnValues(columnPtr));
  const bytes = rows * widthOf(type);
  if (!fits(at, bytes, end)) return 0;
  if (type == BOOL && !areAtMost(at, rows, 1)) return 0;
  memory.copy(columnValues(columnPtr), at, bytes);
  return at + padded(bytes);
}

/** Answers the place after the row kinds, or 0 when they are wrong. */
function decodeKinds(argsPtr: u32, at: u32, end: u32, rows: u32, flags: u32): u32 {
  if ((flags & HAS_KINDS) == 0) {
    store<u32>(argsPtr, 0, BATCH_KINDS);
    return at;
  }
  if (!fits(at, rows, end) || !areAtMost(at, rows, 3)) return 0;
  memory.copy(load<u32>(argsPtr, BATCH_KINDS), at, rows);
  return at + padded(rows);
}

/** Answers the place after the timestamps, or 0 when they are wrong. */
function decodeTimestamps(argsPtr: u32, at: u32, end: u32, rows: u32, flags: u32): u32 {
  if ((flags & HAS_TIMESTAMPS) == 0) {
    store<u32>(argsPtr, 0, BATCH_TIMESTAMPS);
    return at;
  }
  const bytes = rows << 3;
  if (!fits(at, bytes, end)) return 0;
  memory.copy(load<u32>(argsPtr, BATCH_TIMESTAMPS), at, bytes);
  return at + bytes;
}

/** Answers the place after the marks, or 0 when they are wrong. */
function decodeWatermarks(argsPtr: u32, at: u32, end: u32, rows: u32, marks: u32, flags: u32): u32 {
  if ((flags & HAS_WATERMARKS) == 0) {
    store<u32>(argsPtr, 0, BATCH_WATERMARKS);
    return at;
  }
  const bytes = marks * MARK_BYTES;
  if (!fits(at, bytes, end) || !readMarks(at, marks, rows, load<u32>(argsPtr, BATCH_WATERMARKS))) return 0;
  return at + bytes;
}

/**
 * Reads a batch into the columns of the argument block (their types must be those written), its kinds, timestamps and
 * watermarks, and sets BATCH_KINDS, BATCH_TIMESTAMPS, BATCH_WATERMARKS and BATCH_SOURCE to 0 where the batch has none,
 * BATCH_SOURCE, BATCH_SOURCE_BYTES and BATCH_SPLIT otherwise. Answers the rows, or CORRUPT.
 */
export function decodeBatch(argsPtr: u32, ptr: u32, length: u32): i32 {
  if (length < HEADER_BYTES || load<u32>(ptr) != MAGIC || load<u32>(ptr, 4) != VERSION) return CORRUPT;
  if (load<u32>(ptr, 8) != length) return CORRUPT;
  const end = ptr + length;
  const rows = load<u32>(ptr, 12);
  const columnCount = load<u32>(ptr, 16);
  const flags = load<u32>(ptr, 20);
  const marks = load<u32>(ptr, 24);
  const sourceBytes = load<u32>(ptr, 32);
  if (rows > load<u32>(argsPtr, BATCH_ROWS) || columnCount != load<u32>(argsPtr, BATCH_COLUMN_COUNT)) return CORRUPT;
  if (flags > FLAGS_MAX || marks > rows) return CORRUPT;
  if ((marks != 0 && (flags & HAS_WATERMARKS) == 0) || (sourceBytes != 0 && (flags & HAS_SOURCE) == 0)) return CORRUPT;
  let at = ptr + HEADER_BYTES;
  if (!fits(at, sourceBytes, end)) return CORRUPT;
  store<u32>(argsPtr, (flags & HAS_SOURCE) != 0 ? at : 0, BATCH_SOURCE);
  store<u32>(argsPtr, sourceBytes, BATCH_SOURCE_BYTES);
  store<u32>(argsPtr, load<u32>(ptr, 28), BATCH_SPLIT);
  at = decodeKinds(argsPtr, at + padded(sourceBytes), end, rows, flags);
  if (at == 0) return CORRUPT;
  at = decodeTimestamps(argsPtr, at, end, rows, flags);
  if (at == 0) return CORRUPT;
  at = decodeWatermarks(argsPtr, at, end, rows, marks, flags);
  if (at == 0) return CORRUPT;
  const columns = load<u32>(argsPtr, BATCH_COLUMNS);
  for (let i: u32 = 0; i < columnCount; i++) {
    at = decodeColumn(at, end, rows, columns + i * COLUMN_BYTES);
    if (at == 0) return CORRUPT;
  }
  return at == end ? rows : CORRUPT;
}
