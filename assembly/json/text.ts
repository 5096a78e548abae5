/**
 * Strings: found by vectors of 16 bytes, validated in full, unescaped only for whoever reads them.
 *
 * Invariants
 *  1. Every text ends in a newline at the latest (a line is complete when it is parsed), and a newline stops the scan;
 *     so no loop here looks at an end.
 *  2. A string that `stringEnd` has passed is valid UTF-8 with valid escapes: `unescape` has nothing to refuse.
 * Escapes: RFC 8259 section 7. UTF-8: RFC 3629 section 4.
 */
import {
  BACKSLASH,
  BACKSLASHES,
  BAD_ESCAPE,
  BAD_UTF8,
  CONTROL_CHARACTER,
  ESCAPED,
  NEWLINE,
  PADDING_BYTES,
  PLAIN_FROM,
  QUOTE,
  refuse,
  SCRATCH_AT,
  SCRATCH_END,
  SCRATCH_FULL,
  TEXT,
  TEXT_END,
  TWOS,
  TYPE_MISMATCH,
  UNFINISHED_STRING,
} from './layout';

/** The first byte from `atPtr` that is a quote, a backslash, a control character or not ASCII. */
export function scanPlain(atPtr: u32): u32 {
  let p = atPtr;
  const quotes = i8x16.splat(<i8>QUOTE);
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  // Signed, so bytes beyond ASCII are below a space as control characters are.
  const spaces = i8x16.splat(0x20);
  while (true) {
    const v = v128.load(p);
    const stops = v128.or(v128.or(i8x16.eq(v, quotes), i8x16.eq(v, backslashes)), i8x16.lt_s(v, spaces));
    const mask = i8x16.bitmask(stops);
    if (mask != 0) return p + <u32>ctz<i32>(mask);
    p += 16;
  }
}

/** The same with vectors out of the parser, as digitRunBy. With a bit turned the quote stands next to the controls. */
export function scanPlainBy(parserPtr: u32, atPtr: u32): u32 {
  let p = atPtr;
  const backslashes = v128.load(parserPtr, BACKSLASHES);
  const twos = v128.load(parserPtr, TWOS);
  const limit = v128.load(parserPtr, PLAIN_FROM);
  while (true) {
    const v = v128.load(p);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(v, backslashes), i8x16.lt_s(v128.xor(v, twos), limit)));
    if (mask != 0) return p + <u32>ctz<i32>(mask);
    p += 16;
  }
}

/** Bytes of the UTF-8 sequence at `p`, which is not ASCII; 0 when it is none. */
export function sequenceBytes(p: u32): u32 {
  const first = <u32>load<u8>(p);
  const second = <u32>load<u8>(p, 1);
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return (second & 0xc0) == 0x80 ? 2 : 0;
  // Bounds of the second byte keep out overlong forms, surrogates and what lies beyond U+10FFFF.
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high || (<u32>load<u8>(p, 2) & 0xc0) != 0x80) return 0;
  if (first < 0xf0) return 3;
  return (<u32>load<u8>(p, 3) & 0xc0) == 0x80 ? 4 : 0;
}

/** Past the run of non-ASCII bytes at `p`, or the first byte of a sequence that is none, as a refusal. */
function skipSequences(parserPtr: u32, atPtr: u32): u32 {
  let p = atPtr;
  while (load<u8>(p) >= 0x80) {
    const bytes = sequenceBytes(p);
    if (bytes == 0) return refuse(parserPtr, BAD_UTF8, p);
    p += bytes;
  }
  return p;
}

/** Value of a hexadecimal digit, or above 15. */
function hexDigit(c: u32): u32 {
  const digit = c - 0x30;
  if (digit <= 9) return digit;
  const letter = (c | 0x20) - 0x61;
  return letter <= 5 ? letter + 10 : 255;
}

/** The four hexadecimal digits at `p`, or above 0xffff when they are not. */
function hex4(p: u32): u32 {
  const a = hexDigit(load<u8>(p));
  const b = hexDigit(load<u8>(p, 1));
  const c = hexDigit(load<u8>(p, 2));
  const d = hexDigit(load<u8>(p, 3));
  return (a | b | c | d) > 15 ? 0x10000 : (a << 12) | (b << 8) | (c << 4) | d;
}

function isShortEscape(c: u32): bool {
  return c == QUOTE || c == BACKSLASH || c == 0x2f || c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74;
}

