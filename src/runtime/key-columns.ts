/**
 * The key of a grouped aggregation as one column. A single column without nulls is taken as it is; several, or one that may
 * be null, are encoded to bytes row by row and decoded when results are made.
 */
import type { ColumnVector, Ptr, RecordBatch } from '../data/record-batch.ts';
import { requireColumn, type TableSchema, tableSchema } from '../data/schema.ts';
import { Physical, physicalOf } from '../data/types.ts';
import { InternalError } from '../base/errors.ts';
import { RowView } from '../format/row-view.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { RowCodec } from '../kernel/row-codec.ts';

/** A view of the key's bytes, which follow it. */
const KEY_HEADER_BYTES = 8;
const NO_BATCH = { selection: 0, rowKinds: 0, timestamps: 0, watermarks: 0, origin: undefined };

export class KeyColumns {
  /** Type of the key column; undefined: no keys, one group in all. */
  readonly physical: Physical | undefined;
  readonly #indexes: readonly number[];
  readonly #codec: RowCodec | undefined;
  readonly #kernels: KernelInstance;
  readonly #schema: TableSchema;
  /** Of `text`; grows by doubling, because nothing is given back. */
  #scratch: Ptr = 0;
  #scratchBytes = 0;

  constructor(kernels: KernelInstance, input: TableSchema, keys: readonly string[]) {
    this.#indexes = keys.map((key) => requireColumn(input, key, 'keyBy'));
    const fields = this.#indexes.flatMap((index) => input.fields[index] ?? []);
    const [only] = fields;
    this.#kernels = kernels;
    this.#schema = tableSchema(fields);
    const asItIs =
      fields.length === 1 && only !== undefined && !only.type.nullable && physicalOf(only.type) !== Physical.F64;
    this.#codec = asItIs || fields.length === 0 ? undefined : new RowCodec(kernels, tableSchema(fields), 'keys');
    this.physical = fields.length === 0 ? undefined : asItIs ? physicalOf(only.type) : Physical.VIEW;
  }

  /** The key of each meant row of a batch; undefined without keys. Valid until the next call. */
  of(batch: RecordBatch): ColumnVector | undefined {
    const columns = this.#indexes.flatMap((index) => batch.columns[index] ?? []);
    return this.#codec === undefined ? columns[0] : this.#codec.encode(columns, batch);
  }

  /** A key as state has it (heaviest-keys.ts), for people: its values, separated by commas. */
  text(key: Uint8Array): string {
    if (this.physical === undefined) return '(all rows)';
    const { memory } = this.#kernels;
    const at = this.#textScratch(KEY_HEADER_BYTES + key.length);
    memory.u8.set(key, at + KEY_HEADER_BYTES);
    memory.u32[at >>> 2] = at + KEY_HEADER_BYTES;
    memory.u32[(at >>> 2) + 1] = key.length;
    const values = this.physical === Physical.VIEW ? at : at + KEY_HEADER_BYTES;
    const columns = this.decode({ values, validity: 0 }, 1);
    const view = new RowView(memory, this.#schema, { timestamp: (epochMs) => new Date(epochMs).toISOString() });
    view.bind({ ...NO_BATCH, schema: this.#schema, columns, rows: 1, selected: 1 });
    view.select(0);
    return view.exactly((row) => Object.values(row).map(String).join(', '));
  }

  #textScratch(bytes: number): Ptr {
    if (bytes > this.#scratchBytes) {
      this.#scratchBytes = Math.max(bytes, 2 * this.#scratchBytes);
      this.#scratch = this.#kernels.memory.allocate(this.#scratchBytes);
    }
    return this.#scratch;
  }

  /** The key columns of results, from the column that kernels made. */
  decode(key: ColumnVector | undefined, rows: number): readonly ColumnVector[] {
    if (key === undefined) return [];
    if (this.#codec === undefined) return [key];
    const columns = this.#codec.tryDecode(key.values, rows);
    if (columns === undefined) throw new InternalError('keys in state are not rows of the key columns');
    return columns;
  }
}
