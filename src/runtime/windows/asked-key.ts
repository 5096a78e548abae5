/** A key that somebody asks about, as operators compare keys: made from an object, checked (E1203, E1303). */
import type { ColumnVector, RecordBatch } from '../../data/record-batch.ts';
import { requireColumn, type TableSchema } from '../../data/schema.ts';
import { BatchBuilder } from '../../format/batch-builder.ts';
import type { Row } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { WindowAggregateNode } from '../../plan/logical.ts';
import type { StateKey } from '../../state/keyed-state.ts';
import { KeyColumns } from '../key-columns.ts';
import { WindowRows } from './window-rows.ts';

export class AskedKey {
  readonly #uid: string;
  readonly #builder: BatchBuilder;
  readonly #columns: KeyColumns;
  readonly #rows: WindowRows;

  constructor(kernels: KernelInstance, uid: string, { input, keys }: WindowAggregateNode) {
    const schema: TableSchema = {
      fields: keys.flatMap((key) => input.schema.fields[requireColumn(input.schema, key, 'keyBy')] ?? []),
    };
    this.#uid = uid;
    this.#builder = new BatchBuilder(kernels, schema, 1);
    this.#columns = new KeyColumns(kernels, schema, keys);
    this.#rows = new WindowRows(kernels, schema, keys, (ms) => ms);
  }

  /** A column of this key alone, valid until the next call; undefined without keys. */
  column(key: Row): ColumnVector | undefined {
    return this.#columns.of(this.#batch(key));
  }

  state(key: Row): StateKey {
    this.#rows.bind(this.#batch(key));
    return this.#rows.key;
  }

  #batch(key: Row): RecordBatch {
    const { schema } = this.#builder;
    for (const name of Object.keys(key)) requireColumn(schema, name, `the key of '${this.#uid}'`);
    this.#builder.reset();
    this.#builder.append(key);
    return this.#builder.finish();
  }
}
