/**
 * Accumulators of an aggregation in which functions of users take part: kernels make what they can, in an entry of their
 * own, and each such function keeps a value beside it.
 *
 *   length u32 | entry of the kernels | for each function: length u32 (NOTHING: no value yet) | value
 *
 * Invariants
 *  1. What functions are given is frozen, and what they answer is checked and copied before it is kept: a value at hand
 *     equals the one that would be read back.
 *  2. A function that throws leaves the bytes that the entry was loaded from as they were; it is an AggregateFailure.
 *  3. Nulls are not handed to functions, unless the input is declared nullable.
 *  4. The results of kernels are those that they give alone, to the bit.
 */
import { BATCH_ROWS_MAX, type ColumnVector, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import { type TableSchema, tableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import { type Row, RowView, type TimestampHook } from '../../format/row-view.ts';
import { Accumulators } from '../../kernel/accumulators.ts';
import type { AggregateInput } from '../../kernel/aggregate-plan.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { LinearMemory } from '../../kernel/memory.ts';
import type { AggregateCall } from '../../plan/logical.ts';
import type { UserAggregate } from '../../plan/user-aggregate.ts';
import { aggregateSpecs } from '../aggregate-inputs.ts';
import { isOfTheFunction } from '../process/failures.ts';
import { type Kept, keptOf } from '../state/kept.ts';
import { RowBytes } from '../state/row-bytes.ts';
import { AggregateFailure, type FailedAggregate } from './aggregate-failure.ts';
import type { Entries } from './entries.ts';

export interface EntriesOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly input: TableSchema;
  readonly keys: readonly string[];
  readonly calls: readonly AggregateCall[];
  /** Whether rows may be taken back. Left out: they may not. */
  readonly takesBack?: boolean;
  readonly timestamp: TimestampHook;
}

const NOTHING = 0xffff_ffff;

interface UserEntryOptions extends Pick<FailedAggregate, 'operator' | 'keyOf'> {
  /** What an instant reads as. */
  readonly eventTime: (epochMs: number) => unknown;
}

/** One function's part of the entry at hand. */
class UserEntry {
  readonly call: AggregateCall;
  readonly user: UserAggregate;
  /** Has its results. */
  readonly builder: BatchBuilder;
  readonly #kept: Kept;
  readonly #failed: Omit<FailedAggregate, 'does'>;
  #value: unknown;
  /** What is not decoded yet. */
  #bytes: Uint8Array | undefined;

  constructor(kernels: KernelInstance, call: AggregateCall, user: UserAggregate, options: UserEntryOptions) {
    this.call = call;
    this.user = user;
    this.builder = new BatchBuilder(kernels, tableSchema([{ name: call.name, type: user.result }]), BATCH_ROWS_MAX);
    this.#kept = keptOf(user.accumulator, user.isColumn, options.eventTime);
    this.#failed = { operator: options.operator, keyOf: options.keyOf, name: call.name };
  }

  reset(bytes: Uint8Array | undefined): void {
    this.#value = undefined;
    this.#bytes = bytes;
  }

  /** Valid until the next call. */
  bytes(): Uint8Array | undefined {
    if (this.#bytes !== undefined) return this.#bytes;
    return this.#value === undefined ? undefined : this.#kept.encode(this.#value);
  }

  add(value: unknown): void {
    const before = this.#held();
    // The API ties the functions to the types of accumulator and column.
    const add = this.user.add as (accumulator: unknown, value: unknown) => unknown;
    const after = before === undefined ? value : this.#run('add', () => add(before, value));
    this.#keep('add', after);
  }

  retract(value: unknown): void {
    const before = this.#held();
    this.#keep(
      'retract',
      // The plan refuses rows that take back where a function cannot.
      this.#run('retract', () => this.user.retract?.(before as never, value as never)),
    );
  }

  merge(later: Uint8Array | undefined): void {
    if (later === undefined) return;
    const before = this.#held();
    const other = this.#kept.decode(later);
    // As above: what was kept is what they take.
    const whole =
      before === undefined ? other : this.#run('merge', () => this.user.merge(before as never, other as never));
    this.#keep('merge', whole);
  }

  /** Writes its results to row `row` of the builder. */
  finish(row: number): void {
    const { builder, user, call } = this;
    if (row === 0) builder.reset();
    else if (row < builder.rows) builder.truncate(row);
    const held = this.#held();
    // As above. The builder refuses what is no result.
    this.#run('finish', () => builder.append({ [call.name]: held === undefined ? null : user.finish(held as never) }));
  }

  /** What it reads of a row. */
  valueOf(shown: Row): unknown {
    return this.#run('add', () => shown[this.call.column ?? '']);
  }

  #held(): unknown {
    if (this.#bytes !== undefined) this.#value = this.#kept.decode(this.#bytes);
    this.#bytes = undefined;
    const { create } = this.user;
    if (this.#value === undefined && create !== undefined) {
      this.#value = this.#run('create', () => this.#kept.conform(create()));
    }
    return this.#value;
  }

  #keep(does: FailedAggregate['does'], value: unknown): void {
    this.#value = this.#run(does, () => this.#kept.conform(value));
    this.#bytes = undefined;
  }

  #run<T>(does: FailedAggregate['does'], run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!isOfTheFunction(error)) throw error;
      throw new AggregateFailure({ ...this.#failed, does }, error);
    }
  }
}

