/**
 * Sources over rows that the program has: an array, which can be read again, and an async iterable, which mostly
 * cannot. Positions count rows.
 *
 * Invariants
 *  1. A row that the schema cannot hold is a mistake in the program (E1303) and fails the job; it is not a dead
 *     letter.
 *  2. An iterable is pulled at most one batch ahead.
 * Not here: rows into columns (batch-builder.ts).
 */
import { assert } from '../base/assert.ts';
import { ExternalError, MillraceError, UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { LastAsker } from '../base/last-asker.ts';
import type { ProcessingTimeMs } from '../base/time.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../connector/source.ts';
import type { TableSchema } from '../data/schema.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Row } from './row-view.ts';

const QUANTUM_ROWS = 4096;
const SPLIT = 'rows';

/** Replayable; the array must not change while a job reads it. */
export function collectionSource(schema: TableSchema, rows: readonly Row[]): SourceConnector {
  return {
    schema,
    live: false,
    quantum: QUANTUM_ROWS,
    splits: async () => [{ id: SPLIT, size: rows.length }],
    open: async (_split, offset, context) =>
      new ArrayReader(rows, startOf(offset), builderOf(schema, context), context),
  };
}

export interface IterableSourceOptions {
  /**
   * Every call of the function yields the same rows again: a restart then skips those that were read. Otherwise it
   * fails.
   */
  readonly replayable?: boolean;
}

export function iterableSource(
  schema: TableSchema,
  iterate: () => AsyncIterable<Row>,
  options: IterableSourceOptions = {},
): SourceConnector {
  const replayable = options.replayable === true;
  return {
    schema,
    live: !replayable,
    quantum: QUANTUM_ROWS,
    splits: async () => [{ id: SPLIT }],
    async open(_split, offset, context) {
      const start = startOf(offset);
      if (start > 0 && !replayable) {
        throw new UserError(
          'E1506',
          { source: `the iterable of '${context.source}'` },
          { hint: 'say { replayable: true } when the function yields the same rows again' },
        );
      }
      return new IterableReader(iterate(), start, builderOf(schema, context), context);
    },
  };
}

const builderOf = (schema: TableSchema, { kernels, batchRows }: ReaderContext): BatchBuilder =>
  new BatchBuilder(kernels, schema, batchRows);

function startOf(offset: Json | undefined): number {
  assert(offset === undefined || typeof offset === 'number', 'the offset of a collection is a number of rows');
  return offset ?? 0;
}

class ArrayReader implements SplitReader {
  readonly #rows: readonly Row[];
  readonly #builder: BatchBuilder;
  readonly #context: ReaderContext;
  position: number;

  constructor(rows: readonly Row[], position: number, builder: BatchBuilder, context: ReaderContext) {
    this.#rows = rows;
    this.#builder = builder;
    this.#context = context;
    this.position = position;
  }

  poll(quantumEnd: number): Poll {
    if (this.position >= this.#rows.length) return 'end';
    if (this.position >= quantumEnd) return 'quantum end';
    this.#builder.reset();
    const end = Math.min(this.#rows.length, quantumEnd, this.position + this.#builder.capacity);
    const { source, splitIndex } = this.#context;
    for (const row of this.#rows.slice(this.position, end)) this.#builder.append(row);
    this.position = end;
    return this.#builder.finish({ source, split: splitIndex });
  }

  /** The rows were there before the job was. */
  get received(): number {
    return this.#rows.length;
  }

  async ready(): Promise<void> {}

  offset(): Json {
    return this.position;
  }

  async close(): Promise<void> {}
}

class IterableReader implements SplitReader {
  readonly #iterator: AsyncIterator<Row>;
  readonly #builder: BatchBuilder;
  readonly #context: ReaderContext;
  #queue: Row[] = [];
  #skip: number;
  #isDone = false;
  #isPulling = false;
  #failure: { readonly error: MillraceError } | undefined;
  readonly #asker = new LastAsker();
  /** Since when the queue has had a row. */
  #heldSince: ProcessingTimeMs | undefined;
  #arrivedAt: ProcessingTimeMs | undefined;
  position: number;

  constructor(iterable: AsyncIterable<Row>, start: number, builder: BatchBuilder, context: ReaderContext) {
    this.#iterator = iterable[Symbol.asyncIterator]();
    this.#builder = builder;
    this.#context = context;
    this.#skip = start;
    this.position = start;
    void this.#pull();
  }

  poll(quantumEnd: number): Poll {
    if (this.#queue.length > 0) return this.position >= quantumEnd ? 'quantum end' : this.#batch(quantumEnd);
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#isDone ? 'end' : 'wait';
  }

  #batch(quantumEnd: number): Poll {
    const { source, splitIndex } = this.#context;
    const taken = this.#queue.splice(0, Math.min(this.#builder.capacity, quantumEnd - this.position));
    this.#arrivedAt = this.#heldSince;
    this.#heldSince = this.#queue.length > 0 ? this.#context.now?.() : undefined;
    void this.#pull();
    this.#builder.reset();
    for (const row of taken) this.#builder.append(row);
    this.position += taken.length;
    return this.#builder.finish({ source, split: splitIndex });
  }

  /** Fills the queue up to one batch. Never rejects: a failure is kept, and told after the rows before it. */
  async #pull(): Promise<void> {
    if (this.#isPulling) return;
    this.#isPulling = true;
    try {
      while (!this.#isDone && this.#queue.length < this.#builder.capacity) {
        const { done, value } = await this.#iterator.next();
        if (done === true) this.#isDone = true;
        else if (this.#skip > 0) this.#skip--;
        else if (this.#queue.push(value) === 1) this.#heldSince = this.#context.now?.();
        if (this.#skip === 0) this.#asker.tell();
      }
    } catch (error) {
      this.#isDone = true;
      this.#failure = { error: error instanceof MillraceError ? error : this.#thrown(error) };
    }
    this.#isPulling = false;
    this.#asker.tell();
  }

  get arrivedAt(): ProcessingTimeMs | undefined {
    return this.#arrivedAt;
  }

  get received(): number {
    return this.position + this.#queue.length;
  }

  #thrown(error: unknown): ExternalError {
    return new ExternalError(
      'E1501',
      {
        path: `the iterable of '${this.#context.source}'`,
        problem: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  }

  async ready(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isDone) await this.#asker.asked();
    if (this.#queue.length === 0 && this.#failure !== undefined) throw this.#failure.error;
  }

  offset(): Json {
    return this.position;
  }

  async close(): Promise<void> {
    this.#isDone = true;
    this.#asker.tell();
    // Not awaited: an async generator answers only after the row that it waits for, which may never come.
    this.#iterator.return?.().catch(() => undefined);
  }
}
