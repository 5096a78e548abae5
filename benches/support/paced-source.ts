/**
 * A live source of Nexmark events at a steady rate: each arrival is due at a moment that follows from its position alone, and
 * what is due is handed over together, at most once in LINGER_MS.
 *
 * Invariants
 *  1. Nothing is left out when the engine or the machine is slow: what was due meanwhile is handed over at once, and its due
 *     moment stays.
 *  2. `released` has for the end of each window the first arrival whose watermark has passed it: when it was due, and when it
 *     was handed over.
 * Not here: which events there are (nexmark.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import { BATCH_ROWS_MAX } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { DELAY_MS, Q5 } from './auction-results.ts';
import { MadeColumns, madeSource } from './made-rows.ts';
import { BASE_TIME, EventMaker, FIRST, numberAt, timeOf } from './nexmark.ts';

const LINGER_MS = 1;
const WORD = 2 ** 32;

export interface Pace {
  readonly events: number;
  /** Infinity: as fast as they are taken. */
  readonly eventsPerMs: number;
}

/** Moments are those of performance.now. */
export interface Released {
  readonly dueAt: number;
  readonly handedAt: number;
}

/** What a reader tells. */
export interface PacedRun {
  /** By the number of the window's end (`endNumber`). */
  readonly released: Released[];
  /** ms that the oldest event of each batch had been due when it was handed over. */
  readonly waits: number[];
  endedAt: number;
  beganAt: number;
}

/** Ends of windows, counted from the first: those of q7 are among those of q5. */
export const endNumber = (end: number): number => (end - BASE_TIME) / Q5.slideMs;

/** Columns: kind (int32), auction, bidder, price (int64), dateTime. */
export function pacedSource(
  schema: TableSchema,
  pace: Pace,
): { readonly connector: SourceConnector; readonly run: PacedRun } {
  const run: PacedRun = { released: [], waits: [], beganAt: Number.NaN, endedAt: Number.NaN };
  const connector = madeSource(schema, (context) => new PacedEvents(schema, pace, run, context));
  return { connector: { ...connector, live: true, quantum: WORD }, run };
}

class PacedEvents implements SplitReader {
  readonly #pace: Pace;
  readonly #run: PacedRun;
  readonly #columns: MadeColumns;
  readonly #maker = new EventMaker();
  #most = Number.NEGATIVE_INFINITY;
  #nextEnd = BASE_TIME + Q5.slideMs;
  #handedAt = Number.NEGATIVE_INFINITY;
  position = 0;

  constructor(schema: TableSchema, pace: Pace, run: PacedRun, context: ReaderContext) {
    this.#pace = pace;
    this.#run = run;
    this.#columns = new MadeColumns(schema, context);
  }

  poll(): Poll {
    const now = performance.now();
    if (Number.isNaN(this.#run.beganAt)) this.#run.beganAt = now;
    const rows = Math.min(BATCH_ROWS_MAX, this.#dueBy(now) - this.position);
    if (rows === 0 && this.position === this.#pace.events) {
      this.#run.endedAt = now;
      return 'end';
    }
    if (rows === 0 || (rows < BATCH_ROWS_MAX && this.#lingerLeft(now) > 0)) return 'wait';
    this.#run.waits.push(now - this.#dueAt(this.position));
    this.#handedAt = now;
    this.#fill(rows);
    return this.#columns.batch(rows);
  }

  #dueBy(now: number): number {
    const { events, eventsPerMs } = this.#pace;
    return eventsPerMs === Infinity ? events : Math.min(events, Math.floor((now - this.#run.beganAt) * eventsPerMs));
  }

  /** Whole events are due: the one at a position when all of its time has passed. */
  #dueAt(position: number): number {
    return this.#run.beganAt + (position + 1) / this.#pace.eventsPerMs;
  }

  #lingerLeft(now: number): number {
    return this.#pace.eventsPerMs === Infinity ? 0 : this.#handedAt + LINGER_MS - now;
  }

  #fill(rows: number): void {
    const { u32 } = this.#columns.memory;
    const [kind = 0, auction = 0, bidder = 0, price = 0, at = 0] = this.#columns.words();
    const maker = this.#maker;
    for (let i = 0; i < rows; i++) {
      const n = numberAt(FIRST + this.position + i);
      const time = timeOf(n);
      maker.make(n);
      u32[kind + i] = maker.kind;
      u32[auction + i * 2] = maker.auction;
      u32[bidder + i * 2] = maker.bidder;
      u32[price + i * 2] = maker.price;
      const high = Math.floor(time / WORD);
      u32[at + i * 2] = time - high * WORD;
      u32[at + i * 2 + 1] = high;
      if (time > this.#most) this.#advance(time, this.position + i);
    }
    this.position += rows;
  }

  #advance(time: number, position: number): void {
    this.#most = time;
    for (; this.#nextEnd + DELAY_MS <= time; this.#nextEnd += Q5.slideMs)
      this.#run.released[endNumber(this.#nextEnd)] = { dueAt: this.#dueAt(position), handedAt: this.#handedAt };
  }

  async ready(): Promise<void> {
    await sleep(Math.max(0, this.#lingerLeft(performance.now())));
  }

  offset(): Json {
    return this.position;
  }

  async close(): Promise<void> {}
}
