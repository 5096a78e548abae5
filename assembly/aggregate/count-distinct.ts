/**
 * countDistinct: the different values themselves, in a hash set with linear probing.
 *
 *   48 bytes: blob of slots u64, 0 = free; its last word the values in it | blob while growing; its last word is 1 when
 *   the value whose word is 0 is there too | blob of texts (values.ts)
 *
 * A group can hold what the largest blob can: about 97,000 values, and 1 MiB of different text. More fails the job with
 * a hint at approxCountDistinct; a window of several slices can have that many in each.
 */
import { columnValues, VIEW } from '../abi';
import {
  BLOB_BYTES,
  BLOB_EXTRA,
  BLOB_LENGTH,
  BLOB_MAX,
  blobCapacity,
  blobDrop,
  blobLength,
  blobMove,
  blobPtr,
  blobReserve,
  blobTouch,
  transientBytes,
} from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_COLUMN, AGGREGATE_TYPE } from './call';
import {
  isValue,
  keepValue,
  reserveKept,
  VALUE_BYTES,
  VALUE_HASH,
  VALUE_IS_TEXT,
  valueKept,
  valueOfRow,
} from './values';

const GROWING: u32 = BLOB_BYTES;
const HAS_ZERO: u32 = BLOB_BYTES + BLOB_EXTRA;
const TEXTS: u32 = 2 * BLOB_BYTES;
export const DISTINCT_BYTES: u32 = 3 * BLOB_BYTES;

/** False without memory. */
export function distinctAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const value = transientBytes(blobs, VALUE_BYTES);
  if (value == 0) return false;
  for (let k: u32 = 0; k < n << 2; k += 4) {
    valueOfRow(value, type, values, load<u32>(rowsPtr + k));
    if (!insert(blobs, load<u32>(entriesPtr + k) + offset, value)) return false;
  }
  return true;
}

/** The slot of a value, or the free one where it belongs; there is a free one. */
function place(acc: u32, value: u32): u32 {
  const slots = blobPtr(acc);
  const end = slots + blobLength(acc);
  let at = slots + (placeOf(load<u32>(value, VALUE_HASH), blobLength(acc) >> 3) << 3);
  while (load<u64>(at) != 0 && !isValue(value, load<u64>(at), acc + TEXTS)) {
    at += 8;
    if (at == end) at = slots;
  }
  return at;
}

function placeOf(hash: u32, slots: u32): u32 {
  return <u32>((<u64>hash * <u64>slots) >> 32);
}

function insert(blobs: u32, acc: u32, value: u32): bool {
  // The word of a kept text is never 0: places begin at 1.
  if (load<u64>(value) == 0 && load<u32>(value, VALUE_IS_TEXT) == 0) {
    store<u32>(acc, 1, HAS_ZERO);
    return true;
  }
  if (blobLength(acc) != 0 && load<u64>(place(acc, value)) != 0) return true;
  const count = load<u32>(acc, BLOB_EXTRA);
  if ((count + 1) << 2 > (blobLength(acc) >> 3) * 3 && !grow(blobs, acc)) return false;
  if (!blobReserve(blobs, acc, blobLength(acc)) || !reserveKept(blobs, value, acc + TEXTS)) return false;
  const at = place(acc, value);
  blobTouch(blobs, at, 8);
  store<u64>(at, keepValue(blobs, value, acc + TEXTS));
  store<u32>(acc, count + 1, BLOB_EXTRA);
  return true;
}

/** Twice the slots. Words know their hash, or are it. */
function grow(blobs: u32, acc: u32): bool {
  const made = acc + GROWING;
  const had = blobLength(acc);
  const hasZero = load<u32>(acc, HAS_ZERO);
  memory.fill(made, 0, BLOB_BYTES);
  const value = transientBytes(blobs, VALUE_BYTES);
  const wanted = had < BLOB_MAX && had << 1 > BLOB_MAX ? BLOB_MAX : max<u32>(64, had << 1);
  const isMade = value != 0 && blobReserve(blobs, made, wanted);
  if (isMade) {
    const bytes = blobCapacity(made) & ~7;
    blobTouch(blobs, blobPtr(made), bytes);
    memory.fill(blobPtr(made), 0, bytes);
    rehash(acc, blobPtr(made), bytes, value);
    store<u32>(made, bytes, BLOB_LENGTH);
    store<u32>(made, load<u32>(acc, BLOB_EXTRA), BLOB_EXTRA);
    blobDrop(blobs, acc);
    blobMove(acc, made);
  }
  memory.fill(made, 0, BLOB_BYTES);
  store<u32>(acc, hasZero, HAS_ZERO);
  return isMade;
}

function rehash(acc: u32, into: u32, bytes: u32, value: u32): void {
  const isText = blobLength(acc + TEXTS) != 0;
  for (let i: u32 = 0; i < blobLength(acc); i += 8) {
    const word = load<u64>(blobPtr(acc) + i);
    if (word == 0) continue;
    valueKept(value, isText, word, acc + TEXTS);
    let at = into + (placeOf(load<u32>(value, VALUE_HASH), bytes >> 3) << 3);
    while (load<u64>(at) != 0) {
      at += 8;
      if (at == into + bytes) at = into;
    }
    store<u64>(at, word);
  }
}

/** False without memory. */
export function distinctMerge(callPtr: u32, into: u32, from: u32): bool {
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const isText = load<u32>(callPtr, AGGREGATE_TYPE) == VIEW;
  const value = transientBytes(blobs, VALUE_BYTES);
  if (value == 0) return false;
  if (load<u32>(from, HAS_ZERO) != 0) store<u32>(into, 1, HAS_ZERO);
  for (let i: u32 = 0; i < blobLength(from); i += 8) {
    const word = load<u64>(blobPtr(from) + i);
    if (word == 0) continue;
    valueKept(value, isText, word, from + TEXTS);
    if (!insert(blobs, into, value)) return false;
  }
  return true;
}

export function distinctFinish(acc: u32, outPtr: u32): void {
  store<u64>(outPtr, <u64>load<u32>(acc, BLOB_EXTRA) + <u64>load<u32>(acc, HAS_ZERO));
}
