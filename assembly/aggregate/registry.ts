/**
 * The list of aggregates: what each needs, by code. README.md of this folder has the steps for another one.
 * Long because every aggregate has its line in every switch.
 *
 * Where rows may lack a value (nullable column, or a filter), the accumulator is preceded by the number of values it
 * has seen (u64); no value at all gives null. Otherwise that number is the number of rows of the entry.
 */
import { BOOL, columnValues, F64, I32, I64, OUT_OF_MEMORY, VIEW } from '../abi';
import { allFinish, anyFinish, trueAdd, trueMerge, trueRetract } from './any';
import { hyperAdd, hyperFinish, hyperMerge } from './approx-count-distinct';
import { avgFinish } from './avg';
import { BLOB_BYTES, blobView } from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_CODE, AGGREGATE_COLUMN, AGGREGATE_TYPE } from './call';
import { countFinish } from './count';
import { DISTINCT_BYTES, distinctAdd, distinctFinish, distinctMerge } from './count-distinct';
import { joinFinish, listAdd, listFinish, listMerge } from './list';
import { maxAdd, maxCreate, maxMerge } from './max';
import { minAdd, minCreate, minMerge } from './min';
import { MOMENTS_BYTES, momentsAdd, momentsMerge, momentsRetract, varianceFinish } from './moments';
import { BY_FIRST, BY_LAST, BY_LEAST, BY_MOST, PICK_BYTES, pickAdd, pickFinish, pickMerge } from './pick';
import { quantileAdd, quantileFinish, quantileMerge, SKETCH_BYTES } from './quantile';
import { stddevFinish } from './stddev';
import { sumAdd, sumBytes, sumFinish, sumMerge, sumRetract } from './sum';
import { textAdd, textMerge } from './text-extreme';
import { TOP_BYTES, topAdd, topFinish, topMerge } from './top-k';

export const COUNT: u32 = 0;
export const SUM: u32 = 1;
export const MIN: u32 = 2;
export const MAX: u32 = 3;
export const AVG: u32 = 4;
export const STDDEV: u32 = 5;
export const VARIANCE: u32 = 6;
export const ANY: u32 = 7;
export const ALL: u32 = 8;
export const FIRST_VALUE: u32 = 9;
export const LAST_VALUE: u32 = 10;
export const ARG_MIN: u32 = 11;
export const ARG_MAX: u32 = 12;
export const COUNT_DISTINCT: u32 = 13;
export const APPROX_COUNT_DISTINCT: u32 = 14;
export const QUANTILE: u32 = 15;
export const TOP_K: u32 = 16;
export const COLLECT_LIST: u32 = 17;
export const JOIN_TEXT: u32 = 18;

// How finishing ends.
export const PRESENT: i32 = 1;
export const NULL: i32 = 0;
export const OVERFLOW: i32 = -4;

function isNumber(type: u32): bool {
  return type == I32 || type == I64 || type == F64;
}

/** Whether an aggregate of this code can be computed over a column of this type. */
export function aggregateAccepts(code: u32, type: u32): bool {
  switch (code) {
    case ANY:
      return type == BOOL;
    case ALL:
      return type == BOOL;
    case SUM:
      return isNumber(type);
    case AVG:
      return isNumber(type);
    case STDDEV:
      return isNumber(type);
    case VARIANCE:
      return isNumber(type);
    case QUANTILE:
      return isNumber(type);
    case JOIN_TEXT:
      return type == VIEW;
    default:
      return code <= JOIN_TEXT;
  }
}

/** Bytes of an accumulator without the number of values: a multiple of 8. */
export function aggregateBytes(code: u32, type: u32): u32 {
  switch (code) {
    case COUNT:
      return 0;
    case SUM:
      return sumBytes(type);
    case AVG:
      return sumBytes(type);
    case STDDEV:
      return MOMENTS_BYTES;
    case VARIANCE:
      return MOMENTS_BYTES;
    case FIRST_VALUE:
      return PICK_BYTES;
    case LAST_VALUE:
      return PICK_BYTES;
    case ARG_MIN:
      return PICK_BYTES;
    case ARG_MAX:
      return PICK_BYTES;
    case COUNT_DISTINCT:
      return DISTINCT_BYTES;
    case APPROX_COUNT_DISTINCT:
      return BLOB_BYTES;
    case QUANTILE:
      return SKETCH_BYTES;
    case TOP_K:
      return TOP_BYTES;
    case COLLECT_LIST:
      return BLOB_BYTES;
    case JOIN_TEXT:
      return BLOB_BYTES;
    default:
      return type == VIEW ? BLOB_BYTES : 8;
  }
}

/** Which 16 bytes of an accumulator are blobs: bit i for those at offset 16 * i. */
export function aggregateBlobs(code: u32, type: u32): u32 {
  switch (code) {
    case COUNT_DISTINCT:
      return 5;
    case TOP_K:
      return 5;
    case QUANTILE:
      return 3;
    case APPROX_COUNT_DISTINCT:
      return 1;
    case COLLECT_LIST:
      return 1;
    case JOIN_TEXT:
      return 1;
    default:
      if (type != VIEW || code == COUNT) return 0;
      return code == MIN || code == MAX ? 1 : 2;
  }
}

