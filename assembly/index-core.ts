/**
 * The export list of the core edition: what tumbling windows of plain aggregates over NDJSON need, in the order of index.ts, without
 * what tests alone call.
 */
export { abiVersion } from './abi';
export { framesTaken, memoryInit, transientAlloc } from './memory/frames';
export { assignWatermarks, clampWatermarks, maxTimestamp, microsToMillis, rowsWithin } from './watermark/assign';
export { jsonColumn, jsonLinesEnd, jsonParse, jsonParser, jsonScratch } from './json/parser';
export { encodeNdjson } from './codec/ndjson';
export { decodeRows, encodedRowsBytesMax, encodeKeys, encodeRows } from './codec/row';
export { checksum } from './codec/checksum';
export { hashBytes } from './hash/hash';
export {
  arenaInit,
  arenaPages,
  arenaReopen,
  stateEntries,
  statePages,
} from './memory/arena';
export {
  restoreRuns,
  snapshotAbort,
  snapshotBegin,
  snapshotCaptured,
  snapshotDrain,
  snapshotWhole,
} from './memory/snapshot';
export { windowAggregate } from './window/aggregate';
export { fireNext, windowDue, windowFiring } from './window/fire';
export { windowHeld } from './window/held';
export { planInit, planLayout } from './window/plan';
export { stateClear, stateKeys, stateRows } from './kinds';
export { stateWalk } from './heaviest';
