/**
 * One row as bytes and back, in JavaScript: values and sub-keys of state, and keys for those who ask what they are. The
 * layout is that of the kernel's row codec (assembly/codec/row.ts); crossing into it for a single row costs more than
 * the row.
 *
 * Invariants
 *  1. Equal to the kernel's bytes: what one encodes the other decodes. As keys, -0 is 0 and all NaN are one.
 *  2. `conform` answers what would be read back after storing, so that a cached value equals a stored one.
 *  3. What it answers is frozen, but for bytes, which cannot be: whoever keeps it hands out copies of these (kept.ts). So
 *     a function that changes what it got, and does not set it, changes nothing.
 */
import { InternalError, UserError } from '../../base/errors.ts';
import type { Field, TableSchema } from '../../data/schema.ts';
import type { ColumnType } from '../../data/types.ts';
import { refusal } from '../../format/batch-builder.ts';
import type { Row } from '../../format/row-view.ts';
import { TextReader } from '../../format/text-reader.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import { type Cell, cellOf, type RowBytesOptions } from './cells.ts';

export class RowBytes {
  readonly schema: TableSchema;
  readonly #cells: readonly { readonly field: Field; readonly cell: Cell }[];
  readonly #options: RowBytesOptions;
  readonly #out = new ByteWriter();
  readonly #in = new ByteReader(new TextReader());

  constructor(schema: TableSchema, options: RowBytesOptions) {
    this.schema = schema;
    this.#options = options;
    this.#cells = schema.fields.map((field) => ({ field, cell: cellOf(field.type, options) }));
  }

  /** The same bytes read for messages: an int64 of any size as a bigint. */
  exact(): RowBytes {
    const fields = this.schema.fields.map(({ name, type }) => ({ name, type: { ...type, bigint: true } }));
    return new RowBytes({ fields }, this.#options);
  }

  /** A row of its own with the columns of the schema, checked. E1303, E1304 when it is not a row of it. */
  conform(row: unknown): Row {
    if (typeof row !== 'object' || row === null) throw new UserError('E1304', { value: String(row) });
    // An object: what it has of the columns is checked one by one.
    const given = row as Row;
    const made: Record<string, unknown> = {};
    for (const { field, cell } of this.#cells) made[field.name] = conformed(field, cell, given[field.name]);
    return Object.freeze(made);
  }

  /** The only column's value, checked. */
  conformOnly(value: unknown): unknown {
    const [only] = this.#cells;
    return only === undefined ? null : conformed(only.field, only.cell, value);
  }

  /** Bytes of a conformed row, valid until the next encode. */
  encode(row: Row): Uint8Array {
    return this.#encode((name) => row[name]);
  }

  encodeOnly(value: unknown): Uint8Array {
    return this.#encode(() => value);
  }

  decode(bytes: Uint8Array): Row {
    const made: Record<string, unknown> = {};
    this.#decode(bytes, (name, value) => {
      made[name] = value;
    });
    return Object.freeze(made);
  }

  decodeOnly(bytes: Uint8Array): unknown {
    let only: unknown = null;
    this.#decode(bytes, (_name, value) => {
      only = value;
    });
    return only;
  }

  #encode(valueOf: (name: string) => unknown): Uint8Array {
    const out = this.#out;
    out.reset((this.#cells.length + 7) >> 3);
    this.#cells.forEach(({ field, cell }, i) => {
      const value = valueOf(field.name);
      if (value === null) return;
      out.setBit(i);
      cell.write(out, value);
    });
    return out.bytes();
  }

  #decode(bytes: Uint8Array, take: (name: string, value: unknown) => void): void {
    const from = this.#in;
    from.bind(bytes, (this.#cells.length + 7) >> 3);
    this.#cells.forEach(({ field, cell }, i) => take(field.name, from.bit(i) ? cell.read(from) : null));
    if (!from.isAtEnd) throw new InternalError(`${bytes.length} bytes in state are not a row of their schema`);
  }
}

function conformed(field: Field, cell: Cell, value: unknown): unknown {
  const isNull = value === null || value === undefined;
  if (isNull && field.type.nullable) return null;
  const made = isNull ? undefined : cell.conform(value);
  if (made === undefined) throw refusal(field, value);
  return made;
}

/** The schema that a single column makes. */
export const columnSchema = (type: ColumnType): TableSchema => ({ fields: [{ name: 'value', type }] });
