/**
 * SQL LIKE over views: % stands for any text, _ for one code point; there is no escape.
 *
 * Patterns without _ whose % stand only at the ends are one search; all others are matched segment by segment, each %
 * as short as possible, so the work is bounded by length of text times length of pattern.
 */
import { isValid } from '../abi';
import { bytesEqual } from './text';

// Forms of patterns; the text handed in has its % at the ends removed, except for GENERAL.
export const EXACT: u32 = 0;
export const STARTS: u32 = 1;
export const ENDS: u32 = 2;
export const CONTAINS: u32 = 3;
export const GENERAL: u32 = 4;

const PERCENT: u8 = 37;
const UNDERSCORE: u8 = 95;

function contains(at: u32, length: u32, sought: u32, soughtLength: u32): bool {
  if (soughtLength == 0) return true;
  const first = load<u8>(sought);
  const end = at + length;
  for (; at + soughtLength <= end; at++) {
    if (load<u8>(at) == first && bytesEqual(at, sought, soughtLength)) return true;
  }
  return false;
}

/** Address after the code point at `at`. */
function nextPoint(at: u32, end: u32): u32 {
  at++;
  while (at < end && <i32>load<i8>(at) < -64) at++;
  return at;
}

/** The whole text against the whole pattern. On a mismatch the last % takes one more code point. */
function matches(at: u32, length: u32, pattern: u32, patternLength: u32): bool {
  const end = at + length;
  const patternEnd = pattern + patternLength;
  let retryAt: u32 = 0;
  let retryPattern: u32 = 0;
  while (true) {
    const p: u8 = pattern < patternEnd ? load<u8>(pattern) : 0;
    if (pattern < patternEnd && p == PERCENT) {
      retryPattern = ++pattern;
      retryAt = at;
    } else if (pattern < patternEnd && at < end && p == UNDERSCORE) {
      pattern++;
      at = nextPoint(at, end);
    } else if (pattern < patternEnd && at < end && p == load<u8>(at)) {
      pattern++;
      at++;
    } else if (pattern == patternEnd && at == end) {
      return true;
    } else {
      if (retryPattern == 0 || retryAt >= end) return false;
      at = retryAt = nextPoint(retryAt, end);
      pattern = retryPattern;
    }
  }
}

function isLike(form: u32, at: u32, length: u32, pattern: u32, patternLength: u32): bool {
  if (form == GENERAL) return matches(at, length, pattern, patternLength);
  if (length < patternLength) return false;
  if (form == EXACT) return length == patternLength && bytesEqual(at, pattern, length);
  if (form == STARTS) return bytesEqual(at, pattern, patternLength);
  if (form == ENDS) return bytesEqual(at + length - patternLength, pattern, patternLength);
  return contains(at, length, pattern, patternLength);
}

/** 1 where the text is like the pattern, for the `count` selected rows that `validityPtr` has. */
export function likeView(
  form: u32,
  aPtr: u32,
  validityPtr: u32,
  patternPtr: u32,
  patternLength: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): void {
  for (let n: u32 = 0; n < count; n++) {
    const row = selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
    if (!isValid(validityPtr, row)) continue;
    const view = aPtr + (row << 3);
    store<u8>(outPtr + row, u8(isLike(form, load<u32>(view), load<u32>(view, 4), patternPtr, patternLength)));
  }
}
