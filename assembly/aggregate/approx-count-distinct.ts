/**
 * approxCountDistinct: HyperLogLog with 2^12 registers.
 *
 *   16 bytes: a blob. Sparse: up to 128 words (register << 8 | rank), its last word their number; dense: its last word
 *   DENSE, 3,072 bytes: 4,096 registers of 6 bits, and two bytes behind them
 *
 * Error: the standard error is 1.04 / sqrt(4096) = 1.6%.
 *
 * Invariant: what is estimated depends on the set of values alone, not on order, repetition or merging: registers are
 * maxima, and sparse and dense say the same.
 * Background: Flajolet et al., HyperLogLog (AofA 2007); the estimator is that of Ertl, New cardinality estimation
 * algorithms for HyperLogLog sketches (arXiv 1702.01284), section 4: without tables, unbiased from 0 on.
 */
import { columnValues, VIEW } from '../abi';
import { wideHashBytes, wideHashInt64 } from '../hash/hash';
import { BLOB_EXTRA, blobDrop, blobLength, blobPtr, blobReserve, blobSet, blobTouch, transientBytes } from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_COLUMN, AGGREGATE_TYPE } from './call';
import { wordAt } from './column';

const PRECISION: u32 = 12;
const REGISTERS: u32 = 1 << PRECISION;
const RANK_MAX: u32 = 64 - PRECISION + 1;
const SPARSE_MAX: u32 = 128;
const DENSE: u32 = 0xffffffff;
const DENSE_BYTES: u32 = (REGISTERS * 6) / 8 + 2;

/** The 64-bit hash of a value, the same for equal values. */
export function valueHash(type: u32, valuesPtr: u32, row: u32): u64 {
  if (type != VIEW) return wideHashInt64(<i64>wordAt(type, valuesPtr, row));
  const view = valuesPtr + (row << 3);
  return wideHashBytes(load<u32>(view), load<u32>(view, 4));
}

/** False without memory. */
export function hyperAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const hash = valueHash(type, values, load<u32>(rowsPtr + k));
    const register = <u32>(hash >> (64 - PRECISION));
    const rank = min<u32>(RANK_MAX, 1 + <u32>clz<u64>(hash << PRECISION));
    if (!raise(blobs, load<u32>(entriesPtr + k) + offset, register, rank)) return false;
  }
  return true;
}

function raise(blobs: u32, acc: u32, register: u32, rank: u32): bool {
  if (load<u32>(acc, BLOB_EXTRA) != DENSE) {
    const used = load<u32>(acc, BLOB_EXTRA);
    const at = sparsePlace(blobPtr(acc), used, register);
    if (at < used) {
      if ((load<u32>(blobPtr(acc) + (at << 2)) & 255) >= rank) return true;
      if (!blobReserve(blobs, acc, blobLength(acc))) return false;
      return setWord(blobs, acc, at, (register << 8) | rank);
    }
    if (used < SPARSE_MAX) {
      if (!blobReserve(blobs, acc, (used + 1) << 2)) return false;
      store<u32>(acc, used + 1, BLOB_EXTRA);
      store<u32>(acc, (used + 1) << 2, 4);
      return setWord(blobs, acc, used, (register << 8) | rank);
    }
    if (!makeDense(blobs, acc)) return false;
  }
  if (denseRank(blobPtr(acc), register) >= rank) return true;
  if (!blobReserve(blobs, acc, DENSE_BYTES)) return false;
  setDense(blobs, blobPtr(acc), register, rank);
  return true;
}

function setWord(blobs: u32, acc: u32, index: u32, word: u32): bool {
  const at = blobPtr(acc) + (index << 2);
  blobTouch(blobs, at, 4);
  store<u32>(at, word);
  return true;
}

function sparsePlace(ptr: u32, used: u32, register: u32): u32 {
  for (let i: u32 = 0; i < used; i++) if (load<u32>(ptr + (i << 2)) >> 8 == register) return i;
  return used;
}

