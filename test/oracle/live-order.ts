/**
 * How far event time has come before each row of live splits, which are taken as they come and may fall silent: by definition.
 *
 *   rows of a split      | | |  |            |  | |
 *   the split                      idle -----+
 *                                  ^ idleAfter behind its last row
 *
 * Invariants
 *  1. A split that has had no rows for so long is idle, and wakes with its next row. It ends behind its last row, when that has moved what it moves.
 *  2. W is the smallest of the own watermarks of the splits that are neither idle nor ended nor behind, and never less than
 *     before. A split that wakes with a watermark below W is behind until it has reached it.
 *  3. When the last split becomes idle, and it was the one that held W back, W is the highest of all that have not ended.
 * Not here: the own watermark of a split (processing-order.ts). Rows and idleness never fall on one instant.
 */
import type { Row } from './cells.ts';
import { type OrderedRow, SplitTime, type TimeQuery } from './processing-order.ts';

export interface Arrival {
  /** On the clock of the machine, which is at 0 when the job starts. */
  readonly at: number;
  readonly split: number;
  readonly row: Row;
}

export interface LiveQuery extends TimeQuery {
  readonly idleAfterMs: number;
}

interface Split {
  readonly time: SplitTime;
  left: number;
  /** Its last row, or the start. */
  since: number;
  isIdle: boolean;
  isBehind: boolean;
}

export function liveOrder(splits: number, arrivals: readonly Arrival[], query: LiveQuery): OrderedRow[] {
  const live = new Live(splits, arrivals, query);
  return arrivals.map((arrival) => live.take(arrival));
}

class Live {
  readonly #query: LiveQuery;
  readonly #splits: readonly Split[];
  #watermark = -Infinity;

  constructor(splits: number, arrivals: readonly Arrival[], query: LiveQuery) {
    this.#query = query;
    this.#splits = Array.from({ length: splits }, (_, split) => ({
      time: new SplitTime(query),
      left: arrivals.filter((arrival) => arrival.split === split).length,
      since: 0,
      isIdle: false,
      isBehind: false,
    }));
  }

  take({ at, split: index, row }: Arrival): OrderedRow {
    this.#fallSilent(at);
    const split = this.#splits[index];
    if (split === undefined) throw new Error(`oracle: there is no split ${index}`);
    if (split.isIdle) split.isBehind = split.time.before(undefined) < this.#watermark;
    split.isIdle = false;
    const others = this.#splits
      .filter((each) => each !== split && counts(each))
      .map(({ time }) => time.before(undefined));
    const watermark = Math.max(this.#watermark, Math.min(split.time.before(row), ...others));
    const isFuture = split.time.take(row);
    split.since = at;
    if (split.time.before(undefined) >= this.#watermark) split.isBehind = false;
    this.#moveOn();
    split.left--;
    this.#moveOn();
    return { row, timestamp: Number(row[this.#query.timestamp]), watermark, isFuture };
  }

  /** The splits that become idle before an instant, one after the other. */
  #fallSilent(at: number): void {
    const { idleAfterMs } = this.#query;
    const silent = this.#splits.filter(({ left, isIdle, since }) => left > 0 && !isIdle && since + idleAfterMs < at);
    for (const split of silent.sort((a, b) => a.since - b.since)) {
      split.isIdle = true;
      split.isBehind = false;
      const open = this.#splits.filter(({ left }) => left > 0);
      if (!open.every(({ isIdle }) => isIdle)) this.#moveOn();
      else if (split.time.before(undefined) === this.#watermark) {
        this.#watermark = Math.max(...open.map(({ time }) => time.before(undefined)));
      }
    }
  }

  #moveOn(): void {
    const own = this.#splits.filter(counts).map(({ time }) => time.before(undefined));
    if (own.length > 0) this.#watermark = Math.max(this.#watermark, Math.min(...own));
  }
}

const counts = ({ left, isIdle, isBehind }: Split): boolean => left > 0 && !isIdle && !isBehind;
