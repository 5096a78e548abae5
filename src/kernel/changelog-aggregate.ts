/**
 * The door to aggregation without windows: each input row gives one or two rows of changelog
 * (assembly/window/changelog.ts).
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
import { type AggregateInput, AggregatePlan, type AggregatePlanSpec, OVERFLOW, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';

/** Columns of the changelog. Keys of type VIEW point where those of the input do. */
export interface ChangelogColumns {
  readonly key: ColumnVector | undefined;
  readonly results: readonly ColumnVector[];
  /** u8 per row: RowKind. */
  readonly rowKinds: Ptr;
}

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

  /** Takes rows from position `from` on and returns the next. Throws E1311 for an integer sum beyond int64. */
  add(input: AggregateInput, from: number): number {
    this.#plan.setInput(input);
    const next = this.#add(this.#plan.ptr, from, this.#outputRows) >>> 0;
    if ((this.#plan.word(PLAN.status) | 0) === OVERFLOW)
      throw new UserError('E1311', { what: this.#plan.failedName() });
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