function denseRank(ptr: u32, register: u32): u32 {
  const bit = register * 6;
  return (<u32>load<u16>(ptr + (bit >> 3)) >> (bit & 7)) & 63;
}

function setDense(blobs: u32, ptr: u32, register: u32, rank: u32): void {
  const bit = register * 6;
  const at = ptr + (bit >> 3);
  const shift = bit & 7;
  blobTouch(blobs, at, 2);
  store<u16>(at, <u16>((<u32>load<u16>(at) & ~(63 << shift)) | (rank << shift)));
}

function makeDense(blobs: u32, acc: u32): bool {
  const used = load<u32>(acc, BLOB_EXTRA);
  const words = transientBytes(blobs, SPARSE_MAX << 2);
  const zeros = transientBytes(blobs, DENSE_BYTES);
  if (words == 0 || zeros == 0) return false;
  memory.copy(words, blobPtr(acc), used << 2);
  memory.fill(zeros, 0, DENSE_BYTES);
  blobDrop(blobs, acc);
  if (!blobSet(blobs, acc, zeros, DENSE_BYTES)) return false;
  store<u32>(acc, DENSE, BLOB_EXTRA);
  for (let i: u32 = 0; i < used; i++) {
    const word = load<u32>(words + (i << 2));
    setDense(blobs, blobPtr(acc), word >> 8, word & 255);
  }
  return true;
}

/** False without memory. */
export function hyperMerge(blobs: u32, into: u32, from: u32): bool {
  const used = load<u32>(from, BLOB_EXTRA);
  if (used != DENSE) {
    for (let i: u32 = 0; i < used; i++) {
      const word = load<u32>(blobPtr(from) + (i << 2));
      if (!raise(blobs, into, word >> 8, word & 255)) return false;
    }
    return true;
  }
  for (let register: u32 = 0; register < REGISTERS; register++) {
    const rank = denseRank(blobPtr(from), register);
    if (rank != 0 && !raise(blobs, into, register, rank)) return false;
  }
  return true;
}

/** How many registers have each rank, u32[64] at `counts`. */
function countRanks(acc: u32, counts: u32): void {
  memory.fill(counts, 0, 256);
  const used = load<u32>(acc, BLOB_EXTRA);
  const ptr = blobPtr(acc);
  const isDense = used == DENSE;
  const n = isDense ? REGISTERS : used;
  for (let i: u32 = 0; i < n; i++) {
    const at = counts + ((isDense ? denseRank(ptr, i) : load<u32>(ptr + (i << 2)) & 255) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  if (!isDense) store<u32>(counts, REGISTERS - used);
}

function sigma(share: f64): f64 {
  if (share == 1) return Infinity;
  let x = share;
  let y: f64 = 1;
  let z = x;
  let before: f64 = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (z != before);
  return z;
}

function tau(share: f64): f64 {
  if (share == 0 || share == 1) return 0;
  let x = share;
  let y: f64 = 1;
  let z = 1 - x;
  let before: f64 = 0;
  do {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z != before);
  return z / 3;
}

/** Writes the estimate, an i64. False without memory. */
export function hyperFinish(blobs: u32, acc: u32, outPtr: u32): bool {
  const counts = transientBytes(blobs, 256);
  if (counts == 0) return false;
  countRanks(acc, counts);
  const registers = <f64>REGISTERS;
  let z = registers * tau(1 - <f64>load<u32>(counts + (RANK_MAX << 2)) / registers);
  for (let rank = RANK_MAX - 1; rank >= 1; rank--) z = 0.5 * (z + <f64>load<u32>(counts + (rank << 2)));
  z += registers * sigma(<f64>load<u32>(counts) / registers);
  store<i64>(outPtr, <i64>nearest<f64>((registers * registers) / (2 * Math.LN2 * z)));
  return true;
}
