/**
 * How aggregates read their input: one value of a column as i64 or f64, whatever narrower type it has.
 * Loops call these with a type that does not change inside them, so the test is hoisted or predicted.
 */
import { BOOL, F64, I32 } from '../abi';

export function integerAt(type: u32, valuesPtr: u32, row: u32): i64 {
  if (type == I32) return <i64>load<i32>(valuesPtr + (row << 2));
  if (type == BOOL) return <i64>load<u8>(valuesPtr + row);
  return load<i64>(valuesPtr + (row << 3));
}

const CANONICAL_NAN: u64 = 0x7ff8000000000000;

/** A value of fixed width as a word that is equal for equal values: floats have one zero and one NaN, as keys do. */
export function wordAt(type: u32, valuesPtr: u32, row: u32): u64 {
  if (type != F64) return <u64>integerAt(type, valuesPtr, row);
  const value = load<f64>(valuesPtr + (row << 3));
  return value != value ? CANONICAL_NAN : value == 0 ? 0 : reinterpret<u64>(value);
}

export function floatAt(type: u32, valuesPtr: u32, row: u32): f64 {
  if (type == F64) return load<f64>(valuesPtr + (row << 3));
  return <f64>integerAt(type, valuesPtr, row);
}