/** Type of the result column. */
export function aggregateResultType(code: u32, type: u32): u32 {
  switch (code) {
    case COUNT:
      return I64;
    case SUM:
      return type == F64 ? F64 : I64;
    case AVG:
      return F64;
    case STDDEV:
      return F64;
    case VARIANCE:
      return F64;
    case ANY:
      return BOOL;
    case ALL:
      return BOOL;
    case COUNT_DISTINCT:
      return I64;
    case APPROX_COUNT_DISTINCT:
      return I64;
    case QUANTILE:
      return F64;
    case TOP_K:
      return VIEW;
    case COLLECT_LIST:
      return VIEW;
    default:
      return type;
  }
}

/** Makes zeroed bytes an accumulator that has seen nothing. */
export function aggregateCreate(code: u32, type: u32, accPtr: u32): void {
  if (type == VIEW) return;
  switch (code) {
    case MIN:
      minCreate(type, accPtr);
      break;
    case MAX:
      maxCreate(type, accPtr);
      break;
    default:
      break;
  }
}

/**
 * For k < n adds the value of row rows[k] to the accumulator at entries[k] + offset. All these rows have values. False
 * when a blob found no memory.
 */
export function aggregateAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const column = load<u32>(callPtr, AGGREGATE_COLUMN);
  const values = column == 0 ? 0 : columnValues(column);
  switch (load<u32>(callPtr, AGGREGATE_CODE)) {
    case SUM:
      sumAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case AVG:
      sumAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case MIN:
      if (type == VIEW) return textAdd(callPtr, -1, entriesPtr, rowsPtr, n, offset);
      minAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case MAX:
      if (type == VIEW) return textAdd(callPtr, 1, entriesPtr, rowsPtr, n, offset);
      maxAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case STDDEV:
      momentsAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case VARIANCE:
      momentsAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case ANY:
      trueAdd(entriesPtr, rowsPtr, n, values, offset);
      break;
    case ALL:
      trueAdd(entriesPtr, rowsPtr, n, values, offset);
      break;
    case FIRST_VALUE:
      return pickAdd(callPtr, BY_FIRST, entriesPtr, rowsPtr, n, offset);
    case LAST_VALUE:
      return pickAdd(callPtr, BY_LAST, entriesPtr, rowsPtr, n, offset);
    case ARG_MIN:
      return pickAdd(callPtr, BY_LEAST, entriesPtr, rowsPtr, n, offset);
    case ARG_MAX:
      return pickAdd(callPtr, BY_MOST, entriesPtr, rowsPtr, n, offset);
    case COUNT_DISTINCT:
      return distinctAdd(callPtr, entriesPtr, rowsPtr, n, offset);
    case APPROX_COUNT_DISTINCT:
      return hyperAdd(callPtr, entriesPtr, rowsPtr, n, offset);
    case QUANTILE:
      return quantileAdd(callPtr, entriesPtr, rowsPtr, n, offset);
    case TOP_K:
      return topAdd(callPtr, entriesPtr, rowsPtr, n, offset);
    case COLLECT_LIST:
      return listAdd(callPtr, entriesPtr, rowsPtr, n, offset);
    case JOIN_TEXT:
      return listAdd(callPtr, entriesPtr, rowsPtr, n, offset);
    default:
      break;
  }
  return true;
}

/** Whether a row can be taken back: only then may rows of a changelog come. */
export function aggregateRetracts(code: u32): bool {
  return code <= SUM || (code >= AVG && code <= ALL);
}

/** Takes the value of a row, which was added before, back out of an accumulator. */
export function aggregateRetract(callPtr: u32, accPtr: u32, row: u32): void {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  const column = load<u32>(callPtr, AGGREGATE_COLUMN);
  const values = column == 0 ? 0 : columnValues(column);
  switch (load<u32>(callPtr, AGGREGATE_CODE)) {
    case SUM:
      sumRetract(type, accPtr, values, row);
      break;
    case AVG:
      sumRetract(type, accPtr, values, row);
      break;
    case STDDEV:
      momentsRetract(type, accPtr, values, row);
      break;
    case VARIANCE:
      momentsRetract(type, accPtr, values, row);
      break;
    case ANY:
      trueRetract(accPtr, values, row);
      break;
    case ALL:
      trueRetract(accPtr, values, row);
      break;
    default:
      break;
  }
}

