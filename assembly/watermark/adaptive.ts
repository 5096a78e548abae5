/**
 * The delay of an adaptive watermark: so much that of the rows of a split about `lateRate` come later.
 *
 * How late a row is (the largest timestamp before it less its own, 0 when it is in order) is counted in histograms with 16
 * buckets to the doubling, so an edge is at most 1/16 above the value. Rows are taken in blocks; at the end of each the delay is
 * the wanted quantile of `fresh`, and a fifth for safety. A block that cannot be of the same distribution as `fresh` (its share
 * above the ninth decile is too large, or none) starts `fresh` anew; until that has seen enough rows to know its own tail, the
 * tail of `base`, the last that was known, is stretched by the ratio of the ninth deciles.
 *
 *   0          8          16      24     28      32       36        40     44       48     52
 *   +----------+----------+-------+------+-------+--------+---------+------+--------+------+------+- ... -+
 *   | lateRate | maxDelay | delay | tail | fresh | fresh  | block   | block| base   | base | spare| fresh, block, base
 *   | f64      | i64      | i64   | f32  | rows  | later  | rows    | later| rows   | later|      | u32 by bucket
 *   +----------+----------+-------+------+-------+--------+---------+------+--------+------+------+- ... -+
 *
 * `later`: rows with a lateness above 0. Everything is a function of the rows before: batches and restarts change nothing.
 */
const LATE_RATE: u32 = 0;
const MAX_DELAY: u32 = 8;
const DELAY: u32 = 16;
const TAIL: u32 = 24;
const FRESH_ROWS: u32 = 28;
const FRESH_LATER: u32 = 32;
const BLOCK_ROWS: u32 = 36;
const BLOCK_LATER: u32 = 40;
const BASE_ROWS: u32 = 44;
const BASE_LATER: u32 = 48;
const HEADER_BYTES: u32 = 56;

const BUCKETS: u32 = 608;
const HISTOGRAM_BYTES: u32 = BUCKETS << 2;
const FRESH: u32 = HEADER_BYTES;
const BLOCK: u32 = FRESH + HISTOGRAM_BYTES;
const BASE: u32 = BLOCK + HISTOGRAM_BYTES;
export const ADAPTIVE_BYTES: u32 = BASE + HISTOGRAM_BYTES;

/** A block ends after so many rows out of order, or so many in all. */
const BLOCK_LATER_MAX: u32 = 128;
const BLOCK_ROWS_MAX: u32 = 2048;
/** Rows beyond the quantile that make it known, and that are enough. */
const KNOWN: f64 = 4;
const ENOUGH: f64 = 32;
const SAFETY: f64 = 1.2;

export function adaptiveBytes(): u32 {
  return ADAPTIVE_BYTES;
}

/** Lays out an area without rows; `tail` is how many times the ninth decile the wanted quantile is at first taken to be. */
export function adaptiveInit(ptr: u32, lateRate: f64, maxDelayMs: f64, tail: f64): void {
  memory.fill(ptr, 0, ADAPTIVE_BYTES);
  store<f64>(ptr + LATE_RATE, lateRate);
  store<i64>(ptr + MAX_DELAY, <i64>maxDelayMs);
  store<i64>(ptr + DELAY, <i64>maxDelayMs);
  store<f32>(ptr + TAIL, <f32>tail);
}

export function adaptiveDelay(ptr: u32): i64 {
  return load<i64>(ptr + DELAY);
}

export function observeLateness(ptr: u32, lateness: i64): void {
  const bucket = ptr + BLOCK + (bucketOf(lateness) << 2);
  store<u32>(bucket, load<u32>(bucket) + 1);
  const rows = load<u32>(ptr + BLOCK_ROWS) + 1;
  const later = load<u32>(ptr + BLOCK_LATER) + (lateness > 0 ? 1 : 0);
  store<u32>(ptr + BLOCK_ROWS, rows);
  store<u32>(ptr + BLOCK_LATER, later);
  if (later == BLOCK_LATER_MAX || rows == BLOCK_ROWS_MAX) endBlock(ptr);
}

/** Buckets below 16 are exact; above, an exponent and four bits. */
function bucketOf(lateness: i64): u32 {
  if (lateness < 16) return <u32>lateness;
  const exponent = 63 - <u32>clz<i64>(lateness);
  const bucket = ((exponent - 3) << 4) + (<u32>(lateness >> <i64>(exponent - 4)) & 15);
  return min<u32>(bucket, BUCKETS - 1);
}

/** The largest lateness of a bucket. */
function edgeOf(bucket: u32): f64 {
  if (bucket < 16) return <f64>bucket;
  const exponent = (bucket >> 4) + 3;
  return <f64>(((<i64>(17 + (bucket & 15))) << (<i64>(exponent - 4))) - 1);
}

function countAt(histogramPtr: u32, bucket: u32): u32 {
  return load<u32>(histogramPtr + (bucket << 2));
}

