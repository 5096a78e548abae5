/** Copies of a few words: for entries, which are too short for the bulk instruction to pay. */

/** Copies `bytes` bytes, a multiple of 4, between ranges that do not overlap. */
export function copyWords(intoPtr: u32, fromPtr: u32, bytes: u32): void {
  let i: u32 = 0;
  for (; i + 8 <= bytes; i += 8) store<u64>(intoPtr + i, load<u64>(fromPtr + i));
  if (i < bytes) store<u32>(intoPtr + i, load<u32>(fromPtr + i));
}
