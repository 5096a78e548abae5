/**
 * The plan of an aggregation, filled for the kernels: the same offsets as assembly/window/plan.ts. It owns the output
 * columns. Used by the doors of windowed and unbounded aggregation; nothing of it is state.
 */
import { InternalError, UserError } from '../base/errors.ts';
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { Physical, widthOf } from '../data/types.ts';
import { COLUMN_BYTES, OUT_OF_MEMORY } from './abi.ts';
import type { KernelInstance } from './instance.ts';
import { type ListResult, ListResults } from './list-results.ts';
import { TextArea } from './text-area.ts';

export const PLAN = {
  state: 0,
  keyKind: 4,
  keyType: 8,
  aggregateCount: 12,
  aggregates: 16,
  entryBytes: 20,
  sliceMs: 32,
  sizeMs: 40,
  slideMs: 48,
  offsetMs: 56,
  latenessMs: 64,
  rows: 72,
  selection: 76,
  keyColumn: 80,
  times: 96,
  watermarks: 100,
  late: 104,
  lateCount: 108,
  newKeys: 112,
  status: 116,
  failed: 120,
  outKeys: 124,
  outStarts: 128,
  outEnds: 132,
  outKinds: 136,
  outRows: 168,
  kinds: 188,
  cumulating: 192,
  results: 196,
  zone: 200,
  unit: 204,
  delayMs: 208,
  alone: 232,
  merges: 240,
  outMax: 248,
  bytes: 352,
} as const;
const AGGREGATE = {
  code: 0,
  type: 4,
  nullable: 12,
  column: 16,
  filter: 20,
  outValues: 24,
  outValidity: 28,
  by: 32,
  byType: 36,
  parameter: 48,
  text: 56,
  textBytes: 60,
  bytes: 64,
} as const;
const KEY_NONE = 255;
/** Type of floats that may be taken back (assembly/aggregate/codes.ts). */
const CHANGING = 5;
/** An integer sum that does not fit int64. */
export const OVERFLOW = -4;
/** More in one group than a blob can hold (assembly/aggregate/blob.ts). */
const GROUP_TOO_LARGE = -6;
const TOO_LARGE_HINT = 'approxCountDistinct counts any number of values, and lists have a limit';

/** One aggregate as kernels compute it. What may be asked, and of which types, is the plan's (plan/aggregates.ts). */
export interface AggregateSpec {
  /** As the user named it, for messages. */
  readonly name: string;
  /** Its code in assembly/aggregate/registry.ts. */
  readonly code: number;
  /** Type of the input column; undefined: it takes none. */
  readonly input: Physical | undefined;
  /** Type of the column that it orders by. */
  readonly by?: Physical | undefined;
  /** What else it is told: a number, a text. */
  readonly parameter?: number;
  readonly text?: string;
  /** The result is a list, given as JSON. */
  readonly list?: ListResult;
  /** Rows may lack a value: a column is nullable, or the aggregate has a filter. */
  readonly nullable: boolean;
  /** Rows may be taken back. */
  readonly takesBack?: boolean;
  readonly result: { readonly physical: Physical; readonly nullable: boolean };
}

export interface AggregatePlanSpec {
  readonly state: number;
  /** Type of the key column, without nulls: nullable and composite keys come encoded as bytes. Undefined: no keys. */
  readonly key: Physical | undefined;
  readonly aggregates: readonly AggregateSpec[];
}

export interface AggregateInput {
  /** Rows, or entries of `selection` when that is not 0. */
  readonly selected: number;
  readonly selection: Ptr;
  readonly key: ColumnVector | undefined;
  /** For each aggregate its column, undefined for count(). */
  readonly columns: readonly (ColumnVector | undefined)[];
  /** For each aggregate the column that it orders by; left out: there are none. */
  readonly by?: readonly (ColumnVector | undefined)[];
  /** For each aggregate a u8 mask per row, or 0. */
  readonly filters: readonly Ptr[];
}

