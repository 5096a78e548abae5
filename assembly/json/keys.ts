/**
 * Which column a key names, found without hashing when keys come in an order seen before.
 *
 * Each key remembers the key that followed it last, apart for each key that a line began with: producers that write
 * different orders mostly begin differently. The parser compares the bytes at hand with that prediction first; when
 * they differ (another order, an absent field) it looks the key up by hash and corrects the prediction. Keys that no
 * column asks for are learned too, so that a line with many unread fields is predicted as well.
 *
 * Invariants
 *  1. Only names without quotes, backslashes and control characters have a text: equal text is then the same key.
 *  2. ANY_KEY stands for every key that is not remembered. Its text matches nothing, so it is never predicted right.
 *  3. A name is compared in full before it is taken for a column; a hash alone decides nothing.
 */
import {
  ANY_KEY, BACKSLASH, COLUMN_COUNT, CONTEXTS, CURSOR, EXPECTED_KEY, HASH_SLOTS, KEY_BYTES, KEY_COLUMN, KEY_CONTEXT,
  KEY_COUNT, KEY_HASH, KEY_MASK, KEY_NAME, KEY_NAME_BYTES, KEY_NEXT, KEYS, KEY_TEXT_BYTES, LEARNED_KEYS_MAX,
  PLAIN_NAME_BYTES, QUOTE, readableWord, REASON, refuse, SCRATCH_AT, SLOT_SHIFT, TEXT, TEXT_END, TYPE_MISMATCH,
} from './layout';
import { readText, scanPlain } from './text';

/** Slots of the hash table: a power of two, at least twice as many as keys. */
export function hashSlots(columns: u32): u32 {
  const keys = columns + LEARNED_KEYS_MAX;
  return 1 << (32 - clz<u32>(keys * 2 - 1));
}

/** Whether the bytes at `p` are this key in its quotes. */
export function isKey(keyPtr: u32, p: u32): bool {
  const near = v128.and(v128.xor(v128.load(p), v128.load(keyPtr)), v128.load(keyPtr, KEY_MASK));
  if (v128.any_true(near)) return false;
  if (load<u32>(keyPtr, KEY_TEXT_BYTES) <= 16) return true;
  const far = v128.and(v128.xor(v128.load(p, 16), v128.load(keyPtr, 16)), v128.load(keyPtr, KEY_MASK + 16));
  return !v128.any_true(far);
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

/** The key at `p` when it is remembered, short and plain; 0: `findKey` has to look. */
export function findPlainKey(parserPtr: u32, p: u32): u32 {
  const bytes = inline.always(scanPlain(p + 1)) - p - 1;
  if (bytes > PLAIN_NAME_BYTES) return 0;
  const hash = inline.always(hashName(p + 1, bytes));
  const key = load<u32>(load<u32>(parserPtr, HASH_SLOTS) + (hash >> load<u32>(parserPtr, SLOT_SHIFT) << 2));
  return key != 0 && isKey(key, p) ? key : 0;
}

/** The key at `p`, remembered from here on when there is room; 0 when refused. CURSOR is the byte past it. */
export function findKey(parserPtr: u32, p: u32): u32 {
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
  const hash = hashName(namePtr, bytes);
  const slot = findSlot(parserPtr, namePtr, bytes, hash);
  const found = load<u32>(slot);
  if (found != 0) return found;
  const full = load<u32>(parserPtr, KEY_COUNT) >= load<u32>(parserPtr, COLUMN_COUNT) + LEARNED_KEYS_MAX;
  if (full || bytes > PLAIN_NAME_BYTES) return load<u32>(parserPtr, ANY_KEY);
  return addKey(parserPtr, slot, namePtr, bytes, hash, 0);
}

/** Address of the slot that holds the key of this name, or of the empty one where it belongs. */
function findSlot(parserPtr: u32, namePtr: u32, bytes: u32, hash: u32): u32 {
  const slots = load<u32>(parserPtr, HASH_SLOTS);
  const shift = load<u32>(parserPtr, SLOT_SHIFT);
  const mask: u32 = 0xffffffff >> shift;
  let i = hash >> shift;
  while (true) {
    const slot = slots + (i << 2);
    const key = load<u32>(slot);
    if (key == 0) return slot;
    if (load<u32>(key, KEY_HASH) == hash && load<u32>(key, KEY_NAME_BYTES) == bytes
      && sameBytes(load<u32>(key, KEY_NAME), namePtr, bytes)) return slot;
    i = (i + 1) & mask;
  }
}

/** Remembers the name of a column; its bytes at `namePtr` must stay. */
export function addColumnKey(parserPtr: u32, namePtr: u32, bytes: u32, columnPtr: u32): void {
  const hash = hashName(namePtr, bytes);
  addKey(parserPtr, findSlot(parserPtr, namePtr, bytes, hash), namePtr, bytes, hash, columnPtr);
}

function addKey(parserPtr: u32, slot: u32, namePtr: u32, bytes: u32, hash: u32, columnPtr: u32): u32 {
  const count = load<u32>(parserPtr, KEY_COUNT);
  store<u32>(parserPtr, count + 1, KEY_COUNT);
  const key = load<u32>(parserPtr, KEYS) + count * KEY_BYTES;
  const plain = bytes <= PLAIN_NAME_BYTES && isPlainName(namePtr, bytes);
  initKey(key, plain ? bytes + 2 : 0, load<u32>(parserPtr, ANY_KEY), columnPtr, count % CONTEXTS);
  store<u32>(key, namePtr, KEY_NAME);
  store<u32>(key, bytes, KEY_NAME_BYTES);
  store<u32>(key, hash, KEY_HASH);
  if (bytes <= PLAIN_NAME_BYTES) {
    memory.copy(key + 1, namePtr, bytes);
    store<u32>(key, key + 1, KEY_NAME);
  }
  if (plain) store<u8>(key + 1 + bytes, <u8>QUOTE);
  store<u32>(slot, key);
  return key;
}

/** A key with a text of so many bytes to come; with none, one whose text matches nothing. */
export function initKey(keyPtr: u32, textBytes: u32, nextPtr: u32, columnPtr: u32, context: u32): void {
  memory.fill(keyPtr, 0, KEY_BYTES);
  // Without a text, 32 zeros are compared, which no JSON has.
  memory.fill(keyPtr + KEY_MASK, 0xff, textBytes != 0 ? textBytes : <u32>32);
  if (textBytes != 0) store<u8>(keyPtr, <u8>QUOTE);
  store<u32>(keyPtr, textBytes, KEY_TEXT_BYTES);
  store<u32>(keyPtr, columnPtr, KEY_COLUMN);
  store<u32>(keyPtr, context << 2, KEY_CONTEXT);
  for (let i: u32 = 0; i < CONTEXTS; i++) store<u32>(keyPtr + (i << 2), nextPtr, KEY_NEXT);
}

function isPlainName(namePtr: u32, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    const c = <u32>load<u8>(namePtr + i);
    if (c < 0x20 || c == QUOTE || c == BACKSLASH) return false;
  }
  return true;
}
