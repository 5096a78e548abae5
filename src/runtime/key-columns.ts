/**
 * The key of a grouped aggregation as one column. A single column without nulls is taken as it is; several, or one that may
 * be null, are encoded to bytes row by row and decoded when results are made.
 */
import type { ColumnVector, RecordBatch } from '../data/record-batch.ts';
import { requireColumn, type TableSchema, tableSchema } from '../data/schema.ts';
import { Physical, physicalOf } from '../data/types.ts';
import { InternalError } from '../base/errors.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { RowCodec } from '../kernel/row-codec.ts';

export class KeyColumns {
  /** Type of the key column; undefined: no keys, one group in all. */
  readonly physical: Physical | undefined;
  readonly #indexes: readonly number[];
  readonly #codec: RowCodec | undefined;

  constructor(kernels: KernelInstance, input: TableSchema, keys: readonly string[]) {
    this.#indexes = keys.map((key) => requireColumn(input, key, 'keyBy'));
    const fields = this.#indexes.flatMap((index) => input.fields[index] ?? []);
    const [only] = fields;
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

  /** The key columns of results, from the column that kernels made. */
  decode(key: ColumnVector | undefined, rows: number): readonly ColumnVector[] {
    if (key === undefined) return [];
    if (this.#codec === undefined) return [key];
    const columns = this.#codec.tryDecode(key.values, rows);
    if (columns === undefined) throw new InternalError('keys in state are not rows of the key columns');
    return columns;
  }
}
