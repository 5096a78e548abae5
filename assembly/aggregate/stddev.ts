/** stddev: the standard deviation of the sample, the root of the variance (moments.ts). */
import { varianceFinish } from './moments';

/** Answers whether there is a result. */
export function stddevFinish(accPtr: u32, outPtr: u32): bool {
  if (!varianceFinish(accPtr, outPtr)) return false;
  store<f64>(outPtr, Math.sqrt(load<f64>(outPtr)));
  return true;
}
