/**
 * From conditions and errors to selections: ascending u32 row numbers.
 *
 * Invariants
 *  1. A row is selected when the incoming selection has it (0: all rows), the condition is present and true there, and
 *     it has no error.
 *  2. Outputs hold as many entries as rows came in; `outPtr` is never the incoming selection.
 */
import { isValid } from '../abi';

/** Rows where the condition holds. `count` is the number of selected rows. Answers how many hold. */
export function selectTrue(
  valuesPtr: u32,
  step: u32,
  validityPtr: u32,
  errorsPtr: u32,
  selectionPtr: u32,
  count: u32,
  outPtr: u32,
): i32 {
  if (selectionPtr == 0 && errorsPtr == 0 && step == 1) return selectAmongAll(valuesPtr, validityPtr, count, outPtr);
  let taken: u32 = 0;
  for (let n: u32 = 0; n < count; n++) {
    const row = selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
    store<u32>(outPtr + (taken << 2), row);
    const holds = (load<u8>(valuesPtr + row * step) & 1) != 0 && isValid(validityPtr, row);
    taken += u32(holds && (errorsPtr == 0 || load<u8>(errorsPtr + row) == 0));
  }
  return taken;
}

function selectAmongAll(valuesPtr: u32, validityPtr: u32, rows: u32, outPtr: u32): i32 {
  const whole = rows & ~15;
  let at = outPtr;
  for (let i: u32 = 0; i < whole; i += 16) {
    let bits = <u32>i8x16.bitmask(i8x16.shl(v128.load(valuesPtr + i), 7));
    if (validityPtr != 0) bits &= load<u16>(validityPtr + (i >> 3));
    if (bits == 0) continue;
    // Every row is written, the next one over it when it is not taken: no branch that data could mislead.
    for (let row = i; row < i + 16; row += 4, bits >>= 4) {
      store<u32>(at, row);
      at += (bits & 1) << 2;
      store<u32>(at, row + 1);
      at += (bits & 2) << 1;
      store<u32>(at, row + 2);
      at += bits & 4;
      store<u32>(at, row + 3);
      at += (bits & 8) >> 1;
    }
  }
  for (let i = whole; i < rows; i++) {
    store<u32>(at, i);
    at += u32((load<u8>(valuesPtr + i) & 1) != 0 && isValid(validityPtr, i)) << 2;
  }
  return (at - outPtr) >> 2;
}

/** The selected rows with an error (`wanted` 1) or without (0). Answers how many. */
export function selectErrors(errorsPtr: u32, wanted: u32, selectionPtr: u32, count: u32, outPtr: u32): i32 {
  let taken: u32 = 0;
  for (let n: u32 = 0; n < count; n++) {
    const row = selectionPtr == 0 ? n : load<u32>(selectionPtr + (n << 2));
    store<u32>(outPtr + (taken << 2), row);
    taken += u32(u32(load<u8>(errorsPtr + row) != 0) == wanted);
  }
  return taken;
}
