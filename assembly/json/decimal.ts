/**
 * The slow and sure way from digits to a double: the decimal is halved and doubled, digit by digit, until it is a
 * binary fraction with 53 bits before the point, then rounded. Only numbers that lie within 2^-64 of the middle between
 * two doubles come here, and numbers of more than 19 digits near it.
 *
 * Decimal in scratch, DECIMAL_BYTES: count u32, point i32 (digits before the decimal point), cut u32, then one byte a
 * digit.
 *
 * Invariants
 *  1. The value is 0.d1 d2 d3 ... * 10^point; the first digit is not 0 and the last is not 0, unless there is none.
 *  2. 768 digits decide about every middle between two doubles; of what lies behind only matters whether it is zero
 *     (cut).
 */
import { DOT, ZERO } from './layout';
import { isDigit } from './number';

const COUNT: u32 = 0;
const POINT: u32 = 4;
const CUT: u32 = 8;
const FIRST_DIGIT: u32 = 12;
const DIGITS_MAX: u32 = 800;
/** Room for the digits that one doubling adds in front. */
export const DECIMAL_BYTES: u32 = 896;
/** Largest step: digit << step must stay in 32 bits with its carry. */
const STEP_MAX: u32 = 26;
const INFINITE_BITS: u64 = 0x7ff0000000000000;

/** The double nearest to the number [startPtr, end), which has no sign and is valid. */
export function decimalToDouble(d: u32, startPtr: u32, end: u32): f64 {
  takeDigits(d, startPtr, end);
  if (load<u32>(d, COUNT) == 0 || load<i32>(d, POINT) < -330) return 0;
  if (load<i32>(d, POINT) > 310) return Infinity;
  let e: i32 = 0;
  while (load<i32>(d, POINT) > 0) {
    const step = stepFor(load<i32>(d, POINT));
    shiftRight(d, step);
    e += <i32>step;
  }
  while (load<i32>(d, POINT) < 0 || load<u8>(d, FIRST_DIGIT) < 5) {
    const step = load<i32>(d, POINT) < 0 ? stepFor(-load<i32>(d, POINT)) : 1;
    shiftLeft(d, step);
    e -= <i32>step;
  }
  // The value is in [1/2, 1) * 2^e.
  e--;
  if (e < -1022) {
    shiftRightFar(d, <u32>(-1022 - e));
    e = -1022;
  }
  if (e > 1023) return Infinity;
  shiftLeft(d, 26);
  shiftLeft(d, 26);
  shiftLeft(d, 1);
  let mantissa = rounded(d);
  if (mantissa == 1 << 53) {
    mantissa >>= 1;
    e++;
    if (e > 1023) return reinterpret<f64>(INFINITE_BITS);
  }
  const isNormal = mantissa >= 1 << 52;
  return reinterpret<f64>(isNormal ? (mantissa & ~(1 << 52)) | ((<u64>(e + 1023)) << 52) : mantissa);
}

/** Binary places to move when the point stands `places` digits away: never more than that is worth. */
function stepFor(places: i32): u32 {
  return places >= 8 ? STEP_MAX : max<u32>(1, <u32>places * 3);
}

function takeDigits(d: u32, startPtr: u32, end: u32): void {
  let count: u32 = 0;
  let point: i32 = 0;
  let cut: u32 = 0;
  let inFraction = false;
  let p = startPtr;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == DOT) {
      inFraction = true;
      continue;
    }
    if (!isDigit(c)) break;
    const isLeadingZero = count == 0 && c == ZERO;
    if (isLeadingZero) {
      if (inFraction) point--;
      continue;
    }
    if (!inFraction) point++;
    if (count < DIGITS_MAX) store<u8>(d + count++, <u8>(c - ZERO), FIRST_DIGIT);
    else if (c != ZERO) cut = 1;
  }
  store<i32>(d, point + exponentAt(p, end), POINT);
  store<u32>(d, cut, CUT);
  trim(d, count);
}

