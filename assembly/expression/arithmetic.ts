/**
 * Arithmetic over whole columns: I32, I64 and F64.
 *
 * An operand is (pointer, step): step is the width of a value, or 0 for a constant, which then lies 16 bytes long (the
 * value repeated), so that vector loads read it too.
 *
 * Invariants
 *  1. All rows are computed, also null and unselected ones: their results mean nothing.
 *  2. An integer result that leaves its type wraps and makes the kernel answer 1. The caller then asks the twin
 *     `arithmeticErrors…` which present rows failed; a column without failures costs nothing more.
 *  3. F64 follows IEEE 754; mod has the sign of the left operand.
 * Not here: casts (cast.ts), what to do with failed rows (select.ts, src/runtime/expression.ts).
 */
import { isValid } from '../abi';

export const PLUS: u32 = 0;
export const MINUS: u32 = 1;
export const TIMES: u32 = 2;
export const DIV: u32 = 3;
export const MOD: u32 = 4;

// Reasons in an error column (u8 per row, 0 = none).
export const OVERFLOW: u8 = 1;
export const DIVISION_BY_ZERO: u8 = 2;

/** x op y as an exact i64, for I32 operands; y is not 0 for MOD. */
function exactI32(op: u32, x: i64, y: i64): i64 {
  if (op == PLUS) return x + y;
  if (op == MINUS) return x - y;
  return op == TIMES ? x * y : x % y;
}

/** Why x op y fails for I32 operands and a result in [lo, hi]; 0 when it does not. */
function failureI32(op: u32, x: i32, y: i32, lo: i32, hi: i32): u8 {
  if (op == MOD && y == 0) return DIVISION_BY_ZERO;
  const exact = exactI32(op, x, y);
  return exact < lo || exact > hi ? OVERFLOW : 0;
}

function scalarI32(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32, lo: i32, hi: i32): i32 {
  let bad: u8 = 0;
  for (let i: u32 = 0; i < rows; i++, a += aStep, b += bStep, out += 4) {
    const x = load<i32>(a);
    const y = load<i32>(b);
    const failure = failureI32(op, x, y, lo, hi);
    bad |= failure;
    store<i32>(out, failure == DIVISION_BY_ZERO ? 0 : <i32>exactI32(op, x, y));
  }
  return bad != 0 ? 1 : 0;
}

function vectorI32(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32, lo: i32, hi: i32): i32 {
  const low = i32x4.splat(lo);
  const high = i32x4.splat(hi);
  const whole = rows & ~3;
  let bad = i32x4.splat(0);
  for (let end = out + (whole << 2); out < end; out += 16, a += aStep << 2, b += bStep << 2) {
    const x = v128.load(a);
    const y = v128.load(b);
    let r: v128;
    if (op == PLUS) {
      r = i32x4.add(x, y);
      bad = v128.or(bad, v128.and(v128.xor(x, r), v128.xor(y, r)));
    } else if (op == MINUS) {
      r = i32x4.sub(x, y);
      bad = v128.or(bad, v128.and(v128.xor(x, y), v128.xor(x, r)));
    } else {
      const first = i64x2.extmul_low_i32x4_s(x, y);
      const second = i64x2.extmul_high_i32x4_s(x, y);
      r = v128.shuffle<i32>(first, second, 0, 2, 4, 6);
      // A product fits when its upper half only repeats the sign of the lower.
      bad = v128.or(bad, i32x4.ne(v128.shuffle<i32>(first, second, 1, 3, 5, 7), i32x4.shr_s(r, 31)));
    }
    bad = v128.or(bad, v128.or(i32x4.lt_s(r, low), i32x4.gt_s(r, high)));
    v128.store(out, r);
  }
  const rest = scalarI32(op, a, aStep, b, bStep, out, rows - whole, lo, hi);
  return i32x4.bitmask(bad) != 0 ? 1 : rest;
}

/** out = a op b for I32; answers 1 when a row's exact result is outside [lo, hi] or a divisor is 0. */
export function arithmeticI32(
  op: u32,
  aPtr: u32,
  aStep: u32,
  bPtr: u32,
  bStep: u32,
  outPtr: u32,
  rows: u32,
  lo: i32,
  hi: i32,
): i32 {
  switch (op) {
    case PLUS:
      return inline.always(vectorI32(PLUS, aPtr, aStep, bPtr, bStep, outPtr, rows, lo, hi));
    case MINUS:
      return inline.always(vectorI32(MINUS, aPtr, aStep, bPtr, bStep, outPtr, rows, lo, hi));
    case TIMES:
      return inline.always(vectorI32(TIMES, aPtr, aStep, bPtr, bStep, outPtr, rows, lo, hi));
    default:
      return scalarI32(op, aPtr, aStep, bPtr, bStep, outPtr, rows, lo, hi);
  }
}

/** Writes why each present row of `arithmeticI32` failed (u8, 0 = it did not); answers how many did. */
export function arithmeticErrorsI32(
  op: u32,
  aPtr: u32,
  aStep: u32,
  bPtr: u32,
  bStep: u32,
  validityPtr: u32,
  errorsPtr: u32,
  rows: u32,
  lo: i32,
  hi: i32,
): i32 {
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    let failure = failureI32(op, load<i32>(aPtr + i * aStep), load<i32>(bPtr + i * bStep), lo, hi);
    if (!isValid(validityPtr, i)) failure = 0;
    store<u8>(errorsPtr + i, failure);
    count += i32(failure != 0);
  }
  return count;
}

/** x op y, wrapping; y is not 0 for MOD. */
function wrappedI64(op: u32, x: i64, y: i64): i64 {
  if (op == PLUS) return x + y;
  if (op == MINUS) return x - y;
  return op == TIMES ? x * y : x % y;
}

