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

export function floatAt(type: u32, valuesPtr: u32, row: u32): f64 {
  if (type == F64) return load<f64>(valuesPtr + (row << 3));
  return <f64>integerAt(type, valuesPtr, row);
}
