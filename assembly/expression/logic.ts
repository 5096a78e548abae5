/**
 * Three-valued logic and nulls. BOOL operands are (pointer, step), step 1 or 0; a constant is 16 bytes of its value.
 *
 * Invariants
 *  1. false and null = false, true or null = true, otherwise a null operand makes a null result.
 *  2. Values of null rows mean nothing: a kernel that combines them normalises what becomes present.
 *  3. An error counts only where it decides: false and error = false, true or error = true (logicErrors).
 * Not here: turning a condition into rows (select.ts).
 */
import { isValid } from '../abi';

export const AND: u32 = 0;
export const OR: u32 = 1;

/** out = a op b, where no row is null. */
export function logic(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  const whole = rows & ~15;
  const ones = i8x16.splat(1);
  for (let i: u32 = 0; i < whole; i += 16) {
    const x = v128.load(aPtr + i * aStep);
    const y = v128.load(bPtr + i * bStep);
    v128.store(outPtr + i, v128.and(op == AND ? v128.and(x, y) : v128.or(x, y), ones));
  }
  for (let i = whole; i < rows; i++) {
    const x = load<u8>(aPtr + i * aStep);
    const y = load<u8>(bPtr + i * bStep);
    store<u8>(outPtr + i, (op == AND ? x & y : x | y) & 1);
  }
}

/** Eight values from `ptr` as bits, least significant first; `count` of them exist. */
function bitsOf(ptr: u32, step: u32, count: u32): u32 {
  let bits: u32 = 0;
  for (let k: u32 = 0; k < count; k++) bits |= (<u32>(load<u8>(ptr + k * step) & 1)) << k;
  return bits;
}

function validBits(validityPtr: u32, i: u32): u32 {
  return validityPtr == 0 ? 255 : load<u8>(validityPtr + (i >> 3));
}

/**
 * The validity of `logic` where operands are null; its values are right wherever this says present, since a deciding
 * operand decides bytewise too. Answers the number of null rows.
 */
export function logicValidity(
  op: u32,
  aPtr: u32,
  aStep: u32,
  aValidityPtr: u32,
  bPtr: u32,
  bStep: u32,
  bValidityPtr: u32,
  outPtr: u32,
  rows: u32,
): i32 {
  let nulls = 0;
  // The value that decides whatever the other operand is: false for and, true for or.
  const flip: u32 = op == AND ? 255 : 0;
  for (let i: u32 = 0; i < rows; i += 8) {
    const count = min<u32>(8, rows - i);
    const aValid = validBits(aValidityPtr, i);
    const bValid = validBits(bValidityPtr, i);
    const aDecides = aValid & (bitsOf(aPtr + i * aStep, aStep, count) ^ flip);
    const bDecides = bValid & (bitsOf(bPtr + i * bStep, bStep, count) ^ flip);
    const valid = (aValid & bValid) | aDecides | bDecides;
    store<u8>(outPtr + (i >> 3), <u8>valid);
    nulls += popcnt<u32>(~valid & ((1 << count) - 1));
  }
  return nulls;
}

/** Whether a row is present, free of error, and decides `op` alone. */
function decides(op: u32, row: u32, ptr: u32, step: u32, validityPtr: u32, errorsPtr: u32): bool {
  if (errorsPtr != 0 && load<u8>(errorsPtr + row) != 0) return false;
  return isValid(validityPtr, row) && (load<u8>(ptr + row * step) & 1) == (op == AND ? 0 : 1);
}

function setPresent(validityPtr: u32, row: u32): void {
  const at = validityPtr + (row >> 3);
  store<u8>(at, load<u8>(at) | <u8>((<u32>1) << (row & 7)));
}

function errorAt(errorsPtr: u32, row: u32): u8 {
  return errorsPtr == 0 ? 0 : load<u8>(errorsPtr + row);
}

/**
 * Errors of `logic` where an operand has some. Where the other operand decides, the row becomes present with the
 * deciding value, in `valuesPtr` and (when not 0) `validityPtr`, the results of `logic` and `logicValidity`. Answers
 * how many remain.
 */
export function logicErrors(
  op: u32,
  aPtr: u32,
  aStep: u32,
  aValidityPtr: u32,
  aErrorsPtr: u32,
  bPtr: u32,
  bStep: u32,
  bValidityPtr: u32,
  bErrorsPtr: u32,
  valuesPtr: u32,
  validityPtr: u32,
  errorsPtr: u32,
  rows: u32,
): i32 {
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const aError = errorAt(aErrorsPtr, i);
    let error = aError != 0 ? aError : errorAt(bErrorsPtr, i);
    const decided =
      error != 0
      && (decides(op, i, aPtr, aStep, aValidityPtr, aErrorsPtr)
        || decides(op, i, bPtr, bStep, bValidityPtr, bErrorsPtr));
    if (decided) {
      error = 0;
      store<u8>(valuesPtr + i, op == AND ? 0 : 1);
      if (validityPtr != 0) setPresent(validityPtr, i);
    }
    store<u8>(errorsPtr + i, error);
    count += i32(error != 0);
  }
  return count;
}

