/**
 * The key hash: 32 bits, frozen in version 1 (checkpoints, key groups and the order of fired rows depend on it).
 *
 * Integers go through the 64-bit finalizer of MurmurHash3 (Austin Appleby, public domain), of which the high half
 * counts. Bytes are taken 8 at a time, little-endian: h = (h xor word) * K, h = h xor (h >>> 32); the last 1 to 7 bytes
 * as one word of zero-padded bytes; the length is the start value; then the same finalizer. The key group is the top 7
 * bits. Golden values stand in test/assembly/hash.
 */

const MIX_1: u64 = 0xff51afd7ed558ccd;
const MIX_2: u64 = 0xc4ceb9fe1a85ec53;
const BYTES_SEED: u64 = 0x9e3779b97f4a7c15;
const BYTES_MULTIPLIER: u64 = 0xd6e8feb86659fd93;

function mix(value: u64): u32 {
  return <u32>(mixWide(value) >> 32);
}

function mixWide(value: u64): u64 {
  let h = value;
  h ^= h >> 33;
  h *= MIX_1;
  h ^= h >> 33;
  h *= MIX_2;
  return h ^ (h >> 33);
}

/** All 64 bits of the hash of an int64, of which hashInt64 is the high half. */
export function wideHashInt64(value: i64): u64 {
  return mixWide(<u64>value + BYTES_SEED);
}

export function hashInt64(value: i64): u32 {
  // The finalizer maps 0 to 0, and small integers are common keys: an offset keeps them away from that point.
  return mix(<u64>value + BYTES_SEED);
}

export function hashBytes(ptr: u32, length: u32): u32 {
  return <u32>(wideHashBytes(ptr, length) >> 32);
}

/** All 64 bits of the hash of bytes, of which hashBytes is the high half. */
export function wideHashBytes(ptr: u32, length: u32): u64 {
  let h = BYTES_SEED ^ <u64>length;
  let at = ptr;
  const end = ptr + length;
  for (; at + 8 <= end; at += 8) h = step(h, load<u64>(at));
  if (at < end) h = step(h, loadTail(at, end - at));
  return mixWide(h);
}

/**
 * As hashBytes, of up to 16 bytes that are at hand as words padded with zeros. Without branches: lengths of keys vary
 * from row to row, and a wrong guess costs more than both steps.
 */
export function hashWords(length: u32, first: u64, second: u64): u32 {
  const seed = BYTES_SEED ^ <u64>length;
  const one = select<u64>(step(seed, first), seed, length != 0);
  return mix(select<u64>(step(one, second), one, length > 8));
}

function step(h: u64, word: u64): u64 {
  const product = (h ^ word) * BYTES_MULTIPLIER;
  return product ^ (product >> 32);
}

/** 1 to 8 bytes as a little-endian word padded with zeros, without reading beyond them. */
export function loadTail(ptr: u32, length: u32): u64 {
  if (length >= 8) return load<u64>(ptr);
  let word: u64 = 0;
  let shift: u64 = 0;
  let at = ptr;
  if ((length & 4) != 0) {
    word = <u64>load<u32>(at);
    shift = 32;
    at += 4;
  }
  if ((length & 2) != 0) {
    word |= (<u64>load<u16>(at)) << shift;
    shift += 16;
    at += 2;
  }
  if ((length & 1) != 0) word |= (<u64>load<u8>(at)) << shift;
  return word;
}

/** Hash of the int64 at an address, for the host. */
export function hashInt64At(ptr: u32): u32 {
  return hashInt64(load<i64>(ptr));
}
