/**
 * Row-exact watermark arithmetic for one batch of one split.
 *
 * The watermark before a row is  min(others, max(timestamps of earlier rows of the split) - delay - 1),  where `others` is
 * the smallest watermark of the other splits, constant during the batch because splits take turns. It is written for each
 * row, so that lateness can be decided by row however rows were batched.
 *
 * State, 8 bytes at maxPtr: the largest timestamp of the split so far (i64 ms), or i64.MIN_VALUE.
 */
import { isValid } from '../abi';

function watermarkOf(most: i64, delay: i64, others: i64): i64 {
  if (most == i64.MIN_VALUE) return i64.MIN_VALUE;
  return min<i64>(most - delay - 1, others);
}

/**
 * Writes the watermark before each meant row to outPtr (i64, by row number) and moves the state on. Rows without a timestamp
 * move nothing. `divisor` is the number of timestamp units in a millisecond (1 or 1000). Returns how many meant rows have no
 * timestamp.
 */
export function assignWatermarks(
  timestampsPtr: u32,
  validityPtr: u32,
  selectionPtr: u32,
  rows: u32,
  maxPtr: u32,
  delayMs: f64,
  othersMs: f64,
  divisor: u32,
  outPtr: u32,
): u32 {
  const delay = <i64>delayMs;
  const others = <i64>othersMs;
  let most = load<i64>(maxPtr);
  let before = watermarkOf(most, delay, others);
  let missing: u32 = 0;
  if (selectionPtr == 0 && validityPtr == 0 && divisor == 1) {
    for (let i: u32 = 0; i < rows; i++) {
      store<i64>(outPtr + (i << 3), before);
      const at = load<i64>(timestampsPtr + (i << 3));
      if (at > most) {
        most = at;
        before = watermarkOf(most, delay, others);
      }
    }
  } else {
    for (let k: u32 = 0; k < rows; k++) {
      const i = selectionPtr == 0 ? k : load<u32>(selectionPtr + (k << 2));
      store<i64>(outPtr + (i << 3), before);
      if (!isValid(validityPtr, i)) {
        missing++;
        continue;
      }
      const at = floorDivide(load<i64>(timestampsPtr + (i << 3)), divisor);
      if (at > most) {
        most = at;
        before = watermarkOf(most, delay, others);
      }
    }
  }
  store<i64>(maxPtr, most);
  return missing;
}

function floorDivide(value: i64, divisor: u32): i64 {
  if (divisor == 1) return value;
  const quotient = value / <i64>divisor;
  return value < 0 && quotient * <i64>divisor != value ? quotient - 1 : quotient;
}

/** Milliseconds of a column in microseconds, rounded down, into outPtr (i64). */
export function microsToMillis(timestampsPtr: u32, rows: u32, outPtr: u32): void {
  for (let i: u32 = 0; i < rows; i++) {
    store<i64>(outPtr + (i << 3), floorDivide(load<i64>(timestampsPtr + (i << 3)), 1000));
  }
}

/** out = min(watermark before the row, othersMs), row by row: how a union holds an input back by its other inputs. */
export function clampWatermarks(watermarksPtr: u32, rows: u32, othersMs: f64, outPtr: u32): void {
  const others = <i64>othersMs;
  for (let i: u32 = 0; i < rows; i++) {
    store<i64>(outPtr + (i << 3), min<i64>(load<i64>(watermarksPtr + (i << 3)), others));
  }
}

/** The largest timestamp of the batch in milliseconds, or `floorMs` when no row has a greater one. */
export function maxTimestamp(timestampsPtr: u32, validityPtr: u32, rows: u32, divisor: u32, floorMs: f64): f64 {
  let most: i64 = i64.MIN_VALUE;
  for (let i: u32 = 0; i < rows; i++) {
    if (isValid(validityPtr, i)) most = max<i64>(most, load<i64>(timestampsPtr + (i << 3)));
  }
  return most == i64.MIN_VALUE ? floorMs : max<f64>(floorMs, <f64>floorDivide(most, divisor));
}
