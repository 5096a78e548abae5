/**
 * The checksum of segments and manifests: XXH64 with seed 0 (Yann Collet, BSD 2-clause; the published specification
 * doc/xxhash_spec.md). Four lanes of 64-bit multiplications run in parallel, which WebAssembly has natively.
 */

const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
const PRIME_5: u64 = 0x27d4eb2f165667c5;

function round(acc: u64, word: u64): u64 {
  return rotl<u64>(acc + word * PRIME_2, 31) * PRIME_1;
}

function mergeRound(acc: u64, lane: u64): u64 {
  return (acc ^ round(0, lane)) * PRIME_1 + PRIME_4;
}

/** Writes XXH64 of [ptr, ptr + bytes) as 8 little-endian bytes to outPtr. */
export function checksum(ptr: u32, bytes: u32, outPtr: u32): void {
  const end = ptr + bytes;
  let at = ptr;
  let h = PRIME_5;
  if (bytes >= 32) {
    let a = PRIME_1 + PRIME_2;
    let b = PRIME_2;
    let c: u64 = 0;
    let d: u64 = 0 - PRIME_1;
    for (; end - at >= 32; at += 32) {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
    }
    h = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    h = mergeRound(mergeRound(mergeRound(mergeRound(h, a), b), c), d);
  }
  store<u64>(outPtr, finishTail(h + <u64>bytes, at, end));
}

function finishTail(start: u64, ptr: u32, end: u32): u64 {
  let h = start;
  let at = ptr;
  for (; end - at >= 8; at += 8) h = rotl<u64>(h ^ round(0, load<u64>(at)), 27) * PRIME_1 + PRIME_4;
  if (end - at >= 4) {
    h = rotl<u64>(h ^ (<u64>load<u32>(at) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    at += 4;
  }
  for (; at < end; at++) h = rotl<u64>(h ^ (<u64>load<u8>(at) * PRIME_5), 11) * PRIME_1;
  h = (h ^ (h >> 33)) * PRIME_2;
  h = (h ^ (h >> 29)) * PRIME_3;
  return h ^ (h >> 32);
}
