/**
 * Makes columns from expressions over the columns of its input.
 *
 * Invariants
 *  1. Rows keep their numbers, row kinds and watermarks. A column that is only passed on is not copied.
 *  2. in = out + dead-lettered: a row with an expression that fails to compute is one dead letter, whatever else fails
 *     in it.
 *  3. A batch of which no row remains is not passed on.
 */
import type { Json } from '../../base/json.ts';
import type { EventTimeMs } from '../../base/time.ts';
import type { BatchOrigin, RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger, type LedgerEntry } from '../../metrics/ledger.ts';
import type { ProjectNode } from '../../plan/logical.ts';
import { Projection } from '../expression.ts';
import type { Operator, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import type { RowDeadLetter } from './filter.ts';

export interface ProjectOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  /** Of the input. */
  readonly inputSchema: TableSchema;
  /** Of the output, in the order of `columns`. */
  readonly schema: TableSchema;
  readonly columns: ProjectNode['columns'];
  readonly deadLetter: RowDeadLetter;
}

export class Project implements Operator {
  // configuration
  readonly uid: string;
  readonly hearsSplits = true;
  readonly #schema: TableSchema;
  readonly #projection: Projection;
  readonly #deadLetter: RowDeadLetter;
  readonly #output: Output;
  // transient
  readonly more = false;
  readonly ledger: LedgerEntry = emptyLedger();

  constructor(options: ProjectOptions) {
    const expressions = options.columns.map(({ expression }) => expression);
    this.uid = options.uid;
    this.#schema = options.schema;
    this.#projection = new Projection(
      options.kernels,
      options.inputSchema,
      expressions,
      `the columns of '${options.uid}'`,
    );
    this.#deadLetter = options.deadLetter;
    this.#output = options.output;
  }

  processBatch(batch: RecordBatch): void {
    const { columns, selection, selected, errors } = this.#projection.project(batch);
    for (const { row, reason } of errors) this.#deadLetter(batch, row, reason);
    this.ledger.in += batch.selected;
    this.ledger.out += selected;
    this.ledger.deadLetters += errors.length;
    if (selected > 0) this.#output.batch({ ...batch, schema: this.#schema, columns, selection, selected });
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
