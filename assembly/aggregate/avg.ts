/** avg: the accumulator of sum, divided by the number of values at the end. Sums of integers are exact until then. */
import { sumAsFloat } from './sum';

export function avgFinish(type: u32, accPtr: u32, count: u64, outPtr: u32): void {
  store<f64>(outPtr, sumAsFloat(type, accPtr) / <f64>count);
}
