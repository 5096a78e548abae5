/** An output port: calls the operators below it, one after the other, with what its operator emits. */
import { assert } from '../base/assert.ts';
import type { EventTimeMs } from '../base/time.ts';
import type { BatchOrigin, RecordBatch } from '../data/record-batch.ts';
import type { Operator, Output } from './operator.ts';
import type { WatermarkStatus } from './stream-element.ts';

export interface Target {
  readonly operator: Operator;
  readonly input: number;
}

export class Edge implements Output {
  readonly #targets: Target[] = [];
  /** The watermark that passed last. After a restart the edge has seen none. */
  passed: EventTimeMs | undefined;
  #isIdle = false;

  connect(target: Target): void {
    this.#targets.push(target);
  }

  batch(batch: RecordBatch): void {
    if (batch.selected === 0) return;
    for (const { operator, input } of this.#targets) {
      assert(!operator.more, `${operator.uid} was handed a batch before it had finished`);
      operator.processBatch(batch, input);
    }
  }

  watermark(watermark: EventTimeMs): void {
    this.passed = watermark;
    for (const { operator, input } of this.#targets) {
      assert(!operator.more, `${operator.uid} was handed a watermark before it had finished`);
      operator.processWatermark(watermark, input);
    }
  }

  /** Whether everything above is idle. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  status(status: WatermarkStatus, split?: BatchOrigin): void {
    if (split === undefined) this.#isIdle = status === 'idle';
    for (const { operator, input } of this.#targets) operator.processStatus(status, input, split);
  }

  end(split?: BatchOrigin): void {
    for (const { operator, input } of this.#targets) operator.endOfInput(input, split);
  }

  get connected(): boolean {
    return this.#targets.length > 0;
  }
}
