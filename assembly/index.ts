/** The only export list. One block per room; a kernel that is not named here does not exist for the host. */
export { abiVersion } from './abi';
export { framesTaken, memoryInit, transientAlloc } from './memory/frames';
// State: the arena, its snapshots, keyed tables, windowed aggregation.
export { checksum } from './codec/checksum';
export { hashBytes, hashInt64At } from './hash/hash';
export {
  arenaInit, arenaPages, arenaReopen, extentAlloc, extentFree, resolve, scanPages, stateEntries, stateOpen,
  statePages,
} from './memory/arena';
export { touchRange } from './memory/barrier';
export { restoreRuns, snapshotAbort, snapshotBegin, snapshotCaptured, snapshotDrain } from './memory/snapshot';
export { windowAggregate } from './window/aggregate';
export { changelogAggregate } from './window/changelog';
export { fireNext, windowDue, windowFiring } from './window/fire';
export { planInit } from './window/plan';
export { sliceCount, stateClear, stateScan } from './window/slices';
