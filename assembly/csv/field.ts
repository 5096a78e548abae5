/**
 * The text of one field into a column. Numbers, instants and the like are read as those of JSON, without its quotes.
 *
 *   nothing                      null
 *   "" in a text or bytes column the empty text
 *   "" in any other column       null: no such value is empty
 *   true, false                  in any case
 *   1999-12-31...                an instant by ISO 8601; any other instant is an epoch number
 *   null in a json column        null
 *
 * A value must fill its field. One that does not fit is noted in its column, and judged when the record is complete.
 */
import { takeBase64 } from '../json/base64';
import { readFloat } from '../json/float';
import {
  BAD_AT,
  BAD_BASE64,
  BAD_REASON,
  BAD_STAMP,
  BAD_TIMESTAMP,
  ERROR_AT,
  ESCAPED,
  KIND,
  KIND_BOOL,
  KIND_BYTES,
  KIND_FLOAT32,
  KIND_FLOAT64,
  KIND_INT16,
  KIND_INT32,
  KIND_INT64,
  KIND_INT8,
  KIND_JSON,
  KIND_TIMESTAMP,
  KIND_UTF8,
  MINUS,
  MISSING,
  NEWLINE,
  NULLABLE,
  NULL_WORD,
  OUT_OF_RANGE,
  PADDING_BYTES,
  QUOTE,
  REASON,
  refuse,
  SCRATCH_AT,
  SCRATCH_END,
  SCRATCH_FULL,
  STAMP,
  TRUE_WORD,
  TYPE_MISMATCH,
  UNIT,
  UNIT_S,
  VALUES,
  WIDTH,
  ALSE_WORD,
  ZERO,
} from '../json/layout';
import { digitRun, digitsValue, endsNumber, isDigit, readInteger } from '../json/number';
import { skipValue } from '../json/skip';
import { isoInstant, readEpochOf } from '../json/timestamp';
import { readFloat32, readNarrow } from '../json/value';
import { NOT_A_NUMBER, NOT_JSON } from './layout';

/** More digits may be no instant, and not all are an integer of 64 bits. */
const WHOLE_DIGITS_MAX: u32 = 15;
const LOWER_CASE: u32 = 0x20202020;

/**
 * Takes the field [p, end) into row `row` of its column; of a quoted one `p` is the opening quote and `end` the closing
 * one. 1 when it gave the column a value; 0 when it is null, does not fit, or needs more scratch than there is.
 */
export function takeField(
  parserPtr: u32,
  columnPtr: u32,
  p: u32,
  end: u32,
  isQuoted: bool,
  row: u32,
  serial: u32,
): u32 {
  const kind = load<u32>(columnPtr, KIND);
  const slot = load<u32>(columnPtr, VALUES) + row * load<u32>(columnPtr, WIDTH);
  let text = p + u32(isQuoted);
  let bytes = end - text;
  const isEmptyText = isQuoted && (kind == KIND_UTF8 || kind == KIND_BYTES);
  if (bytes == 0 && !isEmptyText) return takeNull(columnPtr, p, serial);
  if (isQuoted && load<u32>(parserPtr, ESCAPED)) {
    text = undouble(parserPtr, text, end);
    if (text == 0) return 0;
    bytes = load<u32>(parserPtr, SCRATCH_AT) - 1 - text;
  }
  let fits: bool;
  if (kind == KIND_UTF8) {
    store<u64>(slot, <u64>text | ((<u64>bytes) << 32));
    fits = true;
  } else if (kind == KIND_INT64 && bytes - 1 < WHOLE_DIGITS_MAX && isPlain(text, bytes)) {
    store<u64>(slot, digitsValue(text, bytes));
    fits = true;
  } else {
    if (kind == KIND_JSON && bytes == 4 && load<u32>(text) == NULL_WORD) return takeNull(columnPtr, p, serial);
    fits = readGuarded(parserPtr, columnPtr, kind, text, text + bytes, slot);
  }
  if (fits) store<u32>(columnPtr, serial, STAMP);
  else noteUnfit(parserPtr, columnPtr, kind, p, text, bytes, serial);
  return u32(fits);
}

/** Whether the text is digits alone, and a number of JSON. */
function isPlain(text: u32, bytes: u32): bool {
  return digitRun(text) >= bytes && (bytes == 1 || load<u8>(text) != <u8>ZERO);
}

function takeNull(columnPtr: u32, at: u32, serial: u32): u32 {
  if (load<u32>(columnPtr, NULLABLE)) return 0;
  store<u32>(columnPtr, serial, BAD_STAMP);
  store<u32>(columnPtr, MISSING, BAD_REASON);
  store<u32>(columnPtr, at, BAD_AT);
  return 0;
}

