/**
 * Sorting u64 keys ascending: runs of INSERTION_RUN by insertion, then merges from below. Input that is nearly in
 * order, as the entries of one segment are, costs little more than one pass: a merge of two runs already in order only
 * copies.
 */

const INSERTION_RUN: u32 = 16;

/** Sorts n keys at dataPtr with as much spare room at sparePtr; returns where the sorted keys lie, one of the two. */
export function sortOrder(dataPtr: u32, sparePtr: u32, n: u32): u32 {
  for (let from: u32 = 0; from < n; from += INSERTION_RUN) {
    insertionSort(dataPtr, from, min<u32>(n, from + INSERTION_RUN));
  }
  let source = dataPtr;
  let target = sparePtr;
  for (let width = INSERTION_RUN; width < n; width <<= 1) {
    for (let from: u32 = 0; from < n; from += width << 1) {
      mergeRuns(source, target, from, min<u32>(n, from + width), min<u32>(n, from + (width << 1)));
    }
    const swap = source;
    source = target;
    target = swap;
  }
  return source;
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

function mergeRuns(source: u32, target: u32, from: u32, middle: u32, to: u32): void {
  const middlePtr = source + (middle << 3);
  const endPtr = source + (to << 3);
  let a = source + (from << 3);
  let b = middlePtr;
  let out = target + (from << 3);
  if (middle == to || load<u64>(middlePtr - 8) <= load<u64>(middlePtr)) {
    memory.copy(out, a, endPtr - a);
    return;
  }
  while (a < middlePtr && b < endPtr) {
    const x = load<u64>(a);
    const y = load<u64>(b);
    const takeA = x <= y;
    store<u64>(out, takeA ? x : y);
    a += u32(takeA) << 3;
    b += u32(!takeA) << 3;
    out += 8;
  }
  memory.copy(out, a, middlePtr - a);
  memory.copy(out + middlePtr - a, b, endPtr - b);
}
