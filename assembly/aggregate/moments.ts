/**
 * What variance and stddev of a sample (n - 1) are made of; both are null below two values.
 *
 *   24 bytes: n f64 | mean f64 | m2 f64, the sum of squared distances from the mean
 *
 * Adding is Welford's update (Technometrics 1962), taking back its inverse, merging the pairwise formula of Chan, Golub
 * and LeVeque (1979): none loses the small differences between large values, as sums of squares would.
 */
import { floatAt } from './column';

export const MOMENTS_BYTES: u32 = 24;

export function momentsAdd(type: u32, entriesPtr: u32, rowsPtr: u32, n: u32, valuesPtr: u32, offset: u32): void {
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const acc = load<u32>(entriesPtr + k) + offset;
    const value = floatAt(type, valuesPtr, load<u32>(rowsPtr + k));
    const count = load<f64>(acc) + 1;
    const delta = value - load<f64>(acc, 8);
    const mean = load<f64>(acc, 8) + delta / count;
    store<f64>(acc, count);
    store<f64>(acc, mean, 8);
    store<f64>(acc, load<f64>(acc, 16) + delta * (value - mean), 16);
  }
}

/** Takes one value back. */
export function momentsRetract(type: u32, accPtr: u32, valuesPtr: u32, row: u32): void {
  const value = floatAt(type, valuesPtr, row);
  const count = load<f64>(accPtr) - 1;
  if (count <= 0) {
    memory.fill(accPtr, 0, MOMENTS_BYTES);
    return;
  }
  const delta = value - load<f64>(accPtr, 8);
  const mean = load<f64>(accPtr, 8) - delta / count;
  store<f64>(accPtr, count);
  store<f64>(accPtr, mean, 8);
  // Rounding may leave a trace below zero where all values are equal.
  store<f64>(accPtr, max<f64>(0, load<f64>(accPtr, 16) - delta * (value - mean)), 16);
}

export function momentsMerge(intoPtr: u32, fromPtr: u32): void {
  const added = load<f64>(fromPtr);
  if (added == 0) return;
  const had = load<f64>(intoPtr);
  const count = had + added;
  const delta = load<f64>(fromPtr, 8) - load<f64>(intoPtr, 8);
  store<f64>(intoPtr, count);
  store<f64>(intoPtr, load<f64>(intoPtr, 8) + delta * (added / count), 8);
  store<f64>(intoPtr, load<f64>(intoPtr, 16) + load<f64>(fromPtr, 16) + delta * delta * ((had * added) / count), 16);
}

/** The variance of the sample; answers whether there is one. */
export function varianceFinish(accPtr: u32, outPtr: u32): bool {
  const count = load<f64>(accPtr);
  if (count < 2) return false;
  store<f64>(outPtr, load<f64>(accPtr, 16) / (count - 1));
  return true;
}
