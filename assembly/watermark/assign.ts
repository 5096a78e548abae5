/**
 * Row-exact watermark arithmetic for one batch of one split, and the guard against rows from the future.
 *
 * The watermark before a row is  max(floor, min(others, own)),  where `own` is that of the split's rows before it, `others`
 * the smallest watermark of the other splits and `floor` what was combined before; both are constant during the batch because
 * splits take turns. It is written for each row, so that lateness can be decided by row however rows were batched.
 *
 * The guard: a row more than `skew` ahead of the largest timestamp of its split goes to the list of rows ahead and moves
 * nothing. AHEAD_MAX such rows, with none between that is not ahead, are a jump of time itself: the lowest of them becomes the
 * largest timestamp. The first row of a split has no peers, so its watermark goes out with the second row only: when that is more
 * than `skew` behind, it was the first that was ahead, and counts no more.
 *
 * State of a split, 64 bytes at statePtr:
 *
 *   0       8       16      24       28      32        36      40     44      48      56         60
 *   +-------+-------+-------+--------+-------+---------+-------+------+-------+-------+----------+-------+
 *   | most  | own   | low   | streak | peers | missing | ahead | kept | spare | delay | adaptive | spare |
 *   | i64   | i64   | i64   | u32    | u32   | u32     | u32   | u32  |       | i64   | ptr      |       |
 *   +-------+-------+-------+--------+-------+---------+-------+------+-------+-------+----------+-------+
 *
 * `most`: largest timestamp, `low`: lowest of a streak of rows ahead, `peers`: 0, 1, or 2 for any more; missing, ahead and
 * kept count rows of the batch. Absent instants are i64.MIN_VALUE. With an adaptive area `delay` follows it (adaptive.ts).
 */
import { WHOLE } from '../edition';
import { isValid } from '../abi';
import { adaptiveDelay, observeLateness } from './adaptive';

const MOST: u32 = 0;
const OWN: u32 = 8;
const LOW: u32 = 16;
const STREAK: u32 = 24;
const PEERS: u32 = 28;
const MISSING: u32 = 32;
const AHEAD: u32 = 36;
const KEPT: u32 = 40;
const DELAY: u32 = 48;
const ADAPTIVE: u32 = 56;
const NONE: i64 = i64.MIN_VALUE;
/** So many rows ahead in a row are no mistake of theirs. */
const AHEAD_MAX: u32 = 8;
/** A skew that no timestamp reaches: the guard is off. */
const NO_GUARD: i64 = 1 << 60;

function combined(own: i64, floor: i64, others: i64): i64 {
  return max<i64>(floor, min<i64>(own, others));
}

function rowAt(selectionPtr: u32, k: u32): u32 {
  return selectionPtr == 0 ? k : load<u32>(selectionPtr + (k << 2));
}

/** An instant of the border in i64: the ends of safe integers stand for none and for ever. */
function instant(ms: f64): i64 {
  return ms <= -9007199254740991.0 ? NONE : <i64>ms;
}

/**
 * Writes the watermark before each meant row to outPtr (i64, by row number) and moves the state on. Rows without a timestamp
 * move nothing. `divisor` is the number of timestamp units in a millisecond (1 or 1000), a negative `skewMs` means no guard.
 * Returns 0 when every row that has a timestamp is kept; otherwise 1, and keptPtr and aheadPtr have the numbers of the rows
 * that are kept and that are ahead (u32), counted in the state. `missing` is counted in any case.
 */
export function assignWatermarks(
  timestampsPtr: u32,
  validityPtr: u32,
  selectionPtr: u32,
  rows: u32,
  statePtr: u32,
  skewMs: f64,
  floorMs: f64,
  othersMs: f64,
  divisor: u32,
  outPtr: u32,
  keptPtr: u32,
  aheadPtr: u32,
): u32 {
  const skew = skewMs < 0 ? NO_GUARD : <i64>skewMs;
  if (skewMs < 0) store<u32>(statePtr + PEERS, 2);
  const floor = instant(floorMs);
  const others = <i64>othersMs;
  store<u32>(statePtr + MISSING, 0);
  const isPlain =
    load<u32>(statePtr + PEERS) == 2 && load<u32>(statePtr + STREAK) == 0 && load<u32>(statePtr + ADAPTIVE) == 0;
  const done = !isPlain
    ? 0
    : selectionPtr == 0 && validityPtr == 0 && divisor == 1
      ? assignDense(timestampsPtr, rows, statePtr, skew, floor, others, outPtr)
      : assignSparse(timestampsPtr, validityPtr, selectionPtr, rows, statePtr, skew, floor, others, divisor, outPtr);
  if (done == rows) return 0;
  return assignGuarded(
    timestampsPtr,
    validityPtr,
    selectionPtr,
    rows,
    done,
    statePtr,
    skew,
    floor,
    others,
    divisor,
    outPtr,
    keptPtr,
    aheadPtr,
  );
}

