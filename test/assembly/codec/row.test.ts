import { beforeAll, describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
import { type TableSchema, tableSchema } from '../../../src/data/schema.ts';
import type { TypeKind } from '../../../src/data/types.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { RowCodec } from '../../../src/kernel/row-codec.ts';
import {
  columnBatch,
  columnOf,
  kernelInstance,
  readColumn,
  readSelection,
  type Value,
} from '../../support/column-batch.ts';
import { pick, randomColumns, randomSelection } from '../../support/random-columns.ts';

const KINDS: readonly TypeKind[] = ['bool', 'int8', 'int32', 'int64', 'timestamp', 'float64', 'utf8', 'bytes'];

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(64);
});

const randomSchema = (random: Random, most: number): TableSchema =>
  tableSchema(
    Array.from({ length: 1 + below(random, most) }, (_, i) => ({
      name: `c${i}`,
      type: { kind: pick(random, KINDS), nullable: below(random, 2) === 0 },
    })),
  );

/** The bytes of a view column, one text of hexadecimal digits a row. */
function bytesOf(column: { readonly values: number; readonly validity: number }, rows: readonly number[]): string[] {
  return readColumn(kernels.memory, 'bytes', column, rows).map((bytes) =>
    bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : '',
  );
}

/** A row as a text that is the same exactly for rows that are the same key. */
const keyText = (row: readonly Value[]): string =>
  JSON.stringify(
    row.map((value) =>
      value instanceof Uint8Array ? ['bytes', ...value] : value === null ? null : `${typeof value} ${value}`,
    ),
  );

describe('rows in bytes', () => {
  test('come back as they were, floats to the bit', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const schema = randomSchema(random, 12);
      const rows = below(random, 50);
      const columns = randomColumns(random, schema, rows);
      const batch = columnBatch(kernels, schema, columns);
      const codec = new RowCodec(kernels, schema, 'values');
      const back = codec.tryDecode(codec.encode(batch.columns, batch).values, rows);
      expect(back, `seed ${seed}`).toBeDefined();
      const all = readSelection(kernels.memory, 0, rows);
      const values = schema.fields.map(({ type }, i) =>
        readColumn(kernels.memory, type.kind, back?.[i] ?? { values: 0, validity: 0 }, all),
      );
      expect(values, `seed ${seed}`).toEqual(columns);
    }
  });

  test('are equal keys exactly when their values are equal, and no key begins another', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const schema = randomSchema(random, 3);
      const rows = 60;
      const columns = randomColumns(random, schema, rows);
      const batch = columnBatch(kernels, schema, columns, randomSelection(random, rows));
      const meant = readSelection(kernels.memory, batch.selection, batch.selected);
      const keys = bytesOf(new RowCodec(kernels, schema, 'keys').encode(batch.columns, batch), meant);
      const texts = meant.map((row) => keyText(columns.map((column) => column[row] ?? null)));
      const wrong = keys.flatMap((a, i) =>
        keys.slice(0, i).flatMap((b, j) => {
          const begins = a !== b && (a.startsWith(b) || b.startsWith(a));
          return begins || (a === b) !== (texts[i] === texts[j]) ? [`${texts[i]} and ${texts[j]}`] : [];
        }),
      );
      expect(wrong, `seed ${seed}`).toEqual([]);
    }
  });

  test('take -0 for 0 and every NaN for one in keys only', () => {
    kernels.reset();
    const schema = tableSchema([{ name: 'x', type: { kind: 'float64', nullable: false } }]);
    const { memory } = kernels;
    const column = columnOf(memory, 'float64', [0, -0, Number.NaN, Number.NaN]);
    memory.view.setBigUint64(column.values + 24, 0xfff8_0000_0000_0001n, true);
    const rows = { rows: 4, selection: 0, selected: 4 };
    const keys = bytesOf(new RowCodec(kernels, schema, 'keys').encode([column], rows), [0, 1, 2, 3]);
    expect([keys[0] === keys[1], keys[2] === keys[3], keys[0] === keys[2]]).toEqual([true, true, false]);
    expect(new Set(bytesOf(new RowCodec(kernels, schema, 'values').encode([column], rows), [0, 1, 2, 3])).size).toBe(4);
  });

  test('that are longer than the room at hand get more of it', () => {
    kernels.reset();
    const schema = tableSchema([{ name: 't', type: { kind: 'utf8', nullable: false } }]);
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(30_000));
    const batch = columnBatch(kernels, schema, [texts]);
    const codec = new RowCodec(kernels, schema, 'values');
    const back = codec.tryDecode(codec.encode(batch.columns, batch).values, 20);
    expect(
      readColumn(kernels.memory, 'utf8', back?.[0] ?? { values: 0, validity: 0 }, readSelection(kernels.memory, 0, 20)),
    ).toEqual(texts);
  });

  test('that were damaged are refused, or are exactly what their values encode to', () => {
    let refused = 0;
    for (let seed = 1; seed <= 3000; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const schema = randomSchema(random, 9);
      const { memory } = kernels;
      const batch = columnBatch(kernels, schema, randomColumns(random, schema, 1));
      const codec = new RowCodec(kernels, schema, 'values');
      const row = readColumn(memory, 'bytes', codec.encode(batch.columns, batch), [0])[0];
      const bytes =
        row instanceof Uint8Array
          ? row.slice(0, below(random, 3) === 0 ? below(random, row.length + 1) : row.length)
          : new Uint8Array();
      if (bytes.length > 0)
        bytes[below(random, bytes.length)] = pick(random, [0, 1, 127, 128, 255, random.u32() & 255]);
      const decoded = codec.tryDecode(columnOf(memory, 'bytes', [bytes]).values, 1);
      if (decoded === undefined) refused++;
      else
        expect(bytesOf(codec.encode(decoded, batch), [0]), `seed ${seed}`).toEqual([
          Buffer.from(bytes).toString('hex'),
        ]);
    }
    expect(refused).toBeGreaterThan(500);
  });
});
