/**
 * Grouped aggregation of a batch into the slices of a windowed state.
 *
 * Rows are taken in mini-batches of at most RUN_ROWS_MAX, and of a mini-batch its rows of one slice after the other
 * (run.ts).
 *
 * Invariants
 *  1. The answer is that of following row by row. A row is late when the last window that holds it ended the allowed
 *     lateness or more before its watermark; late rows go to the late selection and change nothing. Before a row whose
 *     watermark passes the end of a window with content, the kernel stops (FIRE_FIRST), so that the window fires
 *     without it. A row that a window holds which has passed, but not for longer than the lateness, is taken alone.
 *  2. What a window holds, and the order of float additions per key, do not depend on how rows are batched.
 *  3. When memory runs out all counts hold and each row is in as a whole or not at all. The rows before the answered
 *     one are in; later ones of the mini-batch may be, when they belong to another slice, so the caller must give up.
 * Not here: firing (fire.ts), rows that reopen windows (correct.ts), one aggregate (aggregate/).
 */
import { blobsReset } from '../aggregate/blob';
import { statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { WHOLE } from '../edition';
import { correctRow } from './correct';
import {
  NEAR_BYTES,
  NEAR_FIRST_END,
  NEAR_LAST_END,
  NEAR_SPAN,
  NEAR_START,
  PLAN_ALONE,
  PLAN_BLOBS,
  PLAN_DELAY_MS,
  PLAN_DUE_END,
  PLAN_FIRED,
  PLAN_LATE,
  PLAN_LATE_COUNT,
  PLAN_LATENESS_MS,
  PLAN_MIXED,
  PLAN_NEAR,
  PLAN_NEW_KEYS,
  PLAN_OUT_ROWS,
  PLAN_ROWS,
  PLAN_RUN_ROWS,
  PLAN_SCRATCH,
  PLAN_SELECTION,
  PLAN_SLICE_MS,
  PLAN_STATE,
  PLAN_STATUS,
  PLAN_TIMES,
  PLAN_WATERMARKS,
  RUN_ROWS_MAX,
  SCRATCH_ROWS,
  SCRATCH_STARTS,
} from './plan';
import { addMixed, addRun } from './run';
import { FIRED_THROUGH, sliceAtOrAfter, sliceCount, sliceStart, TIME_MAX, TIME_MIN } from './slices';
import { endAfter, firstOpenSlice, instantOf, lastEndOf, nextEndOf, sliceOf } from './time';

/** Status of the plan: windows must fire up to the watermark of the answered row before it is handed in again. */
const FIRE_FIRST: i32 = 1;
/** Inside this file: the next row reopens windows. */
const CORRECT: i32 = 3;

/**
 * Takes rows [from, rows) of the plan's input (positions of the selection, when there is one). Returns the position of
 * the next row to take: `rows` when done, or, with the plan's status, where it stopped. Sets late count and new keys of
 * this call.
 */
export function windowAggregate(planPtr: u32, from: u32): u32 {
  const state = load<u32>(planPtr, PLAN_STATE);
  store<u32>(planPtr, 0, PLAN_LATE_COUNT);
  store<u32>(planPtr, 0, PLAN_NEW_KEYS);
  store<u32>(planPtr, 0, PLAN_OUT_ROWS);
  store<u32>(planPtr, 0, PLAN_ALONE);
  store<i32>(planPtr, 0, PLAN_STATUS);
  blobsReset(load<u32>(planPtr, PLAN_BLOBS));
  const fired = load<i64>(statePtr(state), FIRED_THROUGH);
  store<i64>(planPtr, fired, PLAN_FIRED);
  store<i64>(planPtr, dueEnd(planPtr, state, fired), PLAN_DUE_END);
  let at = from;
  while (at < load<u32>(planPtr, PLAN_ROWS)) {
    const next = nextRows(planPtr, at);
    const rows = load<u32>(planPtr, PLAN_RUN_ROWS);
    const isIn =
      load<u32>(planPtr, PLAN_MIXED) != 0
        ? addMixed(planPtr, state, rows)
        : rows == 0 || addRun(planPtr, state, load<i64>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_STARTS), rows);
    if (!isIn) {
      at = failedAt(planPtr, at);
      break;
    }
    at = next;
    if (load<i32>(planPtr, PLAN_STATUS) == CORRECT) {
      // The core edition is given no windows that wait for late rows.
      if (WHOLE) store<i32>(planPtr, correctRow(planPtr, state, rowAt(planPtr, at)), PLAN_STATUS);
      if (load<i32>(planPtr, PLAN_STATUS) == 0) at++;
    }
    if (load<i32>(planPtr, PLAN_STATUS) != 0) break;
  }
  setFiredThrough(state, load<i64>(planPtr, PLAN_FIRED));
  return at;
}

