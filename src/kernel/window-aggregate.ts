/**
 * The door to windowed aggregation: fills the plan of assembly/window/plan.ts and reads its answers. One per operator.
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
 * Not here: what is emitted and when (runtime/operators), the kernels (assembly/window).
 */
import { assert } from '../base/assert.ts';
import { InternalError, UserError } from '../base/errors.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { Physical, widthOf } from '../data/types.ts';
import { COLUMN_BYTES, OUT_OF_MEMORY } from './abi.ts';
import type { KernelInstance } from './instance.ts';

// Offsets of the plan and of an aggregate in it: assembly/window/plan.ts.
const PLAN = {
  state: 0, keyKind: 4, keyType: 8, aggregateCount: 12, aggregates: 16,
  sliceMs: 32, sizeMs: 40, slideMs: 48, offsetMs: 56, latenessMs: 64,
  rows: 72, selection: 76, keyColumn: 80, times: 96, watermarks: 100, late: 104,
  lateCount: 108, newKeys: 112, status: 116, failed: 120, outKeys: 124, outStarts: 128, outEnds: 132, bytes: 192,
} as const;
const AGGREGATE = { code: 0, type: 4, nullable: 12, column: 16, filter: 20, outValues: 24, outValidity: 28, bytes: 32 } as const;
const KEY_NONE = 255;
const FIRE_FIRST = 1;
const OVERFLOW = -4;

/** The aggregates that kernels know, by name: codes of assembly/aggregate/registry.ts. */
export const AGGREGATES = { count: 0, sum: 1, min: 2, max: 3, avg: 4, stddev: 5 } as const;
export type AggregateName = keyof typeof AGGREGATES;
export const isAggregateName = (name: string): name is AggregateName => Object.hasOwn(AGGREGATES, name);

export interface AggregateSpec {
  /** As the user named it, for messages. */
  readonly name: string;
  readonly fn: AggregateName;
  /** Type of the input column; undefined: count(). */
  readonly input: Physical | undefined;
  /** Rows may lack a value: the column is nullable, or the aggregate has a filter. */
  readonly nullable: boolean;
}

export interface WindowAggregateSpec {
  readonly state: number;
  /** Type of the key column, without nulls: nullable and composite keys come encoded as bytes. Undefined: no keys. */
  readonly key: Physical | undefined;
  readonly sizeMs: number;
  /** Equal to the size for tumbling windows; never above it. */
  readonly slideMs: number;
  readonly offsetMs: number;
  readonly aggregates: readonly AggregateSpec[];
}

export interface WindowInput {
  /** Rows, or entries of `selection` when that is not 0. */
  readonly selected: number;
  readonly selection: Ptr;
  readonly key: ColumnVector | undefined;
  /** i64 per row, no nulls. */
  readonly times: Ptr;
  /** i64 per row: the watermark before the row; 0 when there are none. */
  readonly watermarks: Ptr;
  /** For each aggregate its column, undefined for count(). */
  readonly columns: readonly (ColumnVector | undefined)[];
  /** For each aggregate a u8 mask per row, or 0. */
  readonly filters: readonly Ptr[];
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
  readonly #spec: WindowAggregateSpec;
  readonly #plan: Ptr;
  readonly #aggregates: Ptr;
  readonly #columns: Ptr;
  readonly #outputRows: number;
  readonly #add: (plan: number, from: number) => number;
  readonly #due: (plan: number, watermark: number) => number;
  readonly #fire: (plan: number, maxRows: number) => number;

  /** `batchRows`: most rows of an input batch, and of one step of firing. */
  constructor(kernels: KernelInstance, spec: WindowAggregateSpec, batchRows: number) {
    assert(spec.slideMs > 0 && spec.slideMs <= spec.sizeMs, `windows of ${spec.sizeMs} ms every ${spec.slideMs} ms`);
    this.#kernels = kernels;
    this.#spec = spec;
    this.#outputRows = batchRows;
    this.#plan = kernels.memory.allocate(PLAN.bytes);
    this.#aggregates = kernels.memory.allocate(Math.max(1, spec.aggregates.length) * AGGREGATE.bytes);
    this.#columns = kernels.memory.allocate(Math.max(1, spec.aggregates.length) * COLUMN_BYTES);
    this.late = kernels.memory.allocate(batchRows * 4);
    this.#add = kernels.function('windowAggregate');
    this.#due = kernels.function('windowDue');
    this.#fire = kernels.function('fireNext');
    this.output = this.#allocateOutput();
    this.#configure();
    const status = kernels.function('planInit')(this.#plan);
    if (status === OUT_OF_MEMORY) throw new InternalError('no transient memory left for a windowed aggregation');
    if (status < 0) throw new InternalError(`state ${spec.state} has another layout, or an aggregate does not take its column`);
  }

  /** Takes rows from position `from` on; returns the position of the next row to take. `status` says why it stopped. */
  add(input: WindowInput, from: number): number {
    this.#setInput(input);
    return this.#add(this.#plan, from) >>> 0;
  }

  get status(): AddStatus {
    const status = this.#kernels.memory.i32[(this.#plan + PLAN.status) >>> 2];
    if (status === OUT_OF_MEMORY) return 'out of memory';
    return status === FIRE_FIRST ? 'fire first' : 'done';
  }

  get lateCount(): number {
    return this.#word(PLAN.lateCount);
  }

  /** Keys (in slices) that the last `add` saw for the first time. */
  get newKeys(): number {
    return this.#word(PLAN.newKeys);
  }

  /** Whether a window is due at this watermark, or already firing (also one that a restore brought back). */
  due(watermark: number): boolean {
    return this.#due(this.#plan, watermark) === 1;
  }

  /** Whether a window has begun to fire and not ended. */
  get firing(): boolean {
    return this.#kernels.function('windowFiring')(this.#spec.state) === 1;
  }

  /** Writes the next rows of the due window to `output`; 0 ends it. Throws E1311 for an integer sum beyond int64. */
  fire(maxRows = this.#outputRows): number {
    const rows = this.#fire(this.#plan, Math.min(maxRows, this.#outputRows));
    if (rows === OVERFLOW) {
      const failed = this.#spec.aggregates[this.#word(PLAN.failed)];
      throw new UserError('E1311', { what: failed?.name ?? 'sum' });
    }
    assert(rows >= 0, `firing failed: ${rows}`);
    return rows;
  }

  #word(offset: number): number {
    return this.#kernels.memory.u32[(this.#plan + offset) >>> 2] ?? 0;
  }

