/**
 * The door to accumulators outside of windowed state (assembly/window/accumulate.ts): entries of bytes that the caller
 * keeps. One per operator.
 *
 * Use
 *   accumulators.setInput(input);
 *   accumulators.load(bytes) or create(); add(row) ...; keep store()
 *   accumulators.load(bytes); finish(i): row i of `results` is written
 *
 * Invariants
 *  1. There is one entry at hand, and one beside it to merge from; both are copies, valid until the next load.
 *  2. The results are those of the kernels of windows, to the bit.
 */
import { UserError } from '../base/errors.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { type AggregateInput, AggregatePlan, type AggregateSpec, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';

type Call = (plan: number, entry: number, other: number) => number;

export class Accumulators {
  readonly #kernels: KernelInstance;
  readonly #plan: AggregatePlan;
  readonly #bytes: number;
  readonly #entry: Ptr;
  readonly #other: Ptr;
  readonly #add: Call;
  readonly #retract: Call;
  readonly #finish: Call;
  readonly #rows: Call;

  constructor(kernels: KernelInstance, aggregates: readonly AggregateSpec[], outputRows: number) {
    this.#kernels = kernels;
    this.#plan = new AggregatePlan(kernels, { state: 0, key: undefined, aggregates }, outputRows);
    this.#plan.init('planLayout');
    this.#bytes = this.#plan.word(PLAN.entryBytes);
    this.#entry = kernels.memory.allocate(this.#bytes);
    this.#other = kernels.memory.allocate(this.#bytes);
    this.#add = kernels.function('accumulatorAdd');
    this.#retract = kernels.function('accumulatorRetract');
    this.#finish = kernels.function('accumulatorFinish');
    this.#rows = kernels.function('accumulatorRows');
  }

  get results(): readonly ColumnVector[] {
    return this.#plan.results;
  }

  /** The rows that `add` and `retract` take. */
  setInput(input: AggregateInput): void {
    this.#plan.setInput(input);
  }

  /** An entry that has seen nothing is at hand. */
  create(): void {
    this.#kernels.function('accumulatorCreate')(this.#plan.ptr, this.#entry);
  }

  load(bytes: Uint8Array): void {
    this.#kernels.memory.u8.set(bytes, this.#entry);
  }

  /** The bytes of the entry at hand, a copy. */
  store(): Uint8Array {
    return this.#kernels.memory.u8.slice(this.#entry, this.#entry + this.#bytes);
  }

  /** `row` is a row number of the input's batch. */
  add(row: number): void {
    this.#add(this.#plan.ptr, this.#entry, row);
  }

  retract(row: number): void {
    this.#retract(this.#plan.ptr, this.#entry, row);
  }

  /** Adds a later entry to the one at hand. */
  merge(later: Uint8Array): void {
    this.#kernels.memory.u8.set(later, this.#other);
    this.#kernels.function('accumulatorMerge')(this.#plan.ptr, this.#entry, this.#other);
  }

  /** Rows in the entry at hand; those taken back count as less than none. */
  get rows(): number {
    return this.#rows(this.#plan.ptr, this.#entry, 0);
  }

  /** Writes the results of the entry at hand to row `row` of `results`. Throws E1311 for a sum beyond int64. */
  finish(row: number): void {
    if (this.#finish(this.#plan.ptr, this.#entry, row) !== 0) {
      throw new UserError('E1311', { what: this.#plan.failedName() });
    }
  }
}
