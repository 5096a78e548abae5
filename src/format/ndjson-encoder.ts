/**
 * Rows to NDJSON bytes, straight from the columns.
 *
 * Values: utf8 as JSON strings; int64 with all its digits; floats as JavaScript prints them, NaN and the infinities
 * as null; timestamps as ISO-8601 text in UTC, with the digits of the column's unit (three, or six for microseconds),
 * or as the number when no calendar names the instant; json as it came, on one line; bytes as base64 text; nulls as
 * null. On changelogs the first property is `op`: "+I", "-U", "+U", "-D".
 *
 * Invariants
 *  1. One line per selected row, each an object with all columns in order, ended by one line feed.
 *  2. With kernels or without, the bytes are the same.
 *  3. Linear memory is taken with the first batch, not before: until then the kernels may be reset.
 * Not here: where the bytes go (connector/file-sink.ts), how values are spelled (json-writer.ts).
 */
import type { RecordBatch } from '../data/record-batch.ts';
import { type RowKind, shortRowKind } from '../data/row-kind.ts';
import type { Field, TableSchema } from '../data/schema.ts';
import { Physical, physicalOf } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { NdjsonKernel } from '../kernel/ndjson.ts';
import { JsonWriter } from './json-writer.ts';

export interface NdjsonEncoderOptions {
  /** Rows carry what they do to the result before: the property `op`. */
  readonly changelog?: boolean;
  /** Kernels over the memory of the batches: lines then come from them wherever they can spell all columns. */
  readonly kernels?: KernelInstance;
}

/** The views of one batch. */
interface Views {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
}

type ValueWriter = (row: number, valuesPtr: number, views: Views) => void;

interface ColumnWriter {
  /** The text before the value: a brace or a comma, the name, a colon. */
  readonly prefix: Uint8Array;
  readonly write: ValueWriter;
}

const CLOSE = 0x7d;
const LINE_FEED = 0x0a;

export class NdjsonEncoder {
  readonly #memory: LinearMemory;
  readonly #out = new JsonWriter();
  readonly #columns: readonly ColumnWriter[];
  /** The text before the first column by row kind; empty without changelog. */
  readonly #kinds: readonly Uint8Array[];
  /** Makes the kernel's part with the first batch: a sink is opened before memory has its final layout. */
  readonly #open: () => NdjsonKernel | undefined;
  #kernel: { readonly opened: NdjsonKernel | undefined } | undefined;

