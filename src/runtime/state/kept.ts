/** What a state holds, between functions and bytes: a row of a schema, or the value of a column. */
import type { TableSchema } from '../../data/schema.ts';
import type { Row } from '../../format/row-view.ts';
import type { RowBytesOptions } from './cells.ts';
import { RowBytes } from './row-bytes.ts';

export interface Kept {
  /** The value as it reads after storing. Throws E1303 or E1304 when it cannot be held. */
  conform(value: unknown): unknown;
  /** Bytes of a conformed value, valid until the next call. */
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
  /** A conformed or decoded value, or undefined, as a function may have it: nothing that it does to it changes what is kept. */
  handOut(value: unknown): unknown;
}

const same = (value: unknown): unknown => value;

const copyOf = (value: unknown): unknown => (value instanceof Uint8Array ? value.slice() : value);

function copyOfRow(row: unknown): unknown {
  // What conform or decode answered: a row, or undefined for none.
  const columns = row as Row | undefined;
  return columns && Object.freeze(Object.fromEntries(Object.entries(columns).map(([name, of]) => [name, copyOf(of)])));
}

export function keptOf(type: TableSchema, isColumn: boolean, eventTime: RowBytesOptions['eventTime']): Kept {
  const codec = new RowBytes(type, { eventTime, as: 'values' });
  // All else is frozen or has no parts; an array of bytes cannot be frozen.
  const hasBytes = type.fields.some((field) => field.type.kind === 'bytes');
  if (isColumn) {
    return {
      conform: (value) => codec.conformOnly(value),
      encode: (value) => codec.encodeOnly(value),
      decode: (bytes) => codec.decodeOnly(bytes),
      handOut: hasBytes ? copyOf : same,
    };
  }
  return {
    conform: (value) => codec.conform(value),
    // What conform answered.
    encode: (value) => codec.encode(value as Row),
    decode: (bytes) => codec.decode(bytes),
    handOut: hasBytes ? copyOfRow : same,
  };
}
