/**
 * The clock port on virtual time: it stands still until someone advances it.
 *
 * Invariants
 *  1. Sleeps resolve in order of due time, those of one instant in order of their calls, and time stands at their due
 *     time when they do.
 *  2. `yield` is a sleep of no time: a scheduling point, which resolves only when the simulation gives it its turn.
 *  3. Nothing moves by itself. `wakeNext` wakes one sleeper, so that what it starts has its turn before the next wakes.
 * Not here: who decides when (simulator.ts). `monotonicMs` starts at zero, so that a mix-up with `now` shows.
 */
import { assert } from '../base/assert.ts';
import type { AbortSignalLike, Clock } from '../base/clock.ts';
import { processingTimeMs, type ProcessingTimeMs } from '../base/time.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is advanced. */
export class VirtualClock implements Clock {
  readonly #start: number;
  #elapsed = 0;
  /** Ordered by due time, then by call. */
  #sleepers: Sleeper[] = [];

  constructor(start = 1_000_000_000_000) {
    this.#start = start;
  }

  now(): ProcessingTimeMs {
    return processingTimeMs(this.#start + Math.floor(this.#elapsed));
  }

  monotonicMs(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper: Sleeper = { due: this.#elapsed + Math.max(0, ms), wake };
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        wake();
      };
      signal?.addEventListener('abort', abort);
      const after = this.#sleepers.findIndex(({ due }) => due > sleeper.due);
      this.#sleepers.splice(after < 0 ? this.#sleepers.length : after, 0, sleeper);
    });
  }

  yield(): Promise<void> {
    return this.sleep(0);
  }

  /** How many sleeps and yields have not resolved. */
  get sleeperCount(): number {
    return this.#sleepers.length;
  }

  /** When the next sleeper is due, on the monotonic clock; undefined when nobody sleeps. */
  get nextDue(): number | undefined {
    return this.#sleepers[0]?.due;
  }

  /** Moves time to the next due sleeper and wakes it alone. False when nobody sleeps. */
  wakeNext(): boolean {
    const next = this.#sleepers.shift();
    if (next === undefined) return false;
    this.#elapsed = next.due;
    next.wake();
    return true;
  }

  /** Moves time on by `ms`, waking one after the other who is due by then; `settle` lets each one's work run. */
  async advance(ms: number, settle: () => Promise<void> = microtasks): Promise<void> {
    assert(ms >= 0, `time cannot be advanced by ${ms} ms`);
    const until = this.#elapsed + ms;
    while ((this.#sleepers[0]?.due ?? Infinity) <= until) {
      this.wakeNext();
      await settle();
    }
    this.#elapsed = until;
  }

  /** The process that slept is dead: its sleeps never resolve. Time stays. */
  forgetSleepers(): void {
    this.#sleepers = [];
  }
}

/** How many turns of the microtask queue count as "whatever was going to run has run". */
const TURNS = 64;

/**
 * Lets promise reactions run: enough turns for chains of a few dozen awaits. Always the same number, so a run repeats.
 */
export async function microtasks(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await undefined;
}
