/**
 * The clock of a zone, by definition: every answer is the smallest (or largest) of a few instants that could be it, each
 * tried by asking what local time it has. Slow on purpose.
 */
import type { ZoneChange, ZoneFile } from './zone-file.ts';

const DAY_MS = 86_400_000;
/** No two local times of one instant are further apart. */
const REACH_MS = 2 * DAY_MS;

export class ZoneClock {
  readonly #file: ZoneFile;

  constructor(file: ZoneFile) {
    this.#file = file;
  }

  /** How many changes come at or before an instant. */
  #passed(epoch: number): number {
    const { changes } = this.#file;
    let low = 0;
    let high = changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[middle]?.epoch ?? 0) <= epoch) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  offsetAt(epoch: number): number {
    const passed = this.#passed(epoch);
    return passed === 0 ? this.#file.first : (this.#file.changes[passed - 1]?.after ?? 0);
  }

  toLocal(epoch: number): number {
    return epoch + this.offsetAt(epoch);
  }

  #near(time: number): readonly ZoneChange[] {
    return this.#file.changes.slice(this.#passed(time - REACH_MS), this.#passed(time + REACH_MS));
  }

  /** Instants that have this local time, earliest first. */
  instantsOf(local: number): readonly number[] {
    const near = this.#near(local);
    const offsets = new Set([this.offsetAt(local), ...near.flatMap(({ before, after }) => [before, after])]);
    return [...offsets]
      .map((offset) => local - offset)
      .filter((epoch) => this.toLocal(epoch) === local)
      .sort((a, b) => a - b);
  }

  /** The change whose gap swallows a local time. */
  gapAt(local: number): ZoneChange | undefined {
    return this.#near(local).find(({ epoch, before, after }) => epoch + before <= local && local < epoch + after);
  }

  /** The first instant at which local time is `local` or later. */
  reaches(local: number): number {
    const candidates = [...this.instantsOf(local), ...this.#near(local).map(({ epoch }) => epoch)];
    const reached = candidates.filter((epoch) => this.toLocal(epoch) >= local);
    return Math.min(...reached);
  }
}
