/**
 * Sorting u64 keys ascending: runs of INSERTION_RUN by insertion, then merges from below. Input that is nearly in
 * order, as the entries of one segment are, costs little more than one pass: a merge moves only what is not in place.
 */

import { copyWords } from '../memory/words';

const INSERTION_RUN: u32 = 16;

/** Sorts n keys at dataPtr with as much spare room at sparePtr. */
export function sortOrder(dataPtr: u32, sparePtr: u32, n: u32): void {
  for (let from: u32 = 0; from < n; from += INSERTION_RUN) {
    insertionSort(dataPtr, from, min<u32>(n, from + INSERTION_RUN));
  }
  for (let width = INSERTION_RUN; width < n; width <<= 1) {
    for (let from: u32 = 0; from + width < n; from += width << 1) {
      mergeRuns(dataPtr, sparePtr, from, from + width, min<u32>(n, from + (width << 1)));
    }
  }
}

function insertionSort(ptr: u32, from: u32, to: u32): void {
  for (let i = from + 1; i < to; i++) {
    const item = load<u64>(ptr + (i << 3));
    let at = ptr + (i << 3);
    while (at > ptr + (from << 3) && load<u64>(at - 8) > item) {
      store<u64>(at, load<u64>(at - 8));
      at -= 8;
    }
    store<u64>(at, item);
  }
}

/** Merges two neighbouring runs: what of the first is above the least of the second goes aside, and back in its place. */
function mergeRuns(dataPtr: u32, sparePtr: u32, from: u32, middle: u32, to: u32): void {
  const first = dataPtr + (from << 3);
  const least = load<u64>(dataPtr + (middle << 3));
  const end = dataPtr + (to << 3);
  let b = dataPtr + (middle << 3);
  let out = b;
  while (out > first && load<u64>(out - 8) > least) out -= 8;
  if (out == b) return;
  let a = sparePtr;
  const aEnd = sparePtr + (b - out);
  copyWords(sparePtr, out, b - out);
  while (a < aEnd && b < end) {
    const x = load<u64>(a);
    const y = load<u64>(b);
    const takeA = x <= y;
    store<u64>(out, takeA ? x : y);
    a += u32(takeA) << 3;
    b += u32(!takeA) << 3;
    out += 8;
  }
  copyWords(out, a, aEnd - a);
}
