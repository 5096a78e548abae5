/**
 * Rows with columns added behind, as bytes: presence bits and values of both, in the layout of the row codec
 * (assembly/codec/row.ts). So a row that state holds as bytes gets a reason without being read.
 */
import type { Field } from '../../data/schema.ts';
import type { Row } from '../../format/row-view.ts';
import { RowBytes } from '../state/row-bytes.ts';

const bitBytesOf = (columns: number): number => (columns + 7) >> 3;

export class RowTail {
  readonly #columns: number;
  readonly #added: number;
  readonly #tail: RowBytes;

  /** Behind rows of so many columns. None of the added ones is ever null. */
  constructor(columns: number, added: readonly Field[]) {
    this.#columns = columns;
    this.#added = added.length;
    this.#tail = new RowBytes({ fields: added }, { eventTime: (ms) => ms, as: 'values' });
  }

  /** The longer row. Instants among the values are milliseconds. */
  extend(row: Uint8Array, values: Row): Uint8Array {
    const tail = this.#tail.encode(values);
    const [rowBits, tailBits] = [bitBytesOf(this.#columns), bitBytesOf(this.#added)];
    const bits = bitBytesOf(this.#columns + this.#added);
    const made = new Uint8Array(bits + row.length - rowBits + tail.length - tailBits);
    made.set(row.subarray(0, rowBits));
    for (let i = this.#columns; i < this.#columns + this.#added; i++) {
      made[i >> 3] = (made[i >> 3] ?? 0) | (1 << (i & 7));
    }
    made.set(row.subarray(rowBits), bits);
    made.set(tail.subarray(tailBits), bits + row.length - rowBits);
    return made;
  }
}
