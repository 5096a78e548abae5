/**
 * Keeps the rows for which a condition is true.
 *
 * Invariants
 *  1. Rows keep their numbers, columns, row kinds and watermarks: only the selection changes.
 *  2. in = out + filtered + dead-lettered. A row whose condition fails to compute is a dead letter, never dropped.
 *  3. A batch of which no row remains is not passed on.
 */
import { assert } from '../../base/assert.ts';
import type { Json } from '../../base/json.ts';
import type { EventTimeMs } from '../../base/time.ts';
import type { RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { emptyLedger, type LedgerEntry } from '../../metrics/ledger.ts';
import type { Expression } from '../../plan/expression.ts';
import { Condition } from '../expression.ts';
import type { Operator, OperatorContext, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';

/** Takes a row that cannot be used. The batch is borrowed, as everywhere. */
export type RowDeadLetter = (batch: RecordBatch, row: number, reason: string) => void;

export interface FilterOptions {
  readonly uid: string;
  /** Of the input. */
  readonly schema: TableSchema;
  readonly condition: Expression;
  readonly deadLetter: RowDeadLetter;
}

export class FilterOperator implements Operator {
  // configuration
  readonly uid: string;
  readonly #condition: Condition;
  readonly #deadLetter: RowDeadLetter;
  readonly #output: Output;
  // transient
  readonly more = false;
  readonly ledger: LedgerEntry = emptyLedger();

  constructor(options: FilterOptions, context: OperatorContext) {
    const [output] = context.outputs;
    assert(output !== undefined, `filter ${options.uid} has no output`);
    this.uid = options.uid;
    this.#condition = new Condition(
      context.kernels,
      options.schema,
      options.condition,
      `the condition of '${options.uid}'`,
    );
    this.#deadLetter = options.deadLetter;
    this.#output = output;
  }

  processBatch(batch: RecordBatch): void {
    const { selection, selected, errors } = this.#condition.filter(batch);
    for (const { row, reason } of errors) this.#deadLetter(batch, row, reason);
    const { ledger } = this;
    ledger.in += batch.selected;
    ledger.out += selected;
    ledger.deadLettered += errors.length;
    ledger.filtered += batch.selected - selected - errors.length;
    if (selected === 0) return;
    this.#output.batch(selected === batch.selected ? batch : { ...batch, selection, selected });
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#output.watermark(watermark);
  }

  processStatus(status: WatermarkStatus): void {
    this.#output.status(status);
  }

  endOfInput(): void {
    this.#output.end();
  }

  resume(): void {}

  snapshot(): Json {
    return null;
  }

  restore(): void {}
}
