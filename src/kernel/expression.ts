/**
 * Door to assembly/expression: arithmetic, comparisons, logic, text and selections over whole columns.
 *
 * Invariants
 *  1. Outputs hold BATCH_ROWS_MAX rows; bitmaps BATCH_ROWS_MAX / 8 bytes; error columns one byte a row.
 *  2. An operand with step 0 is a constant: 16 bytes of the value repeated, or one view.
 *  3. Kernels on text look only at rows that are selected and present.
 */
import type { Ptr, RecordBatch } from '../data/record-batch.ts';
import { Physical, widthOf } from '../data/types.ts';
import type { KernelInstance } from './instance.ts';

/** Codes shared with assembly/expression. */
export const Arithmetic = { plus: 0, minus: 1, times: 2, div: 3, mod: 4 } as const;
export const Comparison = { eq: 0, ne: 1, lt: 2, le: 3 } as const;
export const Logic = { and: 0, or: 1 } as const;
export const LikeForm = { exact: 0, starts: 1, ends: 2, contains: 3, general: 4 } as const;
export const RowFailure = { OVERFLOW: 1, DIVISION_BY_ZERO: 2 } as const;

type Code<T> = T[keyof T];

/** A column or a constant while a batch is evaluated. `errors` is a column of RowFailure codes, or 0. */
export interface Operand {
  values: Ptr;
  /** Bytes from one value to the next; 0 for a constant. */
  step: number;
  validity: Ptr;
  errors: Ptr;
}

/** The rows of a batch that are meant. */
export type Rows = Pick<RecordBatch, 'rows' | 'selection' | 'selected'>;

/** Smallest and largest value of an integer type of at most 32 bits. */
export type Range = readonly [lo: number, hi: number];

const INT32: Range = [-2147483648, 2147483647];

export class ExpressionKernels {
  readonly #call: (name: string) => (...args: number[]) => number;
  readonly #found = new Map<string, (...args: number[]) => number>();