/** Rows up to the first that is ahead: how many. For columns in milliseconds without nulls or selection. */
function assignDense(
  timestampsPtr: u32,
  rows: u32,
  statePtr: u32,
  skew: i64,
  floor: i64,
  others: i64,
  outPtr: u32,
): u32 {
  const delay = load<i64>(statePtr + DELAY);
  let most = load<i64>(statePtr + MOST);
  let limit = most == NONE ? i64.MAX_VALUE : most + skew;
  let before = combined(load<i64>(statePtr + OWN), floor, others);
  let i: u32 = 0;
  for (; i < rows; i++) {
    store<i64>(outPtr + (i << 3), before);
    const at = load<i64>(timestampsPtr + (i << 3));
    if (at > most) {
      if (at > limit) break;
      most = at;
      limit = at + skew;
      before = combined(at - delay - 1, floor, others);
    }
  }
  store<i64>(statePtr + MOST, most);
  if (most != NONE) store<i64>(statePtr + OWN, most - delay - 1);
  return i;
}

/** As assignDense, for any column. */
function assignSparse(
  timestampsPtr: u32,
  validityPtr: u32,
  selectionPtr: u32,
  rows: u32,
  statePtr: u32,
  skew: i64,
  floor: i64,
  others: i64,
  divisor: u32,
  outPtr: u32,
): u32 {
  const delay = load<i64>(statePtr + DELAY);
  let most = load<i64>(statePtr + MOST);
  let limit = most == NONE ? i64.MAX_VALUE : most + skew;
  let before = combined(load<i64>(statePtr + OWN), floor, others);
  let missing: u32 = 0;
  let k: u32 = 0;
  for (; k < rows; k++) {
    const i = rowAt(selectionPtr, k);
    store<i64>(outPtr + (i << 3), before);
    if (!isValid(validityPtr, i)) {
      missing++;
      continue;
    }
    const at = floorDivide(load<i64>(timestampsPtr + (i << 3)), divisor);
    if (at > most) {
      if (at > limit) break;
      most = at;
      limit = at + skew;
      before = combined(at - delay - 1, floor, others);
    }
  }
  store<i64>(statePtr + MOST, most);
  if (most != NONE) store<i64>(statePtr + OWN, most - delay - 1);
  store<u32>(statePtr + MISSING, missing);
  return k;
}

/** Rows from number `from` on by the whole rule, one by one. */
function assignGuarded(
  timestampsPtr: u32,
  validityPtr: u32,
  selectionPtr: u32,
  rows: u32,
  from: u32,
  statePtr: u32,
  skew: i64,
  floor: i64,
  others: i64,
  divisor: u32,
  outPtr: u32,
  keptPtr: u32,
  aheadPtr: u32,
): u32 {
  let missing: u32 = 0;
  let kept: u32 = 0;
  let ahead: u32 = 0;
  for (let k: u32 = 0; k < rows; k++) {
    const i = rowAt(selectionPtr, k);
    const isPresent = isValid(validityPtr, i);
    if (k >= from) {
      const at = isPresent ? floorDivide(load<i64>(timestampsPtr + (i << 3)), divisor) : 0;
      store<i64>(outPtr + (i << 3), combined(ownBefore(statePtr, at, skew), floor, others));
      if (isPresent && !take(statePtr, at, skew)) {
        store<u32>(aheadPtr + (ahead++ << 2), i);
        continue;
      }
    }
    if (isPresent) store<u32>(keptPtr + (kept++ << 2), i);
    else missing++;
  }
  store<u32>(statePtr + MISSING, missing);
  store<u32>(statePtr + KEPT, kept);
  store<u32>(statePtr + AHEAD, ahead);
  return ahead > 0 ? 1 : 0;
}

