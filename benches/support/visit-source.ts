/** The engine's side of the bench of sessions: visits as a source, and a sink that keeps the digest of all sessions. */
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
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

export function visitSource(schema: TableSchema, visits: Visits, watch: Watch): SourceConnector {
  return {
    schema,
    live: false,
    quantum: 2 ** 40,
    splits: async () => [{ id: 'visits' }],
    open: async (_split, _offset, context) => new VisitRows(schema, visits, watch, context),
  };
}

class VisitRows implements SplitReader {
  readonly #schema: TableSchema;
  readonly #visits: Visits;
  readonly #watch: Watch;
  readonly #memory: LinearMemory;
  readonly #columns: readonly Ptr[];
  readonly #source: string;
  #polls = 0;
  position = 0;

  constructor(schema: TableSchema, visits: Visits, watch: Watch, context: ReaderContext) {
    this.#schema = schema;
    this.#visits = visits;
    this.#watch = watch;
    this.#memory = context.kernels.memory;
    this.#source = context.source;
    this.#columns = schema.fields.map(() => this.#memory.allocate(BATCH_ROWS_MAX * 8));
  }

  poll(): Poll {
    if (this.position === 0) this.#watch.beganMs = performance.now();
    if (this.#polls++ % LOOK_EVERY === 0) this.#watch.look();
    const rows = Math.min(BATCH_ROWS_MAX, this.#visits.users.length - this.position);
    if (rows === 0) {
      this.#watch.endedMs = performance.now();
      return 'end';
    }
    this.#fill(rows);
    return {
      schema: this.#schema,
      rows,
      columns: this.#columns.map((values) => ({ values, validity: 0 })),
      selection: 0,
      selected: rows,
      rowKinds: 0,
      timestamps: 0,
      watermarks: 0,
      origin: { source: this.#source, split: 0 },
    };
  }

  #fill(rows: number): void {
    const { u32 } = this.#memory;
    const [user = 0, at = 0, spent = 0] = this.#columns.map((ptr) => ptr >>> 2);
    const { users, times, spent: values } = this.#visits;
    for (let i = 0, n = this.position; i < rows * 2; i += 2, n++) {
      u32[user + i] = users[n] ?? 0;
      const time = BASE_TIME + (times[n] ?? 0);
      const high = Math.floor(time / WORD);
      u32[at + i] = time - high * WORD;
      u32[at + i + 1] = high;
      u32[spent + i] = values[n] ?? 0;
    }
    this.position += rows;
  }

  offset(): Json {
    return this.position;
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Reads every column of every session: user, windowStart, windowEnd, count, sum. */
export function sessionSink(digest: SessionDigest): SinkConnector {
  const nothing = async (): Promise<undefined> => undefined;
  return {
    accepts: 'inserts',
    open: async ({ kernels: { memory } }) => ({
      fence: nothing,
      recover: nothing,
      prepare: nothing,
      commit: nothing,
      close: nothing,
      ready: () => undefined,
      get bytesWritten() {
        return digest.sessions * 40;
      },
      write: (batch) => addAll(digest, memory, batch),
    }),
  };
}

function addAll(digest: SessionDigest, { u32 }: LinearMemory, { rows, columns }: RecordBatch): void {
  const [user = 0, start = 0, end = 0, count = 0, sum = 0] = columns.map(({ values }) => values >>> 2);
  const value = (at: number): number => (u32[at + 1] ?? 0) * WORD + (u32[at] ?? 0);
  for (let i = 0; i < rows * 2; i += 2) {
    const [from, to] = [value(start + i) - BASE_TIME, value(end + i) - BASE_TIME];
    addSession(digest, value(user + i), from, to, value(count + i), value(sum + i));
  }
}
