/**
 * Rows to NDJSON: one line per row, from columns, as JSON.stringify would spell the values.
 *
 *   encoder column, 64 bytes:
 *   0      4        8          12       16       24            32
 *   +------+--------+----------+--------+--------+-------------+--------------------------+
 *   | kind | values | validity | prefix | length | instant i64 | its text, 32 bytes       |
 *   |      |        |          | ptr    | of it  | (the last)  | (0 in byte 31: none yet) |
 *   +------+--------+----------+--------+--------+-------------+--------------------------+
 *
 * Invariants
 *  1. Nothing is written at or beyond the end of the room; a row that may not fit, or an instant of a year that has not four
 *     digits, ends the call before the row.
 *  2. Up to 8 bytes behind what was answered may be overwritten with anything, inside the room.
 * Not here: floats and bytes, which the host spells (src/format/json-writer.ts).
 * Background: dates from days as in Hinnant, "chrono-Compatible Low-Level Date Algorithms"; eight digits at once in the lanes of
 * one word.
 */
import { isValid } from '../abi';
import { copyText } from './copy';

export const ENCODER_COLUMN_BYTES: u32 = 64;
const COLUMN_VALUES: u32 = 4;
const COLUMN_VALIDITY: u32 = 8;
const COLUMN_PREFIX: u32 = 12;
const COLUMN_PREFIX_LENGTH: u32 = 16;
const COLUMN_INSTANT: u32 = 24;
const COLUMN_TEXT: u32 = 32;
const COLUMN_HAS_TEXT: u32 = 63;

// Kinds. src/kernel/ndjson.ts has the same.
const BOOL: u32 = 0;
const INT32: u32 = 1;
const INT64: u32 = 2;
const TIMESTAMP: u32 = 3;
const TEXT: u32 = 4;
const JSON: u32 = 5;

/** A value of fixed width takes at most this much, and so much slack stays behind the last one. */
const VALUE_BYTES_MAX: u32 = 32;
const ESCAPED_BYTES_MAX: u32 = 6;
const TIMESTAMP_BYTES: u32 = 26;
const DAY_MS: i64 = 86_400_000;
/** 0000-01-01 and the last millisecond of 9999. */
const YEAR_0_MS: i64 = -62_167_219_200_000;
const YEAR_9999_END_MS: i64 = 253_402_300_799_999;
const DAYS_PER_ERA: u32 = 146_097;
/** From 0000-03-01 of the era before to 1970-01-01. */
const DAYS_TO_1970: i32 = 719_468 + 146_097;

const QUOTE: u32 = 0x22;
const BACKSLASH: u32 = 0x5c;
const ONES: u64 = 0x0101010101010101;
const HIGHS: u64 = 0x8080808080808080;
const NULL_TEXT: u32 = 0x6c6c756e;
const TRUE_TEXT: u32 = 0x65757274;
const FALSE_TEXT: u64 = 0x65736c6166;

/**
 * Writes the rows at positions [from, to) of the selection (or of the columns, without one) to [out, end). Returns where it
 * ended; the word at `nextPtr` then has the position of the first row that is not written.
 */
export function encodeNdjson(
  columnsPtr: u32,
  count: u32,
  selection: u32,
  from: u32,
  to: u32,
  out: u32,
  end: u32,
  nextPtr: u32,
): u32 {
  const columnsEnd = columnsPtr + count * ENCODER_COLUMN_BYTES;
  let at = out;
  let i = from;
  for (; i < to; i++) {
    const row = selection == 0 ? i : load<u32>(selection + (i << 2));
    const need = rowBytesMax(columnsPtr, columnsEnd, row);
    if (need == 0 || end - at < need) break;
    for (let column = columnsPtr; column < columnsEnd; column += ENCODER_COLUMN_BYTES) {
      const length = load<u32>(column, COLUMN_PREFIX_LENGTH);
      copyText(at, load<u32>(column, COLUMN_PREFIX), length);
      at = putValue(column, row, at + length);
    }
    store<u16>(at, 0x0a7d);
    at += 2;
  }
  store<u32>(nextPtr, i);
  return at;
}

