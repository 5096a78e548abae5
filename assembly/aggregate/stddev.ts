/**
 * stddev: the sample standard deviation (n - 1); null below two values.
 *
 *   24 bytes: n f64 | mean f64 | m2 f64, the sum of squared distances from the mean
 *
 * Adding is Welford's update (Technometrics 1962), merging the pairwise formula of Chan, Golub and LeVeque (1979):
 * neither loses the small differences between large values, as sums of squares would.
 */
import { floatAt } from './column';

export function stddevAdd(type: u32, entriesPtr: u32, rowsPtr: u32, n: u32, valuesPtr: u32, offset: u32): void {
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

export function stddevMerge(intoPtr: u32, fromPtr: u32): void {
  const added = load<f64>(fromPtr);
  if (added == 0) return;
  const had = load<f64>(intoPtr);
  const count = had + added;
  const delta = load<f64>(fromPtr, 8) - load<f64>(intoPtr, 8);
  store<f64>(intoPtr, count);
  store<f64>(intoPtr, load<f64>(intoPtr, 8) + delta * (added / count), 8);
  store<f64>(intoPtr, load<f64>(intoPtr, 16) + load<f64>(fromPtr, 16) + delta * delta * ((had * added) / count), 16);
}

/** Answers whether there is a result. */
export function stddevFinish(accPtr: u32, outPtr: u32): bool {
  const count = load<f64>(accPtr);
  if (count < 2) return false;
  store<f64>(outPtr, Math.sqrt(load<f64>(accPtr, 16) / (count - 1)));
  return true;
}