/** Label of the end of the first window with content that has not fired; i64.MAX_VALUE when there is none. */
export function dueLabel(planPtr: u32, state: u32, firedThrough: i64): i64 {
  const count = sliceCount(state);
  if (count == 0) return i64.MAX_VALUE;
  const first = sliceAtOrAfter(state, firstOpenSlice(planPtr, firedThrough));
  return first == count ? i64.MAX_VALUE : nextEndOf(planPtr, sliceStart(state, first), firedThrough);
}

/** The instant of it. */
function dueEnd(planPtr: u32, state: u32, firedThrough: i64): i64 {
  const label = dueLabel(planPtr, state, firedThrough);
  return label == i64.MAX_VALUE ? label : instantOf(planPtr, label);
}

/** The watermark that the aggregation goes by: that of its input, less the delay. */
export function delayed(planPtr: u32, watermark: i64): i64 {
  const delay = load<i64>(planPtr, PLAN_DELAY_MS);
  // Below TIME_MIN a difference could leave i64.
  if (delay == 0 || watermark >= TIME_MAX || watermark <= TIME_MIN) return watermark;
  return max<i64>(TIME_MIN, watermark - delay);
}

/** Row number at a position of the input. */
function rowAt(planPtr: u32, position: u32): u32 {
  const selection = load<u32>(planPtr, PLAN_SELECTION);
  return selection == 0 ? position : load<u32>(selection + (position << 2));
}

export function setFiredThrough(state: u32, through: i64): void {
  const record = statePtr(state);
  if (load<i64>(record, FIRED_THROUGH) >= through) return;
  touchRange(record + FIRED_THROUGH, 8);
  store<i64>(record, through, FIRED_THROUGH);
}

/**
 * Collects the next mini-batch from position `from` on, with the slice of each row, and returns the position after it.
 * Sets the status when a window is due first, or when the next row reopens windows.
 */
