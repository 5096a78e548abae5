/**
 * The defined order of merging, for one key of which all slices are looked up. Blocks as long as a window cut time
 * (borderOf); the slices of a window before its border are merged from the last one backwards, those from it on
 * forwards, then the two parts:
 *
 *   window   [ s2   s3   s4 | s5   s6 )        s2 + (s3 + s4)  then  (s5 + s6)  then the one + the other
 *              block 0      ^ border
 *
 * Invariants
 *  1. What is merged into is always the earlier of the two.
 *  2. Slices without the key take no part. A window that is a block is merged forwards.
 * Not here: the same for all keys at once (fire.ts, shared.ts).
 */
import { resolve } from '../memory/arena';
import { copyWords } from '../memory/words';
import { findEntry } from './locate';
import { widenEntry } from './narrow';
import {
  FIRE_LATER,
  FIRE_MERGED,
  FIRE_PART,
  FIRE_WIDENED,
  PLAN_ENTRY_BYTES,
  PLAN_SCRATCH,
  SCRATCH_CORRECTED,
} from './plan';
import { mergeEntry } from './result';
import { NARROW, sliceAtOrAfter, sliceStart, sliceTable, WIDE } from './slices';
import { borderOf, startOf } from './time';

/** In place of the slice of a corrected row: there is none. */
export const NO_ROW: i64 = i64.MIN_VALUE;

/** Copies an entry as a wide one. */
export function copyWide(planPtr: u32, entryPtr: u32, kind: u32, widePtr: u32): void {
  if (kind == NARROW) widenEntry(planPtr, entryPtr, widePtr);
  else copyWords(widePtr, entryPtr, load<u32>(planPtr, PLAN_ENTRY_BYTES));
}

/** Writes what a slice holds of the key of the run's first row; false when it holds nothing. */
export function partOf(planPtr: u32, state: u32, index: u32, intoPtr: u32): bool {
  const wide = entryIn(planPtr, sliceTable(state, index, WIDE));
  if (wide != 0) copyWide(planPtr, wide, WIDE, intoPtr);
  const narrow = entryIn(planPtr, sliceTable(state, index, NARROW));
  if (narrow == 0) return wide != 0;
  const part = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_PART;
  copyWide(planPtr, narrow, NARROW, wide == 0 ? intoPtr : part);
  if (wide != 0) mergeEntry(planPtr, intoPtr, part);
  return true;
}

function entryIn(planPtr: u32, table: u32): u32 {
  return table == 0 ? 0 : findEntry(planPtr, table);
}

/**
 * What slices [from, to) hold of the key of the run's first row, merged backwards; 0 when they hold nothing.
 * SCRATCH_CORRECTED stands for slice `row`, unless that is NO_ROW.
 */
export function foldBackwards(planPtr: u32, state: u32, from: i64, to: i64, row: i64): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const first = sliceAtOrAfter(state, from);
  let part = scratch + FIRE_WIDENED;
  let merged: u32 = 0;
  let isRowIn = row < from || row >= to;
  let i = sliceAtOrAfter(state, to);
  while (i > first || !isRowIn) {
    if (!isRowIn && (i == first || sliceStart(state, i - 1) <= row)) {
      if (i > first && sliceStart(state, i - 1) == row) i--;
      copyWide(planPtr, scratch + SCRATCH_CORRECTED, WIDE, part);
      isRowIn = true;
    } else {
      i--;
      if (!partOf(planPtr, state, i, part)) continue;
    }
    if (merged != 0) mergeEntry(planPtr, part, merged);
    merged = part;
    part = part == scratch + FIRE_WIDENED ? scratch + FIRE_MERGED : scratch + FIRE_WIDENED;
  }
  return merged;
}

/** The same forwards. */
export function foldForwards(planPtr: u32, state: u32, from: i64, to: i64, row: i64): u32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const last = sliceAtOrAfter(state, to);
  const merged = scratch + FIRE_LATER;
  let part = merged;
  let isRowIn = row < from || row >= to;
  let i = sliceAtOrAfter(state, from);
  while (i < last || !isRowIn) {
    if (!isRowIn && (i == last || sliceStart(state, i) >= row)) {
      if (i < last && sliceStart(state, i) == row) i++;
      copyWide(planPtr, scratch + SCRATCH_CORRECTED, WIDE, part);
      isRowIn = true;
    } else {
      i++;
      if (!partOf(planPtr, state, i - 1, part)) continue;
    }
    if (part != merged) mergeEntry(planPtr, merged, part);
    part = scratch + FIRE_WIDENED;
  }
  return part == merged ? 0 : merged;
}

/** What all slices of the window hold of it; 0 when they hold nothing. */
export function foldWindow(planPtr: u32, state: u32, end: i64, row: i64): u32 {
  const start = startOf(planPtr, end);
  const border = borderOf(planPtr, start);
  const later = foldForwards(planPtr, state, border, end, row);
  const earlier = foldBackwards(planPtr, state, start, border, row);
  if (later == 0 || earlier == 0) return later | earlier;
  mergeEntry(planPtr, earlier, later);
  return earlier;
}
