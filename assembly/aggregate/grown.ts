/**
 * Aggregates whose accumulators have blobs (blob.ts) or order by another column: what registry.ts is for the others. Only the
 * whole edition of the kernels has them.
 */
import { OUT_OF_MEMORY } from '../abi';
import { hyperAdd, hyperFinish, hyperMerge } from './approx-count-distinct';
import { blobView } from './blob';
import { AGGREGATE_BLOBS, AGGREGATE_CODE } from './call';
import {
  APPROX_COUNT_DISTINCT,
  ARG_MAX,
  ARG_MIN,
  COLLECT_LIST,
  COUNT_DISTINCT,
  FIRST_VALUE,
  JOIN_TEXT,
  LAST_VALUE,
  MAX,
  MIN,
  PRESENT,
  QUANTILE,
  TOP_K,
} from './codes';
import { distinctAdd, distinctFinish, distinctMerge } from './count-distinct';
import { joinFinish, listAdd, listFinish, listMerge } from './list';
import { BY_FIRST, BY_LAST, BY_LEAST, BY_MOST, pickAdd, pickFinish, pickMerge } from './pick';
import { quantileAdd, quantileFinish, quantileMerge } from './quantile';
import { textAdd, textMerge } from './text-extreme';
import { topAdd, topFinish, topMerge } from './top-k';

/** As aggregateAdd. */
export function grownAdd(callPtr: u32, entriesPtr: u32, rowsPtr: u32, n: u32, offset: u32): bool {
  switch (load<u32>(callPtr, AGGREGATE_CODE)) {
    case MIN:
      return textAdd(callPtr, -1, entriesPtr, rowsPtr, n, offset);
    case MAX:
      return textAdd(callPtr, 1, entriesPtr, rowsPtr, n, offset);
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
    default:
      return listAdd(callPtr, entriesPtr, rowsPtr, n, offset);
  }
}

/** As aggregateMerge. */
export function grownMerge(callPtr: u32, intoPtr: u32, fromPtr: u32): bool {
  switch (load<u32>(callPtr, AGGREGATE_CODE)) {
    case MIN:
      textMerge(-1, intoPtr, fromPtr);
      return true;
    case MAX:
      textMerge(1, intoPtr, fromPtr);
      return true;
    case FIRST_VALUE:
      pickMerge(BY_FIRST, intoPtr, fromPtr);
      return true;
    case LAST_VALUE:
      pickMerge(BY_LAST, intoPtr, fromPtr);
      return true;
    case ARG_MIN:
      pickMerge(BY_LEAST, intoPtr, fromPtr);
      return true;
    case ARG_MAX:
      pickMerge(BY_MOST, intoPtr, fromPtr);
      return true;
    case COUNT_DISTINCT:
      return distinctMerge(callPtr, intoPtr, fromPtr);
    case APPROX_COUNT_DISTINCT:
      return hyperMerge(load<u32>(callPtr, AGGREGATE_BLOBS), intoPtr, fromPtr);
    case QUANTILE:
      return quantileMerge(load<u32>(callPtr, AGGREGATE_BLOBS), intoPtr, fromPtr);
    case TOP_K:
      return topMerge(callPtr, intoPtr, fromPtr);
    default:
      return listMerge(callPtr, intoPtr, fromPtr);
  }
}

/** As aggregateFinish, of values that are there. */
export function grownFinish(callPtr: u32, accPtr: u32, count: u64, outPtr: u32): i32 {
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

function written(isWritten: bool): i32 {
  return isWritten ? PRESENT : OUT_OF_MEMORY;
}