export class AggregatePlan {
  readonly ptr: Ptr;
  /** Column of keys in the output; undefined without keys. */
  readonly key: ColumnVector | undefined;
  readonly results: readonly ColumnVector[];
  readonly spec: AggregatePlanSpec;
  readonly #kernels: KernelInstance;
  readonly #aggregates: Ptr;
  readonly #columns: Ptr;
  readonly #lists: readonly (ListResults | undefined)[];
  readonly #texts: TextArea;

  constructor(kernels: KernelInstance, spec: AggregatePlanSpec, outputRows: number) {
    this.#kernels = kernels;
    this.spec = spec;
    const { memory } = kernels;
    this.ptr = memory.allocate(PLAN.bytes);
    this.#aggregates = memory.allocate(Math.max(1, spec.aggregates.length) * AGGREGATE.bytes);
    this.#columns = memory.allocate(Math.max(1, spec.aggregates.length) * 2 * COLUMN_BYTES);
    const column = (type: Physical, validity: boolean): ColumnVector => ({
      values: memory.allocate(outputRows * widthOf(type)),
      validity: validity ? memory.allocate((outputRows + 7) >>> 3) : 0,
    });
    this.key = spec.key === undefined ? undefined : column(spec.key, false);
    this.results = spec.aggregates.map(({ result }) => column(result.physical, result.nullable));
    this.#lists = spec.aggregates.map(({ list }) => (list === undefined ? undefined : new ListResults(memory, list)));
    this.#texts = new TextArea(memory);
    this.#fill();
  }

  /** Makes lists among the first `rows` results JSON: to be called once for them. It lives until the next time. */
  render(rows: number): void {
    if (!this.#lists.some((list) => list !== undefined)) return;
    this.#texts.reset();
    for (let row = 0; row < rows; row++) this.#keepRow(row, false);
  }

  /** Makes all texts of one row of results live until row 0 is kept again, and its lists JSON. */
  keepRow(row: number): void {
    if (row === 0) this.#texts.reset();
    this.#keepRow(row, true);
  }

  #keepRow(row: number, withTexts: boolean): void {
    const { memory } = this.#kernels;
    this.results.forEach((column, i) => {
      const list = this.#lists[i];
      if (list === undefined && !(withTexts && this.spec.aggregates[i]?.result.physical === Physical.VIEW)) return;
      const { values, validity } = column;
      if (validity !== 0 && ((memory.u8[validity + (row >>> 3)] ?? 0) & (1 << (row & 7))) === 0) return;
      const at = (values >>> 2) + row * 2;
      const [ptr = 0, bytes = 0] = [memory.u32[at], memory.u32[at + 1]];
      const text =
        list === undefined ? memory.u8.slice(ptr, ptr + bytes) : new TextEncoder().encode(list.textOf(column, row));
      const kept = this.#texts.keep(text);
      memory.u32.set([kept, text.length], at);
    });
  }

  /** Throws what a status of the kernels means: E1311 for an integer sum beyond int64, E1313 for a group too large. */
  requireWell(status: number): void {
    if (status === OVERFLOW) throw new UserError('E1311', { what: this.failedName() });
    if (status === GROUP_TOO_LARGE) throw new UserError('E1313', undefined, { hint: TOO_LARGE_HINT });
  }

  /** To be called once, when all configuration is set. `planLayout`: for entries that stand outside a state. */
  init(kernel: 'planInit' | 'planLayout' | 'sessionInit' = 'planInit'): void {
    const status = this.#kernels.function(kernel)(this.ptr);
    if (status === OUT_OF_MEMORY) throw new InternalError('no transient memory left for an aggregation');
    if (status < 0)
      throw new InternalError(`state ${this.spec.state} has another layout, or an aggregate does not take its column`);
  }

  word(offset: number): number {
    return this.#kernels.memory.u32[(this.ptr + offset) >>> 2] ?? 0;
  }

  set(offset: number, value: number): void {
    this.#kernels.memory.u32[(this.ptr + offset) >>> 2] = value;
  }