  constructor(kernels: KernelInstance) {
    this.#call = (name) => {
      const known = this.#found.get(name);
      if (known !== undefined) return known;
      const found = kernels.function(name);
      this.#found.set(name, found);
      return found;
    };
  }

  /** out = a op b; true when some row, maybe null or not selected, failed. */
  arithmetic(
    physical: Physical,
    op: Code<typeof Arithmetic>,
    a: Operand,
    b: Operand,
    out: Ptr,
    rows: number,
    range = INT32,
  ): boolean {
    const name =
      physical === Physical.I32 ? 'arithmeticI32' : physical === Physical.I64 ? 'arithmeticI64' : 'arithmeticF64';
    const failed = this.#call(name)(op, a.values, a.step, b.values, b.step, out, rows, range[0], range[1]);
    return physical !== Physical.F64 && failed !== 0;
  }

  /** Writes why present rows of integer arithmetic failed; answers how many did. */
  arithmeticErrors(
    physical: Physical,
    op: Code<typeof Arithmetic>,
    a: Operand,
    b: Operand,
    validity: Ptr,
    errors: Ptr,
    rows: number,
    range = INT32,
  ): number {
    const name = physical === Physical.I32 ? 'arithmeticErrorsI32' : 'arithmeticErrorsI64';
    return this.#call(name)(op, a.values, a.step, b.values, b.step, validity, errors, rows, range[0], range[1]);
  }

  /** Present rows whose F64 divisor is 0; answers how many. */
  zeroDivisors(b: Operand, validity: Ptr, errors: Ptr, rows: number): number {
    return this.#call('zeroDivisors')(b.values, b.step, validity, errors, rows);
  }

  /** Casts a column (never a constant) to a wider numeric type. */
  widen(from: Physical, to: Physical, values: Ptr, out: Ptr, rows: number): void {
    const name = to === Physical.I64 ? 'castI32ToI64' : from === Physical.I32 ? 'castI32ToF64' : 'castI64ToF64';
    this.#call(name)(values, out, rows);
  }

  roundToF32(values: Ptr, out: Ptr, rows: number): void {
    this.#call('roundToF32')(values, out, rows);
  }

  /** I64 to I32; true when some row is outside the range. */
  narrow(values: Ptr, out: Ptr, rows: number, range: Range): boolean {
    return this.#call('narrowI64')(values, out, rows, range[0], range[1]) !== 0;
  }

  narrowErrors(values: Ptr, validity: Ptr, errors: Ptr, rows: number, range: Range): number {
    return this.#call('narrowErrors')(values, validity, errors, rows, range[0], range[1]);
  }

  /** OVERFLOW for present rows of int64 further from zero than `most`; how many there are. */
  rangeErrors(values: Ptr, validity: Ptr, errors: Ptr, rows: number, most: number): number {
    return this.#call('rangeErrors')(values, validity, errors, rows, most);
  }

  /** out = a op b as BOOL. `validity` is that of the result: views of null rows are not looked at. */
  compare(
    physical: Physical,
    op: Code<typeof Comparison>,
    a: Operand,
    b: Operand,
    validity: Ptr,
    out: Ptr,
    rows: Rows,
  ): void {
    if (physical === Physical.VIEW) {
      this.#call('compareView')(op, a.values, a.step, b.values, b.step, validity, rows.selection, rows.selected, out);
    } else {
      this.#call(COMPARE[physical])(op, a.values, a.step, b.values, b.step, out, rows.rows);
    }
  }

  logic(op: Code<typeof Logic>, a: Operand, b: Operand, out: Ptr, rows: number): void {
    this.#call('logic')(op, a.values, a.step, b.values, b.step, out, rows);
  }

  /** Three-valued validity of `logic`; answers the number of nulls. */
  logicValidity(op: Code<typeof Logic>, a: Operand, b: Operand, validity: Ptr, rows: number): number {
    return this.#call('logicValidity')(op, a.values, a.step, a.validity, b.values, b.step, b.validity, validity, rows);
  }

  /** Errors of `logic` that no other operand decides away; corrects values and validity of `out`. Answers how many. */
  logicErrors(op: Code<typeof Logic>, a: Operand, b: Operand, out: Operand, errors: Ptr, rows: number): number {
    return this.#call('logicErrors')(
      op,
      a.values,
      a.step,
      a.validity,
      a.errors,
      b.values,
      b.step,
      b.validity,
      b.errors,
      out.values,
      out.validity,
      errors,
      rows,
    );
  }

  not(values: Ptr, out: Ptr, rows: number): void {
    this.#call('not')(values, out, rows);
  }

  isNull(validity: Ptr, out: Ptr, rows: number): void {
    this.#call('isNull')(validity, out, rows);
  }

  validityAnd(a: Ptr, b: Ptr, out: Ptr, rows: number): void {
    this.#call('validityAnd')(a, b, out, rows);
  }

  /** a where present, else b. `a.validity` is not 0; `validity` is written only when `b.validity` is not 0. */
  coalesce(physical: Physical, a: Operand, b: Operand, out: Ptr, validity: Ptr, rows: number): void {
    this.#call('coalesce')(
      widthOf(physical),
      a.values,
      a.step,
      a.validity,
      b.values,
      b.step,
      b.validity,
      out,
      validity,
      rows,
    );
  }

  coalesceErrors(a: Operand, b: Operand, errors: Ptr, rows: number): number {
    return this.#call('coalesceErrors')(a.validity, a.errors, b.errors, errors, rows);
  }

  mergeErrors(first: Ptr, second: Ptr, out: Ptr, rows: number): void {
    this.#call('mergeErrors')(first, second, out, rows);
  }

  like(form: Code<typeof LikeForm>, a: Operand, pattern: Ptr, patternBytes: number, out: Ptr, rows: Rows): void {
    this.#call('likeView')(form, a.values, a.validity, pattern, patternBytes, rows.selection, rows.selected, out);
  }

  /** `list` points at `count` views. */
  isIn(a: Operand, list: Ptr, count: number, out: Ptr, rows: Rows): void {
    this.#call('inViews')(a.values, a.validity, list, count, rows.selection, rows.selected, out);
  }

  length(a: Operand, unit: 'code points' | 'bytes', out: Ptr, rows: Rows): void {
    this.#call('lengthViews')(a.values, a.validity, unit === 'bytes' ? 0 : 1, rows.selection, rows.selected, out);
  }

  /** Row numbers where a condition holds and has no error; answers how many. */
  selectTrue(condition: Operand, rows: Rows, out: Ptr): number {
    const { values, step, validity, errors } = condition;
    return this.#call('selectTrue')(values, step, validity, errors, rows.selection, rows.selected, out);
  }

  /** Selected rows with an error, or without; answers how many. */
  selectErrors(errors: Ptr, wanted: boolean, rows: Rows, out: Ptr): number {
    return this.#call('selectErrors')(errors, wanted ? 1 : 0, rows.selection, rows.selected, out);
  }
}

const COMPARE: { readonly [P in Exclude<Physical, typeof Physical.VIEW>]: string } = {
  [Physical.BOOL]: 'compareBool',
  [Physical.I32]: 'compareI32',
  [Physical.I64]: 'compareI64',
  [Physical.F64]: 'compareF64',
};
