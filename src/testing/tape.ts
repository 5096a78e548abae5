/**
 * A tape: rows with the moment at which each arrives, in place of a live source. Played on virtual time (play.ts).
 *
 * Invariants
 *  1. A row is seen at its moment, never before; rows of one split come in the order of the tape.
 *  2. Offsets count rows of a split, so that a job that starts again continues where it was.
 * Not here: rows into columns and their checks (format/batch-builder.ts).
 */
import type { Columns, NewRow } from '../api/kind.ts';
import { mistake } from '../base/mistake.ts';
import { type Schema, tableOf } from '../api/schema.ts';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import { type ProcessingTimeMs, processingTimeMs } from '../base/time.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../connector/source.ts';
import type { TableSchema } from '../data/schema.ts';
import { BatchBuilder } from '../format/batch-builder.ts';
import type { Row } from '../format/row-view.ts';

/** A row and when it arrives. */
export interface TapeEvent<R = Row> {
  /** Milliseconds after the beginning of the tape. */
  readonly at: number;
  readonly row: R;
  /** The split that it belongs to; 'tape' when left out. */
  readonly split?: string;
}

/** What takes the place of a source. Made with `tape`. */
export interface Tape {
  readonly schema: TableSchema;
  /** In order of arrival. */
  readonly events: readonly TapeEvent[];
}

const SPLIT = 'tape';
/** A turn of a live source is not bounded by position. */
const QUANTUM_ROWS = 4096;

/** A tape for a source with this schema; events may be given in any order, those of one moment stay in theirs. */
export function tape<C extends Columns>(schema: Schema<C>, events: readonly TapeEvent<NewRow<C>>[]): Tape {
  if (!Array.isArray(events)) throw mistake('tape', 'given an array of { at, row }', events);
  for (const { at } of events) {
    if (!(at >= 0)) throw mistake('the time of a tape', 'zero or more milliseconds', at);
  }
  return {
    schema: tableOf(schema, 'the schema of a tape'),
    events: events.map(({ at, row, split }) => ({ at, row, split: split ?? SPLIT })).sort((a, b) => a.at - b.at),
  };
}

/** How a tape is played. */
export interface Playing {
  readonly clock: Clock;
  /** Of the clock's monotonic time, when the tape began. */
  readonly beganMs: number;
  /** Milliseconds of the tape in one of the clock. */
  readonly speed: number;
  /** Arrivals are looked at once in so many milliseconds of the tape. */
  readonly tickMs: number;
}

export function tapeSource({ schema, events }: Tape, playing: Playing): SourceConnector {
  const splits = new Map<string, TapeEvent[]>();
  for (const event of events) {
    const name = event.split ?? SPLIT;
    const list = splits.get(name) ?? [];
    list.push(event);
    splits.set(name, list);
  }
  if (splits.size === 0) splits.set(SPLIT, []);
  return {
    schema,
    live: true,
    quantum: QUANTUM_ROWS,
    splits: async () => [...splits].map(([id, list]) => ({ id, size: list.length })),
    open: async (split, offset, context) => {
      assert(offset === undefined || typeof offset === 'number', 'the offset of a tape is a number of rows');
      return new TapeReader(splits.get(split.id) ?? [], offset ?? 0, schema, context, playing);
    },
  };
}

class TapeReader implements SplitReader {
  readonly #events: readonly TapeEvent[];
  readonly #builder: BatchBuilder;
  readonly #context: ReaderContext;
  readonly #playing: Playing;
  #coming: Promise<void> | undefined;
  #arrivedAt: ProcessingTimeMs | undefined;
  position: number;

  constructor(
    events: readonly TapeEvent[],
    position: number,
    schema: TableSchema,
    context: ReaderContext,
    playing: Playing,
  ) {
    this.#events = events;
    this.#builder = new BatchBuilder(context.kernels, schema, context.batchRows);
    this.#context = context;
    this.#playing = playing;
    this.position = position;
  }

  /** Milliseconds of the tape that have passed. */
  #now(): number {
    const { clock, beganMs, speed } = this.#playing;
    return (clock.monotonicMs() - beganMs) * speed;
  }

  poll(quantumEnd: number): Poll {
    if (this.position >= this.#events.length) return 'end';
    if (this.position >= quantumEnd) return 'quantum end';
    const now = this.#now();
    const end = Math.min(this.#events.length, quantumEnd, this.position + this.#builder.capacity);
    const from = this.position;
    this.#builder.reset();
    while (this.position < end) {
      const event = this.#events[this.position];
      if (event === undefined || event.at > now) break;
      this.#builder.append(event.row);
      this.position++;
    }
    if (this.position === from) return 'wait';
    this.#arrivedAt = this.#clockAt(this.#events[from]?.at ?? now, now);
    return this.#builder.finish({ source: this.#context.source, split: this.#context.splitIndex });
  }

  /** When the clock showed a moment of the tape. */
  #clockAt(at: number, now: number): ProcessingTimeMs {
    const { clock, speed } = this.#playing;
    return processingTimeMs(clock.now() - (now - at) / speed);
  }

  get arrivedAt(): ProcessingTimeMs | undefined {
    return this.#arrivedAt;
  }

  /** What has arrived, polled or not. */
  get received(): number {
    const now = this.#now();
    let received = this.position;
    while ((this.#events[received]?.at ?? Number.POSITIVE_INFINITY) <= now) received++;
    return received;
  }

  async ready(): Promise<void> {
    const next = this.#events[this.position];
    if (next === undefined || next.at <= this.#now()) return;
    const { clock, speed, tickMs } = this.#playing;
    const due = Math.ceil(next.at / tickMs) * tickMs;
    this.#coming ??= clock.sleep((due - this.#now()) / speed).then(() => {
      this.#coming = undefined;
    });
    await this.#coming;
  }

  offset(): Json {
    return this.position;
  }

  async close(): Promise<void> {}
}
