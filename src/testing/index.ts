/** The door `millrace/testing`: one's own job on virtual time with faults, and what that is made of. */
export { type Input, rows } from './given-rows.ts';
export { simulate, type SimulateOptions, type Simulation } from './simulate.ts';
export { play, type Played, type PlayedRow, type PlayOptions, type Sample } from './play.ts';
export { tape, type Tape, type TapeEvent } from './tape.ts';
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
