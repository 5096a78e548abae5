/**
 * Numbers: the grammar of RFC 8259 section 6, and integers with every digit.
 *
 * `scanNumber` reads any number as mantissa * 10^exponent with up to 19 significant digits:
 *   MANTISSA u64, EXPONENT i32, NUMBER_FLAGS: NEGATIVE, and INEXACT when digits beyond the 19th were not zero.
 * Plain integers of up to 16 digits do not come here: `readInteger` and `skipNumber` take them in one vector.
 * Not here: binary floating point (float.ts).
 */
import {
  BAD_NUMBER,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  DIGITS_BELOW,
  DIGITS_MOVE,
  DOT,
  EXPECTED_VALUE,
  EXPONENT,
  MANTISSA,
  MINUS,
  NUMBER_FLAGS,
  NUMBER_START,
  OUT_OF_RANGE,
  refuse,
  TYPE_MISMATCH,
  ZERO,
} from './layout';

export const NEGATIVE: u32 = 1;
export const INEXACT: u32 = 2;
/** Beyond this an exponent decides alone; clamped so that sums of exponents stay exact. */
const EXPONENT_MAX: i32 = 1 << 28;
const MANTISSA_DIGITS_MAX: u32 = 19;
/** Largest instant of JavaScript's Date, ±100,000,000 days, in milliseconds. */
export const INSTANT_MAX_MS: i64 = 8640000000000000;

export function isDigit(c: u32): bool {
  return c - ZERO <= 9;
}

/** Digits at `p`, at most 16. */
export function digitRun(p: u32): u32 {
  // Moved up so that '9' becomes the largest signed byte: one signed comparison tells digits from all others.
  const moved = i8x16.add(v128.load(p), i8x16.splat(0x7f - 0x39));
  return <u32>ctz<i32>(~i8x16.bitmask(i8x16.gt_s(moved, i8x16.splat(0x7f - 10))));
}

/** The same with vectors out of the parser: to load them costs less than to make them for one use. */
export function digitRunBy(parserPtr: u32, p: u32): u32 {
  const moved = i8x16.add(v128.load(p), v128.load(parserPtr, DIGITS_MOVE));
  return <u32>ctz<i32>(~i8x16.bitmask(i8x16.gt_s(moved, v128.load(parserPtr, DIGITS_BELOW))));
}

/** Eight digits, the first in the lowest byte. Bytes of zero count as zeros, so that fewer digits can be shifted in. */
function eightDigits(word: u64): u64 {
  let v = word & 0x0f0f0f0f0f0f0f0f;
  v = (v * 2561) >> 8;
  v = ((v & 0x00ff00ff00ff00ff) * 6553601) >> 16;
  return ((v & 0x0000ffff0000ffff) * 42949672960001) >> 32;
}

/** Value of `count` digits at `p`, 1 to 16. */
export function digitsValue(p: u32, count: u32): u64 {
  if (count <= 8) return eightDigits(load<u64>(p) << ((<u64>(8 - count)) << 3));
  const low = eightDigits(load<u64>(p + count - 8));
  return eightDigits(load<u64>(p) << ((<u64>(16 - count)) << 3)) * 100000000 + low;
}

/** Whether a number may end before this byte. What the byte then means is judged by who reads on. */
export function endsNumber(c: u32): bool {
  return c == COMMA || c == CLOSE_OBJECT || c == CLOSE_ARRAY || c <= 0x20;
}

/** Length of the plain integer without sign at `p` when the vector decides; 0: only `scanNumber` can tell. */
function plainDigits(p: u32): u32 {
  const count = digitRun(p);
  if (!endsNumber(load<u8>(p + count))) return 0;
  return count > 1 && load<u8>(p) == <u8>ZERO ? 0 : count;
}

/** Past the number at `p`; 0 when it is none. */
export function skipNumber(parserPtr: u32, p: u32): u32 {
  const digits = load<u8>(p) == <u8>MINUS ? p + 1 : p;
  const count = plainDigits(digits);
  return count != 0 ? digits + count : scanNumber(parserPtr, p);
}

/** Past the number at `p`, which is noted as mantissa, exponent and flags; 0 when it is none. */
export function scanNumber(parserPtr: u32, start: u32): u32 {
  const negative = load<u8>(start) == <u8>MINUS;
  let p = negative ? start + 1 : start;
  if (!isDigit(load<u8>(p))) return refuse(parserPtr, negative ? BAD_NUMBER : EXPECTED_VALUE, p);
  store<u32>(parserPtr, p, NUMBER_START);
  const whole = p;
  p = skipDigits(p);
  if (load<u8>(whole) == <u8>ZERO && p - whole > 1) return refuse(parserPtr, BAD_NUMBER, whole);
  const wholeEnd = p;
  if (load<u8>(p) == <u8>DOT) {
    p++;
    if (!isDigit(load<u8>(p))) return refuse(parserPtr, BAD_NUMBER, p);
    p = skipDigits(p);
  }
  const digitsEnd = p;
  let exponent: i32 = 0;
  if ((<u32>load<u8>(p) | 0x20) == 0x65) {
    p++;
    const sign = <u32>load<u8>(p);
    if (sign == MINUS || sign == 0x2b) p++;
    if (!isDigit(load<u8>(p))) return refuse(parserPtr, BAD_NUMBER, p);
    while (isDigit(load<u8>(p))) {
      exponent = min<i32>(exponent * 10 + <i32>(<u32>load<u8>(p) - ZERO), EXPONENT_MAX / 16);
      p++;
    }
    if (sign == MINUS) exponent = -exponent;
  }
  if (!endsNumber(load<u8>(p))) return refuse(parserPtr, BAD_NUMBER, p);
  takeMantissa(parserPtr, whole, wholeEnd, digitsEnd, exponent, negative ? NEGATIVE : 0);
  return p;
}

