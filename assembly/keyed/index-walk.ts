/** Walks over the whole index: to verify its counts, and to meet every key. */
import { resolve } from '../memory/arena';
import { BUCKET_HEADER, BUCKET_NEXT, bucketOf, depthOf, directoryPtr, ENTRY_BIT, SLOTS, SLOTS_END } from './index';
import { ROOT_DEPTH, ROOT_DIRECTORY } from './slab';

/** The number of buckets, and through `countPtr` (three u32) slots, keys among them, buckets whose count is wrong. */
export function indexScan(root: u32, visitPtr: u32): u32 {
  if (load<u32>(root, ROOT_DIRECTORY) == 0) return 0;
  const depth = load<u32>(root, ROOT_DEPTH);
  const directory = directoryPtr(root);
  let buckets: u32 = 0;
  for (let index: u32 = 0; index < (<u32>1) << depth; ) {
    const slot = load<u32>(directory + (index << 2));
    for (let bucket = bucketOf(slot); bucket != 0; bucket = load<u32>(resolve(bucket), BUCKET_NEXT)) {
      scanBucket(resolve(bucket), visitPtr);
      buckets++;
    }
    index += 1 << (depth - depthOf(slot));
  }
  return buckets;
}

function scanBucket(basePtr: u32, visitPtr: u32): void {
  let count: u32 = 0;
  for (let at = basePtr + BUCKET_HEADER; at < basePtr + SLOTS_END; at += 8) {
    const ref = load<u32>(at, 4);
    if (ref == 0) continue;
    count++;
    if ((ref & ENTRY_BIT) == 0) store<u32>(visitPtr, load<u32>(visitPtr, 4) + 1, 4);
  }
  store<u32>(visitPtr, load<u32>(visitPtr) + count);
  if (count != load<u32>(basePtr)) store<u32>(visitPtr, load<u32>(visitPtr, 8) + 1, 8);
}

/** The next key record at or after a place (bucket number << 9 | slot number), and the place after it at `placePtr`. */
export function nextKey(root: u32, placePtr: u32): u32 {
  if (load<u32>(root, ROOT_DIRECTORY) == 0) return 0;
  const depth = load<u32>(root, ROOT_DEPTH);
  const directory = directoryPtr(root);
  while (load<u32>(placePtr) < (<u32>1) << depth) {
    const slot = load<u32>(directory + (load<u32>(placePtr) << 2));
    let bucket = load<u32>(placePtr, 4);
    if (bucket == 0) bucket = bucketOf(slot);
    const base = resolve(bucket);
    for (let i = load<u32>(placePtr, 8); i < SLOTS; i++) {
      const ref = load<u32>(base + BUCKET_HEADER + (i << 3), 4);
      if (ref == 0 || (ref & ENTRY_BIT) != 0) continue;
      store<u32>(placePtr, bucket, 4);
      store<u32>(placePtr, i + 1, 8);
      return ref;
    }
    const next = load<u32>(base, BUCKET_NEXT);
    store<u32>(placePtr, next, 4);
    store<u32>(placePtr, 0, 8);
    if (next == 0) store<u32>(placePtr, load<u32>(placePtr) + (1 << (depth - depthOf(slot))));
  }
  return 0;
}
