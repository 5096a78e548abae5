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
}

export function keptOf(type: TableSchema, isColumn: boolean, eventTime: RowBytesOptions['eventTime']): Kept {
  const codec = new RowBytes(type, { eventTime, as: 'values' });
  if (isColumn) {
    return {
      conform: (value) => codec.conformOnly(value),
      encode: (value) => codec.encodeOnly(value),
      decode: (bytes) => codec.decodeOnly(bytes),
    };
  }
  return {
    conform: (value) => codec.conform(value),
    // What conform answered.
    encode: (value) => codec.encode(value as Row),
    decode: (bytes) => codec.decode(bytes),
  };
}
