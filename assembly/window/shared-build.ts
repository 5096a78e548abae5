/**
 * Building what overlapping windows share (shared.ts has the picture): a segment of a slice merged into the prefix or,
 * logged, into the front, and the log taken back.
 *
 * Invariant: a log record is of slices that lie before those of all records below it.
 * Not here: when which of these is done (shared.ts), how it lies in state (shared-record.ts).
 */
import { hashOfEntry, KEY_BYTES, keyBytesPtr } from '../hash/key';
import {
  capacityOf,
  directoryIndex,
  keyBytesOf,
  rowsOf,
  SEGMENT_HEADER,
  slotClass,
  slotDepth,
  slotSegment,
  TABLE_DEPTH,
  TABLE_DIRECTORY,
  TABLE_ENTRY_BYTES,
  TABLE_TAG,
} from '../hash/table';
import { resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { copyWords } from '../memory/words';
import { copyWide } from './fold';
import { FIRE_WIDENED, PLAN_ENTRY_BYTES, PLAN_KEY_KIND, PLAN_SCRATCH, PLAN_SIZE_MS, PLAN_SLICE_MS } from './plan';
import { mergeEntry } from './result';
import {
  LOG_ENTRY,
  LOG_FROM,
  LOG_TO,
  logPop,
  logPush,
  logTop,
  MARKS_BYTES,
  runningEntry,
  runningFind,
  SHARED_BORDER,
  SHARED_BUILT,
  SHARED_FROM,
  SHARED_FRONT,
  SHARED_HASH,
  SHARED_KIND,
  SHARED_PREFIX,
  SHARED_TO,
  sharedGiveUp,
  STAMP,
} from './shared-record';
import { NARROW, sliceStart, sliceTable, TABLE_KINDS } from './slices';

// How a slice is merged.
export const DOWN: u32 = 0;
export const UP: u32 = 1;

export function slicesPerBlock(planPtr: u32): i64 {
  return load<i64>(planPtr, PLAN_SIZE_MS) / load<i64>(planPtr, PLAN_SLICE_MS);
}

/** Number of a slice, counted from the block before the border. */
export function numberOf(planPtr: u32, shared: u32, label: i64): u32 {
  const first = load<i64>(shared, SHARED_BORDER) - load<i64>(planPtr, PLAN_SIZE_MS);
  return <u32>((label - first) / load<i64>(planPtr, PLAN_SLICE_MS));
}

function labelOf(planPtr: u32, shared: u32, number: u32): i64 {
  const first = load<i64>(shared, SHARED_BORDER) - load<i64>(planPtr, PLAN_SIZE_MS);
  return first + <i64>number * load<i64>(planPtr, PLAN_SLICE_MS);
}

/** Slices of a chunk. */
function chunkSlices(planPtr: u32): u32 {
  return <u32>Math.ceil(Math.sqrt(<f64>slicesPerBlock(planPtr)));
}

/** Brings back what one front entry was, when the last log record is of slices before `start`. */
export function undoBefore(planPtr: u32, state: u32, shared: u32, start: i64): bool {
  const entryBytes = load<u32>(planPtr, PLAN_ENTRY_BYTES) + MARKS_BYTES;
  const top = logTop(shared, entryBytes);
  if (top == 0 || labelOf(planPtr, shared, load<u32>(top, LOG_FROM)) >= start) return false;
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  const keyBytes = keyBytesOf(keyKind);
  const before = top + LOG_ENTRY;
  const bytes = keyKind == KEY_BYTES ? keyBytesPtr(before) : 0;
  const table = resolve(load<u32>(shared, SHARED_FRONT));
  const entry = runningFind(table, before, bytes, hashOfEntry(keyKind, before));
  touchRange(entry, entryBytes);
  const marks = entryBytes - MARKS_BYTES;
  copyWords(entry + keyBytes, before + keyBytes, marks - keyBytes);
  // What is stale stays so: the row came after this was logged.
  store<u32>(entry + marks, load<u32>(before + marks, STAMP), STAMP);
  const to = labelOf(planPtr, shared, load<u32>(top, LOG_TO));
  store<i64>(shared, max<i64>(load<i64>(shared, SHARED_FROM), to), SHARED_FROM);
  logPop(state, shared, entryBytes);
  return true;
}

/**
 * Merges a segment of a slice, where the cursor stands, and moves on; behind the last one FROM or TO passes the slice.
 * Returns how many entries that took; without memory nothing is shared any more.
 */
export function mergeSegment(planPtr: u32, state: u32, shared: u32, index: u32, way: u32, start: i64): u32 {
  const kind = load<u32>(shared, SHARED_KIND);
  const ref = sliceTable(state, index, kind);
  let count: u32 = 1;
  let next: u64 = 0;
  if (ref != 0) {
    const table = resolve(ref);
    const hash = load<u32>(shared, SHARED_HASH);
    const slot = load<u32>(table + TABLE_DIRECTORY + (directoryIndex(hash, load<u32>(table, TABLE_DEPTH)) << 2));
    const label = sliceStart(state, index);
    const merged =
      way == UP
        ? mergeUp(planPtr, shared, table, slot, kind)
        : mergeDown(planPtr, state, shared, table, slot, kind, numberOf(planPtr, shared, label), start);
    if (merged < 0) {
      sharedGiveUp(state);
      return 0;
    }
    count += merged;
    store<u64>(shared, load<u64>(shared, SHARED_BUILT) + count, SHARED_BUILT);
    const span = ((<u64>1) << 32) >> slotDepth(slot);
    next = (<u64>hash & ~(span - 1)) + span;
  }
  if (next >> 32 == 0 && ref != 0) {
    store<u32>(shared, <u32>next, SHARED_HASH);
    return count;
  }
  store<u32>(shared, 0, SHARED_HASH);
  store<u32>(shared, kind + 1 == TABLE_KINDS ? 0 : kind + 1, SHARED_KIND);
  if (kind + 1 < TABLE_KINDS) return count;
  const label = sliceStart(state, index);
  if (way == UP) store<i64>(shared, label + load<i64>(planPtr, PLAN_SLICE_MS), SHARED_TO);
  else store<i64>(shared, label, SHARED_FROM);
  return count;
}

/** The entry of a slice's key in a running table; 0 without memory. */
function runningOf(planPtr: u32, refPtr: u32, entry: u32): u32 {
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  return runningEntry(refPtr, entry, keyKind == KEY_BYTES ? keyBytesPtr(entry) : 0, hashOfEntry(keyKind, entry));
}

/** Merges the entries of a segment into the prefix. How many they are; -1 without memory. */
function mergeUp(planPtr: u32, shared: u32, table: u32, slot: u32, kind: u32): i32 {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const wideBytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const first = resolve(slotSegment(slot)) + SEGMENT_HEADER;
  const end = first + capacityOf(table, slotClass(slot)) * entryBytes;
  let count = 0;
  for (let entry = first; entry < end; entry += entryBytes) {
    if (load<u32>(entry + tag) == 0) continue;
    const into = runningOf(planPtr, shared + SHARED_PREFIX, entry);
    if (into == 0) return -1;
    touchRange(into, wideBytes);
    let part = entry;
    if (kind == NARROW) {
      part = scratch + FIRE_WIDENED;
      copyWide(planPtr, entry, kind, part);
    }
    if (isEmpty(planPtr, into)) copyWords(into + keyBytes, part + keyBytes, wideBytes - keyBytes);
    else mergeEntry(planPtr, into, part);
    count++;
  }
  return count;
}

/** Merges the entries of a segment, of slice `number`, before what the front has, and logs that. As mergeUp. */
function mergeDown(
  planPtr: u32,
  state: u32,
  shared: u32,
  table: u32,
  slot: u32,
  kind: u32,
  number: u32,
  start: i64,
): i32 {
  const part = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_WIDENED;
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const wideBytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  const entryBytes = load<u32>(table, TABLE_ENTRY_BYTES);
  const tag = load<u32>(table, TABLE_TAG);
  const first = resolve(slotSegment(slot)) + SEGMENT_HEADER;
  const end = first + capacityOf(table, slotClass(slot)) * entryBytes;
  const slices = chunkSlices(planPtr);
  const chunk = number / slices;
  const isFine = chunk == numberOf(planPtr, shared, start) / slices;
  const from = isFine ? number : chunk * slices;
  const to = isFine ? number + 1 : min<u32>(from + slices, <u32>slicesPerBlock(planPtr));
  let count = 0;
  for (let entry = first; entry < end; entry += entryBytes) {
    if (load<u32>(entry + tag) == 0) continue;
    const into = runningOf(planPtr, shared + SHARED_FRONT, entry);
    if (into == 0) return -1;
    touchRange(into, wideBytes + MARKS_BYTES);
    if (isFine || load<u32>(into + wideBytes, STAMP) != chunk + 1) {
      if (!logPush(state, shared, into, wideBytes + MARKS_BYTES, from, to)) return -1;
      if (!isFine) store<u32>(into + wideBytes, chunk + 1, STAMP);
    }
    copyWide(planPtr, entry, kind, part);
    if (!isEmpty(planPtr, into)) mergeEntry(planPtr, part, into);
    copyWords(into + keyBytes, part + keyBytes, wideBytes - keyBytes);
    count++;
  }
  return count;
}

/** Whether an entry has seen no row. */
export function isEmpty(planPtr: u32, entry: u32): bool {
  return rowsOf(load<u64>(entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND)))) == 0;
}
