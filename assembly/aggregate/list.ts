/**
 * collectList and joinText: the first values of the group, up to a limit.
 *
 *   16 bytes: a blob; its last word the values in it. Of fixed width 8 bytes each, of text length u32 and bytes
 *
 * Values come slice by slice in time order, within a slice in record order; those beyond the limit are left out. The
 * list goes out as these bytes (the host spells JSON); the text is joined here.
 */
import { columnValues, F64, VIEW } from '../abi';
import { BLOB_EXTRA, blobAppend, blobLength, blobPtr, blobView, transientBytes } from './blob';
import {
  AGGREGATE_BLOBS,
  AGGREGATE_COLUMN,
  AGGREGATE_PARAMETER,
  AGGREGATE_TEXT,
  AGGREGATE_TEXT_BYTES,
  AGGREGATE_TYPE,
} from './call';
import { integerAt } from './column';

function limitOf(callPtr: u32): u32 {
  return <u32>load<f64>(callPtr, AGGREGATE_PARAMETER);
}

/** False without memory. */
export function listAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  const limit = limitOf(callPtr);
  const word = transientBytes(blobs, 8);
  if (word == 0) return false;
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const acc = load<u32>(entriesPtr + k) + offset;
    const row = load<u32>(rowsPtr + k);
    const count = load<u32>(acc, BLOB_EXTRA);
    if (count >= limit) continue;
    if (type == VIEW) {
      const view = values + (row << 3);
      if (!blobAppend(blobs, acc, view + 4, 4)) return false;
      if (!blobAppend(blobs, acc, load<u32>(view), load<u32>(view, 4))) return false;
    } else {
      store<u64>(word, type == F64 ? load<u64>(values + (row << 3)) : <u64>integerAt(type, values, row));
      if (!blobAppend(blobs, acc, word, 8)) return false;
    }
    store<u32>(acc, count + 1, BLOB_EXTRA);
  }
  return true;
}

/** False without memory. */
export function listMerge(callPtr: u32, into: u32, from: u32): bool {
  const had = load<u32>(into, BLOB_EXTRA);
  const more = min<u32>(load<u32>(from, BLOB_EXTRA), max<u32>(had, limitOf(callPtr)) - had);
  if (more == 0) return true;
  const bytes = load<u32>(callPtr, AGGREGATE_TYPE) == VIEW ? textsBytes(blobPtr(from), more) : more << 3;
  if (!blobAppend(load<u32>(callPtr, AGGREGATE_BLOBS), into, blobPtr(from), bytes)) return false;
  store<u32>(into, had + more, BLOB_EXTRA);
  return true;
}

/** Bytes of the first `count` texts. */
function textsBytes(ptr: u32, count: u32): u32 {
  let at = ptr;
  for (let i: u32 = 0; i < count; i++) at += 4 + load<u32>(at);
  return at - ptr;
}

/** Writes the values' bytes as a view. False without memory. */
export function listFinish(callPtr: u32, acc: u32, outPtr: u32): bool {
  return blobView(load<u32>(callPtr, AGGREGATE_BLOBS), acc, outPtr);
}

/** Writes the joined text as a view. False without memory. */
export function joinFinish(callPtr: u32, acc: u32, outPtr: u32): bool {
  const count = load<u32>(acc, BLOB_EXTRA);
  const separator = load<u32>(callPtr, AGGREGATE_TEXT);
  const between = load<u32>(callPtr, AGGREGATE_TEXT_BYTES);
  const text = transientBytes(load<u32>(callPtr, AGGREGATE_BLOBS), blobLength(acc) + count * between);
  if (text == 0) return false;
  let from = blobPtr(acc);
  let to = text;
  for (let i: u32 = 0; i < count; i++) {
    if (i != 0) {
      memory.copy(to, separator, between);
      to += between;
    }
    const bytes = load<u32>(from);
    memory.copy(to, from + 4, bytes);
    to += bytes;
    from += 4 + bytes;
  }
  store<u32>(outPtr, text);
  store<u32>(outPtr, to - text, 4);
  return true;
}
