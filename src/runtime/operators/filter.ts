/**
 * Keeps the rows for which a condition is true.
 *
 * Invariants
 *  1. Rows keep their numbers, columns, row kinds and watermarks: only the selection changes.
 *  2. in = out + filtered + dead-lettered. A row whose condition fails to compute is a dead letter, never dropped.
 *  3. A batch of which no row remains is not passed on.
 */
import type { Json } from '../../base/json.ts';
import type { EventTimeMs } from '../../base/time.ts';
import type { BatchOrigin, RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger, type LedgerEntry } from '../../metrics/ledger.ts';
import type { Expression } from '../../plan/expression.ts';
import { Condition } from '../expression.ts';
import type { Operator, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';

/** Takes a row that cannot be used. The batch is borrowed, as everywhere. */
export type RowDeadLetter = (batch: RecordBatch, row: number, reason: string) => void;

export interface FilterOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  /** Of the input. */
  readonly schema: TableSchema;
  readonly condition: Expression;
  readonly deadLetter: RowDeadLetter;
}

export class Filter implements Operator {
  // configuration
  readonly uid: string;
  readonly hearsSplits = true;
  readonly #condition: Condition;
  readonly #deadLetter: RowDeadLetter;
  readonly #output: Output;
  // transient
  readonly more = false;
  readonly ledger: LedgerEntry = emptyLedger();

  constructor(options: FilterOptions) {
    this.uid = options.uid;
    this.#condition = new Condition(
      options.kernels,
      options.schema,
      options.condition,
      `the condition of '${options.uid}'`,
    );
    this.#deadLetter = options.deadLetter;
    this.#output = options.output;
  }

  processBatch(batch: RecordBatch): void {
    const { selection, selected, errors } = this.#condition.filter(batch);
    for (const { row, reason } of errors) this.#deadLetter(batch, row, reason);
    const { ledger } = this;
    ledger.in += batch.selected;
    ledger.out += selected;
    ledger.deadLetters += errors.length;
    ledger.filtered += batch.selected - selected - errors.length;
    if (selected === 0) return;
    this.#output.batch(selected === batch.selected ? batch : { ...batch, selection, selected });
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#output.watermark(watermark);
  }

  processStatus(status: WatermarkStatus, _input: number, split?: BatchOrigin): void {
    this.#output.status(status, split);
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    this.#output.end(split);
  }

  resume(): void {}

  snapshot(): Json {
    return null;
  }

  restore(): void {}
}
