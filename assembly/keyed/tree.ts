/**
 * A queue of times: a B+tree of (time, hash, record), ordered by time, hash and then the bytes of the record.
 *
 *   node, a record of 1,016 bytes: slab, count, 8 spare, then up to 62 items of 16 bytes: time i64, hash u32, reference
 *   leaf items refer to records; inner items to nodes, with a lower bound of what is below them
 *
 * Invariants
 *  1. Items of a node are ascending; all nodes but the root hold at least one; all leaves are equally deep.
 *  2. (time, hash) of an inner item is at most that of the first item below it and at least that of all items before
 *     it; the first inner item of a node stands for everything smaller. Ties are settled by the first record below.
 *  3. A node that is left with less than a quarter joins a neighbour when both fit in three quarters of one.
 *  4. What grows at its end is left nearly full behind; elsewhere nodes are split in halves.
 *  5. Inserting without memory changes nothing but where nodes are cut.
 */
import { OUT_OF_MEMORY } from '../abi';
import { resolve } from '../memory/arena';
import { touch, touchRange } from '../memory/barrier';
import { compareTarget, TARGET_BYTES, TARGET_HASH, TARGET_TIME } from './record';
import { addCount, recordAlloc, recordFree, ROOT_ITEMS, ROOT_KIND, ROOT_LEVELS, ROOT_TREE } from './slab';

const NODE_COUNT: u32 = 4;
const NODE_ITEMS: u32 = 16;
const ITEM_SHIFT: u32 = 4;
const ITEM_HASH: u32 = 8;
const ITEM_REF: u32 = 12;
const ITEMS_MAX: u32 = 62;
const ITEMS_FULL: u32 = 58;
const ITEMS_FEW: u32 = 15;
const ITEMS_JOINED: u32 = 46;
const NODE_BYTES: u32 = NODE_ITEMS + (ITEMS_MAX << ITEM_SHIFT);

/** Behind a target: the way down to a leaf, (node reference, index) for each level. */
const PATH: u32 = TARGET_BYTES;
const LEVELS_MAX: u32 = 12;
/** Bytes that a target and the way to it need. */
export const TREE_SCRATCH_BYTES: u32 = PATH + LEVELS_MAX * 8;

function itemPtr(nodePtr: u32, index: u32): u32 {
  return nodePtr + NODE_ITEMS + (index << ITEM_SHIFT);
}

function countOf(nodePtr: u32): u32 {
  return load<u32>(nodePtr, NODE_COUNT);
}

function setCount(nodePtr: u32, count: u32): void {
  touch(nodePtr + NODE_COUNT);
  store<u32>(nodePtr, count, NODE_COUNT);
}

/** Order of a target to an item by time and hash alone. */
function compareShort(targetPtr: u32, item: u32): i32 {
  const time = load<i64>(targetPtr, TARGET_TIME);
  const other = load<i64>(item);
  if (time != other) return time < other ? -1 : 1;
  const hash = load<u32>(targetPtr, TARGET_HASH);
  const otherHash = load<u32>(item, ITEM_HASH);
  return hash < otherHash ? -1 : i32(hash > otherHash);
}

function compareLeaf(kind: u32, targetPtr: u32, item: u32): i32 {
  const order = compareShort(targetPtr, item);
  return order != 0 ? order : compareTarget(kind, targetPtr, load<u32>(item, ITEM_REF));
}

/** As compareLeaf, to the first record below an item of a node at `level` (leaves have level 1). */
function compareBelow(kind: u32, targetPtr: u32, item: u32, level: u32): i32 {
  const order = compareShort(targetPtr, item);
  if (order != 0) return order;
  let first = item;
  for (let l = level; l > 1; l--) first = itemPtr(resolve(load<u32>(first, ITEM_REF)), 0);
  return compareLeaf(kind, targetPtr, first);
}

