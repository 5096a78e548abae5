/**
 * Texts that repeat, by number: a table that lives from batch to batch, in which the host keeps a string for each slot.
 *
 *   slot, 64 bytes: length + 1 u32 (0: empty) | epoch u32 of the batch that used it last | the text, up to 56 bytes, padded
 *   with zeros to 16
 *
 * Invariants
 *  1. A slot that a row of this batch was given keeps its text until the next batch (the next epoch).
 *  2. A row's slot holds exactly its bytes; what is too long, or finds no slot, gets the number SLOTS.
 * The host gives the table zeroed, and another epoch each time, never 0.
 */
import { isValid } from '../abi';
import { copyText } from '../codec/copy';
import { hashBytes, loadTail } from './hash';

const SLOTS: u32 = 4096;
const SLOT_SHIFT: u32 = 6;
const TEXT: u32 = 8;
const TEXT_BYTES_MAX: u32 = 56;
/** Up to here two words hold a text. */
const WORDS_BYTES: u32 = 16;
const PROBES: u32 = 4;
const FRESH: u32 = 0x80000000;
const MULTIPLIER: u64 = 0xd6e8feb86659fd93;

/**
 * Writes the slot of each selected row that is not null to `idsPtr` (u32 a row number), and those of rows whose text was not
 * there before, SLOTS among them, to `freshPtr` one after the other. Answers how many those are.
 */
export function internTexts(
  viewsPtr: u32,
  validityPtr: u32,
  selectionPtr: u32,
  count: u32,
  tablePtr: u32,
  epoch: u32,
  idsPtr: u32,
  freshPtr: u32,
): u32 {
  const wordsEnd = ((<u32>memory.size()) << 16) - WORDS_BYTES;
  let fresh: u32 = 0;
  for (let n: u32 = 0; n < count; n++) {
    const row = selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
    if (!isValid(validityPtr, row)) continue;
    const ptr = load<u32>(viewsPtr + (row << 3));
    const length = load<u32>(viewsPtr + (row << 3), 4);
    const found =
      length <= WORDS_BYTES && ptr <= wordsEnd
        ? slotOfWords(tablePtr, epoch, ptr, length)
        : slotOf(tablePtr, epoch, ptr, length, hashBytes(ptr, length));
    const slot = found & ~FRESH;
    store<u32>(idsPtr + (row << 2), slot);
    store<u32>(freshPtr + (fresh << 2), slot);
    fresh += found >> 31;
  }
  return fresh;
}

/** As slotOf, of a text behind which 16 bytes may be read: nearly always it stands where its hash says. */
function slotOfWords(tablePtr: u32, epoch: u32, ptr: u32, length: u32): u32 {
  const firstBits = (<u64>min<u32>(length, 8)) << 3;
  const first = load<u64>(ptr) & lowBits(firstBits);
  const second = load<u64>(ptr, 8) & lowBits(((<u64>length) << 3) - firstBits);
  let h = (first ^ <u64>length) * MULTIPLIER;
  h = (h ^ (h >> 32) ^ second) * MULTIPLIER;
  const hash = <u32>(h >> 40);
  const slot = hash & (SLOTS - 1);
  const slotPtr = tablePtr + (slot << SLOT_SHIFT);
  const isIt =
    load<u32>(slotPtr) == length + 1 && load<u64>(slotPtr, TEXT) == first && load<u64>(slotPtr, TEXT + 8) == second;
  if (!isIt) return slotOf(tablePtr, epoch, ptr, length, hash);
  store<u32>(slotPtr, epoch, 4);
  return slot;
}

/** The lowest `count` bits, 0 to 64. */
function lowBits(count: u64): u64 {
  return select<u64>(0, ~(<u64>0) >> (64 - count), count == 0);
}

/** The slot with this text, or one that it was put into, which is FRESH. */
function slotOf(tablePtr: u32, epoch: u32, ptr: u32, length: u32, hash: u32): u32 {
  if (length > TEXT_BYTES_MAX) return SLOTS | FRESH;
  let free = SLOTS;
  for (let probe: u32 = 0; probe < PROBES; probe++) {
    const slot = (hash + probe) & (SLOTS - 1);
    const slotPtr = tablePtr + (slot << SLOT_SHIFT);
    const held = load<u32>(slotPtr);
    if (held == length + 1 && sameBytes(slotPtr + TEXT, ptr, length)) {
      store<u32>(slotPtr, epoch, 4);
      return slot;
    }
    if (free == SLOTS && load<u32>(slotPtr, 4) != epoch) free = slot;
    if (held == 0) break;
  }
  if (free != SLOTS) {
    const slotPtr = tablePtr + (free << SLOT_SHIFT);
    store<u32>(slotPtr, length + 1);
    store<u32>(slotPtr, epoch, 4);
    store<u64>(slotPtr, 0, TEXT);
    store<u64>(slotPtr, 0, TEXT + 8);
    copyText(slotPtr + TEXT, ptr, length);
  }
  return free | FRESH;
}

function sameBytes(a: u32, b: u32, length: u32): bool {
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) if (load<u64>(a + at) != load<u64>(b + at)) return false;
  return at == length || loadTail(a + at, length - at) == loadTail(b + at, length - at);
}