  setLong(offset: number, value: number): void {
    this.#kernels.memory.i64[(this.ptr + offset) >>> 3] = BigInt(value);
  }

  setInput(input: AggregateInput): void {
    this.set(PLAN.rows, input.selected);
    this.set(PLAN.selection, input.selection);
    this.set(PLAN.keyColumn + 4, input.key?.values ?? 0);
    const words = this.#kernels.memory.u32;
    for (let i = 0; i < this.spec.aggregates.length; i++) {
      const column = (this.#columns + i * 2 * COLUMN_BYTES) >>> 2;
      words[column + 1] = input.columns[i]?.values ?? 0;
      words[column + 2] = input.columns[i]?.validity ?? 0;
      words[column + COLUMN_BYTES / 4 + 1] = input.by?.[i]?.values ?? 0;
      words[column + COLUMN_BYTES / 4 + 2] = input.by?.[i]?.validity ?? 0;
      words[(this.#aggregates + i * AGGREGATE.bytes + AGGREGATE.filter) >>> 2] = input.filters[i] ?? 0;
    }
  }

  /** The user's name of the aggregate whose sum overflowed. */
  failedName(): string {
    return this.spec.aggregates[this.word(PLAN.failed)]?.name ?? 'sum';
  }

  #fill(): void {
    const { state, key, aggregates } = this.spec;
    this.#kernels.memory.u8.fill(0, this.ptr, this.ptr + PLAN.bytes);
    this.set(PLAN.state, state);
    this.set(PLAN.keyKind, key === Physical.VIEW ? 1 : 0);
    this.set(PLAN.keyType, key ?? KEY_NONE);
    this.set(PLAN.aggregateCount, aggregates.length);
    this.set(PLAN.aggregates, this.#aggregates);
    this.set(PLAN.outKeys, this.key?.values ?? 0);
    aggregates.forEach((aggregate, i) => this.#fillAggregate(aggregate, i));
  }

  #fillAggregate(aggregate: AggregateSpec, index: number): void {
    const words = this.#kernels.memory.u32;
    const at = (this.#aggregates + index * AGGREGATE.bytes) >>> 2;
    const column = this.#columns + index * 2 * COLUMN_BYTES;
    const by = column + COLUMN_BYTES;
    const out = this.results[index];
    words.fill(0, at, at + AGGREGATE.bytes / 4);
    words[at + AGGREGATE.code / 4] = aggregate.code;
    const isChanging = aggregate.takesBack === true && aggregate.input === Physical.F64;
    words[at + AGGREGATE.type / 4] = isChanging ? CHANGING : (aggregate.input ?? 0);
    words[at + AGGREGATE.nullable / 4] = aggregate.nullable ? 1 : 0;
    words[at + AGGREGATE.column / 4] = aggregate.input === undefined ? 0 : column;
    words[at + AGGREGATE.outValues / 4] = out?.values ?? 0;
    words[at + AGGREGATE.outValidity / 4] = out?.validity ?? 0;
    words.fill(0, column >>> 2, (column + 2 * COLUMN_BYTES) >>> 2);
    words[column >>> 2] = aggregate.input ?? 0;
    if (aggregate.by !== undefined) {
      words[at + AGGREGATE.by / 4] = by;
      words[at + AGGREGATE.byType / 4] = aggregate.by;
      words[by >>> 2] = aggregate.by;
    }
    this.#fillMore(aggregate, at);
  }

  #fillMore({ parameter = 0, text }: AggregateSpec, at: number): void {
    const { memory } = this.#kernels;
    memory.f64[at / 2 + AGGREGATE.parameter / 8] = parameter;
    if (text === undefined) return;
    const bytes = new TextEncoder().encode(text);
    const ptr = memory.allocate(Math.max(1, bytes.length));
    memory.u8.set(bytes, ptr);
    memory.u32[at + AGGREGATE.text / 4] = ptr;
    memory.u32[at + AGGREGATE.textBytes / 4] = bytes.length;
  }
}
