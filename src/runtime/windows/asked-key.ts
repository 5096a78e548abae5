/** A key that somebody asks about, as operators compare keys: made from an object, checked (E1203, E1303). */
import type { ColumnVector, RecordBatch } from '../../data/record-batch.ts';
import { requireColumn, type TableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import type { Row } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { WindowAggregateNode } from '../../plan/logical.ts';
import { KeyColumns } from '../key-columns.ts';

export class AskedKey {
  readonly #uid: string;
  readonly #builder: BatchBuilder;
  readonly #columns: KeyColumns;

  constructor(kernels: KernelInstance, uid: string, { input, keys }: WindowAggregateNode) {
    const schema: TableSchema = {
      fields: keys.flatMap((key) => input.schema.fields[requireColumn(input.schema, key, 'keyBy')] ?? []),
    };
    this.#uid = uid;
    this.#builder = new BatchBuilder(kernels, schema, 1);
    this.#columns = new KeyColumns(kernels, schema, keys);
  }

  /** A column of this key alone, valid until the next call; undefined without keys. */
  column(key: Row): ColumnVector | undefined {
    return this.#columns.of(this.batch(key));
  }

  /** The key's columns. */
  get schema(): TableSchema {
    return this.#builder.schema;
  }

  /** A row of the key alone, valid until the next call. */
  batch(key: Row): RecordBatch {
    for (const name of Object.keys(key)) requireColumn(this.schema, name, `the key of '${this.#uid}'`);
    this.#builder.reset();
    this.#builder.append(key);
    return this.#builder.finish();
  }
}
