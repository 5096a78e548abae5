/**
 * What keys take in a state: a walk over its entries (of windows and aggregates) or its keys (of keyed states), a bounded
 * number at a time.
 *
 *   walk, 24 bytes: slice u32 | kind of its table u32 | index of the directory u32 | entry in its segment u32;
 *                   of keyed states the place of nextKey; from 16 on f64 bytes of all that it met
 *   found, 20 bytes each: address of the key u32, its length u32, hash u32, bytes u32 (with those of the key), entries u32
 *
 * Invariants
 *  1. A walk that begins with zeros and goes on until it answers 0 meets every entry whose hash is in its share of all
 *     hashes exactly once, as long as the state is not changed meanwhile.
 *  2. Keys of KEY_INT64 have length 8 and their value where the address points.
 * Not here: which key is heaviest (src/state/heaviest-keys.ts).
 */
import { WHOLE } from './edition';
import { hashOfEntry, INLINE_BYTES, KEY_INT64, keyBytesPtr } from './hash/key';
import {
  capacityOf,
  SEGMENT_HEADER,
  slotClass,
  slotDepth,
  slotSegment,
  TABLE_DEPTH,
  TABLE_DIRECTORY,
  TABLE_ENTRY_BYTES,
  TABLE_KEY_KIND,
  TABLE_TAG,
} from './hash/table';
import { nextKey } from './keyed/index-walk';
import {
  ENTRY_NEXT,
  INDEXED,
  KEY_BYTES_AT,
  KEY_ENTRIES,
  KEY_FIRST,
  KEY_HASH,
  KEY_LENGTH,
  KIND_KEYED,
} from './keyed/record';
import { recordCapacity, ROOT_DEPTH, ROOT_DIRECTORY, rootOf } from './keyed/slab';
import { resolve, STATE_KIND, statePtr } from './memory/arena';
import { KIND_WINDOWED, sliceCount, sliceTable, TABLE_KINDS } from './window/slices';

const WALK_SLICE: u32 = 0;
const WALK_KIND: u32 = 4;
const WALK_INDEX: u32 = 8;
const WALK_ENTRY: u32 = 12;
const WALK_WEIGHT: u32 = 16;
const FOUND_BYTES: u32 = 20;

/**
 * Writes up to `maxFound` entries whose hash, shifted right by `shift` (32: all), is `share` (to 0: only weighs them). How many; 0 at the end. A
 * segment is left only when it is done, so a call looks at one segment more than it has room for at most. Directories are in
 * the order of hashes: of a share only the segments are looked at that it has a part of.
 */
export function stateWalk(state: u32, walkPtr: u32, outPtr: u32, maxFound: u32, shift: u32, share: u32): u32 {
  const stateKind = load<u32>(statePtr(state), STATE_KIND);
  if (WHOLE && stateKind == KIND_KEYED) return walkKeys(rootOf(state), walkPtr, outPtr, maxFound, shift, share);
  if (stateKind != KIND_WINDOWED) return 0;
  let found: u32 = 0;
  while (load<u32>(walkPtr, WALK_SLICE) < sliceCount(state) && found < maxFound) {
    const table = sliceTable(state, load<u32>(walkPtr, WALK_SLICE), load<u32>(walkPtr, WALK_KIND));
    if (table != 0) found = walkTable(resolve(table), walkPtr, outPtr, found, maxFound, shift, share);
    if (found < maxFound) nextTable(walkPtr);
  }
  return found;
}

function walkKeys(root: u32, walkPtr: u32, outPtr: u32, maxFound: u32, shift: u32, share: u32): u32 {
  if (root == 0 || load<u32>(root, ROOT_DIRECTORY) == 0) return 0;
  const depth = load<u32>(root, ROOT_DEPTH);
  store<u32>(walkPtr, max<u32>(load<u32>(walkPtr), firstIndex(depth, shift, share)));
  let found: u32 = 0;
  while (found < maxFound && load<u32>(walkPtr) <= lastIndex(depth, shift, share)) {
    const key = nextKey(root, walkPtr);
    if (key == 0) break;
    const keyPtr = resolve(key);
    const hash = load<u32>(keyPtr, KEY_HASH);
    if (<u32>(<u64>hash >> shift) != share) continue;
    const bytes = recordCapacity(key) + entriesBytes(load<u32>(keyPtr, KEY_FIRST));
    found++;
    weigh(walkPtr, bytes);
    if (outPtr == 0) continue;
    const out = outPtr + (found - 1) * FOUND_BYTES;
    store<u32>(out, keyPtr + KEY_BYTES_AT);
    store<u32>(out, load<u32>(keyPtr, KEY_LENGTH), 4);
    store<u32>(out, hash, 8);
    store<u32>(out, bytes, 12);
    store<u32>(out, load<u32>(keyPtr, KEY_ENTRIES) & ~INDEXED, 16);
  }
  return found;
}

