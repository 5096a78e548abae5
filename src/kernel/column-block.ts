/** Column descriptors in linear memory, as kernels take them: COLUMN_BYTES for each column of a schema. */
import type { ColumnVector, Ptr } from '../data/record-batch.ts';
import { BATCH_ROWS_MAX } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import { type Physical, physicalOf, widthOf } from '../data/types.ts';
import { COLUMN_BYTES } from './abi.ts';
import type { LinearMemory } from './memory.ts';

export class ColumnBlock {
  readonly ptr: Ptr;
  readonly count: number;
  readonly #memory: LinearMemory;
  readonly #types: readonly Physical[];

  constructor(memory: LinearMemory, schema: TableSchema) {
    this.#memory = memory;
    this.#types = schema.fields.map(({ type }) => physicalOf(type));
    this.count = this.#types.length;
    this.ptr = memory.allocate(Math.max(1, this.count) * COLUMN_BYTES);
  }

  /** Describes the given columns, in the order of the schema. */
  set(columns: readonly ColumnVector[]): void {
    const { u32 } = this.#memory;
    this.#types.forEach((type, i) => {
      u32.set([type, columns[i]?.values ?? 0, columns[i]?.validity ?? 0, 0], (this.ptr + i * COLUMN_BYTES) / 4);
    });
  }

  /** Columns of BATCH_ROWS_MAX rows with a validity bitmap each, for kernels to fill. */
  allocateColumns(): readonly ColumnVector[] {
    return this.#types.map((type) => ({
      values: this.#memory.allocate(BATCH_ROWS_MAX * widthOf(type)),
      validity: this.#memory.allocate(BATCH_ROWS_MAX / 8),
    }));
  }

  /** The word that decoders set to whether a column has nulls. */
  hasNulls(column: number): boolean {
    return this.#memory.u32[(this.ptr + column * COLUMN_BYTES) / 4 + 3] !== 0;
  }
}
