/**
 * Bytes from a base64 string (RFC 4648 section 4): the standard alphabet, padded to groups of four, unused bits zero.
 */
import { BAD_BASE64, PADDING_BYTES, refuse, SCRATCH_AT, SCRATCH_END, SCRATCH_FULL, TEXT, TEXT_END } from './layout';
import { readText } from './text';

const PAD: u32 = 0x3d;

/** Past the string at `p`; `slot` becomes a view of the bytes in scratch. 0 when refused. */
export function readBase64(parserPtr: u32, p: u32, slot: u32): u32 {
  const past = readText(parserPtr, p);
  if (past == 0) return 0;
  return takeBase64(parserPtr, load<u32>(parserPtr, TEXT), load<u32>(parserPtr, TEXT_END), slot, p) ? past : 0;
}

/** `slot` becomes a view of the bytes of the text [from, end), in scratch; false when refused, at `atPtr`. */
export function takeBase64(parserPtr: u32, from: u32, end: u32, slot: u32, atPtr: u32): bool {
  const length = end - from;
  const into = load<u32>(parserPtr, SCRATCH_AT);
  if (load<u32>(parserPtr, SCRATCH_END) - into < length + PADDING_BYTES) {
    refuse(parserPtr, SCRATCH_FULL, atPtr);
    return false;
  }
  const bytes = decode(from, length, into);
  if (bytes < 0) {
    refuse(parserPtr, BAD_BASE64, atPtr);
    return false;
  }
  store<u32>(slot, into);
  store<u32>(slot, bytes, 4);
  store<u32>(parserPtr, into + bytes, SCRATCH_AT);
  return true;
}

/** Value of a letter of the alphabet, or above 63. */
function sextet(c: u32): u32 {
  if (c - 0x41 < 26) return c - 0x41;
  if (c - 0x61 < 26) return c - 0x61 + 26;
  if (c - 0x30 < 10) return c - 0x30 + 52;
  return c == 0x2b ? 62 : c == 0x2f ? 63 : 64;
}

/** Writes the bytes of `length` letters; their number, or -1 when it is not base64. */
function decode(from: u32, length: u32, intoPtr: u32): i32 {
  if ((length & 3) != 0) return -1;
  if (length == 0) return 0;
  const last = from + length;
  const pads: u32 = load<u8>(last - 1) != <u8>PAD ? 0 : load<u8>(last - 2) != <u8>PAD ? 1 : 2;
  const whole = last - (pads == 0 ? 0 : 4);
  let into = intoPtr;
  for (let p = from; p < whole; p += 4) {
    const a = sextet(load<u8>(p));
    const b = sextet(load<u8>(p, 1));
    const c = sextet(load<u8>(p, 2));
    const d = sextet(load<u8>(p, 3));
    if ((a | b | c | d) > 63) return -1;
    const word = (a << 18) | (b << 12) | (c << 6) | d;
    store<u8>(into, <u8>(word >> 16));
    store<u8>(into, <u8>(word >> 8), 1);
    store<u8>(into, <u8>word, 2);
    into += 3;
  }
  if (pads != 0) {
    const a = sextet(load<u8>(whole));
    const b = sextet(load<u8>(whole, 1));
    const c: u32 = pads == 2 ? 0 : sextet(load<u8>(whole, 2));
    if ((a | b | c) > 63 || (pads == 2 ? (b & 15) != 0 : (c & 3) != 0)) return -1;
    store<u8>(into++, <u8>((a << 2) | (b >> 4)));
    if (pads == 1) store<u8>(into++, <u8>((b << 4) | (c >> 2)));
  }
  return into - intoPtr;
}
