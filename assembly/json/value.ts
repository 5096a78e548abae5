/**
 * Values into columns: the one place where the kind of a column decides how its bytes are read.
 *
 * A value that does not fit its column is not the end of a line: a later duplicate of the key may replace it. So it is
 * noted (BAD_STAMP) and judged when the line is complete.
 */
import { readBase64 } from './base64';
import { readFloat } from './float';
import {
  ALSE_WORD,
  BAD_AT,
  BAD_REASON,
  BAD_STAMP,
  ERROR_AT,
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
  KIND_UNREAD,
  KIND_UTF8,
  NULL_WORD,
  OUT_OF_RANGE,
  QUOTE,
  REASON,
  refuse,
  SCRATCH_FULL,
  STAMP,
  TEXT,
  TEXT_END,
  TRUE_WORD,
  TYPE_MISMATCH,
  VALUES,
  WHOLE,
  WIDTH,
} from './layout';
import { readInteger } from './number';
import { skipValue } from './skip';
import { readText, scanPlain } from './text';
import { readTimestamp } from './timestamp';

/** Past the value at `p`, written to row `row` of the column; 0 when it is refused or does not fit. */
function readValue(parserPtr: u32, columnPtr: u32, p: u32, row: u32): u32 {
  const slot = load<u32>(columnPtr, VALUES) + row * load<u32>(columnPtr, WIDTH);
  switch (load<u32>(columnPtr, KIND)) {
    case KIND_INT64:
      return inline.always(readInteger(parserPtr, p, slot));
    case KIND_UTF8:
      return inline.always(readUtf8(parserPtr, p, slot));
    case KIND_TIMESTAMP:
      return readTimestamp(parserPtr, columnPtr, p, slot);
    case KIND_FLOAT64:
      return readFloat(parserPtr, p, slot);
    case KIND_FLOAT32:
      return readFloat32(parserPtr, p, slot);
    case KIND_BOOL:
      return readBool(parserPtr, p, slot);
    case KIND_INT32:
      return readNarrow(parserPtr, p, slot, 32);
    case KIND_INT16:
      return readNarrow(parserPtr, p, slot, 16);
    case KIND_INT8:
      return readNarrow(parserPtr, p, slot, 8);
    case KIND_JSON:
      return readJson(parserPtr, p, slot);
    case KIND_BYTES:
      return readBase64(parserPtr, p, slot);
    case KIND_UNREAD:
      return skipValue(parserPtr, p);
    default:
      return refuse(parserPtr, TYPE_MISMATCH, p);
  }
}

function readUtf8(parserPtr: u32, p: u32, slot: u32): u32 {
  const end = inline.always(scanPlain(p + 1));
  if (load<u8>(p) == <u8>QUOTE && load<u8>(end) == <u8>QUOTE) {
    store<u32>(slot, p + 1);
    store<u32>(slot, end - p - 1, 4);
    return end + 1;
  }
  const past = readText(parserPtr, p);
  if (past == 0) return 0;
  const text = load<u32>(parserPtr, TEXT);
  store<u32>(slot, text);
  store<u32>(slot, load<u32>(parserPtr, TEXT_END) - text, 4);
  return past;
}

export function readFloat32(parserPtr: u32, p: u32, slot: u32): u32 {
  const past = readFloat(parserPtr, p, slot);
  if (past != 0) store<f64>(slot, <f64>(<f32>load<f64>(slot)));
  return past;
}

function readBool(parserPtr: u32, p: u32, slot: u32): u32 {
  if (load<u32>(p) == TRUE_WORD) {
    store<u8>(slot, 1);
    return p + 4;
  }
  if (load<u8>(p) == 0x66 && load<u32>(p, 1) == ALSE_WORD) {
    store<u8>(slot, 0);
    return p + 5;
  }
  return refuse(parserPtr, TYPE_MISMATCH, p);
}

/** An integer of `bits` bits into an i32. Its slot has only four bytes, so it goes through the parser's own. */
export function readNarrow(parserPtr: u32, p: u32, slot: u32, bits: i64): u32 {
  const past = readInteger(parserPtr, p, parserPtr + WHOLE);
  if (past == 0) return 0;
  const value = load<i64>(parserPtr, WHOLE);
  const limit = (<i64>1) << (bits - 1);
  if (value >= limit || value < -limit) return refuse(parserPtr, OUT_OF_RANGE, p);
  store<i32>(slot, <i32>value);
  return past;
}

/** The bytes of any value as they stand. */
function readJson(parserPtr: u32, p: u32, slot: u32): u32 {
  if (load<u32>(p) == NULL_WORD) return refuse(parserPtr, TYPE_MISMATCH, p);
  const past = skipValue(parserPtr, p);
  if (past == 0) return 0;
  store<u32>(slot, p);
  store<u32>(slot, past - p, 4);
  return past;
}

/**
 * Past the value at `p`, written to row `row` of the column and its stamp set; or, when it is null or merely does not
 * fit, noted as not given. 0 when the line is refused.
 */
export function takeValue(parserPtr: u32, columnPtr: u32, p: u32, row: u32, serial: u32): u32 {
  const past = readValue(parserPtr, columnPtr, p, row);
  if (past == 0) return passValue(parserPtr, columnPtr, p, serial);
  store<u32>(columnPtr, serial, STAMP);
  return past;
}

/**
 * After `readValue` said no: past the value when it is null or merely does not fit, with the column noted as not given;
 * 0 when the line is refused.
 */
function passValue(parserPtr: u32, columnPtr: u32, p: u32, serial: u32): u32 {
  const reason = load<u32>(parserPtr, REASON);
  const at = load<u32>(parserPtr, ERROR_AT);
  if (reason == SCRATCH_FULL) return 0;
  const isNull = load<u32>(p) == NULL_WORD;
  const past = skipValue(parserPtr, p);
  if (past == 0) return 0;
  store<u32>(columnPtr, 0, STAMP);
  store<u32>(columnPtr, isNull ? 0 : serial, BAD_STAMP);
  store<u32>(columnPtr, reason, BAD_REASON);
  store<u32>(columnPtr, at, BAD_AT);
  return past;
}
