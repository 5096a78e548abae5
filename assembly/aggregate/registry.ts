/**
 * The list of aggregates: what each needs, by code. README.md of this folder has the steps for another one.
 * Long because every aggregate has its line in every switch.
 *
 * Where rows may lack a value (nullable column, or a filter), the accumulator is preceded by the number of values it
 * has seen (u64); no value at all gives null. Otherwise that number is the number of rows of the entry.
 */
import { BOOL, columnValues, F64, I32, I64, VIEW } from '../abi';
import { WHOLE } from '../edition';
import { allFinish, anyFinish, trueAdd, trueMerge, trueRetract } from './any';
import { apartAdd, apartBytes, apartFinish, apartMerge, apartRetract } from './apart';
import { avgFinish } from './avg';
import { BLOB_BYTES } from './blob';
import { AGGREGATE_CODE, AGGREGATE_COLUMN, AGGREGATE_TYPE } from './call';
import {
  ALL,
  ANY,
  APPROX_COUNT_DISTINCT,
  ARG_MAX,
  ARG_MIN,
  AVG,
  CHANGING,
  COLLECT_LIST,
  COUNT,
  COUNT_DISTINCT,
  FIRST_VALUE,
  isGrown,
  JOIN_TEXT,
  LAST_VALUE,
  MAX,
  MIN,
  NULL,
  OVERFLOW,
  PRESENT,
  QUANTILE,
  STDDEV,
  SUM,
  TOP_K,
  VARIANCE,
} from './codes';
import { countFinish } from './count';
import { DISTINCT_BYTES } from './count-distinct';
import { grownAdd, grownFinish, grownMerge } from './grown';
import { maxAdd, maxCreate, maxMerge } from './max';
import { minAdd, minCreate, minMerge } from './min';
import { MOMENTS_BYTES, momentsAdd, momentsMerge, momentsRetract, varianceFinish } from './moments';
import { PICK_BYTES } from './pick';
import { SKETCH_BYTES } from './quantile';
import { stddevFinish } from './stddev';
import { sumAdd, sumBytes, sumFinish, sumMerge, sumRetract } from './sum';
import { TOP_BYTES } from './top-k';

function isNumber(type: u32): bool {
  return type == I32 || type == I64 || type == F64;
}

/** Whether an aggregate of this code can be computed over a column of this type. */
export function aggregateAccepts(code: u32, type: u32): bool {
  if (!WHOLE && isGrown(code, type)) return false;
  if (WHOLE && type == CHANGING) return code == SUM || (code >= AVG && code <= VARIANCE);
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
  if (WHOLE && type == CHANGING) return apartBytes(code);
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
      return type == F64 || (WHOLE && type == CHANGING) ? F64 : I64;
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
  const code = load<u32>(callPtr, AGGREGATE_CODE);
  if (WHOLE && isGrown(code, type)) return grownAdd(callPtr, entriesPtr, rowsPtr, n, offset);
  if (WHOLE && type == CHANGING) {
    apartAdd(code, entriesPtr, rowsPtr, n, values, offset);
    return true;
  }
  switch (code) {
    case SUM:
      sumAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case AVG:
      sumAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case MIN:
      minAdd(type, entriesPtr, rowsPtr, n, values, offset);
      break;
    case MAX:
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
  const code = load<u32>(callPtr, AGGREGATE_CODE);
  if (WHOLE && type == CHANGING) {
    apartRetract(code, accPtr, values, row);
    return;
  }
  switch (code) {
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
  const code = load<u32>(callPtr, AGGREGATE_CODE);
  if (WHOLE && isGrown(code, type)) return grownMerge(callPtr, intoPtr, fromPtr);
  if (WHOLE && type == CHANGING) {
    apartMerge(code, intoPtr, fromPtr);
    return true;
  }
  switch (code) {
    case SUM:
      sumMerge(type, intoPtr, fromPtr);
      break;
    case AVG:
      sumMerge(type, intoPtr, fromPtr);
      break;
    case MIN:
      minMerge(type, intoPtr, fromPtr);
      break;
    case MAX:
      maxMerge(type, intoPtr, fromPtr);
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
  let type = load<u32>(callPtr, AGGREGATE_TYPE);
  if (code == COUNT) {
    countFinish(count, outPtr);
    return PRESENT;
  }
  if (count == 0 && code != COUNT_DISTINCT && code != APPROX_COUNT_DISTINCT) return NULL;
  if (WHOLE && isGrown(code, type)) return grownFinish(callPtr, accPtr, count, outPtr);
  if (WHOLE && type == CHANGING) {
    const ended = apartFinish(code, accPtr, outPtr);
    if (ended >= 0) return ended;
    type = F64;
  }
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
      return NULL;
  }
}