/** Whether a value fits 32 bits. */
function isSmall(x: i64): bool {
  return <u64>(x + 0x80000000) < <u64>0x100000000;
}

function timesOverflows(x: i64, y: i64): bool {
  if (isSmall(x) && isSmall(y)) return false;
  if (x == 0 || y == 0) return false;
  if ((x == -1 && y == i64.MIN_VALUE) || (y == -1 && x == i64.MIN_VALUE)) return true;
  return (x * y) / y != x;
}

function failureI64(op: u32, x: i64, y: i64): u8 {
  if (op == MOD) return y == 0 ? DIVISION_BY_ZERO : 0;
  if (op == TIMES) return timesOverflows(x, y) ? OVERFLOW : 0;
  const r = wrappedI64(op, x, y);
  const overflows = op == PLUS ? (x ^ r) & (y ^ r) : (x ^ y) & (x ^ r);
  return overflows < 0 ? OVERFLOW : 0;
}

function scalarI64(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): i32 {
  let bad: u8 = 0;
  for (let i: u32 = 0; i < rows; i++, a += aStep, b += bStep, out += 8) {
    const x = load<i64>(a);
    const y = load<i64>(b);
    const failure = failureI64(op, x, y);
    bad |= failure;
    store<i64>(out, failure == DIVISION_BY_ZERO ? 0 : wrappedI64(op, x, y));
  }
  return bad != 0 ? 1 : 0;
}

function vectorI64(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): i32 {
  const whole = rows & ~1;
  let bad = i64x2.splat(0);
  for (let end = out + (whole << 3); out < end; out += 16, a += aStep << 1, b += bStep << 1) {
    const x = v128.load(a);
    const y = v128.load(b);
    const r = op == PLUS ? i64x2.add(x, y) : i64x2.sub(x, y);
    bad = v128.or(bad, v128.and(v128.xor(x, r), op == PLUS ? v128.xor(y, r) : v128.xor(x, y)));
    v128.store(out, r);
  }
  const rest = scalarI64(op, a, aStep, b, bStep, out, rows - whole);
  return i64x2.bitmask(bad) != 0 ? 1 : rest;
}

/** out = a op b for I64; answers 1 when a row's exact result is not an i64 or a divisor is 0. */
export function arithmeticI64(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): i32 {
  switch (op) {
    case PLUS:
      return inline.always(vectorI64(PLUS, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case MINUS:
      return inline.always(vectorI64(MINUS, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case TIMES:
      return inline.always(scalarI64(TIMES, aPtr, aStep, bPtr, bStep, outPtr, rows));
    default:
      return scalarI64(op, aPtr, aStep, bPtr, bStep, outPtr, rows);
  }
}

/** Writes why each present row of `arithmeticI64` failed; answers how many did. */
export function arithmeticErrorsI64(
  op: u32,
  aPtr: u32,
  aStep: u32,
  bPtr: u32,
  bStep: u32,
  validityPtr: u32,
  errorsPtr: u32,
  rows: u32,
): i32 {
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    let failure = failureI64(op, load<i64>(aPtr + i * aStep), load<i64>(bPtr + i * bStep));
    if (!isValid(validityPtr, i)) failure = 0;
    store<u8>(errorsPtr + i, failure);
    count += i32(failure != 0);
  }
  return count;
}

function oneF64(op: u32, x: f64, y: f64): f64 {
  if (op == PLUS) return x + y;
  if (op == MINUS) return x - y;
  if (op == TIMES) return x * y;
  return op == DIV ? x / y : x % y;
}

function twoF64(op: u32, x: v128, y: v128): v128 {
  if (op == PLUS) return f64x2.add(x, y);
  if (op == MINUS) return f64x2.sub(x, y);
  return op == TIMES ? f64x2.mul(x, y) : f64x2.div(x, y);
}

function scalarF64(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): void {
  for (let i: u32 = 0; i < rows; i++, a += aStep, b += bStep, out += 8) {
    store<f64>(out, oneF64(op, load<f64>(a), load<f64>(b)));
  }
}

function vectorF64(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): void {
  const aPair = aStep << 1;
  const bPair = bStep << 1;
  const whole = rows & ~3;
  for (let end = out + (whole << 3); out < end; out += 32, a += aPair << 1, b += bPair << 1) {
    v128.store(out, inline.always(twoF64(op, v128.load(a), v128.load(b))));
    v128.store(out, inline.always(twoF64(op, v128.load(a + aPair), v128.load(b + bPair))), 16);
  }
  scalarF64(op, a, aStep, b, bStep, out, rows - whole);
}

/** out = a op b for F64. */
export function arithmeticF64(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  switch (op) {
    case PLUS:
      return inline.always(vectorF64(PLUS, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case MINUS:
      return inline.always(vectorF64(MINUS, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case TIMES:
      return inline.always(vectorF64(TIMES, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case DIV:
      return inline.always(vectorF64(DIV, aPtr, aStep, bPtr, bStep, outPtr, rows));
    default:
      scalarF64(op, aPtr, aStep, bPtr, bStep, outPtr, rows);
  }
}

/** Present rows whose F64 divisor is 0, as DIVISION_BY_ZERO: for quotients of integers. Answers how many. */
export function zeroDivisors(bPtr: u32, bStep: u32, validityPtr: u32, errorsPtr: u32, rows: u32): i32 {
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const fails = load<f64>(bPtr + i * bStep) == 0 && isValid(validityPtr, i);
    store<u8>(errorsPtr + i, fails ? DIVISION_BY_ZERO : 0);
    count += i32(fails);
  }
  return count;
}
