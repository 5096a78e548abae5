/**
 * A user's asynchronous function: one request for each row, many under way at once, results in the order of the rows or in
 * the order in which they come.
 *
 *   rows --> queue:  [row: answered] [row: asked] [watermark] [row: asked] [row: to be asked] ...
 *              |         head goes out first (order 'input'); or any answered row before the next watermark ('arrival')
 *              +-- at a barrier the queue is in the snapshot: after a restart every row of it is asked again
 *
 * Invariants
 *  1. Nothing overtakes a watermark: what came in before it goes out before it, what came in after it goes out after it.
 *  2. At most `capacity` requests are under way; a queue as long as that holds the sources back, so that it grows beyond
 *     only by the batches already on their way.
 *  3. A request ends by its answer, its failure or its time-out, whichever is first; one that failed is repeated after a
 *     growing pause, as often as asked for; then it fails the job or makes its row a dead letter. Nothing is dropped.
 *  4. In order of the input a result keeps event time and watermark of its row; in order of arrival it keeps its event time
 *     and takes the watermark last passed on, because rows with other watermarks may have overtaken it.
 *  5. A row may be asked for more than once, by retries and restarts: what it changes outside has to bear that.
 */
import { assert } from '../../base/assert.ts';
import { base64Of, bytesOf } from '../../base/bytes.ts';
import type { AbortSignalLike, Clock } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { LastAsker } from '../../base/last-asker.ts';
import { type EventTimeMs, eventTimeMs, formatTime, MIN_TIME } from '../../base/time.ts';
import { Wake } from '../../base/wake.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import { exactCopy, readable } from '../../format/exact-row.ts';
import { type Row, RowView, type TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { readMs, writeMs } from '../../kernel/milliseconds.ts';
import type { LinearMemory } from '../../kernel/memory.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { AsyncSpec } from '../../plan/logical.ts';
import { BatchSerializer } from '../channel/batch-codec.ts';
import type { AnswersLater, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';

export interface AsyncFunctionOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  readonly input: TableSchema;
  readonly out: TableSchema;
  readonly spec: AsyncSpec;
  readonly clock: Clock;
  readonly timestamp: TimestampHook;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

/** A row on its way. */
interface Request {
  readonly kind: 'row';
  /** Of all rows that came in since the start, from 1. */
  readonly number: number;
  /** Exact: all of it is in snapshots and dead letters, whatever the function reads. */
  readonly row: Row;
  readonly timestamp: EventTimeMs;
  readonly watermark: EventTimeMs;
  state: 'to be asked' | 'asked' | 'answered' | 'failed';
  /** Rows that it answered with, as far as they have not gone out. */
  results: readonly Row[];
  taken: number;
  problem: string;
  cause: unknown;
}

/** What must not be overtaken. */
type Mark =
  | { readonly kind: 'watermark'; readonly watermark: EventTimeMs }
  | { readonly kind: 'status'; readonly status: WatermarkStatus }
  | { readonly kind: 'end' };

export class AsyncFunction implements AnswersLater {
  // configuration
  readonly uid: string;
  readonly #options: AsyncFunctionOptions;
  readonly #memory: LinearMemory;
  // transient
  readonly ledger = emptyLedger();
  readonly #view: RowView;
  readonly #builder: BatchBuilder;
  /** Rows of the input, on their way into a snapshot or to the dead letters. */
  readonly #unanswered: BatchBuilder;
  readonly #serializer: BatchSerializer;
  readonly #timestamps: Ptr;
  readonly #watermarks: Ptr;
  #underWay = 0;
  #rows = 0;
  #received = 0;
  /** Rows of the queue that nobody was asked for yet, in order. */
  #toAsk: Request[] = [];
  readonly #asker = new LastAsker();
  /** What ends the attempts that are under way: for the functions, and for whoever waits for them. */
  readonly #attempts = new Set<Wake>();
  /** Ends the pauses before further attempts. */
  readonly #closed = new Wake();
  // checkpointed
  #queue: (Request | Mark)[] = [];
  /** The watermark last passed on. */
  #passed: EventTimeMs = MIN_TIME;

  constructor(options: AsyncFunctionOptions) {
    this.uid = options.uid;
    this.#options = options;
    const { memory } = options.kernels;
    this.#memory = memory;
    this.#view = new RowView(memory, options.input, { timestamp: options.timestamp });
    this.#builder = new BatchBuilder(options.kernels, options.out, BATCH_ROWS_MAX);
    this.#unanswered = new BatchBuilder(options.kernels, options.input, BATCH_ROWS_MAX);
    this.#serializer = new BatchSerializer(options.kernels, options.input);
    this.#timestamps = memory.allocate(BATCH_ROWS_MAX * 8);
    this.#watermarks = memory.allocate(BATCH_ROWS_MAX * 8);
  }

  get more(): boolean {
    return this.#next() !== undefined;
  }

  get waiting(): 'none' | 'some' | 'full' {
    if (this.#queue.length === 0) return 'none';
    return this.#rows >= this.#options.spec.capacity ? 'full' : 'some';
  }

  /** Rows that came in since the start, and how many of the first of them have gone out or been given up. */
  get received(): number {
    return this.#received;
  }

  get settled(): number {
    for (const entry of this.#queue) if (entry.kind === 'row') return entry.number - 1;
    return this.#received;
  }

  async ready(): Promise<void> {
    await this.#asker.asked();
  }

  /** Emits what may go next: one batch of results, or one mark. */
  resume(): void {
    const next = this.#next();
    if (next === undefined) return;
    if (next.kind === 'row') this.#emitResults();
    else this.#emitMark(next);
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    this.#view.bind(batch);
    for (let i = 0; i < batch.selected; i++) {
      this.#view.select(i);
      const at = this.#view.index;
      this.#enqueue(exactCopy(this.#view), this.#timeAt(batch.timestamps, at), this.#timeAt(batch.watermarks, at));
    }
    this.ledger.held += batch.selected;
    this.#ask();
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#mark({ kind: 'watermark', watermark });
  }

  processStatus(status: WatermarkStatus): void {
    // The row that wakes the input follows at once.
    if (this.#queue.length === 0) this.#options.output.status(status);
    else this.#mark({ kind: 'status', status });
  }

  endOfInput(): void {
    this.#mark({ kind: 'end' });
  }

  snapshot(): Json {
    const parts: StoredPart[] = [];
    let requests: Request[] = [];
    const close = (): void => {
      if (requests.length > 0) parts.push({ kind: 'rows', rows: this.#encode(requests) });
      requests = [];
    };
    for (const entry of this.#queue) {
      if (entry.kind !== 'row' || requests.length === BATCH_ROWS_MAX) close();
      if (entry.kind === 'row') requests.push(entry);
      else parts.push(entry);
    }
    close();
    return { passed: this.#passed, queue: parts.map((part) => ({ ...part })) };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { passed, queue } = state as { passed: number; queue: readonly StoredPart[] };
    this.#passed = eventTimeMs(passed);
    for (const part of queue) {
      if (part.kind === 'rows') this.#restoreRows(part.rows);
      else if (part.kind === 'watermark')
        this.#queue.push({ kind: 'watermark', watermark: eventTimeMs(part.watermark) });
      else this.#queue.push(part);
    }
    this.#ask();
  }

  /** Requests under way are told to end, and nothing of them is heard any more. */
  close(): void {
    this.#closed.wake();
    for (const over of this.#attempts) over.wake();
  }

  #timeAt(times: Ptr, row: number): EventTimeMs {
    return times === 0 ? MIN_TIME : eventTimeMs(readMs(this.#memory, times, row));
  }

  #mark(mark: Mark): void {
    this.#queue.push(mark);
  }

  #enqueue(row: Row, timestamp: EventTimeMs, watermark: EventTimeMs): void {
    const request: Request = {
      kind: 'row',
      number: ++this.#received,
      row,
      timestamp,
      watermark,
      state: 'to be asked',
      results: [],
      taken: 0,
      problem: '',
      cause: undefined,
    };
    this.#queue.push(request);
    this.#toAsk.push(request);
    this.#rows++;
  }

  /** Asks for rows in their order, as many as may be under way. */
  #ask(): void {
    while (this.#underWay < this.#options.spec.capacity) {
      const request = this.#toAsk.shift();
      if (request === undefined) return;
      this.#request(request);
    }
  }

  #request(request: Request): void {
    this.#underWay++;
    request.state = 'asked';
    void this.#answer(request).then(() => {
      this.#underWay--;
      if (this.#closed.aborted) return;
      this.#ask();
      this.#asker.tell();
    });
  }

  /** Sees a request through all its attempts. Never rejects. */
  async #answer(request: Request): Promise<void> {
    const { retries, backoffMs } = this.#options.spec;
    for (let attempt = 0; !this.#closed.aborted; attempt++) {
      try {
        request.results = await this.#attempt(request.row);
        request.state = 'answered';
        return;
      } catch (error) {
        request.problem = error instanceof Error ? error.message : String(error);
        request.cause = error;
        if (attempt >= retries) break;
        await this.#options.clock.sleep(backoffMs * 2 ** attempt, this.#closed);
      }
    }
    request.state = 'failed';
  }

  async #attempt(row: Row): Promise<readonly Row[]> {
    const { run, timeoutMs, timeoutText, many } = this.#options.spec;
    const over = new Wake();
    this.#attempts.add(over);
    try {
      const made = await Promise.race([
        // The API's types tie the function to the rows of its input; the plan holds it without them.
        (run as (row: Row, context: { readonly signal: AbortSignalLike }) => unknown)(
          readable(row, this.#options.input),
          { signal: over },
        ),
        this.#options.clock.sleep(timeoutMs, over).then(() => {
          throw new Error(`no answer within ${timeoutText}`);
        }),
      ]);
      return rowsOf(made, many);
    } finally {
      this.#attempts.delete(over);
      over.wake();
    }
  }

  /** What may go out next, if anything. */
  #next(): Request | Mark | undefined {
    const [head] = this.#queue;
    if (head === undefined || head.kind !== 'row' || isDone(head)) return head;
    if (this.#options.spec.order === 'input') return undefined;
    for (const entry of this.#queue) {
      if (entry.kind !== 'row') return undefined;
      if (isDone(entry)) return entry;
    }
    return undefined;
  }

  #emitMark(mark: Mark): void {
    this.#queue.shift();
    const { output } = this.#options;
    if (mark.kind === 'end') {
      output.end();
    } else if (mark.kind === 'status') {
      output.status(mark.status);
    } else {
      this.#passed = mark.watermark;
      output.watermark(mark.watermark);
    }
  }

  /** One batch of what has been answered, as far as it may go. */
  #emitResults(): void {
    this.#builder.reset();
    const kept: (Request | Mark)[] = [];
    let isOpen = true;
    for (const entry of this.#queue) {
      if (isOpen && entry.kind === 'row' && isDone(entry)) {
        isOpen = this.#finish(entry);
        if (isOpen) continue;
      } else if (isOpen) {
        isOpen = entry.kind === 'row' && this.#options.spec.order === 'arrival';
      }
      kept.push(entry);
    }
    this.#queue = kept;
    const rows = this.#builder.rows;
    if (rows === 0) return;
    this.ledger.out += rows;
    this.#options.output.batch({
      ...this.#builder.finish(),
      timestamps: this.#timestamps,
      watermarks: this.#watermarks,
    });
  }

  /** Takes the results of a request into the batch; false when it has more than fit. */
  #finish(request: Request): boolean {
    if (request.state === 'failed') {
      this.#refuse(request);
    } else {
      while (request.taken < request.results.length) {
        if (this.#builder.isFull) return false;
        this.#append(request, request.results[request.taken]);
        request.taken++;
      }
      this.ledger.expanded += request.results.length - 1;
    }
    this.ledger.held--;
    this.#rows--;
    return true;
  }

  #append(request: Request, row: Row | undefined): void {
    const at = this.#builder.rows;
    try {
      // The builder refuses anything that is not a row of the schema.
      this.#builder.append(row as Row);
    } catch (cause) {
      throw this.#failure(request, cause instanceof Error ? cause.message : String(cause), cause);
    }
    writeMs(this.#memory, this.#timestamps, at, request.timestamp);
    const watermark = this.#options.spec.order === 'input' ? request.watermark : this.#passed;
    writeMs(this.#memory, this.#watermarks, at, watermark);
  }

  #refuse(request: Request): void {
    if (this.#options.spec.onFailure === 'fail') throw this.#failure(request, request.problem, request.cause);
    this.#unanswered.reset();
    this.#unanswered.append(request.row);
    this.#options.deadLetter(this.#unanswered.finish(), 0, request.problem);
    this.ledger.deadLetters++;
  }

  #failure({ row, timestamp }: Request, problem: string, cause: unknown): UserError {
    const at = timestamp === MIN_TIME ? '' : ` at ${formatTime(timestamp)}`;
    const shown = JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
    const does = this.#options.spec.many ? 'flatMapAsync' : 'mapAsync';
    return new UserError('E1310', { does, at, problem, row: shown }, { location: { operator: this.uid }, cause });
  }

  #encode(requests: readonly Request[]): string {
    const builder = this.#unanswered;
    const [timestamps, watermarks] = [this.#timestamps, this.#watermarks];
    builder.reset();
    requests.forEach(({ row, timestamp, watermark }, i) => {
      builder.append(row);
      writeMs(this.#memory, timestamps, i, timestamp);
      writeMs(this.#memory, watermarks, i, watermark);
    });
    return base64Of(this.#serializer.encode({ ...builder.finish(), timestamps, watermarks }));
  }

  #restoreRows(rows: string): void {
    const batch = this.#serializer.tryDecode(bytesOf(rows));
    // The checksum of the manifest was verified, so only a mistake of ours can be the reason.
    assert(batch !== undefined, `requests of ${this.uid} in the manifest`);
    this.#view.bind(batch);
    for (let i = 0; i < batch.selected; i++) {
      this.#view.select(i);
      this.#enqueue(exactCopy(this.#view), this.#timeAt(batch.timestamps, i), this.#timeAt(batch.watermarks, i));
    }
  }
}

/** A part of the queue as the manifest holds it. */
type StoredPart = { readonly kind: 'rows'; readonly rows: string } | Mark;

const isDone = ({ state }: Request): boolean => state === 'answered' || state === 'failed';

/** What a function answered with, as rows: each is checked when it goes into a batch. */
function rowsOf(made: unknown, many: boolean): readonly Row[] {
  // As said: the batch builder refuses what is no row.
  if (!many) return [made as Row];
  // As above: iterable is all that is known of it here.
  if (typeof made === 'object' && made !== null && Symbol.iterator in made) return [...(made as Iterable<Row>)];
  throw new TypeError('a flatMapAsync function must answer with something iterable, such as an array');
}