/** The exponent that stands at `atPtr` ('e', sign, digits), or 0 at the end. */
function exponentAt(atPtr: u32, end: u32): i32 {
  let exponent: i32 = 0;
  let sign: i32 = 1;
  for (let p = atPtr; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == 0x2d) sign = -1;
    else if (isDigit(c)) exponent = min<i32>(exponent * 10 + <i32>(c - ZERO), 1 << 24);
  }
  return sign * exponent;
}

function trim(d: u32, digits: u32): void {
  let count = digits;
  while (count > 0 && load<u8>(d + count - 1, FIRST_DIGIT) == 0) count--;
  store<u32>(d, count, COUNT);
  if (count == 0) store<i32>(d, 0, POINT);
}

function shiftRightFar(d: u32, places: u32): void {
  let rest = places;
  while (rest > 0) {
    const step = min<u32>(rest, STEP_MAX);
    shiftRight(d, step);
    rest -= step;
  }
}

/** Divides by 2^step: digits are consumed from the left, quotient digits written behind the reader. */
function shiftRight(d: u32, step: u32): void {
  const count = load<u32>(d, COUNT);
  const mask: u64 = ((<u64>1) << step) - 1;
  let read: u32 = 0;
  let n: u64 = 0;
  while (n >> step == 0) {
    if (read >= count && n == 0) return;
    n = n * 10 + (read < count ? <u64>load<u8>(d + read, FIRST_DIGIT) : 0);
    read++;
  }
  store<i32>(d, load<i32>(d, POINT) - <i32>(read - 1), POINT);
  let written: u32 = 0;
  while (true) {
    const digit = <u8>(n >> step);
    n &= mask;
    if (written < DIGITS_MAX) store<u8>(d + written++, digit, FIRST_DIGIT);
    else if (digit != 0) store<u32>(d, 1, CUT);
    if (read >= count && n == 0) break;
    n = n * 10 + (read < count ? <u64>load<u8>(d + read, FIRST_DIGIT) : 0);
    read++;
  }
  trim(d, written);
}

/** Multiplies by 2^step from the right. Digits that the product gains push the others back. */
function shiftLeft(d: u32, step: u32): void {
  const count = load<u32>(d, COUNT);
  if (count == 0) return;
  let carry: u64 = 0;
  for (let i: i32 = count - 1; i >= 0; i--) {
    carry += (<u64>load<u8>(d + <u32>i, FIRST_DIGIT)) << step;
    store<u8>(d + <u32>i, <u8>(carry % 10), FIRST_DIGIT);
    carry /= 10;
  }
  let gained: u32 = 0;
  for (let rest = carry; rest != 0; rest /= 10) gained++;
  if (gained == 0) return trim(d, count);
  memory.copy(d + FIRST_DIGIT + gained, d + FIRST_DIGIT, count);
  for (let i: i32 = gained - 1; i >= 0; i--) {
    store<u8>(d + <u32>i, <u8>(carry % 10), FIRST_DIGIT);
    carry /= 10;
  }
  store<i32>(d, load<i32>(d, POINT) + <i32>gained, POINT);
  for (let i = DIGITS_MAX; i < count + gained; i++) {
    if (load<u8>(d + i, FIRST_DIGIT) != 0) store<u32>(d, 1, CUT);
  }
  trim(d, min<u32>(count + gained, DIGITS_MAX));
}

/** The whole part, rounded to nearest, ties to even. */
function rounded(d: u32): u64 {
  const point = load<i32>(d, POINT);
  const count = load<u32>(d, COUNT);
  if (point < 0 || count == 0) return 0;
  let n: u64 = 0;
  for (let i: u32 = 0; i < <u32>point; i++) n = n * 10 + (i < count ? <u64>load<u8>(d + i, FIRST_DIGIT) : 0);
  const next: u32 = <u32>point < count ? load<u8>(d + <u32>point, FIRST_DIGIT) : 0;
  const isTie = next == 5 && <u32>point + 1 == count && load<u32>(d, CUT) == 0;
  const up = isTie ? (n & 1) != 0 : next >= 5;
  return up ? n + 1 : n;
}