function skipDigits(atPtr: u32): u32 {
  let p = atPtr;
  while (true) {
    const run = digitRun(p);
    p += run;
    if (run < 16) return p;
  }
}

function takeMantissa(parserPtr: u32, whole: u32, wholeEnd: u32, end: u32, exponent: i32, sign: u32): void {
  let mantissa: u64 = 0;
  let significant: u32 = 0;
  let flags = sign;
  let scale = exponent;
  for (let p = whole; p < end; p++) {
    if (p == wholeEnd) continue;
    const digit = <u64>load<u8>(p) - ZERO;
    const isFraction = p > wholeEnd;
    if (significant < MANTISSA_DIGITS_MAX) {
      mantissa = mantissa * 10 + digit;
      if (mantissa != 0) significant++;
      if (isFraction) scale--;
    } else {
      if (digit != 0) flags |= INEXACT;
      if (!isFraction) scale++;
    }
  }
  store<u64>(parserPtr, mantissa, MANTISSA);
  store<i32>(parserPtr, scale, EXPONENT);
  store<u32>(parserPtr, flags, NUMBER_FLAGS);
}

/** Past the integer at `p`, written to `slot` as i64; 0 when it is no number or no integer of 64 bits. */
export function readInteger(parserPtr: u32, p: u32, slot: u32): u32 {
  const negative = load<u8>(p) == <u8>MINUS;
  const digits = negative ? p + 1 : p;
  const count = plainDigits(digits);
  if (count == 0) return readAnyInteger(parserPtr, p, slot);
  const value = <i64>digitsValue(digits, count);
  store<i64>(slot, negative ? -value : value);
  return digits + count;
}

/** The same for every form a whole number can have: 5.0, 5e0, 19 digits, 1200e-2. */
function readAnyInteger(parserPtr: u32, p: u32, slot: u32): u32 {
  const past = readScaled(parserPtr, p, 0, false);
  if (past == 0) return 0;
  const magnitude = load<u64>(parserPtr, MANTISSA);
  const negative = (load<u32>(parserPtr, NUMBER_FLAGS) & NEGATIVE) != 0;
  const most: u64 = negative ? 0x8000000000000000 : 0x7fffffffffffffff;
  if (magnitude > most) return refuse(parserPtr, OUT_OF_RANGE, p);
  store<i64>(slot, negative ? <i64>(0 - magnitude) : <i64>magnitude);
  return past;
}

/**
 * The number at `p` times 10^scale as an unsigned whole in MANTISSA. A fraction is refused as TYPE_MISMATCH, or cut off
 * when `cut` (INEXACT then tells that something was cut).
 */
export function readScaled(parserPtr: u32, p: u32, scale: i32, cut: bool): u32 {
  const first = <u32>load<u8>(p);
  if (first != MINUS && !isDigit(first)) return refuse(parserPtr, TYPE_MISMATCH, p);
  const past = scanNumber(parserPtr, p);
  if (past == 0) return 0;
  let value = load<u64>(parserPtr, MANTISSA);
  let exponent = load<i32>(parserPtr, EXPONENT) + scale;
  let rest = (load<u32>(parserPtr, NUMBER_FLAGS) & INEXACT) != 0;
  // Digits of the whole part were cut off: it has 20 and more.
  if (rest && exponent > 0) return refuse(parserPtr, OUT_OF_RANGE, p);
  while (exponent < 0 && value != 0) {
    rest = rest || value % 10 != 0;
    value /= 10;
    exponent++;
  }
  if (exponent > 0 && value != 0) {
    if (exponent > 19) return refuse(parserPtr, OUT_OF_RANGE, p);
    while (exponent > 0) {
      if (value > 0xffffffffffffffff / 10) return refuse(parserPtr, OUT_OF_RANGE, p);
      value *= 10;
      exponent--;
    }
  }
  if (rest && !cut) return refuse(parserPtr, TYPE_MISMATCH, p);
  store<u64>(parserPtr, value, MANTISSA);
  const flags = load<u32>(parserPtr, NUMBER_FLAGS);
  store<u32>(parserPtr, rest ? flags | INEXACT : flags & ~INEXACT, NUMBER_FLAGS);
  return past;
}

/**
 * Past the epoch number at `p`, written in the stored unit: `scale` digits finer than its own. Fractions are cut
 * towards the past.
 */
export function readEpoch(parserPtr: u32, p: u32, slot: u32, scale: i32, most: i64): u32 {
  const negative = load<u8>(p) == <u8>MINUS;
  const digits = negative ? p + 1 : p;
  const count = plainDigits(digits);
  let past = digits + count;
  let value: i64 = 0;
  if (count != 0 && count <= 15) {
    value = <i64>digitsValue(digits, count) * (scale == 3 ? 1000 : 1);
    if (negative) value = -value;
  } else {
    past = readScaled(parserPtr, p, scale, true);
    if (past == 0) return 0;
    const magnitude = load<u64>(parserPtr, MANTISSA);
    if (magnitude > <u64>most) return refuse(parserPtr, OUT_OF_RANGE, p);
    const cut = (load<u32>(parserPtr, NUMBER_FLAGS) & INEXACT) != 0;
    value = negative ? -(<i64>magnitude) - (cut ? 1 : 0) : <i64>magnitude;
  }
  if (value > most || value < -most) return refuse(parserPtr, OUT_OF_RANGE, p);
  store<i64>(slot, value);
  return past;
}
