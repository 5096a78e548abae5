/**
 * The operator contract. Operators are called synchronously by the task, one element at a time, and push what they make
 * to their outputs, which call the operators below.
 *
 * Invariants
 *  1. One call emits at most one element to each output, besides the status 'active' before it. What remains is announced
 *     by `more` and made by `resume`, one element a call; until `more` is false again the operator is handed nothing else.
 *  2. The task resumes the operator furthest downstream first, so an operator that emits finds everything below it ready.
 *  3. Watermarks never go backwards on an edge. A watermark is passed on only after all output that it caused, and the
 *     status 'idle' after the watermark that it caused.
 *  4. All state that grows lives in the arena. `snapshot` answers with the small rest (JSON), exactly the fields under the
 *     "checkpointed" banner; `restore` gets it back before the first element.
 *  5. An operator with several inputs numbers them; what arrives says on which. Barriers are aligned by the task.
 *  6. The clock reaches an operator only as the argument of `processTime`, when the time that it asked for has come, and
 *     as `now` of a user's function that asks its context for it.
 *  7. What an operator waits for (answers of asynchronous functions) is announced by `waiting`; it emits what has come when
 *     it is resumed, so order and checkpoints are the operator's to keep.
 *  8. Splits of sources are told apart only down to where watermarks are made of them: the operators that stand there pass
 *     on the `origin` of batches, and the status and end of single splits, and say so by `hearsSplits`. Others never hear of
 *     a single split (edge.ts), and what they emit has no origin that anybody asks for.
 */
import type { Json } from '../base/json.ts';
import type { EventTimeMs, ProcessingTimeMs } from '../base/time.ts';
import type { BatchOrigin, RecordBatch } from '../data/record-batch.ts';
import type { Row } from '../format/row-view.ts';
import type { WatermarkStatus } from './stream-element.ts';

/** An edge out of an operator. Emitting calls the operators below before it returns. */
export interface Output {
  batch(batch: RecordBatch): void;
  watermark(watermark: EventTimeMs): void;
  /** Of the whole edge, or of one split of a source, which only the operator that makes watermarks tells apart. */
  status(status: WatermarkStatus, split?: BatchOrigin): void;
  end(split?: BatchOrigin): void;
}

export interface Operator {
  readonly uid: string;
  /** True while output of an earlier call remains to be made. */
  readonly more: boolean;
  resume(): void;
  processBatch(batch: RecordBatch, input: number): void;
  processWatermark(watermark: EventTimeMs, input: number): void;
  processStatus(status: WatermarkStatus, input: number, split?: BatchOrigin): void;
  endOfInput(input: number, split?: BatchOrigin): void;
  /** Whether single splits of sources are told to it: it passes that on, or makes watermarks of it. */
  readonly hearsSplits?: boolean;
  /** The watermark that it has passed on, when it keeps that in checkpoints. */
  readonly watermark?: EventTimeMs;
  /** Accumulators that it has merged since it began, when windows share them: the work of firing. */
  readonly merges?: number;
  /** Processing time at which `processTime` wants to be called; undefined: never. */
  readonly nextTimer?: ProcessingTimeMs | undefined;
  /** As an element: emits at most one, the rest through `more`. Called when `now` has reached `nextTimer`. */
  processTime?(now: ProcessingTimeMs): void;
  /** Rows may rest in its state when all input has ended: what they are folded into has no end in event time. */
  readonly keepsRows?: boolean;
  /** What it waits for: 'some' keeps the job alive, 'full' also holds the sources back. */
  readonly waiting?: 'none' | 'some' | 'full';
  /** Resolves when something that it waits for has come, so that `more` is true. */
  ready?(): Promise<void>;
  /** The job has ended, however: what is waited for is not wanted any more. */
  close?(): void;
  /** A key of its state as people read it, of operators whose keys are not text. */
  keyText?(key: Uint8Array): string;
  /** What it holds for a key, for those who ask the job from outside. E1203 and E1303 for a wrong key. */
  lookup?(key: Row): unknown;
  snapshot(): Json;
  /** Its ledger has been restored before. */
  restore(state: Json): void;
}

/** An operator whose rows are answered later: how many it has received, and up to which of them all are done with. */
export interface AnswersLater extends Operator {
  readonly received: number;
  readonly settled: number;
}

export const answersLater = <T extends Operator>(operator: T): operator is T & AnswersLater => 'settled' in operator;