/** Adds what `from` has seen to `into`; `from` is the later one. False when a blob found no memory. */
export function aggregateMerge(callPtr: u32, intoPtr: u32, fromPtr: u32): bool {
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  switch (load<u32>(callPtr, AGGREGATE_CODE)) {
    case SUM:
      sumMerge(type, intoPtr, fromPtr);
      break;
    case AVG:
      sumMerge(type, intoPtr, fromPtr);
      break;
    case MIN:
      if (type == VIEW) textMerge(-1, intoPtr, fromPtr);
      else minMerge(type, intoPtr, fromPtr);
      break;
    case MAX:
      if (type == VIEW) textMerge(1, intoPtr, fromPtr);
      else maxMerge(type, intoPtr, fromPtr);
      break;
    case STDDEV:
      momentsMerge(intoPtr, fromPtr);
      break;
    case VARIANCE:
      momentsMerge(intoPtr, fromPtr);
      break;
    case ANY:
      trueMerge(intoPtr, fromPtr);
      break;
    case ALL:
      trueMerge(intoPtr, fromPtr);
      break;
    case FIRST_VALUE:
      pickMerge(BY_FIRST, intoPtr, fromPtr);
      break;
    case LAST_VALUE:
      pickMerge(BY_LAST, intoPtr, fromPtr);
      break;
    case ARG_MIN:
      pickMerge(BY_LEAST, intoPtr, fromPtr);
      break;
    case ARG_MAX:
      pickMerge(BY_MOST, intoPtr, fromPtr);
      break;
    case COUNT_DISTINCT:
      return distinctMerge(callPtr, intoPtr, fromPtr);
    case APPROX_COUNT_DISTINCT:
      return hyperMerge(load<u32>(callPtr, AGGREGATE_BLOBS), intoPtr, fromPtr);
    case QUANTILE:
      return quantileMerge(load<u32>(callPtr, AGGREGATE_BLOBS), intoPtr, fromPtr);
    case TOP_K:
      return topMerge(callPtr, intoPtr, fromPtr);
    case COLLECT_LIST:
      return listMerge(callPtr, intoPtr, fromPtr);
    case JOIN_TEXT:
      return listMerge(callPtr, intoPtr, fromPtr);
    default:
      break;
  }
  return true;
}

/**
 * Writes the result of `count` values, 8 bytes, for the caller to narrow; of text its view, which lives until the next
 * call of a kernel. PRESENT, NULL, OVERFLOW or OUT_OF_MEMORY.
 */
export function aggregateFinish(callPtr: u32, accPtr: u32, count: u64, outPtr: u32): i32 {
  const code = load<u32>(callPtr, AGGREGATE_CODE);
  const type = load<u32>(callPtr, AGGREGATE_TYPE);
  if (code == COUNT) {
    countFinish(count, outPtr);
    return PRESENT;
  }
  if (count == 0 && code != COUNT_DISTINCT && code != APPROX_COUNT_DISTINCT) return NULL;
  if (type == VIEW || code >= COUNT_DISTINCT) return finishGrown(callPtr, accPtr, count, outPtr);
  switch (code) {
    case SUM:
      return sumFinish(type, accPtr, outPtr) ? PRESENT : OVERFLOW;
    case AVG:
      avgFinish(type, accPtr, count, outPtr);
      return PRESENT;
    case STDDEV:
      return stddevFinish(accPtr, outPtr) ? PRESENT : NULL;
    case VARIANCE:
      return varianceFinish(accPtr, outPtr) ? PRESENT : NULL;
    case ANY:
      anyFinish(accPtr, outPtr);
      return PRESENT;
    case ALL:
      allFinish(accPtr, count, outPtr);
      return PRESENT;
    case MIN:
      store<u64>(outPtr, load<u64>(accPtr));
      return PRESENT;
    case MAX:
      store<u64>(outPtr, load<u64>(accPtr));
      return PRESENT;
    default:
      return pickFinish(callPtr, accPtr, outPtr);
  }
}

function written(isWritten: bool): i32 {
  return isWritten ? PRESENT : OUT_OF_MEMORY;
}

/** The same of an aggregate whose accumulator has blobs. */
function finishGrown(callPtr: u32, accPtr: u32, count: u64, outPtr: u32): i32 {
  const blobs = load<u32>(callPtr, AGGREGATE_BLOBS);
  switch (load<u32>(callPtr, AGGREGATE_CODE)) {
    case COUNT_DISTINCT:
      distinctFinish(accPtr, outPtr);
      return PRESENT;
    case APPROX_COUNT_DISTINCT:
      return written(hyperFinish(blobs, accPtr, outPtr));
    case QUANTILE:
      quantileFinish(callPtr, accPtr, count, outPtr);
      return PRESENT;
    case TOP_K:
      return written(topFinish(callPtr, accPtr, outPtr));
    case COLLECT_LIST:
      return written(listFinish(callPtr, accPtr, outPtr));
    case JOIN_TEXT:
      return written(joinFinish(callPtr, accPtr, outPtr));
    case MIN:
      return written(blobView(blobs, accPtr, outPtr));
    case MAX:
      return written(blobView(blobs, accPtr, outPtr));
    default:
      return pickFinish(callPtr, accPtr, outPtr);
  }
}
