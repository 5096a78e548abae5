/**
 * What overlapping windows share, so that a firing costs a key the same whatever the number of slices: it finds all in
 * two running tables, with at most one merge per key.
 *
 *   blocks   |      block of the front      |        block of the prefix       |
 *   slices   | 0   1 | 2   3   4 | 5   6   7 | 8   9  10  11
 *   window               [ front             | prefix       )
 *                         from               border          to
 *
 *   prefix   per key the slices [border, to), merged forwards: grows by the slices that a window has more
 *   front    per key the slices [from, border), merged backwards. It is built from the border down; what an entry was
 *            before a slice was merged into it is kept on a log. When windows move on by a slice, the log brings it back
 *   chunks   about sqrt(n) of the n slices of a block. Only in the chunk in which windows start the log has every slice;
 *            of a later chunk it has what entries were before all of it, from where it is built again when its time comes
 *
 * So an entry of a slice is merged at most three times in its life, and the log holds about 2 sqrt(n) entries per key
 * where slices hold n. A row behind what was merged leaves its key stale: a stale key of the prefix is folded once more
 * (fold.ts), one of the front at each firing until windows start behind the row; when that has cost as much as building
 * did, all is built again.
 *
 * Invariants
 *  1. Results are those of fold.ts, bit for bit, whether and when the tables are made: they only say it sooner.
 *  2. Work is done in steps of about STEP_ENTRIES entries, between which the record says where it stands.
 *  3. Without memory for it, or when keys are in few slices each, nothing is shared until the next window that is a
 *     block.
 * Not here: merging a slice (shared-build.ts), how it lies in state (shared-record.ts), firing (fire.ts).
 */
import { WHOLE } from '../edition';
import { VIEW } from '../abi';
import { ALL } from '../aggregate/codes';
import { hashOfEntry, KEY_BYTES, KEY_IMAGE_BYTES, keyBytesPtr } from '../hash/key';
import { keyBytesOf, TABLE_ENTRIES } from '../hash/table';
import { resolve } from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { copyWords } from '../memory/words';
import { foldBackwards, foldForwards, NO_ROW } from './fold';
import {
  AGGREGATE_CODE,
  AGGREGATE_TYPE,
  FIRE_MERGED,
  PLAN_AGGREGATE_COUNT,
  PLAN_ENTRY_BYTES,
  PLAN_KEY_KIND,
  PLAN_SCRATCH,
  planAggregate,
  SCRATCH_HASHES,
  SCRATCH_KEY_BYTES,
  SCRATCH_KEYS,
} from './plan';
import { mergeEntry } from './result';
import { DOWN, isEmpty, mergeSegment, numberOf, slicesPerBlock, undoBefore, UP } from './shared-build';
import {
  hadNoRoom,
  MARKS_BYTES,
  runningEntry,
  SHARED_BORDER,
  SHARED_BUILT,
  SHARED_BYTES,
  SHARED_FROM,
  SHARED_FRONT,
  SHARED_HASH,
  SHARED_KIND,
  SHARED_PREFIX,
  SHARED_READ,
  SHARED_TO,
  sharedDrop,
  sharedGiveUp,
  sharedPtr,
  sharedReset,
  STALE,
} from './shared-record';
import { sliceAtOrAfter, sliceCount, sliceStart, sliceTable, TABLE_KINDS } from './slices';
import { borderOf, startOf } from './time';

/** Entries that a step looks at, about a millisecond. */
const STEP_ENTRIES: u32 = 16384;
/** Of fewer slices a window is merged as it fires. */
const SLICES_MIN: i64 = 5;
const SLICES_MAX: i64 = 1 << 24;

/** Whether windows of the plan share. Accumulators must be plain bytes, as a copy outlives the slice. */
function isSharing(planPtr: u32): bool {
  const slices = slicesPerBlock(planPtr);
  if (slices < SLICES_MIN || slices > SLICES_MAX) return false;
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    if (load<u32>(aggregate, AGGREGATE_CODE) > ALL || load<u32>(aggregate, AGGREGATE_TYPE) == VIEW) return false;
  }
  return true;
}