function nextRows(planPtr: u32, from: u32): u32 {
  const rows = load<u32>(planPtr, PLAN_ROWS);
  const times = load<u32>(planPtr, PLAN_TIMES);
  const watermarks = load<u32>(planPtr, PLAN_WATERMARKS);
  const selection = load<u32>(planPtr, PLAN_SELECTION);
  const isDelayed = watermarks != 0 && load<i64>(planPtr, PLAN_DELAY_MS) != 0;
  const lateness = load<i64>(planPtr, PLAN_LATENESS_MS);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const near = planPtr + PLAN_NEAR;
  memory.fill(near, 0, 2 * NEAR_BYTES);
  let fired = load<i64>(planPtr, PLAN_FIRED);
  let due = load<i64>(planPtr, PLAN_DUE_END);
  let start: i64 = 0;
  let span: i64 = 0;
  // With a watermark below this a row of the slice at hand is on time, and fires nothing.
  let plainBelow = i64.MIN_VALUE;
  let slice: i64 = 0;
  let mixed: u32 = 0;
  let n: u32 = 0;
  let at = from;
  for (; at < rows && n < RUN_ROWS_MAX; at++) {
    const row = selection == 0 ? at : load<u32>(selection + (at << 2));
    const time = load<i64>(times + (row << 3));
    let watermark = watermarks == 0 ? fired : load<i64>(watermarks + (row << 3));
    if (isDelayed) watermark = delayed(planPtr, watermark);
    if (watermark >= plainBelow || <u64>(time - start) >= <u64>span) {
      if (watermark > fired && due - 1 <= watermark) {
        store<i32>(planPtr, FIRE_FIRST, PLAN_STATUS);
        break;
      }
      fired = max<i64>(fired, watermark);
      if (<u64>(time - start) >= <u64>span) {
        if (turnTo(planPtr, time) && load<i64>(near, NEAR_LAST_END) - 1 > watermark) {
          due = min<i64>(due, instantOf(planPtr, nextEndOf(planPtr, load<i64>(near), fired)));
        }
        start = load<i64>(near, NEAR_START);
        span = load<i64>(near, NEAR_SPAN);
        slice = load<i64>(near);
      }
      plainBelow = min<i64>(due, load<i64>(near + (lateness == 0 ? NEAR_LAST_END : NEAR_FIRST_END))) - 1;
      if (load<i64>(near, NEAR_LAST_END) - 1 + lateness <= watermark) {
        pushLate(planPtr, row);
        continue;
      }
      if (lateness != 0 && load<i64>(near, NEAR_FIRST_END) - 1 <= watermark) {
        store<i32>(planPtr, CORRECT, PLAN_STATUS);
        break;
      }
    }
    fired = max<i64>(fired, watermark);
    store<u32>(scratch + SCRATCH_ROWS + (n << 2), row);
    store<i64>(scratch + SCRATCH_STARTS + (n << 3), slice);
    mixed |= u32(slice != load<i64>(scratch + SCRATCH_STARTS));
    n++;
  }
  store<u32>(planPtr, n, PLAN_RUN_ROWS);
  store<u32>(planPtr, mixed, PLAN_MIXED);
  store<i64>(planPtr, fired, PLAN_FIRED);
  store<i64>(planPtr, due, PLAN_DUE_END);
  return at;
}

/**
 * Makes the slice of an instant the first of the two near ones: that of the row before it often is the other one, as
 * disorder around a border goes to and fro. Answers whether it was neither.
 */
function turnTo(planPtr: u32, time: i64): bool {
  const near = planPtr + PLAN_NEAR;
  for (let i: u32 = 0; i < NEAR_BYTES; i += 8) {
    const first = load<i64>(near + i);
    store<i64>(near + i, load<i64>(near + i + NEAR_BYTES));
    store<i64>(near + i + NEAR_BYTES, first);
  }
  if (<u64>(time - load<i64>(near, NEAR_START)) < <u64>load<i64>(near, NEAR_SPAN)) return false;
  const slice = sliceOf(planPtr, time);
  const start = instantOf(planPtr, slice);
  store<i64>(near, slice);
  store<i64>(near, start, NEAR_START);
  store<i64>(near, instantOf(planPtr, slice + load<i64>(planPtr, PLAN_SLICE_MS)) - start, NEAR_SPAN);
  store<i64>(near, instantOf(planPtr, endAfter(planPtr, slice)), NEAR_FIRST_END);
  store<i64>(near, instantOf(planPtr, lastEndOf(planPtr, slice)), NEAR_LAST_END);
  return true;
}

function pushLate(planPtr: u32, row: u32): void {
  const count = load<u32>(planPtr, PLAN_LATE_COUNT);
  store<u32>(load<u32>(planPtr, PLAN_LATE) + (count << 2), row);
  store<u32>(planPtr, count + 1, PLAN_LATE_COUNT);
}

/** Position of the first row of a failed run that is not in. Rows of a run are in order. */
function failedAt(planPtr: u32, from: u32): u32 {
  const selection = load<u32>(planPtr, PLAN_SELECTION);
  const row = load<u32>(load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_ROWS + (load<u32>(planPtr, PLAN_RUN_ROWS) << 2));
  let at = from;
  while ((selection == 0 ? at : load<u32>(selection + (at << 2))) != row) at++;
  return at;
}
