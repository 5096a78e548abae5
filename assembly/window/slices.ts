/**
 * The slices of a windowed state: a sorted list of (slice start, tables) in one extent.
 *
 *   slice, 16 bytes: start i64 | reference of the table of wide entries u32 | of narrow ones u32; 0: there is none
 *   state record from 16 on: list reference, list pages, slices, layout of entries (key kind << 24 | bytes of narrow
 *   entries << 12 | bytes of wide ones), all u32, fired through i64, firing (fire.ts), at 52 what windows share
 *   (shared-record.ts)
 *
 * Invariants
 *  1. Starts are ascending and unique; each slice owns its tables; the entries of the state are the sum over these.
 *  2. Every window that ends at or before firedThrough + 1 has fired or was empty; it is never fired again.
 * Not here: which slices a window has (fire.ts), which slice a row belongs to (aggregate.ts).
 */
import { CORRUPT, OUT_OF_MEMORY } from '../abi';
import { TABLE_ENTRIES, TABLE_ROWS, tableCreate, tableDrop, tableScan } from '../hash/table';
import {
  addEntries,
  EXTENT_PAGES_MAX,
  extentAlloc,
  extentFree,
  PAGE_SHIFT,
  resolve,
  STATE_BYTES,
  STATE_ENTRIES,
  stateOpen,
  statePtr,
} from '../memory/arena';
import { touchRange } from '../memory/barrier';
import { sharedForget } from './shared-record';

const LIST_REF: u32 = 16;
const LIST_PAGES: u32 = 20;
const SLICES: u32 = 24;
const LAYOUT: u32 = 28;
export const FIRED_THROUGH: u32 = 32;
export const FIRE_ACTIVE: u32 = 40;
export const FIRE_HASH: u32 = 44;
export const FIRE_SKIP: u32 = 48;
export const FIRE_END: u32 = 56;

export const KIND_WINDOWED: u32 = 1;
const SLICE_SHIFT: u32 = 4;
/** The two tables of a slice. */
export const WIDE: u32 = 0;
export const NARROW: u32 = 1;
export const TABLE_KINDS: u32 = 2;
/** MIN_TIME and MAX_TIME of the host. */
export const TIME_MIN: i64 = -9007199254740991;
export const TIME_MAX: i64 = 9007199254740991;

/**
 * Opens a windowed state whose entries have this layout; `narrowBytes` is 0 when it has no narrow ones. 0, or CORRUPT
 * when it is there with another layout or kind.
 */
export function slicesOpen(state: u32, keyKind: u32, entryBytes: u32, narrowBytes: u32): i32 {
  if (stateOpen(state, KIND_WINDOWED) < 0) return CORRUPT;
  const record = statePtr(state);
  const layout = (keyKind << 24) | (narrowBytes << 12) | entryBytes;
  const found = load<u32>(record, LAYOUT);
  if (found != 0) return found == layout ? 0 : CORRUPT;
  touchRange(record, STATE_BYTES);
  store<u32>(record, layout, LAYOUT);
  store<i64>(record, TIME_MIN, FIRED_THROUGH);
  return 0;
}

export function sliceCount(state: u32): u32 {
  return load<u32>(statePtr(state), SLICES);
}

function slicePtr(state: u32, index: u32): u32 {
  return resolve(load<u32>(statePtr(state), LIST_REF)) + (index << SLICE_SHIFT);
}

export function sliceStart(state: u32, index: u32): i64 {
  return load<i64>(slicePtr(state, index));
}

/** Table of a kind (WIDE, NARROW) of a slice, 0 when it has none. */
export function sliceTable(state: u32, index: u32, kind: u32): u32 {
  return load<u32>(slicePtr(state, index) + (kind << 2), 8);
}

export function setSliceTable(state: u32, index: u32, kind: u32, table: u32): void {
  const ptr = slicePtr(state, index);
  touchRange(ptr, 16);
  store<u32>(ptr + (kind << 2), table, 8);
}

/** The same, made when it is not there; 0 without memory. */
export function sliceTableEnsure(state: u32, index: u32, kind: u32): u32 {
  const found = sliceTable(state, index, kind);
  if (found != 0) return found;
  const layout = load<u32>(statePtr(state), LAYOUT);
  const bytes = (kind == NARROW ? layout >> 12 : layout) & 0xfff;
  const expected = expectedEntries(state, index, kind);
  let table = tableCreate(state, layout >> 24, bytes, kind == NARROW, expected);
  // Without memory for what is expected it may still do for what comes.
  if (table == 0 && expected > 0) table = tableCreate(state, layout >> 24, bytes, kind == NARROW, 0);
  if (table != 0) setSliceTable(state, index, kind, table);
  return table;
}

