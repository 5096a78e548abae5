/** Codes of aggregates, as plans and checkpoints hold them, a type of their own, and how finishing one ends. They never change their meaning. */
import { VIEW } from '../abi';

export const COUNT: u32 = 0;
export const SUM: u32 = 1;
export const MIN: u32 = 2;
export const MAX: u32 = 3;
export const AVG: u32 = 4;
export const STDDEV: u32 = 5;
export const VARIANCE: u32 = 6;
export const ANY: u32 = 7;
export const ALL: u32 = 8;
export const FIRST_VALUE: u32 = 9;
export const LAST_VALUE: u32 = 10;
export const ARG_MIN: u32 = 11;
export const ARG_MAX: u32 = 12;
export const COUNT_DISTINCT: u32 = 13;
export const APPROX_COUNT_DISTINCT: u32 = 14;
export const QUANTILE: u32 = 15;
export const TOP_K: u32 = 16;
export const COLLECT_LIST: u32 = 17;
export const JOIN_TEXT: u32 = 18;

/** Type of float64 input of which values may be taken back (apart.ts). Of sums, averages and moments over a changelog. */
export const CHANGING: u32 = 5;

// How finishing ends.
export const PRESENT: i32 = 1;
export const NULL: i32 = 0;
export const OVERFLOW: i32 = -4;

/** Whether an accumulator holds more than its own bytes, or orders by another column: grown.ts. */
export function isGrown(code: u32, type: u32): bool {
  return code > ALL || (type == VIEW && code != COUNT);
}
