/**
 * Whether a live split is idle: asked for rows again and again, it had none for a time.
 *
 *   asked, nothing there        asked again after the time-out, still nothing
 *   active ------------> silent since then ------------> idle
 *      ^                     |                             |
 *      +---- rows, or not asked (held back) ---------------+ rows
 *
 * Invariants
 *  1. Only a split that is asked can become idle: one that is held back, by a full sink or by alignment, is not idle.
 *  2. Time comes in with the question; nothing here reads a clock.
 */
import { type ProcessingTimeMs, processingTimeMs } from '../../base/time.ts';

export class Idleness {
  readonly #timeoutMs: number | undefined;
  #silentSince: ProcessingTimeMs | undefined;
  #isIdle: boolean;

  /** Without a time-out the split is never idle. `isIdle`: it was before a restart. */
  constructor(timeoutMs: number | undefined, isIdle = false) {
    this.#timeoutMs = timeoutMs;
    this.#isIdle = isIdle && timeoutMs !== undefined;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** When to ask again so that idleness is found in time; undefined: no need. */
  get deadline(): ProcessingTimeMs | undefined {
    if (this.#timeoutMs === undefined || this.#silentSince === undefined || this.#isIdle) return undefined;
    return processingTimeMs(this.#silentSince + this.#timeoutMs);
  }

  /** The split was asked and had rows; true when that ends its idleness. */
  active(): boolean {
    const wasIdle = this.#isIdle;
    this.#silentSince = undefined;
    this.#isIdle = false;
    return wasIdle;
  }

  /** The split was asked and had nothing; true when it becomes idle by that. */
  silent(now: ProcessingTimeMs): boolean {
    if (this.#timeoutMs === undefined || this.#isIdle) return false;
    // A clock that was set back starts the time anew.
    if (this.#silentSince === undefined || now < this.#silentSince) this.#silentSince = now;
    this.#isIdle = now - this.#silentSince >= this.#timeoutMs;
    return this.#isIdle;
  }

  /** The split is held back: time that passes now says nothing about it. */
  heldBack(): void {
    if (!this.#isIdle) this.#silentSince = undefined;
  }
}
