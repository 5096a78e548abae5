/**
 * Keyed (or global) aggregation over session windows in event time: rows of a key at most the gap apart are one session.
 *
 *   processBatch:      rows -> the sessions they join, which may become one -> late test -> accumulators     (kernel)
 *   processWatermark:  sessions that end at or before it fire in order of their end, one batch of results a step
 *
 * Invariants
 *  1. A row is late when its session, with all that it would join, ends at or before its own watermark. What a session
 *     holds when it fires is the same however rows were batched.
 *  2. A session that has ended before a row's watermark is closed to it, so a batch is taken without waiting for firings.
 *  3. A watermark is passed on after all results that it releases; late rows of a batch when the batch was taken.
 *  4. Firing order is session end, then hash and key: never an order of memory.
 * State: open sessions with accumulators, in the arena under the uid; no rows are kept.
 * Not here: how rows find sessions (assembly/session).
 */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../data/record-batch.ts';
import type { Row } from '../../format/row-view.ts';
import { SessionWindow as Kernel } from '../../kernel/session-window.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import { aggregateSpecs } from '../aggregate-inputs.ts';
import type { Operator } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import { AskedKey } from '../windows/asked-key.ts';
import type { AsksWindows, HeldWindow } from '../windows/held-window.ts';
import { KernelRows, type KernelWindowOptions } from '../windows/kernel-rows.ts';

export class SessionWindow implements Operator, AsksWindows {
  // configuration
  readonly uid: string;
  readonly #options: KernelWindowOptions;
  readonly #gapMs: number;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernel: Kernel;
  readonly #rows: KernelRows;
  /** Sessions that end up to here are to fire. */
  #firing: EventTimeMs | undefined;
  /** To be passed on when the firing is done. */
  #watermark: EventTimeMs | undefined;
  #ended = false;
  #asked: AskedKey | undefined;
  // checkpointed, besides the arena
  /** The watermark last passed on. */
  #passed: EventTimeMs = MIN_TIME;

  constructor(options: KernelWindowOptions) {
    const { uid, kernels, arena, node } = options;
    this.uid = uid;
    this.#options = options;
    this.#rows = new KernelRows(options, this.ledger);
    const { window } = node;
    if (window.kind !== 'session' || window.clock !== 'event time' || node.allowedLatenessMs !== 0)
      throw new UserError('E1212', { what: `a ${window.kind} window that is not of event time or takes late rows` });
    this.#gapMs = window.gapMs;
    this.#kernel = new Kernel(
      kernels,
      {
        state: arena.open(uid),
        key: this.#rows.keys.physical,
        gapMs: window.gapMs,
        aggregates: aggregateSpecs(node.input.schema, node.aggregates, uid),
      },
      BATCH_ROWS_MAX,
    );
  }

  get more(): boolean {
    return this.#firing !== undefined || this.#watermark !== undefined || this.#ended;
  }

  resume(): void {
    if (this.#firing !== undefined) this.#fire(this.#firing);
    else if (this.#watermark !== undefined) this.#passWatermark(this.#watermark);
    else if (this.#ended) this.#passEnd();
  }

  processBatch(batch: RecordBatch): void {
    const taken = this.#rows.in(batch);
    if (taken === undefined) return;
    if (!this.#kernel.add(taken.input)) throw this.#options.arena.exhausted();
    const { late, lateCount } = this.#kernel;
    this.ledger.late += lateCount;
    this.ledger.held += taken.input.selected - lateCount;
    if (lateCount > 0) this.#options.late.batch({ ...taken.batch, selection: late, selected: lateCount });
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#watermark = watermark;
    if (this.#isDue(watermark)) this.#firing = watermark;
    else this.#passWatermark(watermark);
  }

  processStatus(status: WatermarkStatus): void {
    this.#options.output.status(status);
    this.#options.late.status(status);
  }

  endOfInput(): void {
    this.#ended = true;
  }

  snapshot(): Json {
    return { watermark: this.#passed };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    this.#passed = eventTimeMs((state as { watermark: number }).watermark);
  }

  /** Watermark of the operator, for explanations. */
  get watermark(): EventTimeMs {
    return this.#passed;
  }

  held(key: Row, at: number): HeldWindow {
    const { kernels, node } = this.#options;
    this.#asked ??= new AskedKey(kernels, this.uid, node);
    return this.#kernel.held(this.#asked.column(key), at) ?? { start: at, end: at + this.#gapMs, rows: 0 };
  }

  #isDue(watermark: EventTimeMs): boolean {
    const due = this.#kernel.due(watermark);
    if (due === 'out of memory') throw this.#options.arena.exhausted();
    return due;
  }

  /** One batch of results of sessions that are due; ends when none is due any more. */
  #fire(through: EventTimeMs): void {
    const rows = this.#isDue(through) ? this.#kernel.fire(through) : 0;
    if (rows === 'out of memory') throw this.#options.arena.exhausted();
    if (rows === 0) {
      this.#firing = undefined;
      return;
    }
    this.ledger.results += rows;
    this.#rows.settle();
    this.#options.output.batch(this.#rows.out(this.#kernel.output, rows, this.#passed));
  }

  #passWatermark(watermark: EventTimeMs): void {
    this.#watermark = undefined;
    this.#passed = watermark;
    this.#options.output.watermark(watermark);
    this.#options.late.watermark(watermark);
  }

  #passEnd(): void {
    this.#ended = false;
    this.#options.output.end();
    this.#options.late.end();
  }
}
