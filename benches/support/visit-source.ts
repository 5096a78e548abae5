/** The engine's side of the bench of sessions: visits as a source, and a sink that keeps the digest of all sessions. */
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { MadeColumns, madeSource } from './made-rows.ts';
import { readingSink } from './reading-sink.ts';
import { addSession, type SessionDigest, type Visits } from './visits.ts';

export const BASE_TIME = 1_600_000_000_000;
const WORD = 2 ** 32;
/** Polls between two looks. */
const LOOK_EVERY = 32;

/** What the reader tells while it runs. */
export interface Watch {
  look: () => void;
  beganMs: number;
  endedMs: number;
}

/** Visits as columns of int64, as the engine reads them: made once, so that reading them is copying. */
export type VisitColumns = readonly BigInt64Array[];

export function columnsOf({ users, times, spent }: Visits): VisitColumns {
  const column = (numbers: Uint32Array, base: number): BigInt64Array => {
    const values = new BigInt64Array(numbers.length);
    const words = new Uint32Array(values.buffer);
    for (const [i, number] of numbers.entries()) {
      const value = base + number;
      words[i * 2] = value;
      words[i * 2 + 1] = value / WORD;
    }
    return values;
  };
  return [column(users, 0), column(times, BASE_TIME), column(spent, 0)];
}

export const visitSource = (schema: TableSchema, visits: VisitColumns, watch: Watch): SourceConnector =>
  madeSource(schema, (context) => new VisitRows(schema, visits, watch, context));

class VisitRows implements SplitReader {
  readonly #visits: VisitColumns;
  readonly #rows: number;
  readonly #watch: Watch;
  readonly #columns: MadeColumns;
  #polls = 0;
  position = 0;

  constructor(schema: TableSchema, visits: VisitColumns, watch: Watch, context: ReaderContext) {
    this.#visits = visits;
    this.#rows = visits[0]?.length ?? 0;
    this.#watch = watch;
    this.#columns = new MadeColumns(schema, context);
  }

  poll(): Poll {
    if (this.position === 0) this.#watch.beganMs = performance.now();
    if (this.#polls++ % LOOK_EVERY === 0) this.#watch.look();
    const rows = Math.min(BATCH_ROWS_MAX, this.#rows - this.position);
    if (rows === 0) {
      // Sessions are still open.
      this.#watch.look();
      this.#watch.endedMs = performance.now();
      return 'end';
    }
    this.#fill(rows);
    return this.#columns.batch(rows);
  }

  #fill(rows: number): void {
    const { i64 } = this.#columns.memory;
    const to = this.position + rows;
    for (const [i, ptr] of this.#columns.values.entries())
      i64.set(this.#visits[i]?.subarray(this.position, to) ?? [], ptr >>> 3);
    this.position = to;
  }

  offset(): Json {
    return this.position;
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Reads every column of every session: user, windowStart, windowEnd, count, sum. */
export function sessionSink(digest: SessionDigest): SinkConnector {
  return readingSink({
    bytes: () => digest.sessions * 40,
    write: (batch, memory) => addAll(digest, memory, batch),
  });
}

function addAll(digest: SessionDigest, { u32 }: LinearMemory, { rows, columns }: RecordBatch): void {
  const [user = 0, start = 0, end = 0, count = 0, sum = 0] = columns.map(({ values }) => values >>> 2);
  const value = (at: number): number => (u32[at + 1] ?? 0) * WORD + (u32[at] ?? 0);
  for (let i = 0; i < rows * 2; i += 2) {
    const [from, to] = [value(start + i) - BASE_TIME, value(end + i) - BASE_TIME];
    addSession(digest, value(user + i), from, to, value(count + i), value(sum + i));
  }
}
