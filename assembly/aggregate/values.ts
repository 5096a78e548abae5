/**
 * Values of any type inside the blobs of an accumulator, as words: of fixed width the value itself (column.ts), of text
 * (hash << 32 | place + 1) with the text in a blob beside: at the place its length u32, then its bytes.
 */
import { VIEW } from '../abi';
import { wideHashBytes, wideHashInt64 } from '../hash/hash';
import { blobAppend, blobLength, blobPtr, blobReserve } from './blob';
import { wordAt } from './column';

/** A value at hand, 24 bytes of scratch: word u64 (of text hash << 32) | hash u32 | is text u32 | text u32, bytes u32. */
export const VALUE_HASH: u32 = 8;
export const VALUE_IS_TEXT: u32 = 12;
const VALUE_TEXT: u32 = 16;
const VALUE_TEXT_BYTES: u32 = 20;
export const VALUE_BYTES: u32 = 24;

export function valueOfRow(value: u32, type: u32, valuesPtr: u32, row: u32): void {
  if (type == VIEW) {
    const view = valuesPtr + (row << 3);
    valueOfText(value, load<u32>(view), load<u32>(view, 4));
  } else {
    valueOfWord(value, wordAt(type, valuesPtr, row));
  }
}

function valueOfText(value: u32, ptr: u32, bytes: u32): void {
  const hash = <u32>(wideHashBytes(ptr, bytes) >> 32);
  store<u64>(value, (<u64>hash) << 32);
  store<u32>(value, hash, VALUE_HASH);
  store<u32>(value, 1, VALUE_IS_TEXT);
  store<u32>(value, ptr, VALUE_TEXT);
  store<u32>(value, bytes, VALUE_TEXT_BYTES);
}

function valueOfWord(value: u32, word: u64): void {
  store<u64>(value, word);
  store<u32>(value, <u32>(wideHashInt64(<i64>word) >> 32), VALUE_HASH);
  store<u32>(value, 0, VALUE_IS_TEXT);
}

/** A value kept in a blob, whose text lies in `texts`. */
export function valueKept(value: u32, isText: bool, word: u64, texts: u32): void {
  if (!isText) {
    valueOfWord(value, word);
    return;
  }
  const at = keptText(word, texts);
  store<u64>(value, word & ~(<u64>0xffffffff));
  store<u32>(value, <u32>(word >> 32), VALUE_HASH);
  store<u32>(value, 1, VALUE_IS_TEXT);
  store<u32>(value, at + 4, VALUE_TEXT);
  store<u32>(value, load<u32>(at), VALUE_TEXT_BYTES);
}

/** Where the length and the bytes of a kept text lie. */
export function keptText(word: u64, texts: u32): u32 {
  return blobPtr(texts) + <u32>word - 1;
}

/** Whether a word that was kept is this value. */
export function isValue(value: u32, word: u64, texts: u32): bool {
  if (load<u32>(value, VALUE_IS_TEXT) == 0) return word == load<u64>(value);
  if (<u32>(word >> 32) != load<u32>(value, VALUE_HASH)) return false;
  const at = keptText(word, texts);
  const bytes = load<u32>(value, VALUE_TEXT_BYTES);
  return load<u32>(at) == bytes && memory.compare(at + 4, load<u32>(value, VALUE_TEXT), bytes) == 0;
}

/** Makes room to keep a value. False without memory. */
export function reserveKept(blobs: u32, value: u32, texts: u32): bool {
  if (load<u32>(value, VALUE_IS_TEXT) == 0) return true;
  return blobReserve(blobs, texts, blobLength(texts) + 4 + load<u32>(value, VALUE_TEXT_BYTES));
}

/** The word of a value, whose text is kept now; there is room for it. */
export function keepValue(blobs: u32, value: u32, texts: u32): u64 {
  if (load<u32>(value, VALUE_IS_TEXT) == 0) return load<u64>(value);
  const place = blobLength(texts) + 1;
  blobAppend(blobs, texts, value + VALUE_TEXT_BYTES, 4);
  blobAppend(blobs, texts, load<u32>(value, VALUE_TEXT), load<u32>(value, VALUE_TEXT_BYTES));
  return load<u64>(value) | <u64>place;
}
