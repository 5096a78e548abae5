/** What aggregates read of a batch: their columns, and for those with a condition a mask of the rows that count. */
import { assert } from '../base/assert.ts';
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../data/record-batch.ts';
import { requireColumn, type TableSchema } from '../data/schema.ts';
import { type Physical, physicalOf } from '../data/types.ts';
import type { AggregateSpec } from '../kernel/aggregate-plan.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { aggregateFunction, canLack, resultType } from '../plan/aggregates.ts';
import type { AggregateCall } from '../plan/logical.ts';
import type { Projected, RowError } from './expression.ts';

export interface Inputs {
  readonly columns: readonly (ColumnVector | undefined)[];
  /** For each aggregate the column that it orders by. */
  readonly by: readonly (ColumnVector | undefined)[];
  /** u8 per row for each aggregate, or 0: all rows count. */
  readonly filters: readonly Ptr[];
  /** The rows whose conditions could be decided; others are in `errors`. */
  readonly selection: Ptr;
  readonly selected: number;
  readonly errors: readonly RowError[];
}

/** How kernels are told of each call over rows of `input`, which may take others back. */
export const aggregateSpecs = (
  input: TableSchema,
  calls: readonly AggregateCall[],
  uid: string,
  takesBack = false,
): readonly AggregateSpec[] =>
  calls.map((call) => {
    const { name, fn } = call;
    const physical = (column: string | undefined): Physical | undefined => {
      const field = column === undefined ? undefined : input.fields[requireColumn(input, column, uid)];
      return field === undefined ? undefined : physicalOf(field.type);
    };
    const result = resultType(call, input, uid);
    return {
      name,
      code: aggregateFunction(fn).code,
      input: physical(call.column),
      by: physical(call.by),
      nullable: canLack(call, input, uid),
      takesBack,
      result: { physical: physicalOf(result), nullable: result.nullable },
      ...more(call, input, uid),
    };
  });

/** What a call was told besides its columns. */
function more({ fn, column, options }: AggregateCall, input: TableSchema, uid: string): Partial<AggregateSpec> {
  if (fn === 'median') return { parameter: 0.5 };
  if (!isRecord(options)) return {};
  const { rank, k, limit, separator } = options;
  const parameter = [rank, k, limit].find((value) => typeof value === 'number') ?? 0;
  if (typeof separator === 'string') return { parameter, text: separator };
  const type = column === undefined ? undefined : input.fields[requireColumn(input, column, uid)]?.type;
  if (type === undefined || fn === 'quantile') return { parameter };
  return { parameter, list: { of: type, counted: fn === 'topK' } };
}

const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null;

/** Evaluates the conditions of the calls that have one, in their order. */
export interface Conditions {
  project(batch: RecordBatch): Projected;
}

export interface AggregateInputsOptions {
  readonly kernels: KernelInstance;
  readonly input: TableSchema;
  readonly calls: readonly AggregateCall[];
  readonly uid: string;
  /** Undefined when no call has a condition. */
  readonly conditions: Conditions | undefined;
}

export class AggregateInputs {
  readonly #memory: LinearMemory;
  readonly #columns: readonly (number | undefined)[];
  readonly #by: readonly (number | undefined)[];
  readonly #conditions: Conditions | undefined;
  /** For each aggregate which condition it has, and the mask that is made when the condition may be null. */
  readonly #filters: readonly ({ readonly condition: number; readonly mask: Ptr } | undefined)[];

  constructor({ kernels, input, calls, uid, conditions }: AggregateInputsOptions) {
    this.#memory = kernels.memory;
    const indexOf = (column: string | undefined): number | undefined =>
      column === undefined ? undefined : requireColumn(input, column, uid);
    this.#columns = calls.map(({ column }) => indexOf(column));
    this.#by = calls.map(({ by }) => indexOf(by));
    assert((conditions !== undefined) === calls.some(({ where }) => where !== undefined), `conditions of ${uid}`);
    this.#conditions = conditions;
    let next = 0;
    this.#filters = calls.map(({ where }) =>
      where === undefined ? undefined : { condition: next++, mask: kernels.memory.allocate(BATCH_ROWS_MAX) },
    );
  }

  of(batch: RecordBatch): Inputs {
    const read = (index: number | undefined): ColumnVector | undefined =>
      index === undefined ? undefined : batch.columns[index];
    const columns = this.#columns.map(read);
    const by = this.#by.map(read);
    if (this.#conditions === undefined) {
      const { selection, selected } = batch;
      return { columns, by, filters: this.#filters.map(() => 0), selection, selected, errors: [] };
    }
    const made = this.#conditions.project(batch);
    const filters = this.#filters.map((filter) =>
      filter === undefined ? 0 : this.#mask(made.columns[filter.condition], batch.rows, filter.mask),
    );
    return { columns, by, filters, selection: made.selection, selected: made.selected, errors: made.errors };
  }

  /** The condition itself, or a copy in which null is false. */
  #mask(condition: ColumnVector | undefined, rows: number, into: Ptr): Ptr {
    if (condition === undefined) return 0;
    const { values, validity } = condition;
    if (validity === 0) return values;
    const { u8 } = this.#memory;
    for (let i = 0; i < rows; i++)
      u8[into + i] = (u8[values + i] ?? 0) & (((u8[validity + (i >>> 3)] ?? 0) >> (i & 7)) & 1);
    return into;
  }
}