/** Number of items of a node that are at or before the target; of an inner node, not counting the first. */
function position(kind: u32, nodePtr: u32, targetPtr: u32, level: u32): u32 {
  let low: u32 = level == 1 ? 0 : 1;
  let high = countOf(nodePtr);
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareBelow(kind, targetPtr, itemPtr(nodePtr, middle), level);
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return level == 1 ? low : low - 1;
}

/** Finds the way to a target. The address of its item, 0 when it is not there. */
function descend(root: u32, targetPtr: u32): u32 {
  const kind = load<u32>(root, ROOT_KIND);
  const levels = load<u32>(root, ROOT_LEVELS);
  if (levels == 0) return 0;
  let node = load<u32>(root, ROOT_TREE);
  for (let level = levels; level > 1; level--) {
    const index = position(kind, resolve(node), targetPtr, level);
    setWay(targetPtr, level, node, index);
    node = load<u32>(itemPtr(resolve(node), index), ITEM_REF);
  }
  const after = position(kind, resolve(node), targetPtr, 1);
  if (after == 0) return 0;
  setWay(targetPtr, 1, node, after - 1);
  const item = itemPtr(resolve(node), after - 1);
  return compareLeaf(kind, targetPtr, item) == 0 ? item : 0;
}

function setWay(targetPtr: u32, level: u32, node: u32, index: u32): void {
  store<u32>(targetPtr + (level << 3), node, PATH - 8);
  store<u32>(targetPtr + (level << 3), index, PATH - 4);
}

/** The record of a target, 0 when it is not there. */
export function treeFind(root: u32, targetPtr: u32): u32 {
  const item = descend(root, targetPtr);
  return item == 0 ? 0 : load<u32>(item, ITEM_REF);
}

/** Address of the first item, 0 when there is none. */
export function treeFirst(root: u32): u32 {
  const levels = load<u32>(root, ROOT_LEVELS);
  if (levels == 0) return 0;
  let item = itemPtr(resolve(load<u32>(root, ROOT_TREE)), 0);
  for (let level = levels; level > 1; level--) item = itemPtr(resolve(load<u32>(item, ITEM_REF)), 0);
  return item;
}

/** How many items follow a leaf's first one, itself included. */
export function itemsFrom(firstItem: u32): u32 {
  return countOf(firstItem - NODE_ITEMS);
}

/** The item behind another of its leaf. */
export function itemAfter(item: u32): u32 {
  return item + (1 << ITEM_SHIFT);
}

export function itemTime(item: u32): i64 {
  return load<i64>(item);
}

export function itemHash(item: u32): u32 {
  return load<u32>(item, ITEM_HASH);
}

export function itemRef(item: u32): u32 {
  return load<u32>(item, ITEM_REF);
}

/** Points the item of a target that is there to where its record moved. */
export function treeReplace(root: u32, targetPtr: u32, ref: u32): void {
  const item = descend(root, targetPtr);
  touchRange(item, 16);
  store<u32>(item, ref, ITEM_REF);
}

/** Inserts a target that is not there, for a record. 0 or OUT_OF_MEMORY. */
export function treeInsert(root: u32, targetPtr: u32, ref: u32): i32 {
  const kind = load<u32>(root, ROOT_KIND);
  if (!makeRoot(root, targetPtr)) return OUT_OF_MEMORY;
  let node = resolve(load<u32>(root, ROOT_TREE));
  for (let level = load<u32>(root, ROOT_LEVELS); level > 1; level--) {
    let index = position(kind, node, targetPtr, level);
    if (countOf(resolve(load<u32>(itemPtr(node, index), ITEM_REF))) == ITEMS_MAX) {
      if (!split(root, node, index, targetPtr)) return OUT_OF_MEMORY;
      if (compareBelow(kind, targetPtr, itemPtr(node, index + 1), level) >= 0) index++;
    }
    node = resolve(load<u32>(itemPtr(node, index), ITEM_REF));
  }
  const time = load<i64>(targetPtr, TARGET_TIME);
  putItem(node, position(kind, node, targetPtr, 1), time, load<u32>(targetPtr, TARGET_HASH), ref);
  addCount(root, ROOT_ITEMS, 1);
  return 0;
}

