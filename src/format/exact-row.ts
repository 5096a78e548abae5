/**
 * Rows that are kept whole for a function that may read only some of their columns: whoever keeps one needs every column as
 * it is, the function must not get a bigint where its types promise a number.
 */
import type { TableSchema } from '../data/schema.ts';
import { inexact } from './column-getter.ts';
import type { Row, RowView } from './row-view.ts';

/** The row shown as an object of its own; an int64 that a number cannot hold is a bigint. */
export const exactCopy = (view: RowView): Row => view.exactly((row) => ({ ...row }));

/** An exact copy as functions may have it: what a number cannot hold fails when it is read, and only then (E1301). */
export function readable(row: Row, { fields }: TableSchema): Row {
  const large = fields.filter(
    ({ name, type }) => type.kind === 'int64' && type.bigint !== true && typeof row[name] === 'bigint',
  );
  if (large.length === 0) return row;
  const made: Row = { ...row };
  for (const field of large) {
    const get = (): never => {
      throw inexact(field, BigInt(String(row[field.name])));
    };
    Object.defineProperty(made, field.name, { enumerable: true, get });
  }
  return made;
}
