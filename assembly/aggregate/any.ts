/**
 * any and all over a bool column: whether any value is true, whether all are.
 *
 *   8 bytes: how many values are true, u64. With the number of values that says both, and a value can be taken back.
 */

export function trueAdd(entriesPtr: u32, rowsPtr: u32, n: u32, valuesPtr: u32, offset: u32): void {
  for (let k: u32 = 0; k < n << 2; k += 4) {
    const acc = load<u32>(entriesPtr + k) + offset;
    store<u64>(acc, load<u64>(acc) + <u64>load<u8>(valuesPtr + load<u32>(rowsPtr + k)));
  }
}

export function trueRetract(accPtr: u32, valuesPtr: u32, row: u32): void {
  store<u64>(accPtr, load<u64>(accPtr) - <u64>load<u8>(valuesPtr + row));
}

export function trueMerge(intoPtr: u32, fromPtr: u32): void {
  store<u64>(intoPtr, load<u64>(intoPtr) + load<u64>(fromPtr));
}

export function anyFinish(accPtr: u32, outPtr: u32): void {
  store<u64>(outPtr, u64(load<u64>(accPtr) != 0));
}

export function allFinish(accPtr: u32, count: u64, outPtr: u32): void {
  store<u64>(outPtr, u64(load<u64>(accPtr) == count));
}