/** Makes the root a node that is not full. */
function makeRoot(root: u32, targetPtr: u32): bool {
  const levels = load<u32>(root, ROOT_LEVELS);
  const top = load<u32>(root, ROOT_TREE);
  if (levels != 0 && countOf(resolve(top)) < ITEMS_MAX) return true;
  const added = recordAlloc(root, NODE_BYTES);
  if (added == 0) return false;
  const node = resolve(added);
  store<u32>(node, 0, NODE_COUNT);
  if (levels != 0) {
    putItem(node, 0, 0, 0, top);
    if (!split(root, node, 0, targetPtr)) {
      recordFree(root, added);
      return false;
    }
  }
  touchRange(root, 64);
  store<u32>(root, added, ROOT_TREE);
  store<u32>(root, levels + 1, ROOT_LEVELS);
  return true;
}

function putItem(nodePtr: u32, index: u32, time: i64, hash: u32, ref: u32): void {
  const count = countOf(nodePtr);
  const at = itemPtr(nodePtr, index);
  const rest = (count - index) << ITEM_SHIFT;
  touchRange(at, rest + 16);
  memory.copy(at + 16, at, rest);
  store<i64>(at, time);
  store<u32>(at, hash, ITEM_HASH);
  store<u32>(at, ref, ITEM_REF);
  setCount(nodePtr, count + 1);
}

/** Splits the full child at `index` of a node that is not full. */
function split(root: u32, nodePtr: u32, index: u32, targetPtr: u32): bool {
  const added = recordAlloc(root, NODE_BYTES);
  if (added == 0) return false;
  const left = resolve(load<u32>(itemPtr(nodePtr, index), ITEM_REF));
  const right = resolve(added);
  const keeps = compareShort(targetPtr, itemPtr(left, ITEMS_MAX - 1)) >= 0 ? ITEMS_FULL : ITEMS_MAX / 2;
  const first = itemPtr(left, keeps);
  memory.copy(itemPtr(right, 0), first, (ITEMS_MAX - keeps) << ITEM_SHIFT);
  store<u32>(right, ITEMS_MAX - keeps, NODE_COUNT);
  putItem(nodePtr, index + 1, load<i64>(first), load<u32>(first, ITEM_HASH), added);
  setCount(left, keeps);
  return true;
}

/** Removes a target; whether it was there. */
export function treeRemove(root: u32, targetPtr: u32): bool {
  if (descend(root, targetPtr) == 0) return false;
  removeAtWay(root, targetPtr, 1);
  return true;
}

/** Removes the first items of the first leaf, which has as many. */
export function treeRemoveFirst(root: u32, targetPtr: u32, items: u32): void {
  let node = load<u32>(root, ROOT_TREE);
  for (let level = load<u32>(root, ROOT_LEVELS); level > 0; level--) {
    setWay(targetPtr, level, node, 0);
    node = load<u32>(itemPtr(resolve(node), 0), ITEM_REF);
  }
  removeAtWay(root, targetPtr, items);
}

function removeAtWay(root: u32, targetPtr: u32, items: u32): void {
  addCount(root, ROOT_ITEMS, -items);
  const levels = load<u32>(root, ROOT_LEVELS);
  let level: u32 = 1;
  dropItems(resolve(wayNode(targetPtr, 1)), wayIndex(targetPtr, 1), items);
  while (level < levels && shrink(root, targetPtr, level)) level++;
  lowerRoot(root);
}

function wayNode(targetPtr: u32, level: u32): u32 {
  return load<u32>(targetPtr + (level << 3), PATH - 8);
}

function wayIndex(targetPtr: u32, level: u32): u32 {
  return load<u32>(targetPtr + (level << 3), PATH - 4);
}

function dropItem(nodePtr: u32, index: u32): void {
  dropItems(nodePtr, index, 1);
}