export function not(aPtr: u32, outPtr: u32, rows: u32): void {
  const whole = rows & ~15;
  const ones = i8x16.splat(1);
  for (let i: u32 = 0; i < whole; i += 16) v128.store(outPtr + i, v128.xor(v128.load(aPtr + i), ones));
  for (let i = whole; i < rows; i++) store<u8>(outPtr + i, load<u8>(aPtr + i) ^ 1);
}

/** 1 where a row is null. */
export function isNull(validityPtr: u32, outPtr: u32, rows: u32): void {
  if (validityPtr == 0) {
    memory.fill(outPtr, 0, rows);
    return;
  }
  for (let i: u32 = 0; i < rows; i++) store<u8>(outPtr + i, u8(!isValid(validityPtr, i)));
}

/** out = a and b over bitmaps. */
export function validityAnd(aPtr: u32, bPtr: u32, outPtr: u32, rows: u32): void {
  const bytes = (rows + 7) >> 3;
  const whole = bytes & ~7;
  for (let i: u32 = 0; i < whole; i += 8) store<u64>(outPtr + i, load<u64>(aPtr + i) & load<u64>(bPtr + i));
  for (let i = whole; i < bytes; i++) store<u8>(outPtr + i, load<u8>(aPtr + i) & load<u8>(bPtr + i));
}

function validityOr(aPtr: u32, bPtr: u32, outPtr: u32, rows: u32): void {
  const bytes = (rows + 7) >> 3;
  for (let i: u32 = 0; i < bytes; i++) store<u8>(outPtr + i, load<u8>(aPtr + i) | load<u8>(bPtr + i));
}

function pick<T>(aPtr: u32, aStep: u32, aValidityPtr: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  for (let i: u32 = 0; i < rows; i++) {
    const valid = (load<u8>(aValidityPtr + (i >> 3)) >> <u8>(i & 7)) & 1;
    store<T>(outPtr + i * sizeof<T>(), select<T>(load<T>(aPtr + i * aStep), load<T>(bPtr + i * bStep), valid != 0));
  }
}

/**
 * a where it is present, otherwise b. `width` is that of a value: 1, 4 or 8. `aValidityPtr` is not 0; with a
 * `bValidityPtr` of 0 no row of the result is null and `outValidityPtr` is not written.
 */
export function coalesce(
  width: u32,
  aPtr: u32,
  aStep: u32,
  aValidityPtr: u32,
  bPtr: u32,
  bStep: u32,
  bValidityPtr: u32,
  outPtr: u32,
  outValidityPtr: u32,
  rows: u32,
): void {
  if (width == 1) pick<u8>(aPtr, aStep, aValidityPtr, bPtr, bStep, outPtr, rows);
  else if (width == 4) pick<u32>(aPtr, aStep, aValidityPtr, bPtr, bStep, outPtr, rows);
  else pick<u64>(aPtr, aStep, aValidityPtr, bPtr, bStep, outPtr, rows);
  if (bValidityPtr != 0) validityOr(aValidityPtr, bValidityPtr, outValidityPtr, rows);
}

/** Errors of `coalesce`: those of b count only where a is null. Answers how many. */
export function coalesceErrors(aValidityPtr: u32, aErrorsPtr: u32, bErrorsPtr: u32, errorsPtr: u32, rows: u32): i32 {
  let count = 0;
  for (let i: u32 = 0; i < rows; i++) {
    let error = errorAt(aErrorsPtr, i);
    if (error == 0 && !isValid(aValidityPtr, i)) error = errorAt(bErrorsPtr, i);
    store<u8>(errorsPtr + i, error);
    count += i32(error != 0);
  }
  return count;
}

/** The first error of each row: a's, otherwise b's. `outPtr` may be either. */
export function mergeErrors(aErrorsPtr: u32, bErrorsPtr: u32, outPtr: u32, rows: u32): void {
  for (let i: u32 = 0; i < rows; i++) {
    const error = load<u8>(aErrorsPtr + i);
    store<u8>(outPtr + i, error != 0 ? error : load<u8>(bErrorsPtr + i));
  }
}
