/**
 * What both sides of the border agree on: codes and layouts. src/kernel/abi.ts holds the same constants and asserts at
 * load that they are equal (`abiVersion`), so a stale build fails at once instead of reading wrong bytes.
 *
 * Conventions
 *  1. Pointers are u32 byte addresses of linear memory and must be read as unsigned on the JavaScript side (`>>> 0`).
 *  2. No i64 crosses the border as an argument or a result. Instants and counts cross as f64 (exact up to 2^53) or in memory.
 *  3. A kernel never traps on bad data. It returns a count, or a negative status of this file.
 *  4. Column values by physical type: BOOL u8 (0, 1), I32 i32, I64 i64, F64 f64, VIEW {ptr u32, len u32} into bytes that
 *     live as long as the batch. Validity is a bitmap, least significant bit first, 1 = present; pointer 0 = no nulls.
 */

export const ABI_VERSION: i32 = 1;

// Physical types of columns.
export const BOOL: u32 = 0;
export const I32: u32 = 1;
export const I64: u32 = 2;
export const F64: u32 = 3;
export const VIEW: u32 = 4;

// Row kinds (Flink's changelog kinds).
export const INSERT: u8 = 0;
export const UPDATE_BEFORE: u8 = 1;
export const UPDATE_AFTER: u8 = 2;
export const DELETE: u8 = 3;

// Statuses. Negative, so that a count and a status share one result.
export const OUT_OF_MEMORY: i32 = -1;
export const OUTPUT_FULL: i32 = -2;
export const CORRUPT: i32 = -3;

/**
 * A column as kernels see it, 16 bytes:
 *   0        4        8          12
 *   +--------+--------+----------+-------+
 *   | type   | values | validity | spare |
 *   +--------+--------+----------+-------+
 */
export const COLUMN_BYTES: u32 = 16;

export function columnType(columnPtr: u32): u32 {
  return load<u32>(columnPtr);
}

export function columnValues(columnPtr: u32): u32 {
  return load<u32>(columnPtr, 4);
}

export function columnValidity(columnPtr: u32): u32 {
  return load<u32>(columnPtr, 8);
}

/** Whether row `i` is present in a validity bitmap; a null bitmap (0) means every row is. */
export function isValid(validityPtr: u32, i: u32): bool {
  return validityPtr == 0 || ((load<u8>(validityPtr + (i >> 3)) >> (i & 7)) & 1) != 0;
}

export function abiVersion(): i32 {
  return ABI_VERSION;
}