function dropItems(nodePtr: u32, index: u32, items: u32): void {
  const count = countOf(nodePtr);
  const at = itemPtr(nodePtr, index);
  const rest = (count - index - items) << ITEM_SHIFT;
  if (rest != 0) {
    touchRange(at, rest);
    memory.copy(at, at + (items << ITEM_SHIFT), rest);
  }
  setCount(nodePtr, count - items);
}

/** Frees the node of the way at `level` or joins it with a neighbour, when it holds little. Whether its parent lost an item. */
function shrink(root: u32, targetPtr: u32, level: u32): bool {
  const node = wayNode(targetPtr, level);
  const parent = resolve(wayNode(targetPtr, level + 1));
  const index = wayIndex(targetPtr, level + 1);
  const count = countOf(resolve(node));
  if (count == 0) {
    dropItem(parent, index);
    recordFree(root, node);
    return true;
  }
  if (count >= ITEMS_FEW) return false;
  if (index + 1 < countOf(parent) && join(root, parent, index, level)) return true;
  return index > 0 && join(root, parent, index - 1, level);
}

/** Appends the child at index + 1 to that at index, both at `level`, when they fit. */
function join(root: u32, parentPtr: u32, index: u32, level: u32): bool {
  const left = resolve(load<u32>(itemPtr(parentPtr, index), ITEM_REF));
  const bound = itemPtr(parentPtr, index + 1);
  const right = load<u32>(bound, ITEM_REF);
  const count = countOf(left);
  const more = countOf(resolve(right));
  if (count + more > ITEMS_JOINED) return false;
  const to = itemPtr(left, count);
  touchRange(to, more << ITEM_SHIFT);
  memory.copy(to, itemPtr(resolve(right), 0), more << ITEM_SHIFT);
  if (level > 1) {
    // The first inner item had no bound while nothing stood before it.
    store<i64>(to, load<i64>(bound));
    store<u32>(to, load<u32>(bound, ITEM_HASH), ITEM_HASH);
  }
  setCount(left, count + more);
  dropItem(parentPtr, index + 1);
  recordFree(root, right);
  return true;
}

function lowerRoot(root: u32): void {
  let levels = load<u32>(root, ROOT_LEVELS);
  let top = load<u32>(root, ROOT_TREE);
  while (levels > 0 && countOf(resolve(top)) <= u32(levels > 1)) {
    const below = levels > 1 && countOf(resolve(top)) == 1 ? load<u32>(itemPtr(resolve(top), 0), ITEM_REF) : 0;
    recordFree(root, top);
    top = below;
    levels = below == 0 ? 0 : levels - 1;
  }
  if (top == load<u32>(root, ROOT_TREE)) return;
  touchRange(root, 64);
  store<u32>(root, top, ROOT_TREE);
  store<u32>(root, levels, ROOT_LEVELS);
}

/** Nodes of the tree; 0xFFFFFFFF when its order or its count of items does not hold. */
export function treeScan(root: u32, countPtr: u32): u32 {
  store<u32>(countPtr, 0);
  store<i64>(countPtr, i64.MIN_VALUE, 8);
  const levels = load<u32>(root, ROOT_LEVELS);
  const nodes = levels == 0 ? 0 : scanNode(load<u32>(root, ROOT_TREE), levels, countPtr);
  return load<u32>(countPtr) == load<u32>(root, ROOT_ITEMS) ? nodes : <u32>-1;
}

/** Adds leaf items to the count; items out of order are not counted. */
function scanNode(ref: u32, level: u32, countPtr: u32): u32 {
  const node = resolve(ref);
  let nodes: u32 = 1;
  for (let i: u32 = 0; i < countOf(node); i++) {
    const item = itemPtr(node, i);
    if (level > 1) {
      nodes += scanNode(load<u32>(item, ITEM_REF), level - 1, countPtr);
    } else if (load<i64>(item) >= load<i64>(countPtr, 8)) {
      store<i64>(countPtr, load<i64>(item), 8);
      store<u32>(countPtr, load<u32>(countPtr) + 1);
    }
  }
  return nodes;
}