export class MixedEntries implements Entries {
  readonly results: readonly ColumnVector[];
  readonly #memory: LinearMemory;
  readonly #kernel: Accumulators;
  /** Indexes of the calls that kernels make. */
  readonly #ofKernel: readonly number[];
  readonly #own: readonly UserEntry[];
  /** Index of each own call. */
  readonly #ofUser: readonly number[];
  readonly #view: RowView;
  #filters: readonly Ptr[] = [];

  constructor({ uid, kernels, input, keys, calls, takesBack, timestamp }: EntriesOptions) {
    this.#memory = kernels.memory;
    const isUser = (index: number): boolean => calls[index]?.user !== undefined;
    this.#ofKernel = calls.map((_, i) => i).filter((i) => !isUser(i));
    this.#ofUser = calls.map((_, i) => i).filter(isUser);
    const specs = aggregateSpecs(
      input,
      calls.filter(({ user }) => user === undefined),
      uid,
      takesBack,
    );
    this.#kernel = new Accumulators(kernels, specs, BATCH_ROWS_MAX);
    const eventTime = (epochMs: number): unknown => timestamp(epochMs, 0);
    const key = tableSchema(keys.flatMap((name) => input.fields.filter((field) => field.name === name)));
    const keyBytes = new RowBytes(key, { eventTime, as: 'keys' });
    const common = { operator: uid, keyOf: (bytes: Uint8Array) => keyBytes.exact().decode(bytes), eventTime };
    this.#own = calls.flatMap((call) =>
      call.user === undefined ? [] : [new UserEntry(kernels, call, call.user, common)],
    );
    this.#view = new RowView(kernels.memory, input, { timestamp });
    this.results = this.#columns(calls);
  }

  /** Results in the order of the calls. */
  #columns(calls: readonly AggregateCall[]): readonly ColumnVector[] {
    const kernel = this.#kernel.results.values();
    const own = this.#own.values();
    return calls.flatMap(({ user }) =>
      user === undefined ? (kernel.next().value ?? []) : (own.next().value?.builder.columns ?? []),
    );
  }

  get rows(): number {
    return this.#kernel.rows;
  }

  setInput(input: AggregateInput, times: Ptr, batch: RecordBatch): void {
    const { columns, by = [], filters } = input;
    const pick = <T>(list: readonly T[]): T[] => this.#ofKernel.flatMap((i) => list.slice(i, i + 1));
    this.#kernel.setInput({ ...input, columns: pick(columns), by: pick(by), filters: pick(filters) }, times);
    this.#filters = this.#ofUser.map((i) => filters[i] ?? 0);
    this.#view.bind({ ...batch, selection: 0, selected: batch.rows });
  }

  create(): void {
    this.#kernel.create();
    for (const own of this.#own) own.reset(undefined);
  }

  load(bytes: Uint8Array): void {
    const { kernel, own } = partsOf(bytes, this.#own.length);
    this.#kernel.load(kernel);
    this.#own.forEach((entry, i) => entry.reset(own[i]?.slice()));
  }

  store(): Uint8Array {
    const kernel = this.#kernel.store();
    const own = this.#own.map((entry) => entry.bytes()?.slice());
    const bytes = new Uint8Array(own.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 4 + kernel.length));
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const part of [kernel, ...own]) {
      view.setUint32(at, part?.length ?? NOTHING, true);
      if (part !== undefined) bytes.set(part, at + 4);
      at += 4 + (part?.length ?? 0);
    }
    return bytes;
  }

  add(row: number): void {
    this.#each(row, (entry, value) => entry.add(value));
    this.#kernel.add(row);
  }

  retract(row: number): void {
    this.#each(row, (entry, value) => entry.retract(value));
    this.#kernel.retract(row);
  }

  merge(later: Uint8Array): void {
    const { kernel, own } = partsOf(later, this.#own.length);
    this.#kernel.merge(kernel);
    this.#own.forEach((entry, i) => entry.merge(own[i]));
  }

  finish(row: number): void {
    this.#kernel.finish(row);
    for (const own of this.#own) own.finish(row);
  }

  /** Calls `take` for each function that counts the row, with what it reads of it. */
  #each(row: number, take: (entry: UserEntry, value: unknown) => void): void {
    const shown = this.#view.select(row);
    this.#own.forEach((entry, i) => {
      const filter = this.#filters[i] ?? 0;
      if (filter !== 0 && this.#memory.u8[filter + row] === 0) return;
      const value = entry.valueOf(shown);
      if (value !== null || entry.user.input.nullable) take(entry, value);
    });
  }
}

function partsOf(bytes: Uint8Array, count: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const part = (): Uint8Array | undefined => {
    const length = view.getUint32(at, true);
    at += 4;
    if (length === NOTHING) return undefined;
    at += length;
    return bytes.subarray(at - length, at);
  };
  const kernel = part() ?? new Uint8Array(0);
  return { kernel, own: Array.from({ length: count }, part) };
}