/** The most that a row may take, with slack; 0 when it holds an instant that cannot be spelled here. */
function rowBytesMax(columnsPtr: u32, columnsEnd: u32, row: u32): u32 {
  let bytes: u32 = VALUE_BYTES_MAX;
  for (let column = columnsPtr; column < columnsEnd; column += ENCODER_COLUMN_BYTES) {
    const kind = load<u32>(column);
    const values = load<u32>(column, COLUMN_VALUES);
    bytes += load<u32>(column, COLUMN_PREFIX_LENGTH) + VALUE_BYTES_MAX;
    if (values == 0 || !isValid(load<u32>(column, COLUMN_VALIDITY), row)) continue;
    if (kind >= TEXT) {
      bytes += load<u32>(values + (row << 3), 4) * ESCAPED_BYTES_MAX;
    } else if (kind == TIMESTAMP) {
      const ms = load<i64>(values + (row << 3));
      if (ms < YEAR_0_MS || ms > YEAR_9999_END_MS) return 0;
    }
  }
  return bytes;
}

function putValue(column: u32, row: u32, at: u32): u32 {
  const values = load<u32>(column, COLUMN_VALUES);
  if (values == 0 || !isValid(load<u32>(column, COLUMN_VALIDITY), row)) {
    store<u32>(at, NULL_TEXT);
    return at + 4;
  }
  switch (load<u32>(column)) {
    case BOOL:
      return putBool(load<u8>(values + row) != 0, at);
    case INT32:
      return putInteger(<i64>load<i32>(values + (row << 2)), at);
    case INT64:
      return putInteger(load<i64>(values + (row << 3)), at);
    case TIMESTAMP:
      return putTimestamp(column, load<i64>(values + (row << 3)), at);
    case JSON:
      return putJson(load<u32>(values + (row << 3)), load<u32>(values + (row << 3), 4), at);
    default:
      return putText(load<u32>(values + (row << 3)), load<u32>(values + (row << 3), 4), at);
  }
}

function putBool(value: bool, at: u32): u32 {
  if (value) store<u32>(at, TRUE_TEXT);
  else store<u64>(at, FALSE_TEXT);
  return at + (value ? 4 : 5);
}

function putInteger(value: i64, at: u32): u32 {
  let magnitude = <u64>value;
  let to = at;
  if (value < 0) {
    store<u8>(to++, 0x2d);
    magnitude = 0 - magnitude;
  }
  if (magnitude < 100_000_000) return putLeading(<u32>magnitude, to);
  const high = magnitude / 100_000_000;
  if (high < 100_000_000) {
    to = putLeading(<u32>high, to);
  } else {
    to = putLeading(<u32>(high / 100_000_000), to);
    store<u64>(to, eightDigits(<u32>(high % 100_000_000)) | (ONES * 0x30));
    to += 8;
  }
  store<u64>(to, eightDigits(<u32>(magnitude % 100_000_000)) | (ONES * 0x30));
  return to + 8;
}

/** Up to eight digits, without zeros before them. */
function putLeading(value: u32, at: u32): u32 {
  const digits = eightDigits(value);
  const zeros = min<u64>(ctz<u64>(digits) >> 3, 7);
  store<u64>(at, (digits | (ONES * 0x30)) >> (zeros << 3));
  return at + 8 - <u32>zeros;
}

/** The eight digits of a value below 10^8, the first in the lowest byte: fours, then twos, then ones. */
function eightDigits(value: u32): u64 {
  const fours = <u64>(value / 10_000) | ((<u64>(value % 10_000)) << 32);
  const hundreds = ((fours * 10_486) >> 20) & 0x0000007f0000007f;
  const twos = hundreds | ((fours - hundreds * 100) << 16);
  const tens = ((twos * 103) >> 10) & 0x000f000f000f000f;
  return tens | ((twos - tens * 10) << 8);
}

/** As eightDigits, of a value below 100: two bytes of text. */
function twoDigits(value: u32): u16 {
  const tens = value / 10;
  return <u16>(0x3030 | tens | ((value - tens * 10) << 8));
}

/** Most rows of a batch of results have the same instant, so its text is kept. */
function putTimestamp(column: u32, ms: i64, at: u32): u32 {
  const text = column + COLUMN_TEXT;
  if (load<u8>(column, COLUMN_HAS_TEXT) == 0 || load<i64>(column, COLUMN_INSTANT) != ms) {
    store<i64>(column, ms, COLUMN_INSTANT);
    spellTimestamp(ms, text);
    store<u8>(column, 1, COLUMN_HAS_TEXT);
  }
  for (let i: u32 = 0; i < 24; i += 8) store<u64>(at + i, load<u64>(text + i));
  store<u16>(at, load<u16>(text, 24), 24);
  return at + TIMESTAMP_BYTES;
}

