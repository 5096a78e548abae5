/**
 * Which column a key names: a hash table of the names, asked once for each lead (leads.ts) and for each key that is too
 * long for one.
 *
 * Invariants
 *  1. A name is compared in full before it is taken for a column; a hash alone decides nothing.
 *  2. Keys that no column asks for get UNREAD, a column whose values nobody sees.
 */
import {
  COLUMN_HASH,
  COLUMN_NAME,
  COLUMN_NAME_BYTES,
  CURSOR,
  EXPECTED_KEY,
  HASH_SLOTS,
  readableWord,
  REASON,
  refuse,
  SCRATCH_AT,
  SLOT_SHIFT,
  TEXT,
  TEXT_END,
  TYPE_MISMATCH,
  UNREAD,
} from './layout';
import { readText } from './text';

/** Slots of the hash table: a power of two, at least twice as many as columns. */
export function hashSlots(columns: u32): u32 {
  return 1 << (32 - clz<u32>(columns * 2 + 1));
}

function hashName(namePtr: u32, bytes: u32): u32 {
  const first = readableWord(namePtr, bytes);
  const last = bytes > 8 ? load<u64>(namePtr + bytes - 8) : 0;
  return <u32>(((first ^ bytes) * 0x9e3779b97f4a7c15 + last * 0xc2b2ae3d27d4eb4f) >> 32);
}

function sameBytes(a: u32, b: u32, bytes: u32): bool {
  let i: u32 = 0;
  while (i + 8 <= bytes) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
    i += 8;
  }
  return i == bytes || readableWord(a + i, bytes - i) == readableWord(b + i, bytes - i);
}

/** The column of the key at `p`, UNREAD if it has none; 0 when refused. CURSOR is the byte past it. */
export function findColumn(parserPtr: u32, p: u32): u32 {
  // A key's escapes need scratch only until it is found.
  const scratchAt = load<u32>(parserPtr, SCRATCH_AT);
  const past = readText(parserPtr, p);
  store<u32>(parserPtr, scratchAt, SCRATCH_AT);
  if (past == 0) {
    return load<u32>(parserPtr, REASON) == TYPE_MISMATCH ? refuse(parserPtr, EXPECTED_KEY, p) : 0;
  }
  store<u32>(parserPtr, past, CURSOR);
  const namePtr = load<u32>(parserPtr, TEXT);
  const bytes = load<u32>(parserPtr, TEXT_END) - namePtr;
  const column = load<u32>(findSlot(parserPtr, namePtr, bytes, hashName(namePtr, bytes)));
  return column != 0 ? column : load<u32>(parserPtr, UNREAD);
}

/** Address of the slot that holds the column of this name, or of the empty one where it belongs. */
function findSlot(parserPtr: u32, namePtr: u32, bytes: u32, hash: u32): u32 {
  const slots = load<u32>(parserPtr, HASH_SLOTS);
  const shift = load<u32>(parserPtr, SLOT_SHIFT);
  const mask: u32 = 0xffffffff >> shift;
  let i = hash >> shift;
  while (true) {
    const slot = slots + (i << 2);
    const column = load<u32>(slot);
    if (column == 0) return slot;
    if (
      load<u32>(column, COLUMN_HASH) == hash
      && load<u32>(column, COLUMN_NAME_BYTES) == bytes
      && sameBytes(load<u32>(column, COLUMN_NAME), namePtr, bytes)
    )
      return slot;
    i = (i + 1) & mask;
  }
}

/** Gives the column its name, whose bytes at `namePtr` must stay. */
export function nameColumn(parserPtr: u32, columnPtr: u32, namePtr: u32, bytes: u32): void {
  const hash = hashName(namePtr, bytes);
  store<u32>(columnPtr, namePtr, COLUMN_NAME);
  store<u32>(columnPtr, bytes, COLUMN_NAME_BYTES);
  store<u32>(columnPtr, hash, COLUMN_HASH);
  store<u32>(findSlot(parserPtr, namePtr, bytes, hash), columnPtr);
}