/** The record when it holds all of the window, else 0. */
export function sharedOf(planPtr: u32, state: u32, end: i64): u32 {
  if (!WHOLE) return 0;
  const shared = sharedPtr(state);
  if (shared == 0) return 0;
  const start = startOf(planPtr, end);
  const holds =
    load<i64>(shared, SHARED_BORDER) == borderOf(planPtr, start)
    && load<i64>(shared, SHARED_FROM) == start
    && load<i64>(shared, SHARED_TO) == end;
  return holds ? shared : 0;
}

/** Brings the tables to the window that ends at `end`, or a step nearer. True when it can fire, with or without them. */
export function sharePrepare(planPtr: u32, state: u32, end: i64): bool {
  if (!WHOLE) return true;
  if (!isSharing(planPtr)) return true;
  const start = startOf(planPtr, end);
  const border = borderOf(planPtr, start);
  let shared = sharedPtr(state);
  if (shared == 0 && hadNoRoom(state) && start != border) return true;
  if (shared != 0 && load<i64>(shared, SHARED_BORDER) != border && isThin(planPtr, state, shared)) {
    sharedGiveUp(state);
    return true;
  }
  if (shared == 0 || !leadsTo(shared, border, end)) {
    shared = sharedReset(state, load<u32>(planPtr, PLAN_KEY_KIND), load<u32>(planPtr, PLAN_ENTRY_BYTES), border);
    if (shared == 0) return true;
  }
  touchRange(shared, SHARED_BYTES);
  let left: i32 = STEP_ENTRIES;
  while (left > 0) {
    if (undoBefore(planPtr, state, shared, start)) {
      left--;
    } else if (load<i64>(shared, SHARED_FROM) > start) {
      const index = sliceAtOrAfter(state, load<i64>(shared, SHARED_FROM));
      const isThere = index > 0 && sliceStart(state, index - 1) >= start;
      if (!isThere) store<i64>(shared, start, SHARED_FROM);
      else left -= mergeSegment(planPtr, state, shared, index - 1, DOWN, start);
    } else if (load<i64>(shared, SHARED_FROM) < start) {
      store<i64>(shared, start, SHARED_FROM);
    } else if (load<i64>(shared, SHARED_TO) < end) {
      const index = sliceAtOrAfter(state, load<i64>(shared, SHARED_TO));
      const isThere = index < sliceCount(state) && sliceStart(state, index) < end;
      if (!isThere) store<i64>(shared, end, SHARED_TO);
      else left -= mergeSegment(planPtr, state, shared, index, UP, start);
    } else {
      return true;
    }
    // Without memory: nothing is shared.
    if (sharedPtr(state) == 0) return true;
  }
  return false;
}

/** Whether the tables can be brought to a window from where they stand, and that is worth it. */
function leadsTo(shared: u32, border: i64, end: i64): bool {
  if (load<i64>(shared, SHARED_BORDER) != border || load<i64>(shared, SHARED_TO) > end) return false;
  return load<u64>(shared, SHARED_READ) <= load<u64>(shared, SHARED_BUILT);
}

/**
 * Whether the keys of the prefix are in so few slices each that merging these costs less than to share. A block in
 * which many slices have no row at all says nothing about that.
 */
function isThin(planPtr: u32, state: u32, shared: u32): bool {
  const first = sliceAtOrAfter(state, load<i64>(shared, SHARED_BORDER));
  const last = sliceAtOrAfter(state, load<i64>(shared, SHARED_TO));
  if (<i64>(last - first) * 2 < slicesPerBlock(planPtr)) return false;
  let entries: u64 = 0;
  for (let i = first; i < last; i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const table = sliceTable(state, i, kind);
      if (table != 0) entries += load<u32>(resolve(table), TABLE_ENTRIES);
    }
  }
  return entries < <u64>SLICES_MIN * load<u32>(resolve(load<u32>(shared, SHARED_PREFIX)), TABLE_ENTRIES);
}

