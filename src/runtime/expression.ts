/**
 * Evaluates compiled expressions on batches: to columns (projections) or to selections (filters).
 *
 * Invariants
 *  1. A column reference costs nothing: the result points at the column of the batch.
 *  2. Results are valid until the next call on the same evaluator, and as long as the batch.
 *  3. A row is reported as failed only when it is selected and nothing that decides without it does (`false and error`
 *     is false). Failed rows are in no result.
 * Not here: how trees become kernel calls (expression-compiler.ts).
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import { describeType, Physical, physicalOf } from '../data/types.ts';
import { ExpressionKernels, type Operand, RowFailure } from '../kernel/expression.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { type Expression, formatExpression } from '../plan/expression.ts';
import type { AggregateCall } from '../plan/logical.ts';
import { ExpressionCompiler, type Step } from './expression-compiler.ts';

export interface RowError {
  readonly row: number;
  readonly reason: string;
}

/** The rows that remain, and those that could not be decided or computed. */
export interface Selected {
  readonly selection: Ptr;
  readonly selected: number;
  readonly errors: readonly RowError[];
}

export interface Projected extends Selected {
  readonly columns: readonly ColumnVector[];
}

const NO_ERRORS: readonly RowError[] = [];

/** A boolean expression that selects rows. */
export class Condition {
  readonly #one: Evaluation;
  readonly #selection: Ptr;
  readonly #kernels: ExpressionKernels;

  constructor(kernels: KernelInstance, schema: TableSchema, expression: Expression, where: string) {
    this.#kernels = new ExpressionKernels(kernels);
    if (physicalOf(expression.type) !== Physical.BOOL) {
      const problem = `${describeType(expression.type)} is not a condition`;
      throw new UserError('E1220', { expression: formatExpression(expression), where, problem });
    }
    this.#one = new Evaluation(this.#kernels, kernels.memory, schema, expression, where);
    this.#selection = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
  }

  /** The selected rows for which the condition is true; false and null ones are left out. */
  filter(batch: RecordBatch): Selected {
    const operand = this.#one.run(batch);
    const selected = this.#kernels.selectTrue(operand, batch, this.#selection);
    return { selection: this.#selection, selected, errors: this.#one.errors(batch) };
  }
}

/** Several expressions over the same rows. */
export class Projection {
  readonly #kernels: ExpressionKernels;
  readonly #evaluations: readonly Evaluation[];
  readonly #selections: readonly [Ptr, Ptr];

  constructor(kernels: KernelInstance, schema: TableSchema, expressions: readonly Expression[], where: string) {
    this.#kernels = new ExpressionKernels(kernels);
    this.#evaluations = expressions.map(
      (expression) => new Evaluation(this.#kernels, kernels.memory, schema, expression, where),
    );
    this.#selections = [kernels.memory.allocate(BATCH_ROWS_MAX * 4), kernels.memory.allocate(BATCH_ROWS_MAX * 4)];
  }

  project(batch: RecordBatch): Projected {
    const columns: ColumnVector[] = [];
    let errors = NO_ERRORS;
    let { selection, selected } = batch;
    for (const evaluation of this.#evaluations) {
      const { values, validity, errors: failed } = evaluation.run(batch);
      columns.push({ values, validity });
      if (failed === 0) continue;
      const rows = { rows: batch.rows, selection, selected };
      const found = evaluation.errors(rows);
      if (found.length === 0) continue;
      errors = [...errors, ...found];
      const into = selection === this.#selections[0] ? this.#selections[1] : this.#selections[0];
      selected = this.#kernels.selectErrors(failed, false, rows, into);
      selection = into;
    }
    return { columns, selection, selected, errors };
  }
}

/** The conditions of aggregates, in the order of the calls that have one; undefined: none has. */
export function conditionsOf(
  kernels: KernelInstance,
  input: TableSchema,
  calls: readonly AggregateCall[],
  uid: string,
): Projection | undefined {
  const conditions = calls.flatMap(({ where }) => where ?? []);
  return conditions.length === 0 ? undefined : new Projection(kernels, input, conditions, `the conditions of '${uid}'`);
}

/** One expression and where its result stands. */
class Evaluation {
  readonly #kernels: ExpressionKernels;
  readonly #memory: LinearMemory;
  readonly #steps: readonly Step[];
  readonly #result: Operand;
  readonly #text: string;
  readonly #failed: Ptr;

  constructor(
    kernels: ExpressionKernels,
    memory: LinearMemory,
    schema: TableSchema,
    expression: Expression,
    where: string,
  ) {
    const compiler = new ExpressionCompiler(kernels, memory, schema, where);
    const compiled = compiler.compileColumn(expression);
    this.#kernels = kernels;
    this.#memory = memory;
    this.#steps = compiler.steps;
    this.#result = compiled.operand;
    this.#text = formatExpression(expression);
    this.#failed = compiled.mayFail ? memory.allocate(BATCH_ROWS_MAX * 4) : 0;
  }

  run(batch: RecordBatch): Operand {
    assert(batch.rows <= BATCH_ROWS_MAX, `a batch of ${batch.rows} rows`);
    for (const step of this.#steps) step(batch);
    return this.#result;
  }

  /** The selected rows that failed in the last run. */
  errors(rows: Pick<RecordBatch, 'rows' | 'selection' | 'selected'>): readonly RowError[] {
    const { errors } = this.#result;
    if (errors === 0) return NO_ERRORS;
    const count = this.#kernels.selectErrors(errors, true, rows, this.#failed);
    const { u8, u32 } = this.#memory;
    return Array.from({ length: count }, (_, i) => {
      const row = u32[this.#failed / 4 + i] ?? 0;
      const what = u8[errors + row] === RowFailure.DIVISION_BY_ZERO ? 'division by zero' : 'integer overflow';
      return { row, reason: `${what} in ${this.#text}` };
    });
  }
}
