/**
 * Arithmetic of windows: [start, start + size) for every start = offset + k * slide. Slices are the pieces that all
 * window borders cut time into (size = slide = slice for tumbling windows). Instants are exact milliseconds, also
 * before 1970.
 */
import { PLAN_OFFSET_MS, PLAN_SIZE_MS, PLAN_SLICE_MS, PLAN_SLIDE_MS } from './plan';

/** The largest base + k * step that is not above `at`. */
export function alignDown(at: i64, base: i64, step: i64): i64 {
  const rest = (at - base) % step;
  return at - rest - (rest < 0 ? step : 0);
}

export function sliceOf(planPtr: u32, at: i64): i64 {
  return alignDown(at, load<i64>(planPtr, PLAN_OFFSET_MS), load<i64>(planPtr, PLAN_SLICE_MS));
}

/** End of the last window that holds the slice. */
export function lastEndOf(planPtr: u32, slice: i64): i64 {
  const start = alignDown(slice, load<i64>(planPtr, PLAN_OFFSET_MS), load<i64>(planPtr, PLAN_SLIDE_MS));
  return start + load<i64>(planPtr, PLAN_SIZE_MS);
}

/** The first end of a window that holds the slice and is above firedThrough + 1; meaningful while there is one. */
export function nextEndOf(planPtr: u32, slice: i64, firedThrough: i64): i64 {
  const slide = load<i64>(planPtr, PLAN_SLIDE_MS);
  const base = load<i64>(planPtr, PLAN_OFFSET_MS) + load<i64>(planPtr, PLAN_SIZE_MS);
  return alignDown(max<i64>(slice, firedThrough + 1), base, slide) + slide;
}