/** The text [fromPtr, end) with one quote for two, in scratch with a zero behind it; 0 when scratch is full. */
function undouble(parserPtr: u32, fromPtr: u32, end: u32): u32 {
  const text = load<u32>(parserPtr, SCRATCH_AT);
  if (load<u32>(parserPtr, SCRATCH_END) - text < end - fromPtr + PADDING_BYTES) {
    return refuse(parserPtr, SCRATCH_FULL, fromPtr);
  }
  const quotes = i8x16.splat(<i8>QUOTE);
  let from = fromPtr;
  let into = text;
  while (from < end) {
    const v = v128.load(from);
    v128.store(into, v);
    const mask = i8x16.bitmask(i8x16.eq(v, quotes));
    const plain = min<u32>(mask == 0 ? 16 : <u32>ctz<i32>(mask) + 1, end - from);
    into += plain;
    // Of two quotes the first is kept, the second passed.
    from += plain + u32(mask != 0 && load<u8>(from + plain - 1) == <u8>QUOTE);
  }
  store<u8>(into, 0);
  store<u32>(parserPtr, into + 1, SCRATCH_AT);
  return text;
}

/** Readers of JSON must find an end that JSON knows behind the text: where there is another byte, a newline stands in. */
function readGuarded(parserPtr: u32, columnPtr: u32, kind: u32, text: u32, end: u32, slot: u32): bool {
  const behind = <u32>load<u8>(end);
  if (kind != KIND_JSON && endsNumber(behind)) return readField(parserPtr, columnPtr, kind, text, end, slot);
  store<u8>(end, <u8>NEWLINE);
  const fits = readField(parserPtr, columnPtr, kind, text, end, slot);
  store<u8>(end, <u8>behind);
  return fits;
}

/** Reads the text [p, end) to `slot`; false when it does not fit, with REASON 0 when only its end is wrong. */
function readField(parserPtr: u32, columnPtr: u32, kind: u32, p: u32, end: u32, slot: u32): bool {
  switch (kind) {
    case KIND_INT64:
      return readInteger(parserPtr, p, slot) == end;
    case KIND_TIMESTAMP:
      return readInstant(parserPtr, load<u32>(columnPtr, UNIT), p, end, slot);
    case KIND_FLOAT64:
      return readFloat(parserPtr, p, slot) == end;
    case KIND_FLOAT32:
      return readFloat32(parserPtr, p, slot) == end;
    case KIND_INT32:
      return readNarrow(parserPtr, p, slot, 32) == end;
    case KIND_INT16:
      return readNarrow(parserPtr, p, slot, 16) == end;
    case KIND_INT8:
      return readNarrow(parserPtr, p, slot, 8) == end;
    case KIND_BOOL:
      return readBool(p, end, slot);
    case KIND_BYTES:
      return takeBase64(parserPtr, p, end, slot, p);
    case KIND_JSON:
      store<u32>(slot, p);
      store<u32>(slot, end - p, 4);
      return skipValue(parserPtr, p) == end;
    default:
      return false;
  }
}

function readBool(p: u32, end: u32, slot: u32): bool {
  const isTrue = end - p == 4 && (load<u32>(p) | LOWER_CASE) == TRUE_WORD;
  const isFalse = end - p == 5 && (load<u8>(p) | 0x20) == 0x66 && (load<u32>(p, 1) | LOWER_CASE) == ALSE_WORD;
  store<u8>(slot, u8(isTrue));
  return isTrue || isFalse;
}

function readInstant(parserPtr: u32, unit: u32, p: u32, end: u32, slot: u32): bool {
  // A digit and a minus sign in one number have an exponent between them; a date has ten bytes.
  if (end - p >= 10 && load<u8>(p, 4) == <u8>MINUS && isDigit(load<u8>(p, 3))) return isoInstant(p, end, slot, unit);
  if (unit != UNIT_S && end - p - 1 < WHOLE_DIGITS_MAX && isPlain(p, end - p)) {
    store<u64>(slot, digitsValue(p, end - p));
    return true;
  }
  return readEpochOf(parserPtr, unit, p, slot) == end;
}

/** Notes in the column why its text does not fit, and where: in the record, whose field begins at `p`. */
function noteUnfit(parserPtr: u32, columnPtr: u32, kind: u32, p: u32, text: u32, bytes: u32, serial: u32): void {
  const reason = load<u32>(parserPtr, REASON);
  if (reason == SCRATCH_FULL) return;
  const at = load<u32>(parserPtr, ERROR_AT);
  const isInside = reason != 0 && text - p <= 1 && at - text < bytes;
  store<u32>(columnPtr, serial, BAD_STAMP);
  store<u32>(columnPtr, unfitReason(kind, reason, load<u8>(text)), BAD_REASON);
  store<u32>(columnPtr, isInside ? at : p, BAD_AT);
  store<u32>(parserPtr, 0, REASON);
}

function unfitReason(kind: u32, reason: u32, first: u32): u32 {
  if (reason == OUT_OF_RANGE) return OUT_OF_RANGE;
  if (kind == KIND_TIMESTAMP) return BAD_TIMESTAMP;
  if (kind == KIND_BYTES) return BAD_BASE64;
  if (kind == KIND_JSON) return NOT_JSON;
  const isFraction = reason == TYPE_MISMATCH && (first == MINUS || isDigit(first));
  return kind == KIND_BOOL || isFraction ? TYPE_MISMATCH : NOT_A_NUMBER;
}
