/**
 * The door to windowed aggregation: tells the kernels what came and reads what they found. One per operator.
 *
 * Use
 *   let at = 0;
 *   while (at < input.selected) {
 *     at = aggregate.add(input, at);
 *     // aggregate.lateCount rows of aggregate.late are late; aggregate.corrections rows of aggregate.output correct
 *     // windows that had fired; aggregate.status says why it stopped.
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
import { MAX_TIME, MIN_TIME } from '../base/time.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { OUT_OF_MEMORY } from './abi.ts';
import { type AggregateInput, AggregatePlan, type AggregatePlanSpec, PLAN } from './aggregate-plan.ts';
import type { KernelInstance } from './instance.ts';

const FIRE_FIRST = 1;
const EMIT_FIRST = 2;
const RESULTS = { accumulating: 0, discarding: 1, retracting: 2 } as const;
const UNITS = { ms: 0, months: 1 } as const;

export interface WindowAggregateSpec extends AggregatePlanSpec {
  /** In milliseconds, or in months when that is the unit. */
  readonly sizeMs: number;
  /** Equal to the size for tumbling windows; never above it. */
  readonly slideMs: number;
  readonly offsetMs: number;
  /** Windows share their start and grow by the slide up to the size, which it divides. */
  readonly cumulating?: boolean;
  readonly unit?: keyof typeof UNITS;
  /** Stretches of one offset from UTC, ascending, the first from the beginning of time on. Undefined: UTC. */
  readonly zone?: readonly ZoneStretch[] | undefined;
  readonly latenessMs?: number;
  /** What a firing after the first gives. */
  readonly results?: keyof typeof RESULTS;
  /** How far behind the watermarks of its input the aggregation runs. */
  readonly delayMs?: number;
}

export interface ZoneStretch {
  /** UTC; the first one's is of no interest. */
  readonly start: number;
  readonly offsetMs: number;
}

export interface WindowInput extends AggregateInput {
  /** i64 per row, no nulls. */
  readonly times: Ptr;
  /** i64 per row: the watermark before the row; 0 when there are none. */
  readonly watermarks: Ptr;
}

export type AddStatus = 'done' | 'fire first' | 'emit first' | 'out of memory';

/** Columns of fired rows: key (undefined without one), window start and end, one per aggregate, row kinds (u8, or 0). */
export interface FiredColumns {
  readonly key: ColumnVector | undefined;
  readonly start: ColumnVector;
  readonly end: ColumnVector;
  readonly results: readonly ColumnVector[];
  readonly kinds: Ptr;
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
    const kinds = spec.results === 'retracting' ? kernels.memory.allocate(batchRows) : 0;
    this.output = { key: this.#plan.key, start: instants(), end: instants(), results: this.#plan.results, kinds };
    this.#configure(spec);
  }

  #configure(spec: WindowAggregateSpec): void {
    const { sizeMs, slideMs, offsetMs, cumulating = false, results = 'accumulating', unit = 'ms' } = spec;
    const plan = this.#plan;
    plan.set(PLAN.late, this.late);
    plan.set(PLAN.outStarts, this.output.start.values);
    plan.set(PLAN.outEnds, this.output.end.values);
    plan.set(PLAN.outKinds, this.output.kinds);
    plan.set(PLAN.outMax, this.#outputRows);
    plan.setLong(PLAN.sliceMs, greatestCommonDivisor(sizeMs, slideMs));
    plan.setLong(PLAN.sizeMs, sizeMs);
    plan.setLong(PLAN.slideMs, slideMs);
    plan.setLong(PLAN.offsetMs, offsetMs);
    plan.setLong(PLAN.latenessMs, spec.latenessMs ?? 0);
    plan.setLong(PLAN.delayMs, spec.delayMs ?? 0);
    plan.set(PLAN.cumulating, cumulating ? 1 : 0);
    plan.set(PLAN.results, RESULTS[results]);
    plan.set(PLAN.unit, UNITS[unit]);
    plan.set(PLAN.zone, spec.zone === undefined ? 0 : zoneTable(this.#kernels, spec.zone));
    plan.init();
  }

  /** Takes rows from position `from` on; returns the position of the next row to take. `status` says why it stopped. */
  add(input: WindowInput, from: number): number {
    this.#plan.setInput(input);
    this.#plan.set(PLAN.times, input.times);
    this.#plan.set(PLAN.watermarks, input.watermarks);
    const next = this.#add(this.#plan.ptr, from) >>> 0;
    this.#plan.render(this.corrections);
    return next;
  }

  get status(): AddStatus {
    const status = this.#plan.word(PLAN.status) | 0;
    this.#plan.requireWell(status);
    if (status === OUT_OF_MEMORY) return 'out of memory';
    if (status === EMIT_FIRST) return 'emit first';
    return status === FIRE_FIRST ? 'fire first' : 'done';
  }

  /** Rows of `output` that the last `add` wrote: windows that fired again for a late row. */
  get corrections(): number {
    return this.#plan.word(PLAN.outRows);
  }

  /** Late rows of the last `add` whose windows have all fired and keep nothing (discarding). */
  get alone(): number {
    return this.#plan.word(PLAN.alone);
  }

  /** Entries merged so far: the work of firing. */
  get merges(): number {
    return Number(this.#kernels.memory.i64[(this.#plan.ptr + PLAN.merges) >>> 3] ?? 0n);
  }

  /** Rows of a key, given as a column of one row, that a window holds. Between `add` and `fire` only. */
  held(key: ColumnVector | undefined, start: number, end: number): number {
    this.#plan.setInput({ selected: 1, selection: 0, key, columns: [], filters: [] });
    return this.#kernels.function('windowHeld')(this.#plan.ptr, start, end);
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

/** The table of assembly/window/zone.ts. */
function zoneTable(kernels: KernelInstance, stretches: readonly ZoneStretch[]): Ptr {
  const table = kernels.memory.allocate(8 + stretches.length * 24);
  kernels.memory.u32[table >>> 2] = stretches.length;
  const words = kernels.memory.i64;
  let ceiling: number = MIN_TIME;
  stretches.forEach(({ start, offsetMs }, i) => {
    const end = stretches[i + 1]?.start ?? 2 * MAX_TIME;
    ceiling = Math.max(ceiling, end + offsetMs);
    const at = (table >>> 3) + 1 + i * 3;
    words[at] = BigInt(i === 0 ? 2 * MIN_TIME : start);
    words[at + 1] = BigInt(offsetMs);
    words[at + 2] = BigInt(ceiling);
  });
  return table;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
