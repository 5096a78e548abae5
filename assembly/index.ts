/**
 * The export list of the whole edition: a kernel that is not named here does not exist for the host. One block per room. What pages
 * load when they need no more is the core edition (index-core.ts), of which every name stands here as well.
 */
export { abiVersion } from './abi';
export { framesTaken, memoryInit, transientAlloc } from './memory/frames';
export { adaptiveBytes, adaptiveInit } from './watermark/adaptive';
export { assignWatermarks, clampWatermarks, maxTimestamp, microsToMillis, rowsWithin } from './watermark/assign';

export {
  arithmeticErrorsI32,
  arithmeticErrorsI64,
  arithmeticF64,
  arithmeticI32,
  arithmeticI64,
  zeroDivisors,
} from './expression/arithmetic';
export {
  castI32ToF64,
  castI32ToI64,
  castI64ToF64,
  narrowErrors,
  narrowI64,
  rangeErrors,
  roundToF32,
} from './expression/cast';
export { compareBool, compareF64, compareI32, compareI64 } from './expression/compare';
export { likeView } from './expression/like';
export {
  coalesce,
  coalesceErrors,
  isNull,
  logic,
  logicErrors,
  logicValidity,
  mergeErrors,
  not,
  validityAnd,
} from './expression/logic';
export { selectErrors, selectTrue } from './expression/select';
export { compareView, inViews, lengthViews } from './expression/text';

// json
export { jsonColumn, jsonLinesEnd, jsonParse, jsonParser, jsonScratch } from './json/parser';
// csv
export { csvFields, csvParse, csvParser } from './csv/parser';
export { decodeBatch, encodeBatch, encodedBatchBytes } from './codec/batch';
export { encodeNdjson } from './codec/ndjson';
export { decodeRows, encodedRowsBytesMax, encodeKeys, encodeRows } from './codec/row';
// State: the arena, its snapshots, keyed tables, windowed aggregation.
export { checksum } from './codec/checksum';
export { hashBytes, hashInt64At } from './hash/hash';
export { internTexts } from './hash/intern';
export { keyImage } from './hash/key';
export {
  arenaInit,
  arenaPages,
  arenaReopen,
  extentAlloc,
  extentFree,
  resolve,
  scanPages,
  stateEntries,
  stateOpen,
  statePages,
} from './memory/arena';
export { touchRange } from './memory/barrier';
export {
  restoreRuns,
  snapshotAbort,
  snapshotBegin,
  snapshotCaptured,
  snapshotDrain,
  snapshotWhole,
} from './memory/snapshot';
export { windowAggregate } from './window/aggregate';
export {
  accumulatorAdd,
  accumulatorCreate,
  accumulatorFinish,
  accumulatorMerge,
  accumulatorPack,
  accumulatorRetract,
  accumulatorRows,
  accumulatorUnpack,
} from './window/accumulate';
export { changelogAggregate } from './window/changelog';
export { sessionAdd } from './session/add';
export { sessionDue, sessionFire } from './session/fire';
export { sessionHeld } from './session/held';
export { sessionInit } from './session/sessions';
export { fireNext, windowDue, windowFiring } from './window/fire';
export { windowHeld } from './window/held';
export { planInit, planLayout } from './window/plan';
export { sliceCount } from './window/slices';
export { stateClear, stateKeys, stateRows, stateScan } from './kinds';
export { stateWalk } from './heaviest';
export { keyedOpen } from './keyed/scan';
export {
  keyedClear,
  keyedDelete,
  keyedEarliest,
  keyedExpire,
  keyedGet,
  keyedNext,
  keyedPut,
} from './keyed/table';
export { timerDelete, timerNext, timerRegister } from './keyed/timers';
