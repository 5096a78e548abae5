/**
 * Splits of a live source that come into being while it is read, with their readers open.
 *
 * Invariants
 *  1. Splits are given in the order in which they were found; the first has the index behind those of the start.
 *  2. One asks `ready` at a time: an earlier question that nobody waits for any more is forgotten, so that asking again and
 *     again, while nothing is found for days, keeps nothing.
 *  3. A failure to find or open one is told by `take`, after those found before it.
 * Not here: who finds them (the connector), taking them into the graph (runtime/source-driver.ts).
 */
import { LastAsker } from '../base/last-asker.ts';
import type { NewSplit, SourceSplit, SplitDiscovery, SplitReader } from './source.ts';

/** Finds the next splits. */
export interface SplitFinder {
  /** With ids that were never given before; none at all once it is closed. */
  next(): Promise<readonly SourceSplit[]>;
  close(): void;
}

export class NewSplits implements SplitDiscovery {
  readonly #finder: SplitFinder;
  #found: NewSplit[] = [];
  #failure: { readonly error: unknown } | undefined;
  readonly #asker = new LastAsker();
  #isClosed = false;

  constructor(finder: SplitFinder) {
    this.#finder = finder;
  }

  /** Begins to look; `firstIndex` is that of the next split. */
  start(firstIndex: number, open: (split: SourceSplit, index: number) => Promise<SplitReader>): void {
    void this.#run(firstIndex, open);
  }

  /** What was found since it was asked last. */
  take(): readonly NewSplit[] {
    const found = this.#found;
    if (found.length === 0 && this.#failure !== undefined) throw this.#failure.error;
    if (found.length > 0) this.#found = [];
    return found;
  }

  /** Resolves when `take` has something to say. */
  async ready(): Promise<void> {
    if (this.#found.length > 0 || this.#failure !== undefined) return;
    await this.#asker.asked();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#finder.close();
    for (const { reader } of this.#found.splice(0)) await reader.close();
  }

  async #run(firstIndex: number, open: (split: SourceSplit, index: number) => Promise<SplitReader>): Promise<void> {
    let index = firstIndex;
    try {
      for (let next = await this.#finder.next(); next.length > 0; next = await this.#finder.next()) {
        for (const split of next) {
          const reader = await open(split, index++);
          if (this.#isClosed) await reader.close();
          else this.#found.push({ split, reader });
        }
        this.#asker.tell();
      }
    } catch (error) {
      this.#failure = { error };
      this.#asker.tell();
    }
  }
}
