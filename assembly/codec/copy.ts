/** Copies of short texts, for which a bulk copy costs more than the bytes. */

const LONG: u32 = 64;

/** Copies `length` bytes between places that do not overlap; reads and writes nothing beyond them. */
export function copyText(to: u32, from: u32, length: u32): void {
  if (length > LONG) {
    memory.copy(to, from, length);
    return;
  }
  if (length >= 8) {
    const last = length - 8;
    for (let i: u32 = 0; i < last; i += 8) store<u64>(to + i, load<u64>(from + i));
    store<u64>(to + last, load<u64>(from + last));
    return;
  }
  if (length >= 4) {
    store<u32>(to, load<u32>(from));
    store<u32>(to + length - 4, load<u32>(from + length - 4));
    return;
  }
  for (let i: u32 = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i));
}