/** The closing quote of the string whose bytes from `atPtr` on are still unread; 0 when refused. Sets ESCAPED. */
export function stringEnd(parserPtr: u32, atPtr: u32): u32 {
  store<u32>(parserPtr, 0, ESCAPED);
  let p = atPtr;
  while (true) {
    p = scanPlain(p);
    const c = <u32>load<u8>(p);
    if (c == QUOTE) return p;
    if (c >= 0x80) {
      p = skipSequences(parserPtr, p);
      if (p == 0) return 0;
    } else if (c == BACKSLASH) {
      store<u32>(parserPtr, 1, ESCAPED);
      const kind = <u32>load<u8>(p, 1);
      if (isShortEscape(kind)) p += 2;
      else if (kind == 0x75 && hex4(p + 2) <= 0xffff) p += 6;
      else return refuse(parserPtr, BAD_ESCAPE, p);
    } else return refuse(parserPtr, c == NEWLINE ? UNFINISHED_STRING : CONTROL_CHARACTER, p);
  }
}

/** Past the string at `p` (its opening quote); 0 when refused. */
export function skipString(parserPtr: u32, p: u32): u32 {
  const stop = scanPlain(p + 1);
  if (load<u8>(stop) == QUOTE) return stop + 1;
  const end = stringEnd(parserPtr, stop);
  return end == 0 ? 0 : end + 1;
}

/**
 * The string at `p` as bytes: TEXT and TEXT_END point to them, in place when it has no escapes and in scratch
 * otherwise. Returns the byte past it; 0 when there is no string (TYPE_MISMATCH), when it is refused, or SCRATCH_FULL.
 */
export function readText(parserPtr: u32, p: u32): u32 {
  if (load<u8>(p) != QUOTE) return refuse(parserPtr, TYPE_MISMATCH, p);
  let end = scanPlain(p + 1);
  if (load<u8>(end) != QUOTE) {
    end = stringEnd(parserPtr, p + 1);
    if (end == 0) return 0;
    if (load<u32>(parserPtr, ESCAPED)) return unescapeText(parserPtr, p, end);
  }
  store<u32>(parserPtr, p + 1, TEXT);
  store<u32>(parserPtr, end, TEXT_END);
  return end + 1;
}

function unescapeText(parserPtr: u32, p: u32, end: u32): u32 {
  const into = load<u32>(parserPtr, SCRATCH_AT);
  if (load<u32>(parserPtr, SCRATCH_END) - into < end - p + PADDING_BYTES) return refuse(parserPtr, SCRATCH_FULL, p);
  const textEnd = unescape(p + 1, end, into);
  // A zero behind the text stops those who read digits from it.
  store<u8>(textEnd, 0);
  store<u32>(parserPtr, into, TEXT);
  store<u32>(parserPtr, textEnd, TEXT_END);
  store<u32>(parserPtr, textEnd + 1, SCRATCH_AT);
  return end + 1;
}

/**
 * Writes the string [fromPtr, end) without its escapes; returns the end of what it wrote. Writes up to 16 bytes more.
 */
function unescape(fromPtr: u32, end: u32, intoPtr: u32): u32 {
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  let from = fromPtr;
  let into = intoPtr;
  while (from < end) {
    const v = v128.load(from);
    v128.store(into, v);
    const mask = i8x16.bitmask(i8x16.eq(v, backslashes));
    const plain = min<u32>(mask == 0 ? 16 : <u32>ctz<i32>(mask), end - from);
    from += plain;
    into += plain;
    if (plain == 16 || from >= end) continue;
    const kind = <u32>load<u8>(from, 1);
    if (kind != 0x75) {
      store<u8>(into, shortEscape(kind));
      into += 1;
      from += 2;
      continue;
    }
    let code = hex4(from + 2);
    from += 6;
    if (code >= 0xd800 && code <= 0xdfff) {
      const low: u32 = code <= 0xdbff && from < end && load<u16>(from) == 0x755c ? hex4(from + 2) : 0;
      const paired = low >= 0xdc00 && low <= 0xdfff;
      code = paired ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
      if (paired) from += 6;
    }
    into = writeCodePoint(code, into);
  }
  return into;
}

function shortEscape(kind: u32): u8 {
  switch (kind) {
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return <u8>kind;
  }
}

function writeCodePoint(code: u32, into: u32): u32 {
  if (code < 0x80) {
    store<u8>(into, <u8>code);
    return into + 1;
  }
  if (code < 0x800) {
    store<u8>(into, <u8>(0xc0 | (code >> 6)));
    store<u8>(into, <u8>(0x80 | (code & 63)), 1);
    return into + 2;
  }
  if (code < 0x10000) {
    store<u8>(into, <u8>(0xe0 | (code >> 12)));
    store<u8>(into, <u8>(0x80 | ((code >> 6) & 63)), 1);
    store<u8>(into, <u8>(0x80 | (code & 63)), 2);
    return into + 3;
  }
  store<u8>(into, <u8>(0xf0 | (code >> 18)));
  store<u8>(into, <u8>(0x80 | ((code >> 12) & 63)), 1);
  store<u8>(into, <u8>(0x80 | ((code >> 6) & 63)), 2);
  store<u8>(into, <u8>(0x80 | (code & 63)), 3);
  return into + 4;
}
