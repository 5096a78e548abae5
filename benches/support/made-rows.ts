/**
 * What the sources of benches share: one split of rows made in memory, in columns of eight bytes a value that hold no nulls.
 *
 * Not here: what a bench puts into the columns, and when.
 */
import type { ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';

/** A connector of one split that is read from its beginning. */
export function madeSource(schema: TableSchema, open: (context: ReaderContext) => SplitReader): SourceConnector {
  return {
    schema,
    live: false,
    // More than any bench has rows: one split needs no turns.
    quantum: 2 ** 40,
    splits: async () => [{ id: 'made' }],
    open: async (_split, _offset, context) => open(context),
  };
}

/** Columns of one batch in the engine's memory. They are filled anew for each. */
export class MadeColumns {
  readonly #schema: TableSchema;
  readonly #source: string;
  readonly memory: LinearMemory;
  /** Of BATCH_ROWS_MAX values of 8 bytes each, in the order of the schema. */
  readonly values: readonly Ptr[];

  constructor(schema: TableSchema, { kernels, source }: ReaderContext) {
    this.#schema = schema;
    this.#source = source;
    this.memory = kernels.memory;
    this.values = schema.fields.map(() => this.memory.allocate(BATCH_ROWS_MAX * 8));
  }

  /** Where the columns begin, in words of 4 bytes. */
  words(): readonly number[] {
    return this.values.map((ptr) => ptr >>> 2);
  }

  /** The first rows of the columns, until they are filled again. */
  batch(rows: number): RecordBatch {
    return {
      schema: this.#schema,
      rows,
      columns: this.values.map((values) => ({ values, validity: 0 })),
      selection: 0,
      selected: rows,
      rowKinds: 0,
      timestamps: 0,
      watermarks: 0,
      origin: { source: this.#source, split: 0 },
    };
  }
}
