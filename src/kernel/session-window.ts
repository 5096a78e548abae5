/**
 * The door to session windows: as window-aggregate.ts, but windows are what rows of a key make of them.
 *
 * Use
 *   sessions.add(input): rows are in; sessions.lateCount rows of sessions.late are late
 *   at a watermark: while (sessions.due(watermark)) while ((rows = sessions.fire(watermark)) > 0) emit rows of sessions.output
 *
 * Invariant: output columns are valid until the next call; string keys in them point into state.
 * Not here: the kernels (assembly/session).
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { OUT_OF_MEMORY } from './abi.ts';
import { AggregatePlan, type AggregatePlanSpec, OVERFLOW, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';
import type { FiredColumns, WindowInput } from './window-aggregate.ts';

export interface SessionWindowSpec extends AggregatePlanSpec {
  /** Rows of a key at most this far apart are of one session. */
  readonly gapMs: number;
}

export class SessionWindow {
  /** u32 numbers of the rows that the last `add` found late. */
  readonly late: Ptr;
  readonly output: FiredColumns;
  readonly #kernels: KernelInstance;
  readonly #plan: AggregatePlan;
  readonly #outputRows: number;
  readonly #add: (plan: number, from: number) => number;
  readonly #due: (plan: number, watermark: number) => number;
  readonly #fire: (plan: number, watermark: number, maxRows: number) => number;

  /** `batchRows`: most rows of an input batch, and of one step of firing. */
  constructor(kernels: KernelInstance, spec: SessionWindowSpec, batchRows: number) {
    assert(spec.gapMs > 0, `a session gap of ${spec.gapMs} ms`);
    this.#kernels = kernels;
    this.#outputRows = batchRows;
    this.#add = kernels.function('sessionAdd');
    this.#due = kernels.function('sessionDue');
    this.#fire = kernels.function('sessionFire');
    this.#plan = new AggregatePlan(kernels, spec, batchRows);
    this.late = kernels.memory.allocate(batchRows * 4);
    const instants = (): ColumnVector => ({ values: kernels.memory.allocate(batchRows * 8), validity: 0 });
    this.output = { key: this.#plan.key, start: instants(), end: instants(), results: this.#plan.results, kinds: 0 };
    this.#plan.set(PLAN.late, this.late);
    this.#plan.set(PLAN.outStarts, this.output.start.values);
    this.#plan.set(PLAN.outEnds, this.output.end.values);
    this.#plan.setLong(PLAN.sizeMs, spec.gapMs);
    this.#plan.init('sessionInit');
  }

  /** Takes all rows; false when memory runs out. */
  add(input: WindowInput): boolean {
    this.#plan.setInput(input);
    this.#plan.set(PLAN.times, input.times);
    this.#plan.set(PLAN.watermarks, input.watermarks);
    return this.#add(this.#plan.ptr, 0) >>> 0 === input.selected;
  }

  /** The open session of a key, given as a column of one row, that has an instant. Not while results are read. */
  held(
    key: ColumnVector | undefined,
    at: number,
  ): { readonly start: number; readonly end: number; readonly rows: number } | undefined {
    this.#plan.setInput({ selected: 1, selection: 0, key, columns: [], filters: [] });
    const rows = this.#kernels.function('sessionHeld')(this.#plan.ptr, at);
    if (rows < 0) return undefined;
    const { i64 } = this.#kernels.memory;
    const instant = ({ values }: ColumnVector): number => Number(i64[values >>> 3] ?? 0n);
    return { start: instant(this.output.start), end: instant(this.output.end), rows };
  }

  get lateCount(): number {
    return this.#plan.word(PLAN.lateCount);
  }

  /** Whether a session ends at or before this watermark + 1. */
  due(watermark: number): boolean | 'out of memory' {
    const due = this.#due(this.#plan.ptr, watermark);
    return due === OUT_OF_MEMORY ? 'out of memory' : due === 1;
  }

  /** Writes the next due sessions to `output`; 0: none is left. Throws E1311 for an integer sum beyond int64. */
  fire(watermark: number, maxRows = this.#outputRows): number | 'out of memory' {
    const rows = this.#fire(this.#plan.ptr, watermark, Math.min(maxRows, this.#outputRows));
    if (rows === OVERFLOW) throw new UserError('E1311', { what: this.#plan.failedName() });
    return rows === OUT_OF_MEMORY ? 'out of memory' : rows;
  }
}
