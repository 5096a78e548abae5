/** The door `millrace/testing`: virtual time, a store in memory, and crashes at every point. */
export { canonicalText } from './canonical-text.ts';
export { instrument, PortController, SimulatedCrash } from './crash-points.ts';
export { type MemoryFiles, memoryFiles, type MemoryFilesOptions } from './memory-files.ts';
export { MemoryMedium, MemoryStore } from './memory-store.ts';
export {
  crashEverywhere,
  type CrashKind,
  type CrashOptions,
  type CrashReport,
  type CrashScenario,
  type Difference,
  type ProcessContext,
} from './simulator.ts';
export { VirtualClock } from './virtual-clock.ts';
