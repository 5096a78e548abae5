/**
 * Rows of results: key, bounds of the window and the results of one entry into the plan's output columns; and the merge
 * of two entries.
 */
import { BOOL, I32, OUT_OF_MEMORY } from '../abi';
import { PRESENT } from '../aggregate/codes';
import { aggregateFinish, aggregateMerge, aggregateResultType } from '../aggregate/registry';
import { KEY_BYTES, keyBytesPtr } from '../hash/key';
import { keyBytesOf, rowsOf } from '../hash/table';
import {
  AGGREGATE_CODE,
  AGGREGATE_NULLABLE,
  AGGREGATE_OFFSET,
  AGGREGATE_OUT_VALIDITY,
  AGGREGATE_OUT_VALUES,
  AGGREGATE_TYPE,
  KEY_NONE,
  PLAN_AGGREGATE_COUNT,
  PLAN_FAILED,
  PLAN_KEY_KIND,
  PLAN_KEY_TYPE,
  PLAN_MERGES,
  PLAN_OUT_ENDS,
  PLAN_OUT_KEYS,
  PLAN_OUT_STARTS,
  PLAN_SCRATCH,
  PLAN_STATUS,
  planAggregate,
  SCRATCH_RESULT,
} from './plan';

export function writeBounds(planPtr: u32, row: u32, start: i64, end: i64): void {
  const starts = load<u32>(planPtr, PLAN_OUT_STARTS);
  const ends = load<u32>(planPtr, PLAN_OUT_ENDS);
  if (starts != 0) store<i64>(starts + (row << 3), start);
  if (ends != 0) store<i64>(ends + (row << 3), end);
}

export function mergeEntry(planPtr: u32, into: u32, from: u32): void {
  store<u64>(planPtr, load<u64>(planPtr, PLAN_MERGES) + 1, PLAN_MERGES);
  const keyBytes = keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND));
  store<u64>(into + keyBytes, load<u64>(into + keyBytes) + rowsOf(load<u64>(from + keyBytes)));
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    let offset = load<u32>(aggregate, AGGREGATE_OFFSET);
    if (load<u32>(aggregate, AGGREGATE_NULLABLE) != 0) {
      store<u64>(into + offset, load<u64>(into + offset) + load<u64>(from + offset));
      offset += 8;
    }
    if (!aggregateMerge(aggregate, into + offset, from + offset)) store<i32>(planPtr, OUT_OF_MEMORY, PLAN_STATUS);
  }
}

export function writeKey(planPtr: u32, entry: u32, row: u32): void {
  const type = load<u32>(planPtr, PLAN_KEY_TYPE);
  const out = load<u32>(planPtr, PLAN_OUT_KEYS);
  if (type == KEY_NONE || out == 0) return;
  if (load<u32>(planPtr, PLAN_KEY_KIND) == KEY_BYTES) {
    store<u32>(out + (row << 3), keyBytesPtr(entry));
    store<u32>(out + (row << 3), load<u32>(entry, 4), 4);
  } else {
    writeNarrow(type, out, row, load<u64>(entry));
  }
}

function writeNarrow(type: u32, out: u32, row: u32, bits: u64): void {
  if (type == I32) store<i32>(out + (row << 2), <i32>bits);
  else if (type == BOOL) store<u8>(out + row, <u8>bits);
  else store<u64>(out + (row << 3), bits);
}

/**
 * Writes all results of an entry to row `row` of the output columns, with validity where a column has it. False, with
 * the status OVERFLOW or OUT_OF_MEMORY, when one cannot be written.
 */
export function writeResults(planPtr: u32, entry: u32, row: u32): bool {
  const rows = rowsOf(load<u64>(entry + keyBytesOf(load<u32>(planPtr, PLAN_KEY_KIND))));
  const result = load<u32>(planPtr, PLAN_SCRATCH) + SCRATCH_RESULT;
  for (let i: u32 = 0; i < load<u32>(planPtr, PLAN_AGGREGATE_COUNT); i++) {
    const aggregate = planAggregate(planPtr, i);
    const code = load<u32>(aggregate, AGGREGATE_CODE);
    const type = load<u32>(aggregate, AGGREGATE_TYPE);
    const offset = load<u32>(aggregate, AGGREGATE_OFFSET);
    const nullable = load<u32>(aggregate, AGGREGATE_NULLABLE);
    const count = nullable != 0 ? load<u64>(entry + offset) : rows;
    store<u64>(result, 0);
    const ended = aggregateFinish(aggregate, entry + offset + (nullable << 3), count, result);
    if (ended < 0) {
      store<i32>(planPtr, ended, PLAN_STATUS);
      store<u32>(planPtr, i, PLAN_FAILED);
      return false;
    }
    const resultType = aggregateResultType(code, type);
    writeNarrow(resultType, load<u32>(aggregate, AGGREGATE_OUT_VALUES), row, load<u64>(result));
    setValid(load<u32>(aggregate, AGGREGATE_OUT_VALIDITY), row, ended == PRESENT);
  }
  return true;
}

function setValid(validityPtr: u32, row: u32, valid: bool): void {
  if (validityPtr == 0) return;
  const ptr = validityPtr + (row >> 3);
  const bit: u32 = 1 << (row & 7);
  const byte = <u32>load<u8>(ptr);
  store<u8>(ptr, <u8>(valid ? byte | bit : byte & ~bit));
}
