/** The clock port. Nothing in src reads a clock except through it; hosts and the simulator implement it. */
import type { ProcessingTimeMs } from './time.ts';

export interface Clock {
  /** Whole milliseconds since 1970. May go backwards when the machine's clock is set. */
  now(): ProcessingTimeMs;
  /** Milliseconds from an arbitrary start, never backwards; for measuring and pacing. */
  monotonicMs(): number;
  /** Resolves after at least `ms`; at once when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignalLike): Promise<void>;
  /** Lets other work of the host run (timers, I/O callbacks), then resolves. Cheap. */
  yield(): Promise<void>;
}

/** The part of AbortSignal that src needs. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
