/**
 * The operator contract. Operators are called synchronously by the task, one element at a time, and push what they make
 * to their outputs, which call the operators below.
 *
 * Invariants
 *  1. One call makes a bounded amount of output (about one batch for each output). What remains is announced by `more` and
 *     made by `resume`, one bounded step a call; until `more` is false again the operator is handed nothing else.
 *  2. The task resumes the operator furthest downstream first, so an operator that emits finds everything below it ready.
 *  3. Watermarks never go backwards on an edge. A watermark is passed on only after all output that it caused.
 *  4. All state that grows lives in the arena. `snapshot` answers with the small rest (JSON), exactly the fields under the
 *     "checkpointed" banner; `restore` gets it back before the first element.
 *  5. An operator with several inputs numbers them; what arrives says on which. Barriers are aligned by the task.
 */
import type { Json } from '../base/json.ts';
import type { EventTimeMs } from '../base/time.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { WatermarkStatus } from './stream-element.ts';

/** An edge out of an operator. Emitting calls the operators below before it returns. */
export interface Output {
  batch(batch: RecordBatch): void;
  watermark(watermark: EventTimeMs): void;
  status(status: WatermarkStatus): void;
  end(): void;
}

export interface Operator {
  readonly uid: string;
  /** True while output of an earlier call remains to be made. */
  readonly more: boolean;
  resume(): void;
  processBatch(batch: RecordBatch, input: number): void;
  processWatermark(watermark: EventTimeMs, input: number): void;
  processStatus(status: WatermarkStatus, input: number): void;
  endOfInput(input: number): void;
  snapshot(): Json;
  restore(state: Json): void;
}

export interface OperatorContext {
  readonly kernels: KernelInstance;
  /** One per output port of the plan node: 0 is the main one, the others are side outputs. */
  readonly outputs: readonly Output[];
}