/** Index of the first slice that starts at or after `start`. */
export function sliceAtOrAfter(state: u32, start: i64): u32 {
  let low: u32 = 0;
  let high = sliceCount(state);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sliceStart(state, middle) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the slice that starts at `start`, made when it is not there; OUT_OF_MEMORY changes nothing. */
export function sliceEnsure(state: u32, start: i64): i32 {
  const index = sliceAtOrAfter(state, start);
  const count = sliceCount(state);
  if (index < count && sliceStart(state, index) == start) return index;
  if (!reserve(state, count + 1)) return OUT_OF_MEMORY;
  const ptr = slicePtr(state, index);
  touchRange(ptr, (count + 1 - index) << SLICE_SHIFT);
  memory.copy(ptr + 16, ptr, (count - index) << SLICE_SHIFT);
  store<i64>(ptr, start);
  store<u64>(ptr, 0, 8);
  setCount(state, count + 1);
  return index;
}

/**
 * A table is expected to get as many entries as those of its kind in the slices beside it have: as the one with fewer, so that many slices with few
 * entries beside a large one stay small.
 */
function expectedEntries(state: u32, index: u32, kind: u32): u32 {
  const count = sliceCount(state);
  if (count < 2) return 0;
  const after = index + 1 < count ? entriesOf(state, index + 1, kind) : u32.MAX_VALUE;
  return min<u32>(after, index > 0 ? entriesOf(state, index - 1, kind) : u32.MAX_VALUE);
}

function entriesOf(state: u32, index: u32, kind: u32): u32 {
  const table = sliceTable(state, index, kind);
  return table == 0 ? 0 : load<u32>(resolve(table), TABLE_ENTRIES);
}

function setCount(state: u32, count: u32): void {
  const record = statePtr(state);
  touchRange(record, STATE_BYTES);
  store<u32>(record, count, SLICES);
}

function reserve(state: u32, count: u32): bool {
  const record = statePtr(state);
  const pages = load<u32>(record, LIST_PAGES);
  if (count << SLICE_SHIFT <= pages << PAGE_SHIFT) return true;
  const more = min<u32>(EXTENT_PAGES_MAX, max<u32>(1, pages + ((pages + 1) >> 1)));
  if (more == pages) return false;
  const list = extentAlloc(state, more);
  if (list == 0) return false;
  const old = load<u32>(record, LIST_REF);
  if (old != 0) {
    memory.copy(resolve(list), resolve(old), pages << PAGE_SHIFT);
    extentFree(state, old, pages);
  }
  touchRange(record, STATE_BYTES);
  store<u32>(record, list, LIST_REF);
  store<u32>(record, more, LIST_PAGES);
  return true;
}

/** Drops all slices that start before `start`, with all they hold. */
export function dropSlicesBefore(state: u32, start: i64): void {
  const dropped = sliceAtOrAfter(state, start);
  if (dropped == 0) return;
  const count = sliceCount(state);
  for (let i: u32 = 0; i < dropped; i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const table = sliceTable(state, i, kind);
      if (table == 0) continue;
      addEntries(state, -(<i64>load<u32>(resolve(table), TABLE_ENTRIES)));
      tableDrop(table);
    }
  }
  const list = slicePtr(state, 0);
  touchRange(list, count << SLICE_SHIFT);
  memory.copy(list, list + (dropped << SLICE_SHIFT), (count - dropped) << SLICE_SHIFT);
  setCount(state, count - dropped);
}

/** Drops all that a windowed state holds; the record stays open. */
export function slicesClear(state: u32): void {
  sharedForget(state);
  dropSlicesBefore(state, i64.MAX_VALUE);
  const record = statePtr(state);
  const pages = load<u32>(record, LIST_PAGES);
  if (pages != 0) extentFree(state, load<u32>(record, LIST_REF), pages);
  touchRange(record, STATE_BYTES);
  store<u32>(record, 0, LIST_REF);
  store<u32>(record, 0, LIST_PAGES);
  store<u32>(record, 0, FIRE_ACTIVE);
}

/** Rows folded into all slices of a state: a sum over its tables. */
export function slicesRows(state: u32): f64 {
  let rows: u64 = 0;
  for (let i: u32 = 0; i < sliceCount(state); i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const table = sliceTable(state, i, kind);
      if (table != 0) rows += load<u64>(resolve(table), TABLE_ROWS);
    }
  }
  return <f64>rows;
}

/** Walks all entries of a state: 1 when counts of segments, tables and state hold, 0 when not. */
export function slicesScan(state: u32): u32 {
  let total: i64 = 0;
  for (let i: u32 = 0; i < sliceCount(state); i++) {
    for (let kind: u32 = 0; kind < TABLE_KINDS; kind++) {
      const table = sliceTable(state, i, kind);
      if (table == 0) continue;
      const counted = tableScan(table);
      if (counted != load<u32>(resolve(table), TABLE_ENTRIES)) return 0;
      total += counted;
    }
  }
  return u32(total == load<i64>(statePtr(state), STATE_ENTRIES));
}