/** Rows of buckets above one. */
function countAbove(histogramPtr: u32, bucket: u32): u32 {
  let count: u32 = 0;
  for (let b = bucket + 1; b < BUCKETS; b++) count += countAt(histogramPtr, b);
  return count;
}

/** The lowest bucket with at most so many rows above it. */
function bucketWithAbove(histogramPtr: u32, atMost: f64): u32 {
  let above: f64 = 0;
  let bucket = BUCKETS - 1;
  while (bucket > 0) {
    above += <f64>countAt(histogramPtr, bucket);
    if (above > atMost) return bucket;
    bucket--;
  }
  return 0;
}

function endBlock(ptr: u32): void {
  if (hasChanged(ptr)) {
    if (isKnown(ptr, load<u32>(ptr + FRESH_ROWS))) {
      memory.copy(ptr + BASE, ptr + FRESH, HISTOGRAM_BYTES);
      store<u32>(ptr + BASE_ROWS, load<u32>(ptr + FRESH_ROWS));
      store<u32>(ptr + BASE_LATER, load<u32>(ptr + FRESH_LATER));
    }
    memory.fill(ptr + FRESH, 0, HISTOGRAM_BYTES);
    store<u32>(ptr + FRESH_ROWS, 0);
    store<u32>(ptr + FRESH_LATER, 0);
  }
  addBlock(ptr);
  if (<f64>load<u32>(ptr + FRESH_ROWS) * load<f64>(ptr + LATE_RATE) >= ENOUGH) halveFresh(ptr);
  const delay = wantedDelay(ptr);
  store<i64>(ptr + DELAY, min<i64>(load<i64>(ptr + MAX_DELAY), <i64>delay));
}

function isKnown(ptr: u32, rows: u32): bool {
  return <f64>rows * load<f64>(ptr + LATE_RATE) >= KNOWN;
}

/** Whether the block can hardly be of the distribution of `fresh`: one in a million by chance, or less. */
function hasChanged(ptr: u32): bool {
  const later = load<u32>(ptr + FRESH_LATER);
  const count = <f64>load<u32>(ptr + BLOCK_LATER);
  if (later < BLOCK_LATER_MAX || count < <f64>(BLOCK_LATER_MAX >> 1)) return false;
  let bucket = bucketWithAbove(ptr + FRESH, <f64>later * 0.1);
  if (bucket > 0) bucket--;
  const share = <f64>countAbove(ptr + FRESH, bucket) / <f64>later;
  const above = <f64>countAbove(ptr + BLOCK, bucket);
  const mean = count * share;
  const variance = mean * (1 - share) * (1 + count / <f64>later);
  return above > mean + 5 * Math.sqrt(variance) + 1 || (above == 0 && mean >= 11.5);
}

function addBlock(ptr: u32): void {
  for (let b: u32 = 0; b < BUCKETS; b++) {
    const at = ptr + FRESH + (b << 2);
    store<u32>(at, load<u32>(at) + countAt(ptr + BLOCK, b));
  }
  store<u32>(ptr + FRESH_ROWS, load<u32>(ptr + FRESH_ROWS) + load<u32>(ptr + BLOCK_ROWS));
  store<u32>(ptr + FRESH_LATER, load<u32>(ptr + FRESH_LATER) + load<u32>(ptr + BLOCK_LATER));
  memory.fill(ptr + BLOCK, 0, HISTOGRAM_BYTES);
  store<u32>(ptr + BLOCK_ROWS, 0);
  store<u32>(ptr + BLOCK_LATER, 0);
}

/** Old rows weigh half: a slow change is followed. */
function halveFresh(ptr: u32): void {
  let rows: u32 = 0;
  for (let b: u32 = 0; b < BUCKETS; b++) {
    const half = countAt(ptr + FRESH, b) >> 1;
    store<u32>(ptr + FRESH + (b << 2), half);
    rows += half;
  }
  store<u32>(ptr + FRESH_ROWS, rows);
  store<u32>(ptr + FRESH_LATER, rows - countAt(ptr + FRESH, 0));
}

function quantile(histogramPtr: u32, rows: u32, share: f64): f64 {
  return edgeOf(bucketWithAbove(histogramPtr, <f64>rows * share));
}

function wantedDelay(ptr: u32): f64 {
  const rate = load<f64>(ptr + LATE_RATE);
  const rows = load<u32>(ptr + FRESH_ROWS);
  const own = quantile(ptr + FRESH, rows, rate);
  if (isKnown(ptr, rows)) return own * SAFETY;
  const decile = quantile(ptr + FRESH, load<u32>(ptr + FRESH_LATER), 0.1);
  const base = load<u32>(ptr + BASE_ROWS);
  const baseDecile = quantile(ptr + BASE, load<u32>(ptr + BASE_LATER), 0.1);
  if (base == 0 || baseDecile == 0 || decile == 0) return max<f64>(own, decile * <f64>load<f32>(ptr + TAIL)) * SAFETY;
  return quantile(ptr + BASE, base, rate) * (decile / baseDecile) * SAFETY;
}
