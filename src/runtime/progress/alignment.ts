/**
 * Keeps the splits of a group together in event time: whoever is more than `maxDriftMs` ahead of the slowest waits for it.
 *
 * Invariants
 *  1. The slowest of a group may always go on, so a group never stands still by itself.
 *  2. Splits that are idle or have ended are waited for no more. A split without rows is waited for: it may be the slowest.
 *  3. Where a split stands is what its rows say that are not from the future (operators/assign-watermarks.ts).
 * Not here: cutting batches where a split has to wait (source-driver.ts).
 */
import { type EventTimeMs, eventTimeMs, MAX_TIME, MIN_TIME } from '../../base/time.ts';

/** A split as its group sees it. */
export interface AlignedSplit {
  readonly max: EventTimeMs;
  readonly isWaitedFor: boolean;
}

export class AlignmentGroup {
  readonly #members = new Set<AlignedSplit>();

  join(member: AlignedSplit): void {
    this.#members.add(member);
  }

  /** Where the slowest split other than `member` stands; MAX_TIME: nobody is waited for. */
  others(member: AlignedSplit): EventTimeMs {
    let least = MAX_TIME;
    for (const other of this.#members) {
      if (other !== member && other.isWaitedFor && other.max < least) least = other.max;
    }
    return least;
  }
}

/** How far a split may go, when the slowest of the others stands at `others`. */
export const limitOf = (others: EventTimeMs, maxDriftMs: number): EventTimeMs =>
  others <= MIN_TIME ? MIN_TIME : others >= MAX_TIME ? MAX_TIME : eventTimeMs(others + maxDriftMs);
