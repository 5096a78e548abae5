/** Feeds plain rows to the windowed aggregation kernels in batches, and reads what they fire back into plain values. */
import { Arena } from '../../../src/kernel/arena.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import type { AggregateSpec } from '../../../src/kernel/aggregate-plan.ts';
import { WindowAggregate, type WindowAggregateSpec, type WindowInput } from '../../../src/kernel/window-aggregate.ts';
import type { ColumnVector } from '../../../src/data/record-batch.ts';
import { Physical, widthOf } from '../../../src/data/types.ts';
import type { Row, Value } from './reference.ts';

export interface FiredRow {
  readonly end: number;
  readonly key: bigint | string | null;
  readonly results: readonly Value[];
  /** Row kind, of results that are taken back. */
  readonly kind?: number;
}

const BATCH_ROWS = 512;

export class WindowHarness {
  readonly kernels: KernelInstance;
  readonly arena: Arena;
  readonly aggregate: WindowAggregate;
  readonly fired: FiredRow[] = [];
  readonly late: number[] = [];
  /** Rows of one step of firing; small ones make many steps. */
  fireRows = BATCH_ROWS;
  /** Called between two steps of firing, and between batches. */
  pause: () => void = () => {};
  readonly #spec: WindowAggregateSpec;
  readonly #input: WindowInput;
  readonly #strings: number;

