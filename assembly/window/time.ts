/**
 * Arithmetic of windows. Windows are made of slices, the pieces that all their borders cut time into. A slice is known
 * by its label, a number on a regular grid: without a zone the instant at which it starts; in a zone its wall-clock
 * time counted as if it were UTC; with calendar units its number of months since the year 0. Window borders are labels too.
 *
 *   label    ---|-------|-------|-------|---        regular: base + k * slice
 *   instant  -----|-----|---------|------|--        what zone and calendar make of it: never going back
 *
 *   hopping     [end - size, end) for every end = base + size + k * slide; size = slide for tumbling windows
 *   cumulating  [start, end) for every start = base + k * size and every end = base + k * slide in (start, start + size]
 *   block       [base + k * size, base + (k + 1) * size): says in which order slices are merged (fold.ts)
 *
 * Invariants
 *  1. An instant belongs to the slice with the largest label whose instant is not above it: slices cover all time, each
 *     instant once, also where clocks are changed. Two labels may share an instant; the first of them is then empty.
 *  2. Instants are exact milliseconds, also before 1970.
 * Not here: what labels are in a zone (zone.ts).
 */
import {
  PLAN_CUMULATING,
  PLAN_OFFSET_MS,
  PLAN_SIZE_MS,
  PLAN_SLICE_MS,
  PLAN_SLIDE_MS,
  PLAN_UNIT,
  PLAN_ZONE,
} from './plan';
import { instantOfLocal, localOf, monthOf, monthStart } from './zone';

// PLAN_UNIT: what labels count.
export const MILLISECONDS: u32 = 0;
export const MONTHS: u32 = 1;

/** The largest base + k * step that is not above `at`. */
export function alignDown(at: i64, base: i64, step: i64): i64 {
  const rest = (at - base) % step;
  return at - rest - (rest < 0 ? step : 0);
}

/** January 1970, from which windows of several months are counted. */
const EPOCH_MONTH: i64 = 1970 * 12;

/** Where the grid of labels starts. Months count the offset before they are numbers. */
function baseOf(planPtr: u32): i64 {
  return load<u32>(planPtr, PLAN_UNIT) == MONTHS ? EPOCH_MONTH : load<i64>(planPtr, PLAN_OFFSET_MS);
}

/** The slice that an instant belongs to. */
export function sliceOf(planPtr: u32, at: i64): i64 {
  const local = load<u32>(planPtr, PLAN_ZONE) == 0 ? at : localOf(load<u32>(planPtr, PLAN_ZONE), at);
  const slice = load<i64>(planPtr, PLAN_SLICE_MS);
  if (load<u32>(planPtr, PLAN_UNIT) == MONTHS) {
    return alignDown(monthOf(local - load<i64>(planPtr, PLAN_OFFSET_MS)), EPOCH_MONTH, slice);
  }
  return alignDown(local, load<i64>(planPtr, PLAN_OFFSET_MS), slice);
}

/** The instant of a label. */
export function instantOf(planPtr: u32, label: i64): i64 {
  let local = label;
  if (load<u32>(planPtr, PLAN_UNIT) == MONTHS) local = monthStart(label) + load<i64>(planPtr, PLAN_OFFSET_MS);
  return load<u32>(planPtr, PLAN_ZONE) == 0 ? local : instantOfLocal(load<u32>(planPtr, PLAN_ZONE), local);
}

/** The first end of a window above a label. */
export function endAfter(planPtr: u32, label: i64): i64 {
  const slide = load<i64>(planPtr, PLAN_SLIDE_MS);
  const size = load<u32>(planPtr, PLAN_CUMULATING) != 0 ? 0 : load<i64>(planPtr, PLAN_SIZE_MS);
  return alignDown(label, baseOf(planPtr) + size, slide) + slide;
}

/** Start of the window that ends at `end`. */
export function startOf(planPtr: u32, end: i64): i64 {
  const size = load<i64>(planPtr, PLAN_SIZE_MS);
  return load<u32>(planPtr, PLAN_CUMULATING) != 0 ? alignDown(end - 1, baseOf(planPtr), size) : end - size;
}

/** Whether two windows, by their ends, have the same instants. */
export function isSameWindow(planPtr: u32, end: i64, other: i64): bool {
  if (instantOf(planPtr, end) != instantOf(planPtr, other)) return false;
  return instantOf(planPtr, startOf(planPtr, end)) == instantOf(planPtr, startOf(planPtr, other));
}

/** End of the last window that holds the slice. */
export function lastEndOf(planPtr: u32, slice: i64): i64 {
  const size = load<i64>(planPtr, PLAN_SIZE_MS);
  const step = load<u32>(planPtr, PLAN_CUMULATING) != 0 ? size : load<i64>(planPtr, PLAN_SLIDE_MS);
  return alignDown(slice, baseOf(planPtr), step) + size;
}

/** The first end of a window that holds the slice and has not passed; meaningful while there is one. */
export function nextEndOf(planPtr: u32, slice: i64, passedThrough: i64): i64 {
  return endAfter(planPtr, max<i64>(slice, sliceOf(planPtr, passedThrough + 1)));
}

/** The first slice that a window that has not passed may hold: of all before it, the last window has passed. */
export function firstOpenSlice(planPtr: u32, passedThrough: i64): i64 {
  const label = sliceOf(planPtr, passedThrough + 1);
  const size = load<i64>(planPtr, PLAN_SIZE_MS);
  const base = baseOf(planPtr);
  if (load<u32>(planPtr, PLAN_CUMULATING) != 0) return alignDown(label, base, size);
  const slide = load<i64>(planPtr, PLAN_SLIDE_MS);
  return alignDown(label - size, base, slide) + slide;
}

/**
 * The border of the window that starts at `start`: the first label in it at which a block begins. Blocks are as long as
 * a window and cut time from where labels begin, so that a window has parts in at most two of them.
 */
export function borderOf(planPtr: u32, start: i64): i64 {
  const size = load<i64>(planPtr, PLAN_SIZE_MS);
  const before = alignDown(start, baseOf(planPtr), size);
  return before == start ? start : before + size;
}
