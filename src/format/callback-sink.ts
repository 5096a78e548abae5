/**
 * Rows as objects to a function of the program, or out of an async iterator. At least once: rows go out as they come,
 * so those since the last checkpoint come again after a restart.
 *
 * Invariants
 *  1. The function is called with one set of rows at a time, in order; the next waits for its promise.
 *  2. prepare resolves only when every row written before it was handed over: no checkpoint forgets a row.
 *  3. What the function throws fails the job.
 *  4. Closing waits for nobody: a function that never answers, or rows that nobody takes, hold no job that is cancelled or
 *     has failed. It is called no more.
 */
import { MillraceError, ExternalError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { SinkConnector, SinkWriter } from '../connector/sink.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import { ChangeReader, type CollectSinkOptions } from './collect-sink.ts';
import type { Row } from './row-view.ts';

const WAITING_ROWS_MAX = 16_384;

export type RowsCallback = (rows: readonly Row[]) => void | Promise<void>;

export function callbackSink(callback: RowsCallback, options: CollectSinkOptions = {}): SinkConnector {
  return {
    accepts: options.changelog === true ? 'changelog' : 'inserts',
    open: async (context) => new CallbackSinkWriter(callback, new ChangeReader(context, options), context.uid),
  };
}

export interface IteratorSink extends SinkConnector, AsyncIterable<Row> {
  /** Ends the iteration after the rows so far. */
  end(): void;
}

/** One consumer reads the rows with `for await`; the job waits for it, and so do its checkpoints. */
export function iteratorSink(options: CollectSinkOptions = {}): IteratorSink {
  const handover = new Handover();
  const sink = callbackSink((rows) => handover.give(rows), options);
  return {
    accepts: sink.accepts,
    open: (context) => sink.open(context),
    end: () => handover.end(),
    [Symbol.asyncIterator]: () => handover.iterate(),
  };
}

class CallbackSinkWriter implements SinkWriter {
  readonly #callback: RowsCallback;
  readonly #reader: ChangeReader;
  readonly #uid: string;
  #handedOver: Promise<void> = Promise.resolve();
  #waitingRows = 0;
  #failure: ExternalError | MillraceError | undefined;
  #isClosed = false;
  readonly bytesWritten = 0;

  constructor(callback: RowsCallback, reader: ChangeReader, uid: string) {
    this.#callback = callback;
    this.#reader = reader;
    this.#uid = uid;
  }

  async fence(): Promise<void> {}

  async recover(): Promise<void> {}

  write(batch: RecordBatch): void {
    const rows = this.#reader.read(batch);
    this.#waitingRows += rows.length;
    this.#handedOver = this.#handedOver.then(() => this.#call(rows));
  }

  /** Never rejects: the first failure is kept, and ends the calls. */
  async #call(rows: readonly Row[]): Promise<void> {
    if (this.#failure !== undefined || this.#isClosed) return;
    try {
      await this.#callback(rows);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#failure =
        error instanceof MillraceError
          ? error
          : new ExternalError('E1502', { path: `the rows of '${this.#uid}'`, problem }, { cause: error });
    }
    this.#waitingRows -= rows.length;
  }

  written(): Promise<void> | undefined {
    return this.#waitingRows === 0 ? undefined : this.#handedOver;
  }

  ready(): Promise<void> | undefined {
    return this.#waitingRows <= WAITING_ROWS_MAX && this.#failure === undefined ? undefined : this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#handedOver;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async prepare(_checkpoint: number): Promise<Json | undefined> {
    await this.#flush();
    return undefined;
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

/**
 * Passes rows from one that gives to one that iterates; giving resolves when all were taken, or nobody takes any more.
 */
class Handover {
  #rows: Row[] = [];
  #isEnded = false;
  #taken: (() => void) | undefined;
  #given: (() => void) | undefined;

  async give(rows: readonly Row[]): Promise<void> {
    if (this.#isEnded || rows.length === 0) return;
    this.#rows = [...rows].reverse();
    this.#given?.();
    await new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#given?.();
    if (this.#rows.length === 0) this.#taken?.();
  }

  async *iterate(): AsyncGenerator<Row> {
    try {
      while (true) {
        for (let row = this.#rows.pop(); row !== undefined; row = this.#rows.pop()) yield row;
        this.#taken?.();
        if (this.#isEnded) return;
        await new Promise<void>((resolve) => {
          this.#given = resolve;
        });
      }
    } finally {
      this.#isEnded = true;
      this.#rows = [];
      this.#taken?.();
    }
  }
}