function spellTimestamp(ms: i64, to: u32): void {
  const inDay = ((ms % DAY_MS) + DAY_MS) % DAY_MS;
  spellDate(<i32>((ms - inDay) / DAY_MS), to + 1);
  const second = <u32>(inDay / 1000);
  const milli = <u32>(inDay % 1000);
  store<u8>(to, QUOTE);
  store<u8>(to, 0x54, 11);
  store<u16>(to, twoDigits(second / 3600), 12);
  store<u8>(to, 0x3a, 14);
  store<u16>(to, twoDigits((second / 60) % 60), 15);
  store<u8>(to, 0x3a, 17);
  store<u16>(to, twoDigits(second % 60), 18);
  store<u8>(to, 0x2e, 20);
  store<u8>(to, <u8>(0x30 + milli / 100), 21);
  store<u16>(to, twoDigits(milli % 100), 22);
  store<u16>(to, 0x225a, 24);
}

/** YYYY-MM-DD of a day since 1970, in years that begin in March, so that the leap day is the last. */
function spellDate(days: i32, to: u32): void {
  const shifted = <u32>(days + DAYS_TO_1970);
  const era = shifted / DAYS_PER_ERA;
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const march = (5 * dayOfYear + 2) / 153;
  const month = march < 10 ? march + 3 : march - 9;
  const year = yearOfEra + era * 400 - 400 + u32(month <= 2);
  store<u16>(to, twoDigits(year / 100));
  store<u16>(to, twoDigits(year % 100), 2);
  store<u8>(to, 0x2d, 4);
  store<u16>(to, twoDigits(month), 5);
  store<u8>(to, 0x2d, 7);
  store<u16>(to, twoDigits(dayOfYear - (153 * march + 2) / 5 + 1), 8);
}

function putText(from: u32, length: u32, out: u32): u32 {
  let at = out;
  store<u8>(at++, QUOTE);
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) {
    const word = load<u64>(from + i);
    if (mustEscape(word)) {
      at = putEscaped(from + i, 8, at);
    } else {
      store<u64>(at, word);
      at += 8;
    }
  }
  at = putEscaped(from + i, length - i, at);
  store<u8>(at, QUOTE);
  return at + 1;
}

/** Whether a byte of the word is a quote, a backslash or below 32. */
function mustEscape(word: u64): bool {
  const quotes = word ^ (ONES * QUOTE);
  const backslashes = word ^ (ONES * BACKSLASH);
  const found = ((word - ONES * 0x20) & ~word) | ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes);
  return (found & HIGHS) != 0;
}

function putEscaped(from: u32, length: u32, out: u32): u32 {
  let at = out;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(from + i);
    if (byte >= 0x20 && byte != QUOTE && byte != BACKSLASH) {
      store<u8>(at++, <u8>byte);
      continue;
    }
    const letter = escapeOf(byte);
    store<u16>(at, <u16>(BACKSLASH | (letter << 8)));
    at += 2;
    if (letter != 0x75) continue;
    const low = byte & 15;
    store<u16>(at, 0x3030);
    store<u8>(at, <u8>(0x30 + (byte >> 4)), 2);
    store<u8>(at, <u8>(low < 10 ? 0x30 + low : 0x57 + low), 3);
    at += 4;
  }
  return at;
}

/** What follows the backslash. */
function escapeOf(byte: u32): u32 {
  switch (byte) {
    case 8:
      return 0x62;
    case 9:
      return 0x74;
    case 10:
      return 0x6e;
    case 12:
      return 0x66;
    case 13:
      return 0x72;
    case QUOTE:
      return QUOTE;
    case BACKSLASH:
      return BACKSLASH;
    default:
      return 0x75;
  }
}

/** JSON as it is, on one line: line breaks between tokens become spaces. */
function putJson(from: u32, length: u32, out: u32): u32 {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(from + i);
    store<u8>(out + i, <u8>(byte == 0x0a || byte == 0x0d ? 0x20 : byte));
  }
  return out + length;
}