/** In a directory of 2^depth: where the hashes of a share begin. A share and a segment overlap only where one has all of the other. */
function firstIndex(depth: u32, shift: u32, share: u32): u32 {
  return <u32>(((<u64>share) << shift) >> (32 - depth));
}

/** Where they end, inclusive. */
function lastIndex(depth: u32, shift: u32, share: u32): u32 {
  return <u32>((((<u64>share + 1) << shift) - 1) >> (32 - depth));
}

function entriesBytes(first: u32): u32 {
  let bytes: u32 = 0;
  for (let entry = first; entry != 0; entry = load<u32>(resolve(entry), ENTRY_NEXT)) bytes += recordCapacity(entry);
  return bytes;
}

function nextTable(walkPtr: u32): void {
  store<u32>(walkPtr, 0, WALK_INDEX);
  store<u32>(walkPtr, 0, WALK_ENTRY);
  const kind = load<u32>(walkPtr, WALK_KIND) + 1;
  store<u32>(walkPtr, kind % TABLE_KINDS, WALK_KIND);
  if (kind == TABLE_KINDS) store<u32>(walkPtr, load<u32>(walkPtr, WALK_SLICE) + 1, WALK_SLICE);
}

function walkTable(table: u32, walkPtr: u32, outPtr: u32, from: u32, maxFound: u32, shift: u32, share: u32): u32 {
  const depth = load<u32>(table, TABLE_DEPTH);
  const keyKind = load<u32>(table, TABLE_KEY_KIND);
  const bytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const last = lastIndex(depth, shift, share);
  let found = from;
  let index = max<u32>(load<u32>(walkPtr, WALK_INDEX), firstIndex(depth, shift, share));
  let at = load<u32>(walkPtr, WALK_ENTRY);
  while (index <= last && found < maxFound) {
    const slot = load<u32>(table + TABLE_DIRECTORY + (index << 2));
    const capacity = capacityOf(table, slotClass(slot));
    const first = resolve(slotSegment(slot)) + SEGMENT_HEADER;
    for (; at < capacity && found < maxFound; at++) {
      const entry = first + at * bytes;
      if (load<u32>(entry + tag) == 0) continue;
      const hash = hashOfEntry(keyKind, entry);
      if (<u32>(<u64>hash >> shift) != share) continue;
      const length: u32 = keyKind == KEY_INT64 ? 8 : load<u32>(entry, 4);
      const outside = keyKind == KEY_INT64 || length <= INLINE_BYTES ? 0 : (length + 7) & ~7;
      weigh(walkPtr, bytes + outside);
      if (outPtr != 0) writeFound(outPtr + found * FOUND_BYTES, keyKind, entry, length, hash, bytes + outside);
      found++;
    }
    if (at < capacity) break;
    at = 0;
    index += 1 << (depth - slotDepth(slot));
  }
  store<u32>(walkPtr, index, WALK_INDEX);
  store<u32>(walkPtr, at, WALK_ENTRY);
  return found;
}

function weigh(walkPtr: u32, bytes: u32): void {
  store<f64>(walkPtr, load<f64>(walkPtr, WALK_WEIGHT) + <f64>bytes, WALK_WEIGHT);
}

function writeFound(outPtr: u32, keyKind: u32, entry: u32, length: u32, hash: u32, bytes: u32): void {
  store<u32>(outPtr, keyKind == KEY_INT64 ? entry : keyBytesPtr(entry));
  store<u32>(outPtr, length, 4);
  store<u32>(outPtr, hash, 8);
  store<u32>(outPtr, bytes, 12);
  store<u32>(outPtr, 1, 16);
}
