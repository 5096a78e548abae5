/**
 * Values that nobody reads: validated as strictly as the others, kept nowhere.
 *
 * Invariants
 *  1. No recursion: what a level is (object or array) is one bit in NESTING, so depth costs neither stack nor memory.
 *  2. The line's own object is level 1; levels beyond NESTING_MAX are refused.
 */
import {
  ALSE_WORD,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  DEPTH,
  EXPECTED_COLON,
  EXPECTED_COMMA,
  EXPECTED_KEY,
  EXPECTED_VALUE,
  NESTING,
  NESTING_MAX,
  NULL_WORD,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  refuse,
  skipSpace,
  TOO_DEEP,
  TRUE_WORD,
} from './layout';
import { skipNumber } from './number';
import { skipString } from './text';

/** Past the value at `p`; 0 when refused. */
export function skipValue(parserPtr: u32, p: u32): u32 {
  const c = <u32>load<u8>(p);
  if (c == QUOTE) return skipString(parserPtr, p);
  if (c == OPEN_OBJECT || c == OPEN_ARRAY) return skipNested(parserPtr, p);
  if (c <= 0x39) return skipNumber(parserPtr, p);
  return skipWord(parserPtr, p);
}

/** Past true, false or null. */
export function skipWord(parserPtr: u32, p: u32): u32 {
  const word = load<u32>(p);
  if (word == NULL_WORD || word == TRUE_WORD) return p + 4;
  if (load<u8>(p) == 0x66 && load<u32>(p, 1) == ALSE_WORD) return p + 5;
  return refuse(parserPtr, EXPECTED_VALUE, p);
}

function isObjectLevel(parserPtr: u32, depth: u32): bool {
  return ((load<u8>(parserPtr + (depth >> 3), NESTING) >> (depth & 7)) & 1) != 0;
}

function setLevel(parserPtr: u32, depth: u32, isObject: bool): void {
  const at = parserPtr + (depth >> 3);
  const bit: u32 = 1 << (depth & 7);
  const others = <u32>load<u8>(at, NESTING) & ~bit;
  store<u8>(at, <u8>(isObject ? others | bit : others), NESTING);
}

/** Past the object or array at `start`; 0 when refused. */
function skipNested(parserPtr: u32, start: u32): u32 {
  let p = start;
  let depth: u32 = 0;
  while (true) {
    // A value stands at p.
    const c = <u32>load<u8>(p);
    if (c == OPEN_OBJECT || c == OPEN_ARRAY) {
      const isObject = c == OPEN_OBJECT;
      if (depth + 1 >= NESTING_MAX) return refuse(parserPtr, TOO_DEEP, p);
      setLevel(parserPtr, depth++, isObject);
      p = skipSpace(p + 1);
      if (load<u8>(p) != <u8>(isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        if (isObject) p = skipKey(parserPtr, p);
        if (p == 0) return 0;
        continue;
      }
      p++;
      depth--;
    } else {
      p = skipValue(parserPtr, p);
      if (p == 0) return 0;
    }
    p = closeLevels(parserPtr, p, depth);
    if (p == 0) return 0;
    depth = load<u32>(parserPtr, DEPTH);
    if (depth == 0) return p;
  }
}

/**
 * From behind a value past what closes after it: to the next value (its key skipped), or past the last bracket. DEPTH
 * is left.
 */
function closeLevels(parserPtr: u32, afterValue: u32, levels: u32): u32 {
  let p = afterValue;
  let depth = levels;
  while (depth > 0) {
    p = skipSpace(p);
    const isObject = isObjectLevel(parserPtr, depth - 1);
    const c = <u32>load<u8>(p);
    if (c == COMMA) {
      p = skipSpace(p + 1);
      if (isObject) p = skipKey(parserPtr, p);
      break;
    }
    if (c != (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return refuse(parserPtr, EXPECTED_COMMA, p);
    p++;
    depth--;
  }
  store<u32>(parserPtr, depth, DEPTH);
  return p;
}

/** Past a key and its colon, to the value. */
function skipKey(parserPtr: u32, key: u32): u32 {
  if (load<u8>(key) != <u8>QUOTE) return refuse(parserPtr, EXPECTED_KEY, key);
  let p = skipString(parserPtr, key);
  if (p == 0) return 0;
  p = skipSpace(p);
  if (load<u8>(p) != <u8>COLON) return refuse(parserPtr, EXPECTED_COLON, p);
  return skipSpace(p + 1);
}
