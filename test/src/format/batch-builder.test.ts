/** Row objects to columns and back: what goes in comes out, and what cannot go in is told. */
import { describe, expect, test } from 'vitest';
import { processingTimeOf } from '../../../src/api/time.ts';
import { below, seededRandom } from '../../../src/base/random.ts';
import { RowKind } from '../../../src/data/row-kind.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import type { ColumnType } from '../../../src/data/types.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import { type Row, readRows, RowView } from '../../../src/format/row-view.ts';
import { newKernels } from '../../support/kernels.ts';
import { randomRow, randomSchema } from '../../support/random-rows.ts';

const one = (type: ColumnType): TableSchema => ({ fields: [{ name: 'v', type }] });

describe('a batch builder and a row view', () => {
  test('give back every row that was put in, also when the builder is used again', async () => {
    const kernels = await newKernels(512 << 20);
    for (let seed = 1; seed <= 100; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const schema = randomSchema(random);
      const builder = new BatchBuilder(kernels, schema, 64);
      const view = new RowView(kernels.memory, schema);
      for (let round = 0; round < 3; round++) {
        const rows = Array.from({ length: 1 + below(random, 64) }, () => randomRow(random, schema));
        rows.forEach((row) => builder.append(row));
        expect(readRows(view, builder.finish()), `seed ${seed}`).toEqual(rows);
        builder.reset();
      }
    }
  });

  test('the row object is one for all rows, and a copy stays', async () => {
    const kernels = await newKernels();
    const schema = one({ kind: 'utf8', nullable: false });
    const builder = new BatchBuilder(kernels, schema, 4);
    for (const v of ['first', 'second', 'second']) builder.append({ v });
    const view = new RowView(kernels.memory, schema);
    view.bind(builder.finish());
    const first = view.select(0);
    const kept = view.copy();
    expect(view.select(1)).toBe(first);
    expect(first).toEqual({ v: 'second' });
    expect(kept).toEqual({ v: 'first' });
    expect({ ...first, more: 1 }).toEqual({ v: 'second', more: 1 });
  });

  test('reads the right row after memory has grown in the middle of a row', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = {
      fields: [
        { name: 'a', type: { kind: 'int32', nullable: false } },
        { name: 'b', type: { kind: 'utf8', nullable: false } },
      ],
    };
    const builder = new BatchBuilder(kernels, schema, 4);
    builder.append({ a: 1, b: 'one' });
    const view = new RowView(kernels.memory, schema);
    view.bind(builder.finish());
    expect(view.row['a']).toBe(1);
    kernels.memory.allocate(30 << 20);
    expect(view.row['b']).toBe('one');
    expect(view.row['a']).toBe(1);
  });

  test('refuses an int64 that a number cannot hold, and reads it as a bigint when asked to', async () => {
    const kernels = await newKernels();
    const builder = new BatchBuilder(kernels, one({ kind: 'int64', nullable: false }), 4);
    builder.append({ v: 2n ** 53n });
    const batch = builder.finish();
    const view = new RowView(kernels.memory, batch.schema);
    view.bind(batch);
    expect(() => view.row['v']).toThrow("int64 column 'v' holds 9007199254740992, which a number cannot hold exactly");
    const exact = new RowView(kernels.memory, one({ kind: 'int64', nullable: false, bigint: true }));
    exact.bind(batch);
    expect(exact.row['v']).toBe(2n ** 53n);
  });

  test('hands timestamps to the hook and takes them as numbers, dates and instants', async () => {
    const kernels = await newKernels();
    const builder = new BatchBuilder(kernels, one({ kind: 'timestamp', nullable: false }), 4);
    for (const v of [5, new Date(6), { epochMs: 7 }]) builder.append({ v });
    const view = new RowView(kernels.memory, builder.schema, {
      timestamp: (epochMs, micros) => `${epochMs}+${micros}`,
    });
    expect(readRows(view, builder.finish())).toEqual([{ v: '5+0' }, { v: '6+0' }, { v: '7+0' }]);
    const micros = new BatchBuilder(kernels, one({ kind: 'timestamp', nullable: false, unit: 'us' }), 4);
    micros.append({ v: new Date(6) });
    micros.append({ v: -0.25 });
    const microsView = new RowView(kernels.memory, micros.schema, {
      timestamp: (epochMs, rest) => `${epochMs}+${rest}`,
    });
    expect(readRows(microsView, micros.finish())).toEqual([{ v: '6+0' }, { v: '-1+750' }]);
  });

  test('keeps the kind of each row, also when the first ones were inserts', async () => {
    const kernels = await newKernels();
    const builder = new BatchBuilder(kernels, one({ kind: 'int32', nullable: false }), 8);
    const kinds = [
      RowKind.INSERT,
      RowKind.INSERT,
      RowKind.UPDATE_BEFORE,
      RowKind.UPDATE_AFTER,
      RowKind.INSERT,
      RowKind.DELETE,
    ];
    for (let round = 0; round < 2; round++) {
      kinds.forEach((kind, v) => builder.append({ v }, kind));
      const view = new RowView(kernels.memory, builder.schema);
      view.bind(builder.finish());
      expect(kinds.map((_, i) => (view.select(i), view.kind))).toEqual(kinds);
      builder.reset();
      builder.append({ v: 1 });
      expect(builder.finish().rowKinds).toBe(0);
      builder.reset();
    }
  });

  test('keeps texts apart that are encoded together: halves of a character beside each other are two', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = {
      fields: ['a', 'b'].map((name) => ({ name, type: { kind: 'utf8', nullable: false } })),
    };
    const builder = new BatchBuilder(kernels, schema, 4096);
    const rows: Row[] = Array.from({ length: 4096 }, (_, i) =>
      i % 100 === 7 ? { a: '\ud83d', b: '\ude95é' } : { a: `a${i}`.repeat(i % 300), b: i % 3 === 0 ? '' : 'ünï' },
    );
    rows.forEach((row) => builder.append(row));
    const expected = rows.map((row) => (row['a'] === '\ud83d' ? { a: '\ufffd', b: '\ufffdé' } : row));
    expect(readRows(new RowView(kernels.memory, schema), builder.finish())).toEqual(expected);
  });

  test('forgets the texts of a row that was refused, wherever in the row the mistake is', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = {
      fields: [
        { name: 'a', type: { kind: 'utf8', nullable: true } },
        { name: 'n', type: { kind: 'int32', nullable: false } },
        { name: 'b', type: { kind: 'utf8', nullable: false } },
      ],
    };
    const builder = new BatchBuilder(kernels, schema, 64);
    const rows = Array.from({ length: 40 }, (_, n) => ({ a: n % 5 === 0 ? null : `left ${n}`, n, b: `right ${n}` }));
    for (const row of rows) {
      expect(() => builder.append({ a: 'refused', n: 1.5, b: 'never seen' })).toThrow("column 'n' is int32");
      expect(() => builder.append({ b: 'refused', a: 'out of order', n: 2 ** 40 })).toThrow("column 'n' is int32");
      expect(() => builder.append({ a: null, n: 1, b: 7 })).toThrow("column 'b' is utf8");
      builder.append(row.n % 2 === 0 ? row : { b: row.b, more: 'ignored', n: row.n, a: row.a });
    }
    expect(() => builder.append({ a: 'refused at the end', n: 1, b: 7 })).toThrow("column 'b' is utf8");
    expect(readRows(new RowView(kernels.memory, schema), builder.finish())).toEqual(rows);
  });

  test('whose columns were asked for has every row whole as soon as it is there, also after rows were taken back', async () => {
    const kernels = await newKernels();
    const schema = one({ kind: 'utf8', nullable: true });
    const builder = new BatchBuilder(kernels, schema, 16);
    const { columns } = builder;
    const view = new RowView(kernels.memory, schema);
    const seen = (): Row[] =>
      readRows(view, {
        ...new BatchBuilder(kernels, schema, 1).finish(),
        columns,
        rows: builder.rows,
        selected: builder.rows,
      });
    for (let round = 0; round < 2; round++) {
      builder.append({ v: 'first' });
      builder.append({ v: 'taken back' });
      expect(seen()).toEqual([{ v: 'first' }, { v: 'taken back' }]);
      builder.truncate(1);
      builder.append({ v: null });
      builder.append({ v: 'ünï' });
      expect(seen()).toEqual([{ v: 'first' }, { v: null }, { v: 'ünï' }]);
      builder.reset();
    }
  });

  test('refuses a row that is no object', async () => {
    const builder = new BatchBuilder(await newKernels(), one({ kind: 'int32', nullable: false }), 4);
    // What a program without types may hand over.
    expect(() => builder.append('text' as unknown as Row)).toThrow(
      'a row must be an object with the columns as properties, but is "text"',
    );
  });

  test.each<[ColumnType, unknown, string]>([
    [{ kind: 'int8', nullable: false }, 128, 'int8 and cannot hold 128'],
    [{ kind: 'int32', nullable: false }, 1.5, 'int32 and cannot hold 1.5'],
    [{ kind: 'int32', nullable: true }, 'x', 'int32, nullable and cannot hold "x"'],
    [{ kind: 'int64', nullable: false }, 2 ** 53, 'int64 and cannot hold 9007199254740992'],
    [{ kind: 'int64', nullable: false }, 2n ** 63n, 'int64 and cannot hold 9223372036854775808n'],
    [{ kind: 'float64', nullable: false }, '1', 'float64 and cannot hold "1"'],
    [{ kind: 'bool', nullable: false }, 1, 'bool and cannot hold 1'],
    [{ kind: 'utf8', nullable: false }, null, 'utf8 and cannot hold null'],
    [{ kind: 'utf8', nullable: false }, undefined, 'utf8 and cannot hold undefined'],
    [{ kind: 'bytes', nullable: false }, [1], 'bytes and cannot hold an array'],
    [{ kind: 'json', nullable: false }, () => 1, 'json and cannot hold () => 1'],
    [{ kind: 'timestamp', nullable: false }, new Date(Number.NaN), 'timestamp and cannot hold an object'],
    [{ kind: 'timestamp', nullable: false }, 2n ** 60n, 'timestamp and cannot hold 1152921504606846976'],
    [{ kind: 'timestamp', nullable: false }, -8.64e15 - 1, 'timestamp and cannot hold -8640000000000001'],
    [
      { kind: 'timestamp', nullable: false, unit: 'us' },
      2n ** 63n - 1n,
      'timestamp (us) and cannot hold 9223372036854775807',
    ],
    [
      { kind: 'timestamp', nullable: false },
      processingTimeOf(5),
      'timestamp and cannot hold an instant of processing time',
    ],
  ])('refuses what %o cannot hold and goes on with the next row', async (type, value, message) => {
    const kernels = await newKernels();
    const builder = new BatchBuilder(kernels, one(type), 4);
    expect(() => builder.append({ v: value })).toThrow(`column 'v' is ${message}`);
    expect(builder.rows).toBe(0);
  });
});
