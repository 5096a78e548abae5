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
 *  2. Texts among the results live until row 0 is written again.
 *  3. The results are those of the kernels of windows, to the bit.
 */
import { InternalError, UserError } from '../base/errors.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { type AggregateInput, AggregatePlan, type AggregateSpec, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';

type Call = (plan: number, entry: number, other: number) => number;

export class Accumulators {
  readonly #kernels: KernelInstance;
  readonly #plan: AggregatePlan;
  #packed: Ptr = 0;
  #packedBytes = 0;
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
    const bytes = this.#plan.word(PLAN.entryBytes);
    this.#entry = kernels.memory.allocate(bytes);
    this.#other = kernels.memory.allocate(bytes);
    this.#add = kernels.function('accumulatorAdd');
    this.#retract = kernels.function('accumulatorRetract');
    this.#finish = kernels.function('accumulatorFinish');
    this.#rows = kernels.function('accumulatorRows');
  }

  get results(): readonly ColumnVector[] {
    return this.#plan.results;
  }

  /** The rows that `add` and `retract` take; `times`: i64 per row, or 0. */
  setInput(input: AggregateInput, times: Ptr = 0): void {
    this.#plan.setInput(input);
    this.#plan.set(PLAN.times, times);
  }

  /** An entry that has seen nothing is at hand. */
  create(): void {
    this.#kernels.function('accumulatorCreate')(this.#plan.ptr, this.#entry);
  }

  load(bytes: Uint8Array): void {
    this.#unpack(this.#entry, bytes, 0);
  }

  /** The bytes of the entry at hand, a copy. */
  store(): Uint8Array {
    const pack = this.#kernels.function('accumulatorPack');
    const bytes = pack(this.#plan.ptr, this.#entry, 0);
    const ptr = this.#reserve(bytes);
    pack(this.#plan.ptr, this.#entry, ptr);
    return this.#kernels.memory.u8.slice(ptr, ptr + bytes);
  }

  #unpack(entry: Ptr, bytes: Uint8Array, isOther: 0 | 1): void {
    const ptr = this.#reserve(bytes.length);
    this.#kernels.memory.u8.set(bytes, ptr);
    const status = this.#kernels.function('accumulatorUnpack')(this.#plan.ptr, entry, ptr, isOther);
    if (status !== 0) throw new InternalError('no transient memory left for an aggregation');
  }

  /** Room for the bytes of an entry. */
  #reserve(bytes: number): Ptr {
    if (bytes > this.#packedBytes) {
      this.#packedBytes = Math.max(bytes, this.#packedBytes * 2);
      this.#packed = this.#kernels.memory.allocate(this.#packedBytes);
    }
    return this.#packed;
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
    this.#unpack(this.#other, later, 1);
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
    this.#plan.keepRow(row);
  }
}
