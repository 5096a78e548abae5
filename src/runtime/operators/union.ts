/**
 * Several inputs as one. Rows pass in order of arrival at the task; the watermark is the smallest of the inputs'.
 *
 * Invariants
 *  1. A row's own watermark is clamped to what the other inputs allow, so that lateness below the union means the union's
 *     watermark, not that of the row's branch.
 *  2. Going idle, the last watermark goes out before the status. Waking, it goes out again with the first that comes.
 */
import type { Json } from '../../base/json.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { EventTimeMs } from '../../base/time.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { WatermarkKernels } from '../../kernel/watermark.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { Operator, Output } from '../operator.ts';
import { WatermarkTracker } from '../progress/watermark-tracker.ts';
import type { WatermarkStatus } from '../stream-element.ts';

export interface UnionOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  readonly inputs: number;
}

export class Union implements Operator {
  // configuration
  readonly uid: string;
  readonly hearsSplits = true;
  readonly #output: Output;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernels: WatermarkKernels;
  readonly #watermarks: Ptr;
  #ended = 0;
  /** Behind the watermark that went out: those below pass on first what that caused. */
  #sendIdle = false;
  /** Whether it woke, and those below have not heard since where it stands. */
  #woke = false;
  readonly #inputs: number;
  // checkpointed
  readonly #tracker: WatermarkTracker;

  constructor(options: UnionOptions) {
    this.uid = options.uid;
    this.#output = options.output;
    this.#inputs = options.inputs;
    this.#kernels = new WatermarkKernels(options.kernels);
    this.#watermarks = options.kernels.memory.allocate(BATCH_ROWS_MAX * 8);
    this.#tracker = new WatermarkTracker(options.inputs);
  }

  get watermark(): EventTimeMs {
    return this.#tracker.watermark;
  }

  get more(): boolean {
    return this.#sendIdle;
  }

  resume(): void {
    if (this.#sendIdle) this.#output.status('idle');
    this.#sendIdle = false;
  }

  processBatch(batch: RecordBatch, input: number): void {
    this.ledger.in += batch.selected;
    this.ledger.out += batch.selected;
    if (batch.watermarks === 0) {
      this.#output.batch(batch);
      return;
    }
    const bounds = { floor: this.#tracker.watermark, others: this.#tracker.others(input) };
    this.#kernels.clamp(batch.watermarks, batch.rows, bounds, this.#watermarks);
    this.#output.batch({ ...batch, watermarks: this.#watermarks });
  }

  processWatermark(watermark: EventTimeMs, input: number): void {
    const wasIdle = this.#tracker.idle;
    const isNews = this.#tracker.pass(input, watermark) || this.#woke;
    if (isNews) this.#output.watermark(this.#tracker.watermark);
    this.#woke = false;
    if (wasIdle || !this.#tracker.idle) return;
    // One has ended, and all that are left are idle.
    if (isNews) this.#sendIdle = true;
    else this.#output.status('idle');
  }

  processStatus(status: WatermarkStatus, input: number, split?: BatchOrigin): void {
    if (split !== undefined) {
      this.#output.status(status, split);
      return;
    }
    const wasIdle = this.#tracker.idle;
    const moved = this.#tracker.setIdle(input, status === 'idle');
    if (moved) this.#output.watermark(this.#tracker.watermark);
    if (this.#tracker.idle === wasIdle) return;
    this.#woke = wasIdle;
    this.#sendIdle = !wasIdle && moved;
    if (!this.#sendIdle) this.#output.status(wasIdle ? 'active' : 'idle');
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    if (split !== undefined) this.#output.end(split);
    else if (++this.#ended === this.#inputs) this.#output.end();
  }

  snapshot(): Json {
    return this.#tracker.snapshot();
  }

  restore(state: Json): void {
    this.#tracker.restore(state);
  }
}