  constructor(kernels: KernelInstance, spec: WindowAggregateSpec, budgetBytes = 64 << 20) {
    this.kernels = kernels;
    this.arena = new Arena(kernels, budgetBytes);
    this.#spec = spec;
    this.aggregate = new WindowAggregate(kernels, spec, BATCH_ROWS);
    const column = (type: Physical, nullable: boolean): ColumnVector => ({
      values: kernels.memory.allocate(BATCH_ROWS * widthOf(type)),
      validity: nullable ? kernels.memory.allocate(BATCH_ROWS / 8) : 0,
    });
    this.#strings = kernels.memory.allocate(BATCH_ROWS * 64 * (1 + spec.aggregates.length));
    this.#input = {
      selected: 0,
      selection: kernels.memory.allocate(BATCH_ROWS * 4),
      key: spec.key === undefined ? undefined : column(spec.key, false),
      times: kernels.memory.allocate(BATCH_ROWS * 8),
      watermarks: kernels.memory.allocate(BATCH_ROWS * 8),
      by: spec.aggregates.map(({ by, nullable }) => (by === undefined ? undefined : column(by, nullable))),
      // Absent values come as nulls of the column or, for every second aggregate and count(), as a filter.
      columns: spec.aggregates.map(({ input, nullable }, i) =>
        input === undefined ? undefined : column(input, nullable && i % 2 === 0),
      ),
      filters: spec.aggregates.map(({ input, nullable }, i) =>
        nullable && (i % 2 === 1 || input === undefined) ? kernels.memory.allocate(BATCH_ROWS) : 0,
      ),
    };
  }

  /** Adds rows [from, to) as batches of at most `batchRows`; spreads them over every second row when `sparse`. */
  add(rows: readonly Row[], from: number, to: number, batchRows: number, sparse = false): void {
    for (let at = from; at < to; at += batchRows) {
      this.addBatch(rows, at, Math.min(to, at + batchRows), sparse);
      this.pause();
    }
  }

  addBatch(rows: readonly Row[], from: number, to: number, sparse: boolean): void {
    const step = sparse && (to - from) * 2 <= BATCH_ROWS ? 2 : 1;
    this.#fill(rows, from, to, step);
    const input = { ...this.#input, selected: to - from, selection: step === 1 ? 0 : this.#input.selection };
    let at = 0;
    while (at < to - from) {
      at = this.aggregate.add(input, at);
      for (let i = 0; i < this.aggregate.lateCount; i++) {
        this.late.push(from + (this.kernels.memory.u32[(this.aggregate.late >>> 2) + i] ?? 0) / step);
      }
      for (let i = 0; i < this.aggregate.corrections; i++) this.fired.push(this.#read(i));
      if (this.aggregate.status === 'out of memory') throw new Error(`out of memory at row ${from + at}`);
      if (this.aggregate.status === 'fire first') this.fireThrough(rows[from + at]?.watermark ?? 0);
    }
  }

  fireThrough(watermark: number): void {
    while (this.aggregate.due(watermark)) this.fireWindow();
  }

  fireWindow(): void {
    for (let rows = this.aggregate.fire(this.fireRows); rows > 0; rows = this.aggregate.fire(this.fireRows)) {
      for (let i = 0; i < rows; i++) this.fired.push(this.#read(i));
      this.pause();
    }
  }

  #fill(rows: readonly Row[], from: number, to: number, step: number): void {
    const { memory } = this.kernels;
    let bytes = this.#strings;
    for (let i = from; i < to; i++) {
      const row = rows[i];
      if (row === undefined) throw new Error(`no row ${i}`);
      const at = (i - from) * step;
      memory.u32[(this.#input.selection >>> 2) + i - from] = at;
      memory.i64[(this.#input.times >>> 3) + at] = BigInt(row.time);
      memory.i64[(this.#input.watermarks >>> 3) + at] = BigInt(row.watermark);
      const write = (type: Physical, column: ColumnVector, value: Value): void => {
        if (type === Physical.VIEW) bytes = writeText(this.kernels, column, { at, value, bytes });
        else writeValue(this.kernels, type, column, at, typeof value === 'string' ? null : value);
      };
      if (row.key !== null && this.#input.key !== undefined) {
        write(this.#spec.key ?? Physical.I64, this.#input.key, row.key);
      }
      row.values.forEach((value, a) => {
        const column = this.#input.columns[a];
        const filter = this.#input.filters[a] ?? 0;
        if (filter !== 0) memory.u8[filter + at] = value === null ? 0 : 1;
        if (column !== undefined) write(this.#spec.aggregates[a]?.input ?? Physical.I64, column, value);
        const by = this.#input.by?.[a];
        if (by !== undefined) write(this.#spec.aggregates[a]?.by ?? Physical.I64, by, row.by?.[a] ?? null);
      });
    }
  }

  #read(i: number): FiredRow {
    const { key, end, results, kinds } = this.aggregate.output;
    return {
      ...(kinds === 0 ? {} : { kind: this.kernels.memory.u8[kinds + i] ?? 0 }),
      end: Number(this.kernels.memory.i64[(end.values >>> 3) + i]),
      key:
        key === undefined ? null : (readValue(this.kernels, this.#spec.key ?? Physical.I64, key, i) as bigint | string),
      results: results.map((column, a) => {
        const spec = this.#spec.aggregates[a] as AggregateSpec;
        const value = readValue(
          this.kernels,
          spec.result.physical,
          spec.result.nullable ? column : { ...column, validity: 0 },
          i,
        );
        return value;
      }),
    };
  }
}

function writeValue(
  kernels: KernelInstance,
  type: Physical,
  column: ColumnVector,
  at: number,
  value: number | bigint | null,
): void {
  const { memory } = kernels;
  writeValidity(kernels, column, at, value !== null);
  // What a null row holds must not matter.
  const stored = value ?? 77;
  if (type === Physical.F64) memory.f64[(column.values >>> 3) + at] = Number(stored);
  else if (type === Physical.I64) memory.i64[(column.values >>> 3) + at] = BigInt(stored);
  else if (type === Physical.I32) memory.i32[(column.values >>> 2) + at] = Number(stored);
  else memory.u8[column.values + at] = Number(stored);
}

function writeValidity({ memory }: KernelInstance, { validity }: ColumnVector, at: number, isValid: boolean): void {
  if (validity === 0) return;
  const byte = validity + (at >>> 3);
  const bits = memory.u8[byte] ?? 0;
  memory.u8[byte] = isValid ? bits | (1 << (at & 7)) : bits & ~(1 << (at & 7));
}

/** Writes a text to free `bytes`, and returns what is free then. */
function writeText(
  kernels: KernelInstance,
  column: ColumnVector,
  { at, value, bytes }: { readonly at: number; readonly value: Value; readonly bytes: number },
): number {
  const { memory } = kernels;
  writeValidity(kernels, column, at, value !== null);
  const encoded = new TextEncoder().encode(typeof value === 'string' ? value : 'nothing');
  memory.u8.set(encoded, bytes);
  memory.u32.set([bytes, encoded.length], (column.values >>> 2) + at * 2);
  return bytes + encoded.length;
}

function readValue(
  kernels: KernelInstance,
  type: Physical,
  column: ColumnVector,
  i: number,
): number | bigint | string | null {
  const { memory } = kernels;
  if (column.validity !== 0 && (((memory.u8[column.validity + (i >>> 3)] ?? 0) >>> (i & 7)) & 1) === 0) return null;
  if (type === Physical.F64) return memory.f64[(column.values >>> 3) + i] ?? null;
  if (type === Physical.I64) return memory.i64[(column.values >>> 3) + i] ?? null;
  if (type === Physical.I32) return BigInt(memory.i32[(column.values >>> 2) + i] ?? 0);
  if (type === Physical.BOOL) return BigInt(memory.u8[column.values + i] ?? 0);
  const ptr = memory.u32[(column.values >>> 2) + i * 2] ?? 0;
  return new TextDecoder().decode(memory.u8.slice(ptr, ptr + (memory.u32[(column.values >>> 2) + i * 2 + 1] ?? 0)));
}
