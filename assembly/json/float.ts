/**
 * Decimal to binary floating point, correctly rounded (to nearest, ties to even).
 *
 *   mantissa up to 2^53, exponent up to ±22      both exact in a double: one multiplication or division (Clinger 1990)
 *   everything else                              128 bits of 5^exponent decide (Lemire 2021, section 5) ...
 *   ... unless they cannot                       all digits, exactly (decimal.ts)
 *
 * The powers are computed at start, 16 bytes for each exponent from POWER_MIN to POWER_MAX: normalized 128 bits of 5^q,
 * cut off; for negative q those of the reciprocal, cut off and one added.
 */
import { decimalToDouble } from './decimal';
import { DIGITS, EXPONENT, MANTISSA, MINUS, NUMBER_FLAGS, NUMBER_START, POWERS, refuse, TYPE_MISMATCH } from './layout';
import { INEXACT, isDigit, NEGATIVE, scanNumber } from './number';

const POWER_MIN: i32 = -342;
const POWER_MAX: i32 = 308;
export const POWERS_BYTES: u32 = 651 * 16;
const LIMBS: u32 = 32;
/** Bytes of scratch that `fillPowers` needs. */
const LIMBS_BYTES: u32 = LIMBS * 4;

/**
 * Past the number at `p`, written to `slot` as f64; 0 when it is none. Beyond the range it is an infinity, as in
 * JSON.parse.
 */
export function readFloat(parserPtr: u32, p: u32, slot: u32): u32 {
  const first = <u32>load<u8>(p);
  if (first != MINUS && !isDigit(first)) return refuse(parserPtr, TYPE_MISMATCH, p);
  const past = scanNumber(parserPtr, p);
  if (past == 0) return 0;
  const flags = load<u32>(parserPtr, NUMBER_FLAGS);
  const magnitude = toDouble(parserPtr, load<u64>(parserPtr, MANTISSA), load<i32>(parserPtr, EXPONENT), flags, past);
  store<f64>(slot, (flags & NEGATIVE) != 0 ? -magnitude : magnitude);
  return past;
}

function toDouble(parserPtr: u32, mantissa: u64, exponent: i32, flags: u32, end: u32): f64 {
  if (mantissa == 0) return 0;
  const exact = (flags & INEXACT) == 0;
  if (exact && mantissa <= 1 << 53 && exponent >= -22 && exponent <= 22) {
    return exponent < 0 ? <f64>mantissa / powerOfTen(-exponent) : <f64>mantissa * powerOfTen(exponent);
  }
  if (exponent > POWER_MAX) return Infinity;
  if (exponent < POWER_MIN - 19) return 0;
  const powers = load<u32>(parserPtr, POWERS);
  const bits = nearestBits(powers, mantissa, exponent);
  // Digits cut off lie between this mantissa and the next: when both give one double, so do they.
  const isSure = bits != UNDECIDED && (exact || bits == nearestBits(powers, mantissa + 1, exponent));
  if (isSure) return reinterpret<f64>(bits);
  return decimalToDouble(load<u32>(parserPtr, DIGITS), load<u32>(parserPtr, NUMBER_START), end);
}

/** 10^n for n up to 22, exact. */
function powerOfTen(n: i32): f64 {
  let power: f64 = 1;
  let base: f64 = 10;
  // 10^16 * 10^4 * 10^2 is the largest product; each partial product is exact below 10^23.
  for (let rest = n; rest != 0; rest >>= 1) {
    if (rest & 1) power *= base;
    base *= base;
  }
  return power;
}

const UNDECIDED: u64 = 0xffffffffffffffff;
const INFINITE_BITS: u64 = 0x7ff0000000000000;

function highProduct(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffff)) >> 32);
}