  #set(offset: number, value: number): void {
    this.#kernels.memory.u32[(this.#plan + offset) >>> 2] = value;
  }

  #configure(): void {
    const { state, key, sizeMs, slideMs, offsetMs, aggregates } = this.#spec;
    this.#kernels.memory.u8.fill(0, this.#plan, this.#plan + PLAN.bytes);
    this.#set(PLAN.state, state);
    this.#set(PLAN.keyKind, key === Physical.VIEW ? 1 : 0);
    this.#set(PLAN.keyType, key ?? KEY_NONE);
    this.#set(PLAN.aggregateCount, aggregates.length);
    this.#set(PLAN.aggregates, this.#aggregates);
    this.#set(PLAN.late, this.late);
    this.#set(PLAN.outKeys, this.output.key?.values ?? 0);
    this.#set(PLAN.outStarts, this.output.start.values);
    this.#set(PLAN.outEnds, this.output.end.values);
    const long = (offset: number, value: number): void => {
      this.#kernels.memory.i64[(this.#plan + offset) >>> 3] = BigInt(value);
    };
    long(PLAN.sliceMs, greatestCommonDivisor(sizeMs, slideMs));
    long(PLAN.sizeMs, sizeMs);
    long(PLAN.slideMs, slideMs);
    long(PLAN.offsetMs, offsetMs);
    aggregates.forEach((aggregate, i) => this.#configureAggregate(aggregate, i));
  }

  #configureAggregate(aggregate: AggregateSpec, index: number): void {
    const words = this.#kernels.memory.u32;
    const at = (this.#aggregates + index * AGGREGATE.bytes) >>> 2;
    const column = this.#columns + index * COLUMN_BYTES;
    const out = this.output.results[index];
    words.fill(0, at, at + AGGREGATE.bytes / 4);
    words[at + AGGREGATE.code / 4] = AGGREGATES[aggregate.fn];
    words[at + AGGREGATE.type / 4] = aggregate.input ?? 0;
    words[at + AGGREGATE.nullable / 4] = aggregate.nullable ? 1 : 0;
    words[at + AGGREGATE.column / 4] = aggregate.input === undefined ? 0 : column;
    words[at + AGGREGATE.outValues / 4] = out?.values ?? 0;
    words[at + AGGREGATE.outValidity / 4] = out?.validity ?? 0;
    words.fill(0, column >>> 2, (column + COLUMN_BYTES) >>> 2);
    words[column >>> 2] = aggregate.input ?? 0;
  }

  #allocateOutput(): FiredColumns {
    const column = (type: Physical, validity: boolean): ColumnVector => ({
      values: this.#kernels.memory.allocate(this.#outputRows * widthOf(type)),
      validity: validity ? this.#kernels.memory.allocate((this.#outputRows + 7) >>> 3) : 0,
    });
    return {
      key: this.#spec.key === undefined ? undefined : column(this.#spec.key, false),
      start: column(Physical.I64, false),
      end: column(Physical.I64, false),
      results: this.#spec.aggregates.map((aggregate) => column(resultType(aggregate), mayBeNull(aggregate))),
    };
  }

  #setInput(input: WindowInput): void {
    this.#set(PLAN.rows, input.selected);
    this.#set(PLAN.selection, input.selection);
    this.#set(PLAN.keyColumn + 4, input.key?.values ?? 0);
    this.#set(PLAN.times, input.times);
    this.#set(PLAN.watermarks, input.watermarks);
    const words = this.#kernels.memory.u32;
    for (let i = 0; i < this.#spec.aggregates.length; i++) {
      const column = (this.#columns + i * COLUMN_BYTES) >>> 2;
      words[column + 1] = input.columns[i]?.values ?? 0;
      words[column + 2] = input.columns[i]?.validity ?? 0;
      words[(this.#aggregates + i * AGGREGATE.bytes + AGGREGATE.filter) >>> 2] = input.filters[i] ?? 0;
    }
  }
}

/** Type of the result column of an aggregate. */
export function resultType({ fn, input }: AggregateSpec): Physical {
  switch (fn) {
    case 'count':
      return Physical.I64;
    case 'sum':
      return input === Physical.F64 ? Physical.F64 : Physical.I64;
    case 'min':
    case 'max':
      return input ?? Physical.I64;
    default:
      return Physical.F64;
  }
}

/** Whether a result can be null; its column then has a validity bitmap. */
export const mayBeNull = ({ fn, nullable }: AggregateSpec): boolean => fn === 'stddev' || (nullable && fn !== 'count');

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
