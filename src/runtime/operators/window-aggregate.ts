/**
 * Keyed (or global) aggregation over aligned event-time windows: tumbling, hopping, cumulating.
 *
 *   processBatch:      rows -> late test by each row's watermark -> slice -> entry -> accumulators     (kernel)
 *   processWatermark:  windows that end at or before it fire in order of their end, one batch of results a step
 *
 * Invariants
 *  1. A row is late when every window that it belongs to ended the allowed lateness or more before its own watermark. What
 *     a window holds when it fires is the same however rows were batched.
 *  2. A row that meets a window which its watermark has passed, while other windows still want the row (hopping), waits until
 *     that window has fired: the batch is taken up again behind the firing.
 *  3. A watermark is passed on after all results that it releases; late rows of a batch after the batch was taken.
 *  4. A row that comes after its window fired, within the lateness, makes it fire again for the row's key, at its place among
 *     the results. With final results the whole operator runs the lateness behind its input instead, and so does the
 *     watermark that it passes on: its results are never late for what follows.
 *  5. Firing order is window end, then hash and bytes of the key: never an order of memory.
 * State: per slice a table from key to accumulators, in the arena under the uid. Also the progress of a firing.
 * Not here: how rows reach accumulators (assembly/window).
 */
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MAX_TIME, MIN_TIME } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../data/record-batch.ts';
import type { Row } from '../../format/row-view.ts';
import { WindowAggregate as Kernel } from '../../kernel/window-aggregate.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import { aggregateSpecs } from '../aggregate-inputs.ts';
import { alignedWindow } from '../aligned-window.ts';
import type { Operator } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import { AskedKey } from '../windows/asked-key.ts';
import { type AsksWindows, type HeldWindow, windowFrom } from '../windows/held-window.ts';
import { type KernelRowsInput, KernelRows, type KernelWindowOptions } from '../windows/kernel-rows.ts';
import { zonedAssigner } from '../windows/wall-clock.ts';

/** A batch that is being taken: from which position on. */
interface Pending extends KernelRowsInput {
  at: number;
}

export class WindowAggregate implements Operator, AsksWindows {
  // configuration
  readonly uid: string;
  readonly #options: KernelWindowOptions;
  /** How far the operator runs behind the watermarks of its input. */
  readonly #delayMs: number;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernel: Kernel;
  readonly #rows: KernelRows;
  #pending: Pending | undefined;
  /** Windows up to here are to fire. */
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
    this.#delayMs = node.results === 'final' ? node.allowedLatenessMs : 0;
    this.#kernel = new Kernel(
      kernels,
      {
        state: arena.open(uid),
        key: this.#rows.keys.physical,
        ...alignedWindow(node.window),
        delayMs: this.#delayMs,
        latenessMs: node.allowedLatenessMs - this.#delayMs,
        results: node.results === 'final' ? 'accumulating' : node.results,
        aggregates: aggregateSpecs(node.input.schema, node.aggregates, uid),
      },
      BATCH_ROWS_MAX,
    );
  }

  /** A key of its state as text. */
  keyText(key: Uint8Array): string {
    return this.#rows.keys.text(key);
  }

  get more(): boolean {
    return this.#pending !== undefined || this.#firing !== undefined || this.#watermark !== undefined || this.#ended;
  }

  resume(): void {
    if (this.#firing !== undefined) this.#fire(this.#firing);
    else if (this.#pending !== undefined) this.#take(this.#pending);
    else if (this.#watermark !== undefined) this.#passWatermark(this.#watermark);
    else if (this.#ended) this.#passEnd();
  }

  processBatch(batch: RecordBatch): void {
    const taken = this.#rows.in(batch);
    if (taken !== undefined) this.#take({ ...taken, at: 0 });
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#watermark = watermark;
    if (this.#kernel.due(watermark)) {
      this.#firing = watermark;
      return;
    }
    this.#rows.settle();
    this.#passWatermark(watermark);
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

  get merges(): number {
    return this.#kernel.merges;
  }

  held(key: Row, at: number): HeldWindow {
    const { kernels, node } = this.#options;
    this.#asked ??= new AskedKey(kernels, this.uid, node);
    const column = this.#asked.column(key);
    const window = windowFrom(this.uid, zonedAssigner(node.window), at, this.#passed);
    return { ...window, rows: this.#kernel.held(column, window.start, window.end) };
  }

  /** Takes rows until the batch is done, a window must fire first, or what late rows gave has to be handed on. */
  #take(pending: Pending): void {
    const { batch, input } = pending;
    const from = pending.at;
    pending.at = this.#kernel.add(input, from);
    const { status, lateCount, corrections, alone } = this.#kernel;
    this.ledger.late += lateCount;
    this.ledger.released += alone;
    this.ledger.held += pending.at - from - lateCount - alone;
    if (status === 'out of memory') throw this.#options.arena.exhausted();
    this.#pending = pending.at < input.selected ? pending : undefined;
    if (status === 'fire first') this.#firing = this.#watermarkOf(batch, pending.at);
    if (lateCount > 0) this.#options.late.batch({ ...batch, selection: this.#kernel.late, selected: lateCount });
    if (corrections === 0) return;
    this.ledger.results += corrections;
    this.#options.output.batch(this.#rows.out(this.#kernel.output, corrections, this.#passed));
  }

  #watermarkOf(batch: RecordBatch, position: number): EventTimeMs {
    const { memory } = this.#options.kernels;
    const row = batch.selection === 0 ? position : (memory.u32[(batch.selection >>> 2) + position] ?? 0);
    return eventTimeMs(Number(memory.i64[(batch.watermarks >>> 3) + row] ?? 0n));
  }

  /** One batch of results of the window that is due, or on to the next window; ends when none is due any more. */
  #fire(through: EventTimeMs): void {
    if (!this.#kernel.due(through)) {
      this.#firing = undefined;
      this.#rows.settle();
      return;
    }
    const rows = this.#kernel.fire();
    if (rows === 0) {
      this.#rows.settle();
      return;
    }
    this.ledger.results += rows;
    this.#options.output.batch(this.#rows.out(this.#kernel.output, rows, this.#passed));
  }

  #passWatermark(watermark: EventTimeMs): void {
    this.#watermark = undefined;
    this.#passed = watermark >= MAX_TIME ? watermark : eventTimeMs(Math.max(MIN_TIME, watermark - this.#delayMs));
    this.#options.output.watermark(this.#passed);
    this.#options.late.watermark(watermark);
  }

  #passEnd(): void {
    this.#ended = false;
    this.#options.output.end();
    this.#options.late.end();
  }
}