/** The split's watermark before a row: that of a single earlier row counts when this row does not tell against it. */
function ownBefore(statePtr: u32, at: i64, skew: i64): i64 {
  if (load<u32>(statePtr + PEERS) != 1) return load<i64>(statePtr + OWN);
  const most = load<i64>(statePtr + MOST);
  return at < most - skew ? NONE : most - load<i64>(statePtr + DELAY) - 1;
}

/** Moves the state of a split on by one row; false when the row is ahead of its peers. */
function take(statePtr: u32, at: i64, skew: i64): bool {
  const peers = load<u32>(statePtr + PEERS);
  let most = load<i64>(statePtr + MOST);
  if (peers == 1 && at < most - skew) {
    // The only row before it was ahead of its peers: it moved nothing yet, and counts no more.
    store<i64>(statePtr + MOST, at);
    return true;
  }
  if (peers > 0 && most != NONE && at > most + skew) {
    const streak = load<u32>(statePtr + STREAK) + 1;
    const low = streak == 1 ? at : min<i64>(load<i64>(statePtr + LOW), at);
    store<u32>(statePtr + STREAK, streak);
    store<i64>(statePtr + LOW, low);
    if (streak < AHEAD_MAX) return false;
    most = low;
    store<i64>(statePtr + MOST, low);
    store<u32>(statePtr + STREAK, 0);
    if (at > low + skew) {
      store<u32>(statePtr + PEERS, 2);
      moveOwn(statePtr, low);
      return false;
    }
  }
  store<u32>(statePtr + STREAK, 0);
  const adaptivePtr = load<u32>(statePtr + ADAPTIVE);
  if (WHOLE && adaptivePtr != 0 && peers > 0) {
    observeLateness(adaptivePtr, most == NONE || at > most ? 0 : most - at);
    store<i64>(statePtr + DELAY, adaptiveDelay(adaptivePtr));
  }
  if (at > most) {
    most = at;
    store<i64>(statePtr + MOST, at);
  }
  if (peers < 2) store<u32>(statePtr + PEERS, peers + 1);
  if (peers > 0) moveOwn(statePtr, most);
  return true;
}

/** Never back: a delay that has grown holds the watermark where it is. */
function moveOwn(statePtr: u32, most: i64): void {
  const own = most - load<i64>(statePtr + DELAY) - 1;
  if (own > load<i64>(statePtr + OWN)) store<i64>(statePtr + OWN, own);
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

/**
 * out = max(floorMs, min(watermark before the row, othersMs)), row by row: how a union holds an input back by its other inputs,
 * and takes one that woke behind its own watermark to that.
 */
export function clampWatermarks(watermarksPtr: u32, rows: u32, floorMs: f64, othersMs: f64, outPtr: u32): void {
  const others = <i64>othersMs;
  const floor = instant(floorMs);
  for (let i: u32 = 0; i < rows; i++) {
    store<i64>(outPtr + (i << 3), combined(load<i64>(watermarksPtr + (i << 3)), floor, others));
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

/**
 * Alignment: how many of the rows from number `from` on may pass. A row later than `limitMs` stops, and so does every row once
 * the split itself is beyond it, unless the split is not ahead of the others (its largest timestamp is at most `othersMs`) or
 * the row is more than the skew ahead of its split.
 */
export function rowsWithin(
  timestampsPtr: u32,
  validityPtr: u32,
  selectionPtr: u32,
  from: u32,
  rows: u32,
  divisor: u32,
  maxMs: f64,
  othersMs: f64,
  limitMs: f64,
  skewMs: f64,
): u32 {
  let most = instant(maxMs);
  const others = instant(othersMs);
  const limit = <i64>limitMs;
  const skew = skewMs < 0 ? NO_GUARD : <i64>skewMs;
  for (let k = from; k < rows; k++) {
    if (most > others && most > limit) return k - from;
    const i = rowAt(selectionPtr, k);
    if (!isValid(validityPtr, i)) continue;
    const at = floorDivide(load<i64>(timestampsPtr + (i << 3)), divisor);
    if (at <= most || (most != NONE && at > most + skew)) continue;
    if (at > limit && most > others) return k - from;
    most = at;
  }
  return rows - from;
}
