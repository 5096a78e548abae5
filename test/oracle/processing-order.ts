/**
 * In which order the rows of replayable splits are taken, and how far event time has come before each: by definition, for
 * every watermark strategy, with the guard against rows from the future.
 *
 * Invariants
 *  1. A turn takes rows of one split, up to the first row whose first byte lies at or beyond
 *     (floor(position / quantum) + 1) * quantum, where position is the offset of its next row when the turn starts. The next
 *     turn is of the unfinished split with the lowest largest timestamp (none yet is lowest), ties by split order. A split
 *     is finished as soon as its last row is taken.
 *  2. W before a row: the minimum over the splits that are not finished of the split's own watermark, and never less than
 *     before. A split's own is its largest timestamp less the delay less 1; or, where rows announce it, the largest that was
 *     announced; none at the beginning.
 *  3. With a guard, a row more than the skew later than the largest timestamp of its split is from the future: it is not
 *     processed and moves nothing. The eighth such row on end makes the lowest of them the largest timestamp, and is then
 *     judged anew.
 *  4. With a guard, the first row of a split has no peers. Its watermark (where timestamps make it) goes out with the second
 *     row that is not from the future; when that is more than the skew before the first, it takes its place and is the first.
 * Not here: sources whose rows come when they come (live-order.ts); adaptive watermarks, whose delay is a matter of the sketch
 * that estimates it.
 */
import type { OracleSplit } from './batch-engine.ts';
import type { Row } from './cells.ts';

export type WatermarkRule =
  | { readonly kind: 'by timestamp'; readonly delayMs: number }
  /** The column has the watermark after its row; null: as before. */
  | { readonly kind: 'announced'; readonly column: string };

/** How event time follows the rows of a split. */
export interface TimeQuery {
  /** Column of timestamps in ms. */
  readonly timestamp: string;
  readonly rule: WatermarkRule;
  /** Undefined: no guard. */
  readonly skewMs: number | undefined;
}

export interface OrderQuery extends TimeQuery {
  readonly quantumBytes: number;
}

export interface OrderedRow {
  readonly row: Row;
  readonly timestamp: number;
  /** Before the row; -Infinity: the beginning of time. */
  readonly watermark: number;
  readonly isFuture: boolean;
}

/** Rows ahead on end that are a jump of time itself. */
const JUMP_ROWS = 8;

export function processingOrder(splits: readonly OracleSplit[], query: OrderQuery): OrderedRow[] {
  const cursors = splits.map((split) => new Cursor(split, query));
  const order: OrderedRow[] = [];
  let floor = -Infinity;
  for (let turn = nextTurn(cursors); turn !== undefined; turn = nextTurn(cursors)) {
    const turnEnd = (Math.floor(turn.offset / query.quantumBytes) + 1) * query.quantumBytes;
    while (!turn.isFinished && turn.offset < turnEnd) {
      const { row } = turn;
      const own = cursors
        .filter(({ isFinished }) => !isFinished)
        .map(({ time }) => time.before(time === turn.time ? row : undefined));
      const watermark = Math.max(floor, Math.min(...own));
      const isFuture = turn.take();
      order.push({ row, timestamp: Number(row[query.timestamp]), watermark, isFuture });
      if (!isFuture) floor = watermark;
    }
  }
  return order;
}

function nextTurn(cursors: readonly Cursor[]): Cursor | undefined {
  const open = cursors.filter(({ isFinished }) => !isFinished);
  const lowest = Math.min(...open.map(({ time }) => time.most));
  return open.find(({ time }) => time.most === lowest);
}

class Cursor {
  readonly time: SplitTime;
  readonly #split: OracleSplit;
  #next = 0;

  constructor(split: OracleSplit, query: TimeQuery) {
    this.#split = split;
    this.time = new SplitTime(query);
  }

  get isFinished(): boolean {
    return this.#next >= this.#split.rows.length;
  }

  get offset(): number {
    return this.#split.rows[this.#next]?.offset ?? Infinity;
  }

  get row(): Row {
    return this.#split.rows[this.#next]?.row ?? {};
  }

  take(): boolean {
    const { row } = this;
    this.#next++;
    return this.time.take(row);
  }
}

/** How far event time has come in one split. */
export class SplitTime {
  /** Largest timestamp that is not from the future. */
  most = -Infinity;
  readonly #query: TimeQuery;
  #hasPeers: boolean;
  #ahead: number[] = [];
  #announced = -Infinity;

  constructor(query: TimeQuery) {
    this.#query = query;
    this.#hasPeers = query.skewMs === undefined;
  }

  /** The split's own watermark before its next row; without one: as other splits see it. */
  before(row: Row | undefined): number {
    const { rule } = this.#query;
    if (rule.kind === 'announced') return this.#announced;
    const isKnown = this.#hasPeers || (row !== undefined && !this.#showsFirstAhead(row));
    return isKnown ? this.most - rule.delayMs - 1 : -Infinity;
  }

  /** True when the row is from the future. */
  take(row: Row): boolean {
    if (this.#isAhead(this.#timestampOf(row))) return true;
    this.#accept(row, this.#timestampOf(row));
    return false;
  }

  #timestampOf(row: Row): number {
    return Number(row[this.#query.timestamp]);
  }

  get #skewMs(): number {
    return this.#query.skewMs ?? Infinity;
  }

  /** Whether the first row was dated ahead, as this one shows. */
  #showsFirstAhead(row: Row): boolean {
    return !this.#hasPeers && this.#timestampOf(row) < this.most - this.#skewMs;
  }

  #isAhead(timestamp: number): boolean {
    if (this.most === -Infinity || timestamp <= this.most + this.#skewMs) return false;
    this.#ahead.push(timestamp);
    if (this.#ahead.length < JUMP_ROWS) return true;
    this.most = Math.min(...this.#ahead);
    this.#hasPeers = true;
    this.#ahead = [];
    return timestamp > this.most + this.#skewMs;
  }

  #accept(row: Row, timestamp: number): void {
    const { rule } = this.#query;
    if (this.#showsFirstAhead(row)) this.most = timestamp;
    else {
      if (this.most !== -Infinity) this.#hasPeers = true;
      this.most = Math.max(this.most, timestamp);
    }
    this.#ahead = [];
    const said = rule.kind === 'announced' ? (row[rule.column] ?? null) : null;
    if (said !== null) this.#announced = Math.max(this.#announced, Number(said));
  }
}