/** Bits of the double nearest to mantissa * 10^exponent (mantissa not 0), or UNDECIDED. */
function nearestBits(powers: u32, mantissa: u64, exponent: i32): u64 {
  if (exponent < POWER_MIN) return 0;
  if (exponent > POWER_MAX) return INFINITE_BITS;
  const zeros = <i32>clz<u64>(mantissa);
  const w = mantissa << (<u64>zeros);
  const power = powers + ((<u32>(exponent - POWER_MIN)) << 4);
  const powerHigh = load<u64>(power);
  let low = w * powerHigh;
  let high = highProduct(w, powerHigh);
  if ((high & 0x1ff) == 0x1ff) {
    const second = highProduct(w, load<u64>(power, 8));
    low += second;
    if (low < second) high++;
  }
  if (low == UNDECIDED && (exponent < -27 || exponent > 55)) return UNDECIDED;
  const upper = high >> 63;
  let m = high >> (upper + 9);
  // floor(exponent * log2(10)) + 63, by a multiplication that is right in this range.
  let e = ((217706 * exponent) >> 16) + 63 + <i32>upper - zeros + 1023;
  if (e <= 0) {
    if (e < -62) return 0;
    m >>= <u64>(1 - e);
    m = (m + (m & 1)) >> 1;
    return m;
  }
  // Half-way between two doubles, exactly: round down to the even one.
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (m & 3) == 1 && m << (upper + 9) == high) m &= ~1;
  m = (m + (m & 1)) >> 1;
  if (m >= 1 << 53) {
    m = 1 << 52;
    e++;
  }
  if (e >= 2047) return INFINITE_BITS;
  return (m & ~(1 << 52)) | ((<u64>e) << 52);
}

/** Writes all powers. `limbs` is LIMBS_BYTES of scratch: a number of 1,024 bits, least significant word first. */
export function fillPowers(powers: u32, limbs: u32): void {
  memory.fill(limbs, 0, LIMBS_BYTES);
  store<u32>(limbs, 1);
  for (let q = 0; q <= POWER_MAX; q++) {
    storeTop(limbs, powers + ((<u32>(q - POWER_MIN)) << 4), 0);
    multiplyByFive(limbs);
  }
  // floor(2^1023 / 5^n) is the floor of the floors, so dividing step by step is exact.
  memory.fill(limbs, 0, LIMBS_BYTES);
  store<u32>(limbs + LIMBS_BYTES - 4, 1 << 31);
  for (let q = -1; q >= POWER_MIN; q--) {
    divideByFive(limbs);
    storeTop(limbs, powers + ((<u32>(q - POWER_MIN)) << 4), 1);
  }
}

function multiplyByFive(limbs: u32): void {
  let carry: u64 = 0;
  for (let i: u32 = 0; i < LIMBS; i++) {
    carry += <u64>load<u32>(limbs + (i << 2)) * 5;
    store<u32>(limbs + (i << 2), <u32>carry);
    carry >>= 32;
  }
}

function divideByFive(limbs: u32): void {
  let rest: u64 = 0;
  for (let i: i32 = LIMBS - 1; i >= 0; i--) {
    const at = limbs + ((<u32>i) << 2);
    rest = (rest << 32) | <u64>load<u32>(at);
    store<u32>(at, <u32>(rest / 5));
    rest %= 5;
  }
}

/** The 128 bits from the highest one on, plus `more`. */
function storeTop(limbs: u32, into: u32, more: u64): void {
  let top: i32 = LIMBS - 1;
  while (load<u32>(limbs + ((<u32>top) << 2)) == 0) top--;
  const shift = <u64>clz<u32>(load<u32>(limbs + ((<u32>top) << 2)));
  const high = topWord(limbs, top, shift);
  const low = topWord(limbs, top - 2, shift) + more;
  store<u64>(into, low < more ? high + 1 : high);
  store<u64>(into, low, 8);
}

/** 64 bits from word `top` downwards, after a shift of up to 31 bits. */
function topWord(limbs: u32, top: i32, shift: u64): u64 {
  const pair = (wordAt(limbs, top) << 32) | wordAt(limbs, top - 1);
  return shift == 0 ? pair : (pair << shift) | (wordAt(limbs, top - 2) >> (32 - shift));
}

function wordAt(limbs: u32, i: i32): u64 {
  return i < 0 ? 0 : <u64>load<u32>(limbs + ((<u32>i) << 2));
}
