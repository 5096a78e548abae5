/**
 * Casts between the numeric physical types. Operands are (pointer, step) as in arithmetic.ts, but never constants: the
 * compiler casts those itself.
 *
 * Invariants
 *  1. I32 to I64 and to F64 is exact. I64 to F64 rounds to the nearest float when above 2^53.
 *  2. Narrowing I64 to I32 answers 1 when a row is outside [lo, hi]; `narrowErrors` tells which present rows are.
 */
import { isValid } from '../abi';
import { OVERFLOW } from './arithmetic';

export function castI32ToI64(fromPtr: u32, outPtr: u32, rows: u32): void {
  const whole = rows & ~3;
  for (let i: u32 = 0; i < whole; i += 4) {
    const x = v128.load(fromPtr + (i << 2));
    v128.store(outPtr + (i << 3), i64x2.extend_low_i32x4_s(x));
    v128.store(outPtr + (i << 3), i64x2.extend_high_i32x4_s(x), 16);
  }
  for (let i = whole; i < rows; i++) store<i64>(outPtr + (i << 3), load<i32>(fromPtr + (i << 2)));
}

export function castI32ToF64(fromPtr: u32, outPtr: u32, rows: u32): void {
  const whole = rows & ~3;
  for (let i: u32 = 0; i < whole; i += 4) {
    const x = v128.load(fromPtr + (i << 2));
    v128.store(outPtr + (i << 3), f64x2.convert_low_i32x4_s(x));
    v128.store(outPtr + (i << 3), f64x2.convert_low_i32x4_s(v128.shuffle<i32>(x, x, 2, 3, 2, 3)), 16);
  }
  for (let i = whole; i < rows; i++) store<f64>(outPtr + (i << 3), <f64>load<i32>(fromPtr + (i << 2)));
}

export function castI64ToF64(fromPtr: u32, outPtr: u32, rows: u32): void {
  for (let i: u32 = 0; i < rows; i++) store<f64>(outPtr + (i << 3), <f64>load<i64>(fromPtr + (i << 3)));
}

/** Rounds to the nearest 32-bit float, still stored as F64. */
export function roundToF32(fromPtr: u32, outPtr: u32, rows: u32): void {
  for (let i: u32 = 0; i < rows; i++) store<f64>(outPtr + (i << 3), <f64>(<f32>load<f64>(fromPtr + (i << 3))));
}

function isOutside(x: i64, lo: i32, hi: i32): bool {
  return x < <i64>lo || x > <i64>hi;
}

export function narrowI64(fromPtr: u32, outPtr: u32, rows: u32, lo: i32, hi: i32): i32 {
  let bad = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const x = load<i64>(fromPtr + (i << 3));
    bad |= i32(isOutside(x, lo, hi));
    store<i32>(outPtr + (i << 2), <i32>x);
  }
  return bad;
}

/** Writes OVERFLOW for the present rows further from zero than `most`, of I64; answers how many. */
export function rangeErrors(fromPtr: u32, validityPtr: u32, errorsPtr: u32, rows: u32, most: f64): i32 {
  const hi = <i64>most;
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const x = load<i64>(fromPtr + (i << 3));
    const fails = (x > hi || x < -hi) && isValid(validityPtr, i);
    store<u8>(errorsPtr + i, fails ? OVERFLOW : 0);
    count += i32(fails);
  }
  return count;
}

/** Writes OVERFLOW for the present rows that `narrowI64` could not narrow; answers how many. */
export function narrowErrors(fromPtr: u32, validityPtr: u32, errorsPtr: u32, rows: u32, lo: i32, hi: i32): i32 {
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const fails = isOutside(load<i64>(fromPtr + (i << 3)), lo, hi) && isValid(validityPtr, i);
    store<u8>(errorsPtr + i, fails ? OVERFLOW : 0);
    count += i32(fails);
  }
  return count;
}
