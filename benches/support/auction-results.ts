/**
 * Results of the bench of latency, as plain JavaScript finds them: of q5 a count per auction and hopping window, of q7 the
 * highest price per tumbling window.
 *
 * Invariant: a row is judged by the watermark of the rows before it, window by window, and counts where its window has not
 * been passed.
 * Not here: the engine's side (paced-run.ts).
 */
import { BID, EventMaker, FIRST, numberAt, timeOf } from './nexmark.ts';
import { addRow, digestText, emptyDigest } from './result-digest.ts';

export const Q5 = { sizeMs: 10_000, slideMs: 2_000 } as const;
export const Q7 = { sizeMs: 10_000, slideMs: 10_000 } as const;
/** Of the watermark behind the latest event. */
export const DELAY_MS = 4_000;

export interface Answers {
  readonly q5: string;
  readonly q7: string;
  /** Bids that no window of a query took. */
  readonly late5: number;
  readonly late7: number;
}

/** What so many arrivals give. */
export function expectedAnswers(events: number): Answers {
  const maker = new EventMaker();
  const counts = new OpenWindows(Q5, (before: number | undefined) => (before ?? 0) + 1);
  const highest = new OpenWindows(Q7, (before: number | undefined, price) => Math.max(before ?? 0, price));
  let most = Number.NEGATIVE_INFINITY;
  for (let position = FIRST; position < FIRST + events; position++) {
    const n = numberAt(position);
    const time = timeOf(n);
    maker.make(n);
    if (maker.kind === BID) {
      counts.add(time, maker.auction, maker.price, most - DELAY_MS - 1);
      highest.add(time, 0, maker.price, most - DELAY_MS - 1);
    }
    if (time <= most) continue;
    most = time;
    counts.fire(most - DELAY_MS - 1);
    highest.fire(most - DELAY_MS - 1);
  }
  counts.fire(Number.POSITIVE_INFINITY);
  highest.fire(Number.POSITIVE_INFINITY);
  return {
    q5: digestText(counts.digest),
    q7: digestText(highest.digest),
    late5: counts.late,
    late7: highest.late,
  };
}

/** Windows that have not fired: a Map from key to value for each end. */
class OpenWindows {
  readonly digest = emptyDigest();
  late = 0;
  readonly #windows = new Map<number, Map<number, number>>();
  readonly #size: number;
  readonly #slide: number;
  readonly #fold: (before: number | undefined, value: number) => number;

  constructor(
    { sizeMs, slideMs }: { readonly sizeMs: number; readonly slideMs: number },
    fold: (before: number | undefined, value: number) => number,
  ) {
    this.#size = sizeMs;
    this.#slide = slideMs;
    this.#fold = fold;
  }

  add(time: number, key: number, value: number, watermark: number): void {
    let isTaken = false;
    const last = Math.floor(time / this.#slide) * this.#slide;
    for (let start = last; start > time - this.#size; start -= this.#slide) {
      const end = start + this.#size;
      if (end - 1 <= watermark) break;
      isTaken = true;
      let window = this.#windows.get(end);
      if (window === undefined) this.#windows.set(end, (window = new Map()));
      window.set(key, this.#fold(window.get(key), value));
    }
    if (!isTaken) this.late++;
  }

  fire(watermark: number): void {
    for (const [end, window] of this.#windows) {
      if (end - 1 > watermark) continue;
      for (const [key, value] of window) addRow(this.digest, key, end - this.#size, end, value);
      this.#windows.delete(end);
    }
  }
}
