/**
 * An output port: calls the operators below it, one after the other, with what its operator emits.
 *
 * Invariants
 *  1. An operator is handed nothing while it, or anything below it, has output to make. Where the ways out of an operator
 *     meet again further down, one way may keep another waiting: what waits is passed on by `resume`, in order.
 *  2. The operator above is not called while something waits, so what waits stays valid.
 *  3. What concerns a single split goes to those alone that hear of splits.
 */
import { assert } from '../base/assert.ts';
import type { EventTimeMs } from '../base/time.ts';
import type { BatchOrigin, RecordBatch } from '../data/record-batch.ts';
import type { Operator, Output } from './operator.ts';
import type { WatermarkStatus } from './stream-element.ts';

export interface Target {
  readonly operator: Operator;
  readonly input: number;
}

/** What may have output to make. */
export interface Busy {
  readonly more: boolean;
}

export class Edge implements Output {
  readonly #targets: Target[] = [];
  /** The watermark that passed last. After a restart the edge has seen none. */
  passed: EventTimeMs | undefined;
  #isIdle = false;
  /** For each target what must have finished before it is called; empty where no other way leads there. */
  readonly #below: (readonly Busy[])[] = [];
  #waiting: (() => void)[] = [];

  connect(target: Target, below: readonly Busy[] = []): void {
    this.#targets.push(target);
    this.#below.push(below);
  }

  get more(): boolean {
    return this.#waiting.length > 0;
  }

  /** Passes one of the elements that wait on. Everything below must have finished. */
  resume(): void {
    this.#waiting.shift()?.();
  }

  batch(batch: RecordBatch): void {
    if (batch.selected === 0) return;
    this.#pass(({ operator, input }) => {
      assert(!operator.more, `${operator.uid} was handed a batch before it had finished`);
      operator.processBatch(batch, input);
    });
  }

  watermark(watermark: EventTimeMs): void {
    this.passed = watermark;
    this.#pass(({ operator, input }) => {
      assert(!operator.more, `${operator.uid} was handed a watermark before it had finished`);
      operator.processWatermark(watermark, input);
    });
  }

  /** Whether everything above is idle. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  status(status: WatermarkStatus, split?: BatchOrigin): void {
    if (split === undefined) this.#isIdle = status === 'idle';
    this.#pass(({ operator, input }) => {
      if (split === undefined || operator.hearsSplits === true) operator.processStatus(status, input, split);
    });
  }

  end(split?: BatchOrigin): void {
    this.#pass(({ operator, input }) => {
      if (split === undefined || operator.hearsSplits === true) operator.endOfInput(input, split);
    });
  }

  #pass(deliver: (target: Target) => void): void {
    for (let i = 0; i < this.#targets.length; i++) {
      const target = this.#targets[i];
      if (target === undefined) continue;
      const mustWait = this.#waiting.length > 0 || this.#below[i]?.some(({ more }) => more) === true;
      if (mustWait) this.#waiting.push(() => deliver(target));
      else deliver(target);
    }
  }

  get connected(): boolean {
    return this.#targets.length > 0;
  }
}