/** To be called before the run's rows, whose keys were read, enter a slice: makes stale what knows the slice. */
export function shareMark(planPtr: u32, state: u32, label: i64, n: u32): void {
  if (!WHOLE) return;
  const shared = sharedPtr(state);
  if (shared == 0) return;
  if ((load<u32>(shared, SHARED_KIND) | load<u32>(shared, SHARED_HASH)) != 0) {
    // The cursor stands in a slice, and this may be another one in its place.
    sharedDrop(state);
    return;
  }
  if (label < load<i64>(shared, SHARED_FROM) || label >= load<i64>(shared, SHARED_TO)) return;
  const refPtr = shared + (label < load<i64>(shared, SHARED_BORDER) ? SHARED_FRONT : SHARED_PREFIX);
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const image = load<u32>(planPtr, PLAN_KEY_KIND) == KEY_BYTES ? KEY_IMAGE_BYTES : 8;
  const stale = numberOf(planPtr, shared, label) + 1;
  for (let k: u32 = 0; k < n; k++) {
    const hash = load<u32>(scratch + SCRATCH_HASHES + (k << 2));
    const bytes = load<u32>(scratch + SCRATCH_KEY_BYTES + (k << 2));
    const entry = runningEntry(refPtr, scratch + SCRATCH_KEYS + k * image, bytes, hash);
    if (entry == 0) {
      sharedGiveUp(state);
      return;
    }
    const marks = entry + load<u32>(planPtr, PLAN_ENTRY_BYTES);
    if (load<u32>(marks, STALE) >= stale) continue;
    touchRange(marks, MARKS_BYTES);
    store<u32>(marks, stale, STALE);
  }
}

/**
 * What the window that ends at `end` holds of a key, of which these are the entries in front and prefix (0: it has none
 * there); 0 when it holds nothing.
 */
export function sharedEntry(planPtr: u32, state: u32, end: i64, front: u32, prefix: u32): u32 {
  if (!WHOLE) return 0;
  const shared = sharedPtr(state);
  const later = prefix == 0 ? 0 : prefixOf(planPtr, state, shared, end, prefix);
  const earlier = front == 0 ? 0 : frontOf(planPtr, state, shared, startOf(planPtr, end), front);
  if (later == 0 || earlier == 0) return later | earlier;
  const merged = load<u32>(planPtr, PLAN_SCRATCH) + FIRE_MERGED;
  if (earlier != merged) copyWords(merged, earlier, load<u32>(planPtr, PLAN_ENTRY_BYTES));
  mergeEntry(planPtr, merged, later);
  return merged;
}

function frontOf(planPtr: u32, state: u32, shared: u32, start: i64, front: u32): u32 {
  const stale = load<u32>(front + load<u32>(planPtr, PLAN_ENTRY_BYTES), STALE);
  if (stale <= numberOf(planPtr, shared, start)) return isEmpty(planPtr, front) ? 0 : front;
  loadKey(planPtr, front);
  const border = load<i64>(shared, SHARED_BORDER);
  const slices = sliceAtOrAfter(state, border) - sliceAtOrAfter(state, start);
  touchRange(shared, SHARED_BYTES);
  store<u64>(shared, load<u64>(shared, SHARED_READ) + slices, SHARED_READ);
  return foldBackwards(planPtr, state, start, border, NO_ROW);
}

function prefixOf(planPtr: u32, state: u32, shared: u32, end: i64, prefix: u32): u32 {
  const wideBytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  if (load<u32>(prefix + wideBytes, STALE) == 0) return prefix;
  loadKey(planPtr, prefix);
  const folded = foldForwards(planPtr, state, load<i64>(shared, SHARED_BORDER), end, NO_ROW);
  if (folded == 0) return 0;
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  touchRange(prefix, wideBytes + MARKS_BYTES);
  memory.copy(prefix + keyBytes, folded + keyBytes, wideBytes - keyBytes);
  store<u32>(prefix + wideBytes, 0, STALE);
  return prefix;
}

/** Makes the key of an entry that of the run's first row, to be looked up. */
function loadKey(planPtr: u32, entry: u32): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const keyKind = load<u32>(planPtr, PLAN_KEY_KIND);
  memory.copy(scratch + SCRATCH_KEYS, entry, keyBytesOf(keyKind));
  store<u32>(scratch + SCRATCH_HASHES, hashOfEntry(keyKind, entry));
  store<u32>(scratch + SCRATCH_KEY_BYTES, keyKind == KEY_BYTES ? keyBytesPtr(entry) : 0);
}