  constructor(memory: LinearMemory, schema: TableSchema, options: NdjsonEncoderOptions = {}) {
    const text = new TextEncoder();
    const isChangelog = options.changelog === true;
    this.#memory = memory;
    this.#kinds = isChangelog
      ? ([0, 1, 2, 3] as const).map((kind: RowKind) => text.encode(`{"op":"${shortRowKind(kind)}"`))
      : [];
    this.#columns = schema.fields.map((field, i) => ({
      prefix: text.encode(`${i === 0 && !isChangelog ? '{' : ','}${JSON.stringify(field.name)}:`),
      write: this.#writerOf(field),
    }));
    const prefixes = this.#columns.map(({ prefix }) => prefix);
    const { kernels } = options;
    this.#open = () => (kernels === undefined || isChangelog ? undefined : NdjsonKernel.tryFor(kernels, schema, prefixes));
  }

  /** Bytes encoded and not yet taken. */
  get length(): number {
    return this.#out.length;
  }

  /** The bytes encoded since the last take; the caller owns them. */
  take(): Uint8Array {
    return this.#out.take();
  }

  encode(batch: RecordBatch): void {
    this.#kernel ??= { opened: this.#open() };
    if (this.#kernel.opened === undefined) this.#writeRows(batch, 0, batch.selected);
    else this.#encodeRows(this.#kernel.opened, batch);
  }

  /** By kernels, but for rows that they leave to us: very long ones, and years of more than four digits. */
  #encodeRows(kernel: NdjsonKernel, batch: RecordBatch): void {
    kernel.take(batch);
    for (let at = 0; at < batch.selected; ) {
      const { start, end, next } = kernel.encode(batch, at);
      this.#out.copy(this.#memory.u8, start, end);
      if (next === at) this.#writeRows(batch, at, at + 1);
      at = Math.max(next, at + 1);
    }
  }

  #writeRows(batch: RecordBatch, from: number, to: number): void {
    const { u8, u32, i32, f64, i64 } = this.#memory;
    const views: Views = { u8, u32, i32, f64, i64 };
    for (let i = from; i < to; i++) {
      const row = batch.selection === 0 ? i : (u32[(batch.selection >>> 2) + i] ?? 0);
      this.#writeRow(batch, row, views);
    }
  }

  #writeRow(batch: RecordBatch, row: number, views: Views): void {
    const out = this.#out;
    if (this.#kinds.length > 0) {
      const kind = batch.rowKinds === 0 ? 0 : (views.u8[batch.rowKinds + row] ?? 0);
      out.raw(this.#kinds[kind] ?? EMPTY);
    }
    for (let c = 0; c < this.#columns.length; c++) {
      const column = this.#columns[c];
      const vector = batch.columns[c];
      if (column === undefined || vector === undefined) continue;
      out.raw(column.prefix);
      const { validity, values } = vector;
      const isNull =
        values === 0 || (validity !== 0 && (((views.u8[validity + (row >> 3)] ?? 0) >> (row & 7)) & 1) === 0);
      if (isNull) out.null();
      else column.write(row, values, views);
    }
    if (this.#columns.length === 0 && this.#kinds.length === 0) out.byte(OPEN);
    out.byte(CLOSE);
    out.byte(LINE_FEED);
  }

  #writerOf({ type }: Field): ValueWriter {
    const out = this.#out;
    switch (physicalOf(type)) {
      case Physical.BOOL:
        return (row, values, { u8 }) => out.boolean(u8[values + row] === 1);
      case Physical.I32:
        return (row, values, { i32 }) => out.integer(i32[(values >>> 2) + row] ?? 0);
      case Physical.F64:
        return (row, values, { f64 }) => out.number(f64[(values >>> 3) + row] ?? 0);
      case Physical.I64:
        return type.kind === 'timestamp' ? timestampWriter(out, type.unit === 'us') : int64Writer(out);
      case Physical.VIEW:
        return viewWriter(out, type.kind);
    }
  }
}

const OPEN = 0x7b;
const EMPTY = new Uint8Array(0);

function int64Writer(out: JsonWriter): ValueWriter {
  return (row, values, { i32, u32, i64 }) => {
    const at = (values >>> 2) + row * 2;
    const value = (i32[at + 1] ?? 0) * 2 ** 32 + (u32[at] ?? 0);
    if (Number.isSafeInteger(value)) out.integer(value);
    else out.ascii(String(i64[at >>> 1]));
  };
}

function timestampWriter(out: JsonWriter, isMicros: boolean): ValueWriter {
  return (row, values, { i32, u32, i64 }) => {
    const at = (values >>> 2) + row * 2;
    const value = (i32[at + 1] ?? 0) * 2 ** 32 + (u32[at] ?? 0);
    if (!isMicros) {
      if (!out.timestamp(value, -1)) out.ascii(String(i64[at >>> 1]));
      return;
    }
    // Microseconds of the year 9999 are beyond what a number holds exactly, its milliseconds are not.
    const exact = Number.isSafeInteger(value) ? 0n : (i64[at >>> 1] ?? 0n);
    const micros = exact === 0n ? ((value % 1000) + 1000) % 1000 : Number(((exact % 1000n) + 1000n) % 1000n);
    const ms = exact === 0n ? (value - micros) / 1000 : Number((exact - BigInt(micros)) / 1000n);
    if (!out.timestamp(ms, micros)) out.ascii(String(i64[at >>> 1]));
  };
}

function viewWriter(out: JsonWriter, kind: string): ValueWriter {
  const write = kind === 'utf8' ? out.string : kind === 'json' ? out.json : out.base64;
  return (row, values, { u8, u32 }) => {
    const at = (values >>> 2) + row * 2;
    const start = u32[at] ?? 0;
    write.call(out, u8, start, start + (u32[at + 1] ?? 0));
  };
}
