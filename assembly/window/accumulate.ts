/**
 * Accumulators that stand anywhere: one entry of a plan (key bytes unused, count, accumulators) in bytes of the caller,
 * who keeps them in state of his own. The arithmetic is that of windows in slices, so the results are equal to the bit.
 *
 * Invariants
 *  1. The count is signed here: rows that were taken back may come before those that they take back.
 *  2. What an aggregate cannot take back (aggregate/registry.ts) the plan refuses before it comes to this.
 * Not here: where entries are kept (runtime/windows), slices (aggregate.ts).
 */
import { OUT_OF_MEMORY } from '../abi';
import { BLOB_BYTES, blobLength, blobPack, blobSet, blobsReset } from '../aggregate/blob';
import { COUNT, OVERFLOW } from '../aggregate/codes';
import { aggregateBlobs } from '../aggregate/registry';
import { keyBytesOf } from '../hash/table';
import { retractValues } from './changelog';
import { addValues } from './run';
import { mergeEntry, writeResults } from './result';
import {
  AGGREGATE_CODE,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  AGGREGATE_OUT_VALUES,
  AGGREGATE_TYPE,
  PLAN_AGGREGATE_COUNT,
  PLAN_BLOBS,
  PLAN_ENTRY_BYTES,
  PLAN_KEY_KIND,
  PLAN_SCRATCH,
  PLAN_TEMPLATE,
  planAggregate,
  SCRATCH_ENTRIES,
  SCRATCH_ROWS,
} from './plan';

/** Makes `entryPtr` an entry that has seen nothing. Blobs of other entries are gone. */
export function accumulatorCreate(planPtr: u32, entryPtr: u32): void {
  blobsReset(load<u32>(planPtr, PLAN_BLOBS));
  copyTemplate(planPtr, entryPtr);
}

function copyTemplate(planPtr: u32, entryPtr: u32): void {
  memory.copy(entryPtr, load<u32>(planPtr, PLAN_TEMPLATE), load<u32>(planPtr, PLAN_ENTRY_BYTES));
}

/** Adds row `row` of the plan's input. */
export function accumulatorAdd(planPtr: u32, entryPtr: u32, row: u32): void {
  const scratch = load<u32>(planPtr, PLAN_SCRATCH);
  const counted = entryPtr + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  store<u64>(counted, load<u64>(counted) + 1);
  store<u32>(scratch + SCRATCH_ROWS, row);
  store<u32>(scratch + SCRATCH_ENTRIES, entryPtr);
  addValues(planPtr, 0, 1);
}

/**
 * Writes an entry with its blobs behind it to `outPtr`; 0: writes nothing. How many bytes that are. What it writes holds
 * lengths, no addresses.
 */
export function accumulatorPack(planPtr: u32, entryPtr: u32, outPtr: u32): u32 {
  const bytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  if (outPtr != 0) memory.copy(outPtr, entryPtr, bytes);
  let at = bytes;
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    let blob = load<u32>(aggregate, AGGREGATE_OFFSET) + (load<u32>(aggregate, AGGREGATE_NULLABLE) << 3);
    let mask = aggregateBlobs(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE));
    for (; mask != 0; mask >>= 1) {
      if ((mask & 1) != 0)
        at += blobPack(entryPtr + blob, outPtr == 0 ? 0 : outPtr + blob, outPtr == 0 ? 0 : outPtr + at);
      blob += BLOB_BYTES;
    }
  }
  return at;
}

/**
 * The opposite: an entry of packed bytes, whose blobs are transient. With `isOther` beside the one at hand, otherwise
 * the blobs of that one are gone. 0, or OUT_OF_MEMORY.
 */
export function accumulatorUnpack(planPtr: u32, entryPtr: u32, packedPtr: u32, isOther: u32): i32 {
  const blobs = load<u32>(planPtr, PLAN_BLOBS);
  if (isOther == 0) blobsReset(blobs);
  const bytes = load<u32>(planPtr, PLAN_ENTRY_BYTES);
  memory.copy(entryPtr, packedPtr, bytes);
  let at = packedPtr + bytes;
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    let blob = entryPtr + load<u32>(aggregate, AGGREGATE_OFFSET) + (load<u32>(aggregate, AGGREGATE_NULLABLE) << 3);
    let mask = aggregateBlobs(load<u32>(aggregate, AGGREGATE_CODE), load<u32>(aggregate, AGGREGATE_TYPE));
    for (; mask != 0; mask >>= 1) {
      if ((mask & 1) != 0) {
        const length = blobLength(blob);
        if (!blobSet(blobs, blob, at, length)) return OUT_OF_MEMORY;
        at += length;
      }
      blob += BLOB_BYTES;
    }
  }
  return 0;
}

/** Takes row `row` of the plan's input back. */
export function accumulatorRetract(planPtr: u32, entryPtr: u32, row: u32): void {
  const counted = entryPtr + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  store<u64>(counted, load<u64>(counted) - 1);
  retractValues(planPtr, entryPtr, row);
}

/** Adds what entry `from`, the later one, has seen to `into`. */
export function accumulatorMerge(planPtr: u32, intoPtr: u32, fromPtr: u32): void {
  const counted = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  const rows = load<u64>(intoPtr + counted) + load<u64>(fromPtr + counted);
  mergeEntry(planPtr, intoPtr, fromPtr);
  store<u64>(intoPtr + counted, rows);
}

/** Rows in the entry, fewer than none when more were taken back than came. */
export function accumulatorRows(planPtr: u32, entryPtr: u32): i32 {
  return <i32>load<i64>(entryPtr + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND)));
}

/** Writes the results to row `row` of the output columns; 0, or OVERFLOW. Values fewer than none count as none. */
export function accumulatorFinish(planPtr: u32, entryPtr: u32, row: u32): i32 {
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) == 0 || load<u32>(aggregate, AGGREGATE_CODE) == COUNT) continue;
    const values = entryPtr + load<u32>(aggregate, AGGREGATE_OFFSET);
    if (load<i64>(values) < 0) store<i64>(values, 0);
  }
  if (!writeResults(planPtr, entryPtr, row)) return OVERFLOW;
  const rows = load<i64>(entryPtr + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND)));
  for (let i: u32 = 0; rows < 0 && i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    if (load<u32>(aggregate, AGGREGATE_CODE) != COUNT || load<u32>(aggregate, AGGREGATE_NULLABLE) != 0) continue;
    store<i64>(load<u32>(aggregate, AGGREGATE_OUT_VALUES) + (row << 3), rows);
  }
  return 0;
}
