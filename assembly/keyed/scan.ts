/**
 * Opening, clearing and verifying states of kinds keyed and timers.
 *
 * Verified: every record that the slabs count is met once on the ways from the root; every count (entries, keys, slots,
 * items, pages) is what a walk finds.
 */
import { CORRUPT } from '../abi';
import { resolve, stateEntries, stateOpen, statePages, statePtr } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { indexScan, nextKey } from './index-walk';
import {
  ENTRY_KEY,
  ENTRY_NEXT,
  ENTRY_PREV,
  ENTRY_QUEUED,
  INDEXED,
  isTimed,
  KEY_ENTRIES,
  KEY_FIRST,
  KEY_LAST,
  KIND_KEYED,
  KIND_TIMERS,
  NEVER,
  TARGET_TIME,
  targetOfEntry,
} from './record';
import {
  ROOT_DIRECTORY_PAGES,
  ROOT_EXTENT_PAGES,
  ROOT_INDEX_PAGES,
  ROOT_ITEMS,
  ROOT_KEYS,
  ROOT_RECORDS,
  ROOT_SLAB_PAGES,
  rootOf,
} from './slab';
import { treeFind, treeScan } from './tree';

// Scratch: place of the walk, counts of the index, counts of the tree, then entries, indexed, queued; a target from 64 on.
const PLACE: u32 = 0;
const SLOT_COUNTS: u32 = 12;
const TREE_COUNTS: u32 = 24;
const ENTRIES: u32 = 40;
const IN_INDEX: u32 = 44;
const IN_QUEUE: u32 = 48;
const TARGET: u32 = 64;

/** Claims a state record. 0, or CORRUPT when it is there with another kind. */
export function keyedOpen(state: u32, isTimers: u32): i32 {
  return stateOpen(state, isTimers != 0 ? KIND_TIMERS : KIND_KEYED) < 0 ? CORRUPT : 0;
}

/** Keys of a state of kind keyed. */
export function keyedKeys(state: u32): u32 {
  const root = rootOf(state);
  return root == 0 ? 0 : load<u32>(root, ROOT_KEYS);
}

/** 1 when all counts hold, 0 when not. 256 bytes of scratch. */
export function keyedScan(state: u32, scratchPtr: u32): u32 {
  const root = rootOf(state);
  if (root == 0) return u32(stateEntries(state) == 0 && statePages(state) == 0);
  const pages = load<u32>(root, ROOT_DIRECTORY_PAGES) + load<u32>(root, ROOT_INDEX_PAGES);
  const others = load<u32>(root, ROOT_SLAB_PAGES) + load<u32>(root, ROOT_EXTENT_PAGES);
  if (1 + pages + others != statePages(state)) return 0;
  memory.fill(scratchPtr, 0, TARGET);
  const nodes = treeScan(root, scratchPtr + TREE_COUNTS);
  if (nodes == <u32>-1) return 0;
  const entries = <u32>stateEntries(state);
  const items = load<u32>(root, ROOT_ITEMS);
  const records = load<u32>(root, ROOT_RECORDS);
  if (load<u32>(statePtr(state)) == KIND_TIMERS) return u32(items == entries && records == nodes + entries);
  if (indexScan(root, scratchPtr + SLOT_COUNTS) != load<u32>(root, ROOT_INDEX_PAGES)) return 0;
  const keys = load<u32>(root, ROOT_KEYS);
  if (!scanKeys(root, keys, scratchPtr)) return 0;
  const slots = load<u32>(scratchPtr, SLOT_COUNTS);
  const isWhole = load<u32>(scratchPtr, SLOT_COUNTS + 4) == keys && load<u32>(scratchPtr, SLOT_COUNTS + 8) == 0;
  const isCounted = load<u32>(scratchPtr, ENTRIES) == entries && load<u32>(scratchPtr, IN_QUEUE) == items;
  return u32(
    isWhole && isCounted && slots == keys + load<u32>(scratchPtr, IN_INDEX) && records == nodes + keys + entries,
  );
}

/** Walks the entries of all keys; false when a list is not whole or there are more or fewer keys. */
function scanKeys(root: u32, keys: u32, scratchPtr: u32): bool {
  let met: u32 = 0;
  for (let key = nextKey(root, scratchPtr + PLACE); key != 0; key = nextKey(root, scratchPtr + PLACE)) {
    if (!scanEntries(root, key, scratchPtr)) return false;
    met++;
  }
  return met == keys;
}

function scanEntries(root: u32, key: u32, scratchPtr: u32): bool {
  const keyPtr = resolve(key);
  const expected = load<u32>(keyPtr, KEY_ENTRIES) & ~INDEXED;
  let entry = load<u32>(keyPtr, KEY_FIRST);
  let last: u32 = 0;
  let count: u32 = 0;
  while (entry != 0 && count < expected) {
    const ptr = resolve(entry);
    if (load<u32>(ptr, ENTRY_PREV) != last || load<u32>(ptr, ENTRY_KEY) != key) return false;
    if (isTimed(ptr) && load<i64>(ptr, ENTRY_QUEUED) != NEVER) {
      targetOfEntry(scratchPtr + TARGET, ptr);
      store<i64>(scratchPtr + TARGET, load<i64>(ptr, ENTRY_QUEUED), TARGET_TIME);
      if (treeFind(root, scratchPtr + TARGET) != entry) return false;
      store<u32>(scratchPtr, load<u32>(scratchPtr, IN_QUEUE) + 1, IN_QUEUE);
    }
    count++;
    last = entry;
    entry = load<u32>(ptr, ENTRY_NEXT);
  }
  store<u32>(scratchPtr, load<u32>(scratchPtr, ENTRIES) + count, ENTRIES);
  if ((load<u32>(keyPtr, KEY_ENTRIES) & INDEXED) != 0) {
    store<u32>(scratchPtr, load<u32>(scratchPtr, IN_INDEX) + count, IN_INDEX);
  }
  return entry == 0 && count == expected && last == load<u32>(keyPtr, KEY_LAST) && count != 0;
}
