/**
 * min and max of text, in the order of code points (that of the UTF-8 bytes).
 *
 *   16 bytes: a blob with the text; its last word is 1 when there is one
 */
import { columnValues } from '../abi';
import { BLOB_BYTES, BLOB_EXTRA, blobLength, blobPtr, blobSet } from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_COLUMN } from './call';

function compareText(a: u32, aBytes: u32, b: u32, bBytes: u32): i32 {
  const order = memory.compare(a, b, min<u32>(aBytes, bBytes));
  return order != 0 ? order : aBytes < bBytes ? -1 : i32(aBytes > bBytes);
}

/** `sign` is -1 for the least, 1 for the largest. False without memory. */
export function textAdd(callPtr: u32, sign: i32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const values = columnValues(load<u32>(callPtr, AGGREGATE_COLUMN));
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const acc = load<u32>(entriesPtr + k) + offset;
    const view = values + (load<u32>(rowsPtr + k) << 3);
    const ptr = load<u32>(view);
    const bytes = load<u32>(view, 4);
    if (load<u32>(acc, BLOB_EXTRA) != 0 && compareText(ptr, bytes, blobPtr(acc), blobLength(acc)) * sign <= 0) continue;
    if (!blobSet(blobs, acc, ptr, bytes)) return false;
    store<u32>(acc, 1, BLOB_EXTRA);
  }
  return true;
}

export function textMerge(sign: i32, intoPtr: u32, fromPtr: u32): void {
  if (load<u32>(fromPtr, BLOB_EXTRA) == 0) return;
  if (load<u32>(intoPtr, BLOB_EXTRA) != 0) {
    const order = compareText(blobPtr(fromPtr), blobLength(fromPtr), blobPtr(intoPtr), blobLength(intoPtr));
    if (order * sign <= 0) return;
  }
  memory.copy(intoPtr, fromPtr, BLOB_BYTES);
}
