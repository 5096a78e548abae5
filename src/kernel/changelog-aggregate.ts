/**
 * The door to aggregation without windows: each input row gives one or two rows of changelog
 * (assembly/window/changelog.ts). The input may be a changelog itself.
 *
 * Use
 *   for (let at = 0; at < input.selected;) {
 *     at = aggregate.add(input, at);
 *     emit aggregate.rows rows of aggregate.output; then stop when aggregate.status is 'out of memory'
 *   }
 */
import { UserError } from '../base/errors.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { OUT_OF_MEMORY } from './abi.ts';
import { type AggregateInput, AggregatePlan, type AggregatePlanSpec, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';

/** Columns of the changelog. Keys of type VIEW point where those of the input do. */
export interface ChangelogColumns {
  readonly key: ColumnVector | undefined;
  readonly results: readonly ColumnVector[];
  /** u8 per row: RowKind. */
  readonly rowKinds: Ptr;
}

export interface ChangelogInput extends AggregateInput {
  /** u8 per row: RowKind; left out or 0: all rows are inserts. */
  readonly rowKinds?: Ptr;
  /** i64 per row: event time; left out or 0: there is none. */
  readonly times?: Ptr;
}

const NEVER_THERE = -5;

export class ChangelogAggregate {
  readonly output: ChangelogColumns;
  readonly #plan: AggregatePlan;
  readonly #outputRows: number;
  readonly #add: (plan: number, from: number, maxRows: number) => number;

  /** `outputRows`: most rows that one `add` writes, at least 2. */
  constructor(kernels: KernelInstance, spec: AggregatePlanSpec, outputRows: number) {
    this.#plan = new AggregatePlan(kernels, spec, outputRows);
    this.#outputRows = outputRows;
    this.#add = kernels.function('changelogAggregate');
    this.output = { key: this.#plan.key, results: this.#plan.results, rowKinds: kernels.memory.allocate(outputRows) };
    this.#plan.set(PLAN.outKinds, this.output.rowKinds);
    this.#plan.init();
  }

  /**
   * Takes rows from position `from` on and returns the next. Throws E1311 for an integer sum beyond int64, E1312 for a
   * row that is taken back and never was there.
   */
  add(input: ChangelogInput, from: number): number {
    this.#plan.setInput(input);
    this.#plan.set(PLAN.kinds, input.rowKinds ?? 0);
    this.#plan.set(PLAN.times, input.times ?? 0);
    const next = this.#add(this.#plan.ptr, from, this.#outputRows) >>> 0;
    const status = this.#plan.word(PLAN.status) | 0;
    this.#plan.requireWell(status);
    if (status === NEVER_THERE) throw new UserError('E1312', undefined);
    this.#plan.render(this.rows);
    return next;
  }

  /** Rows that the last `add` wrote to `output`. */
  get rows(): number {
    return this.#plan.word(PLAN.outRows);
  }

  get status(): 'done' | 'out of memory' {
    return (this.#plan.word(PLAN.status) | 0) === OUT_OF_MEMORY ? 'out of memory' : 'done';
  }
}
