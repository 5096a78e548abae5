/**
 * Instants: ISO 8601 texts and epoch numbers, exact, in milliseconds or microseconds since 1970-01-01T00:00Z.
 *
 *   2026-01-01                            midnight UTC
 *   +012026-01-01                         six digits of year, with their sign
 *   2026-01-01T10:20[:30[.fraction]]      'T', 't' or a space; 1 to 9 digits of fraction, cut to the unit
 *     followed by nothing (UTC), Z, z, ±hh, ±hhmm or ±hh:mm
 * Proleptic Gregorian, as far as the calendar of a Date goes; year 0 has no sign. Second 60 is refused: it names no instant of this time scale.
 * A fraction counts forward, so cutting it goes towards the past before 1970 as well.
 */
import { BAD_TIMESTAMP, MINUS, QUOTE, refuse, TEXT, TEXT_END, UNIT, UNIT_S, UNIT_US } from './layout';
import { INSTANT_MAX_MS, isDigit, readEpoch } from './number';
import { readText } from './text';

const NOT_DIGITS: u32 = 100;
const DAY_S: i64 = 86400;

/** Past the instant at `p`, written to `slot` as i64; 0 when refused. */
export function readTimestamp(parserPtr: u32, columnPtr: u32, p: u32, slot: u32): u32 {
  const unit = load<u32>(columnPtr, UNIT);
  if (load<u8>(p) != <u8>QUOTE) return readEpochOf(parserPtr, unit, p, slot);
  const past = readText(parserPtr, p);
  if (past == 0) return 0;
  const isInstant = isoInstant(load<u32>(parserPtr, TEXT), load<u32>(parserPtr, TEXT_END), slot, unit);
  return isInstant ? past : refuse(parserPtr, BAD_TIMESTAMP, p);
}

/** Past the epoch number at `p`, which counts in `unit`; 0 when refused. */
export function readEpochOf(parserPtr: u32, unit: u32, p: u32, slot: u32): u32 {
  const most = unit == UNIT_US ? INSTANT_MAX_MS * 1000 : INSTANT_MAX_MS;
  return readEpoch(parserPtr, p, slot, unit == UNIT_S ? 3 : 0, most);
}

/** The number of two digits at `p`, or NOT_DIGITS. */
function twoDigits(p: u32): u32 {
  const tens = <u32>load<u8>(p) - 0x30;
  const ones = <u32>load<u8>(p, 1) - 0x30;
  return tens > 9 || ones > 9 ? NOT_DIGITS : tens * 10 + ones;
}

/** Writes the instant of the text [textPtr, end) to `slot`, in the stored unit. The byte at `end` is no digit. */
export function isoInstant(textPtr: u32, end: u32, slot: u32, unit: u32): bool {
  const perSecond: i64 = unit == UNIT_US ? 1000000 : 1000;
  const sign = <u32>load<u8>(textPtr);
  let p = textPtr;
  let century: i32 = 0;
  if (sign == MINUS || sign == 0x2b) {
    century = twoDigits(p + 1) * 100;
    p += 3;
  }
  const days = dateDays(p, century, sign == MINUS);
  if (days == NO_DATE) return false;
  p += 10;
  if (p == end) {
    store<i64>(slot, <i64>days * DAY_S * perSecond);
    return isInCalendar(<i64>days * DAY_S, 0);
  }
  const between = <u32>load<u8>(p);
  if (p > end || (between != 0x54 && between != 0x74 && between != 0x20)) return false;
  const hours = twoDigits(p + 1);
  const minutes = twoDigits(p + 4);
  if (hours > 23 || minutes > 59 || load<u8>(p, 3) != 0x3a) return false;
  p += 6;
  let seconds: u32 = 0;
  let fraction: i64 = 0;
  if (load<u8>(p) == 0x3a) {
    seconds = twoDigits(p + 1);
    if (seconds > 59) return false;
    p += 3;
    if (load<u8>(p) == 0x2e) {
      const digits = fractionDigits(p + 1);
      if (digits == 0) return false;
      fraction = fractionValue(p + 1, digits, perSecond);
      p += 1 + digits;
    }
  }
  const offset = offsetMinutes(p, end);
  if (offset == NO_OFFSET) return false;
  const minuteOfDay = <i64>(hours * 60 + minutes) - <i64>offset;
  const second = <i64>days * DAY_S + minuteOfDay * 60 + <i64>seconds;
  store<i64>(slot, second * perSecond + fraction);
  return isInCalendar(second, fraction);
}

/** The fraction counts forward, whatever the second. */
function isInCalendar(second: i64, fraction: i64): bool {
  const most = INSTANT_MAX_MS / 1000;
  return second >= -most && second + i64(fraction != 0) <= most;
}

const NO_DATE: i32 = i32.MIN_VALUE;

/** Days since 1970-01-01 of the date at `p`, `centuries` added to its year, or NO_DATE. */
function dateDays(p: u32, centuries: i32, isNegative: bool): i32 {
  const century = twoDigits(p);
  const rest = twoDigits(p + 2);
  const month = twoDigits(p + 5);
  const day = twoDigits(p + 8);
  if (century == NOT_DIGITS || rest == NOT_DIGITS || load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d) return NO_DATE;
  let year = (centuries + <i32>century) * 100 + <i32>rest;
  if (isNegative) {
    if (year == 0) return NO_DATE;
    year = -year;
  }
  if (month - 1 > 11 || day - 1 >= daysOfMonth(year, month)) return NO_DATE;
  // Counted from 1 March, so that a leap day is the last of its year. 400 years are 146,097 days.
  const shifted = month > 2 ? year : year - 1;
  const era = (shifted < 0 ? shifted - 399 : shifted) / 400;
  const yearOfEra = shifted - era * 400;
  const dayOfYear = (153 * (<i32>month + (month > 2 ? -3 : 9)) + 2) / 5 + <i32>day - 1;
  return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
}

function daysOfMonth(year: i32, month: u32): u32 {
  if (month == 2) return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return 30 + ((month + (month >> 3)) & 1);
}

/** Digits at `p`, 1 to 9; 0 when there are none or more. */
function fractionDigits(p: u32): u32 {
  let digits: u32 = 0;
  while (digits < 10 && isDigit(load<u8>(p + digits))) digits++;
  return digits > 9 ? 0 : digits;
}

function fractionValue(p: u32, digits: u32, perSecond: i64): i64 {
  let value: i64 = 0;
  let unit = perSecond;
  for (let i: u32 = 0; i < digits && unit > 1; i++) {
    unit /= 10;
    value += <i64>(<u32>load<u8>(p + i) - 0x30) * unit;
  }
  return value;
}

const NO_OFFSET: i32 = i32.MIN_VALUE;

/** Minutes east of UTC of what stands at `p` up to `end`, or NO_OFFSET. */
function offsetMinutes(p: u32, end: u32): i32 {
  if (p >= end) return p == end ? 0 : NO_OFFSET;
  const sign = <u32>load<u8>(p);
  const bytes = end - p;
  if (sign == 0x5a || sign == 0x7a) return bytes == 1 ? 0 : NO_OFFSET;
  if ((sign != MINUS && sign != 0x2b) || (bytes != 3 && bytes != 5 && bytes != 6)) return NO_OFFSET;
  const hours = twoDigits(p + 1);
  const minutes: u32 = bytes == 3 ? 0 : twoDigits(end - 2);
  if (hours > 23 || minutes > 59 || (bytes == 6 && load<u8>(p, 3) != 0x3a)) return NO_OFFSET;
  const offset = <i32>(hours * 60 + minutes);
  return sign == MINUS ? -offset : offset;
}
