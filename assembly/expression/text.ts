/**
 * Text: views {ptr, len} on UTF-8 bytes. Operands are (pointer, step), step 8, or 0 for one constant view.
 *
 * Invariants
 *  1. Only rows that are selected and present are looked at, since views of other rows may be anything.
 *  2. Order is that of bytes, which for UTF-8 is the order of code points.
 *  3. Nothing outside a view's bytes is read.
 */
import { isValid } from '../abi';
import { EQ, LT, NE } from './compare';

export function bytesEqual(a: u32, b: u32, length: u32): bool {
  if (length >= 8) {
    const last = length - 8;
    for (let i: u32 = 0; i < last; i += 8) {
      if (load<u64>(a + i) != load<u64>(b + i)) return false;
    }
    return load<u64>(a + last) == load<u64>(b + last);
  }
  if (length >= 4) return load<u32>(a) == load<u32>(b) && load<u32>(a + length - 4) == load<u32>(b + length - 4);
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

/** Below, at or above zero, as a is before, equal to or after b. */
export function bytesCompare(a: u32, aLength: u32, b: u32, bLength: u32): i32 {
  const common = min<u32>(aLength, bLength);
  let i: u32 = 0;
  for (; i + 8 <= common; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
  }
  for (; i < common; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference != 0) return difference;
  }
  return aLength == bLength ? 0 : aLength < bLength ? -1 : 1;
}

function holdsView(op: u32, a: u32, b: u32): bool {
  const aLength = load<u32>(a, 4);
  const bLength = load<u32>(b, 4);
  if (op == EQ || op == NE) {
    const same = aLength == bLength && inline.always(bytesEqual(load<u32>(a), load<u32>(b), aLength));
    return same == (op == EQ);
  }
  const order = bytesCompare(load<u32>(a), aLength, load<u32>(b), bLength);
  return op == LT ? order < 0 : order <= 0;
}

/** Row `n` of a selection; a selection of 0 has all rows. */
function rowAt(selectionPtr: u32, n: u32): u32 {
  return selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
}

function compareRows(
  op: u32,
  aPtr: u32,
  aStep: u32,
  bPtr: u32,
  bStep: u32,
  validityPtr: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): void {
  for (let n: u32 = 0; n < count; n++) {
    const row = rowAt(selectionPtr, n);
    if (!isValid(validityPtr, row)) continue;
    store<u8>(outPtr + row, u8(inline.always(holdsView(op, aPtr + row * aStep, bPtr + row * bStep))));
  }
}

/**
 * EQ or NE with one text of `length` bytes, which is at most twice and at least once the width of T: its first and last
 * T cover it. A text of another length is replaced by the constant for the loads, so that nothing branches on data.
 */
function equalsConstant<T>(
  op: u32,
  aPtr: u32,
  textPtr: u32,
  length: u32,
  validityPtr: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): void {
  const last = length - <u32>sizeof<T>();
  const first = load<T>(textPtr);
  const second = load<T>(textPtr + last);
  for (let n: u32 = 0; n < count; n++) {
    const row = rowAt(selectionPtr, n);
    if (!isValid(validityPtr, row)) continue;
    const view = aPtr + (row << 3);
    const sameLength = load<u32>(view, 4) == length;
    const at = select<u32>(load<u32>(view), textPtr, sameLength);
    const same = i32(sameLength) & i32(load<T>(at) == first) & i32(load<T>(at + last) == second);
    store<u8>(outPtr + row, <u8>(same ^ <i32>op));
  }
}

/** out = a op b (EQ, NE, LT, LE) for the `count` selected rows that `validityPtr` has. */
export function compareView(
  op: u32,
  aPtr: u32,
  aStep: u32,
  bPtr: u32,
  bStep: u32,
  validityPtr: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): void {
  const length = bStep == 0 && aStep != 0 && op <= NE ? load<u32>(bPtr, 4) : 0;
  const text = load<u32>(bPtr);
  if (length >= 8 && length <= 16)
    equalsConstant<u64>(op, aPtr, text, length, validityPtr, selectionPtr, count, outPtr);
  else if (length >= 4 && length <= 8)
    equalsConstant<u32>(op, aPtr, text, length, validityPtr, selectionPtr, count, outPtr);
  else if (op == EQ) inline.always(compareRows(EQ, aPtr, aStep, bPtr, bStep, validityPtr, selectionPtr, count, outPtr));
  else compareRows(op, aPtr, aStep, bPtr, bStep, validityPtr, selectionPtr, count, outPtr);
}

/** 1 where the text is one of `listCount` views at `listPtr`. */
export function inViews(
  aPtr: u32,
  validityPtr: u32,
  listPtr: u32,
  listCount: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): void {
  const listEnd = listPtr + (listCount << 3);
  for (let n: u32 = 0; n < count; n++) {
    const row = rowAt(selectionPtr, n);
    if (!isValid(validityPtr, row)) continue;
    let found = false;
    for (let at = listPtr; at < listEnd && !found; at += 8) found = holdsView(EQ, aPtr + (row << 3), at);
    store<u8>(outPtr + row, u8(found));
  }
}

/** Code points of texts (`codePoints` 1), or bytes (0), as I32. */
export function lengthViews(
  aPtr: u32,
  validityPtr: u32,
  codePoints: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): void {
  for (let n: u32 = 0; n < count; n++) {
    const row = rowAt(selectionPtr, n);
    if (!isValid(validityPtr, row)) continue;
    const length = load<u32>(aPtr + (row << 3), 4);
    store<u32>(outPtr + (row << 2), codePoints != 0 ? codePointsOf(load<u32>(aPtr + (row << 3)), length) : length);
  }
}

function codePointsOf(at: u32, length: u32): u32 {
  let points: u32 = 0;
  let i: u32 = 0;
  for (; i + 16 <= length; i += 16) {
    // Bytes that continue a code point are 0x80 to 0xBF: as signed numbers, those below -64.
    const starts = i8x16.ge_s(v128.load(at + i), i8x16.splat(-64));
    points += popcnt<u32>(i8x16.bitmask(starts));
  }
  for (; i < length; i++) points += u32(<i32>load<i8>(at + i) >= -64);
  return points;
}
