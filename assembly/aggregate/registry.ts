/**
 * The list of aggregates: what each needs, by code. README.md of this folder has the steps for another one.
 *
 * Where rows may lack a value (nullable column, or a filter), the accumulator is preceded by the number of values it
 * has seen (u64); no value at all gives null. Otherwise that number is the number of rows of the entry.
 */
import { BOOL, F64, I32, I64 } from '../abi';
import { avgFinish } from './avg';
import { countFinish } from './count';
import { maxAdd, maxCreate, maxMerge } from './max';
import { minAdd, minCreate, minMerge } from './min';
import { stddevAdd, stddevFinish, stddevMerge } from './stddev';
import { sumAdd, sumBytes, sumFinish, sumMerge } from './sum';

export const COUNT: u32 = 0;
export const SUM: u32 = 1;
export const MIN: u32 = 2;
export const MAX: u32 = 3;
export const AVG: u32 = 4;
export const STDDEV: u32 = 5;

// How finishing ends.
export const PRESENT: i32 = 1;
export const NULL: i32 = 0;
export const OVERFLOW: i32 = -4;

/** Whether an aggregate of this code can be computed over a column of this type. */
export function aggregateAccepts(code: u32, type: u32): bool {
  if (code == COUNT) return true;
  if (type == BOOL) return code == MIN || code == MAX;
  return code <= STDDEV && (type == I32 || type == I64 || type == F64);
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
      return 24;
    default:
      return 8;
  }
}

/** Type of the result column. */
export function aggregateResultType(code: u32, type: u32): u32 {
  switch (code) {
    case COUNT:
      return I64;
    case SUM:
      return type == F64 ? F64 : I64;
    case MIN:
      return type;
    case MAX:
      return type;
    default:
      return F64;
  }
}

/** Makes zeroed bytes an accumulator that has seen nothing. */
export function aggregateCreate(code: u32, type: u32, accPtr: u32): void {
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

/** For k < n adds the value of row rows[k] to the accumulator at entries[k] + offset. All these rows have values. */
export function aggregateAdd(
  code: u32,
  type: u32,
  entriesPtr: u32,
  rowsPtr: u32,
  n: u32,
  valuesPtr: u32,
  offset: u32,
): void {
  switch (code) {
    case SUM:
      sumAdd(type, entriesPtr, rowsPtr, n, valuesPtr, offset);
      break;
    case AVG:
      sumAdd(type, entriesPtr, rowsPtr, n, valuesPtr, offset);
      break;
    case MIN:
      minAdd(type, entriesPtr, rowsPtr, n, valuesPtr, offset);
      break;
    case MAX:
      maxAdd(type, entriesPtr, rowsPtr, n, valuesPtr, offset);
      break;
    case STDDEV:
      stddevAdd(type, entriesPtr, rowsPtr, n, valuesPtr, offset);
      break;
    default:
      break;
  }
}

/** Adds what `from` has seen to `into`; `from` is the later one. */
export function aggregateMerge(code: u32, type: u32, intoPtr: u32, fromPtr: u32): void {
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
      stddevMerge(intoPtr, fromPtr);
      break;
    default:
      break;
  }
}

/** Writes the result of `count` values, 8 bytes, for the caller to narrow. PRESENT, NULL or OVERFLOW. */
export function aggregateFinish(code: u32, type: u32, accPtr: u32, count: u64, outPtr: u32): i32 {
  if (code == COUNT) {
    countFinish(count, outPtr);
    return PRESENT;
  }
  if (count == 0) return NULL;
  switch (code) {
    case SUM:
      return sumFinish(type, accPtr, outPtr) ? PRESENT : OVERFLOW;
    case AVG:
      avgFinish(type, accPtr, count, outPtr);
      return PRESENT;
    case STDDEV:
      return stddevFinish(accPtr, outPtr) ? PRESENT : NULL;
    default:
      store<u64>(outPtr, load<u64>(accPtr));
      return PRESENT;
  }
}
