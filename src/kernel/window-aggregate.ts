/**
 * The door to windowed aggregation: tells the kernels what came and reads what they found. One per operator.
 *
 * Use
 *   let at = 0;
 *   while (at < input.selected) {
 *     at = aggregate.add(input, at);
 *     // aggregate.lateCount rows of aggregate.late are late; aggregate.status says why it stopped.
 *     if (aggregate.status === 'fire first') fire all windows that are due at the watermark of row `at`
 *   }
 *   while (aggregate.due(watermark)) while ((rows = aggregate.fire()) > 0) emit rows of aggregate.output
 *
 * Invariants
 *  1. Between `due` answering true and `fire` answering 0, `add` is not called.
 *  2. Output columns are valid until the next call; string keys in them point into state.
 * Not here: what is emitted and when (runtime/operators), the kernels (assembly/window), the plan (aggregate-plan.ts).
 */
import { assert } from '../base/assert.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { OUT_OF_MEMORY } from './abi.ts';
import { type AggregateInput, AggregatePlan, type AggregatePlanSpec, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';

const FIRE_FIRST = 1;

export interface WindowAggregateSpec extends AggregatePlanSpec {
  readonly sizeMs: number;
  /** Equal to the size for tumbling windows; never above it. */
  readonly slideMs: number;
  readonly offsetMs: number;
}

export interface WindowInput extends AggregateInput {
  /** i64 per row, no nulls. */
  readonly times: Ptr;
  /** i64 per row: the watermark before the row; 0 when there are none. */
  readonly watermarks: Ptr;
}

export type AddStatus = 'done' | 'fire first' | 'out of memory';

/** Columns of fired rows: key (undefined without one), window start and end, one per aggregate. */
export interface FiredColumns {
  readonly key: ColumnVector | undefined;
  readonly start: ColumnVector;
  readonly end: ColumnVector;
  readonly results: readonly ColumnVector[];
}

export class WindowAggregate {
  /** u32 numbers of the rows that the last `add` found late. */
  readonly late: Ptr;
  readonly output: FiredColumns;
  readonly #kernels: KernelInstance;
  readonly #plan: AggregatePlan;
  readonly #outputRows: number;
  readonly #add: (plan: number, from: number) => number;
  readonly #due: (plan: number, watermark: number) => number;
  readonly #fire: (plan: number, maxRows: number) => number;

  /** `batchRows`: most rows of an input batch, and of one step of firing. */
  constructor(kernels: KernelInstance, spec: WindowAggregateSpec, batchRows: number) {
    assert(spec.slideMs > 0 && spec.slideMs <= spec.sizeMs, `windows of ${spec.sizeMs} ms every ${spec.slideMs} ms`);
    this.#kernels = kernels;
    this.#outputRows = batchRows;
    this.#add = kernels.function('windowAggregate');
    this.#due = kernels.function('windowDue');
    this.#fire = kernels.function('fireNext');
    this.#plan = new AggregatePlan(kernels, spec, batchRows);
    this.late = kernels.memory.allocate(batchRows * 4);
    const instants = (): ColumnVector => ({ values: kernels.memory.allocate(batchRows * 8), validity: 0 });
    this.output = { key: this.#plan.key, start: instants(), end: instants(), results: this.#plan.results };
    this.#configure(spec);
  }

  #configure({ sizeMs, slideMs, offsetMs }: WindowAggregateSpec): void {
    const plan = this.#plan;
    plan.set(PLAN.late, this.late);
    plan.set(PLAN.outStarts, this.output.start.values);
    plan.set(PLAN.outEnds, this.output.end.values);
    plan.setLong(PLAN.sliceMs, greatestCommonDivisor(sizeMs, slideMs));
    plan.setLong(PLAN.sizeMs, sizeMs);
    plan.setLong(PLAN.slideMs, slideMs);
    plan.setLong(PLAN.offsetMs, offsetMs);
    plan.init();
  }

  /** Takes rows from position `from` on; returns the position of the next row to take. `status` says why it stopped. */
  add(input: WindowInput, from: number): number {
    this.#plan.setInput(input);
    this.#plan.set(PLAN.times, input.times);
    this.#plan.set(PLAN.watermarks, input.watermarks);
    return this.#add(this.#plan.ptr, from) >>> 0;
  }

  get status(): AddStatus {
    const status = this.#plan.word(PLAN.status) | 0;
    this.#plan.requireWell(status);
    if (status === OUT_OF_MEMORY) return 'out of memory';
    return status === FIRE_FIRST ? 'fire first' : 'done';
  }

  get lateCount(): number {
    return this.#plan.word(PLAN.lateCount);
  }

  /** Keys (in slices) that the last `add` saw for the first time. */
  get newKeys(): number {
    return this.#plan.word(PLAN.newKeys);
  }

  /** Whether a window is due at this watermark, or already firing (also one that a restore brought back). */
  due(watermark: number): boolean {
    return this.#due(this.#plan.ptr, watermark) === 1;
  }

  /** Whether a window has begun to fire and not ended. */
  get firing(): boolean {
    return this.#kernels.function('windowFiring')(this.#plan.spec.state) === 1;
  }

  /** Writes the next rows of the due window to `output`; 0 ends it. Throws E1311 for an integer sum beyond int64. */
  fire(maxRows = this.#outputRows): number {
    const rows = this.#fire(this.#plan.ptr, Math.min(maxRows, this.#outputRows));
    const failed = this.#plan.word(PLAN.status) | 0;
    this.#plan.requireWell(failed);
    assert(rows >= 0 && failed === 0, `firing failed: ${Math.min(rows, failed)}`);
    this.#plan.render(rows);
    return rows;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
