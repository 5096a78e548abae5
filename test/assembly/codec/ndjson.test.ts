/** Lines made by kernels against JSON.stringify, and against the encoder without kernels. */
import { describe, expect, test } from 'vitest';
import { below, seededRandom, uniform } from '../../../src/base/random.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import type { ColumnType } from '../../../src/data/types.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import { NdjsonEncoder } from '../../../src/format/ndjson-encoder.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { NdjsonKernel } from '../../../src/kernel/ndjson.ts';
import { newKernels } from '../../support/kernels.ts';
import { randomRow, randomSchema, type TestRow } from '../../support/random-rows.ts';

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

const one = (kind: ColumnType['kind'], more: Partial<ColumnType> = {}): TableSchema => ({
  fields: [{ name: 'x', type: { kind, nullable: false, ...more } }],
});

function batchOf(kernels: KernelInstance, schema: TableSchema, rows: readonly TestRow[]): RecordBatch {
  const builder = new BatchBuilder(kernels, schema, rows.length);
  for (const row of rows) builder.append(row);
  return builder.finish();
}

function encoded(kernels: KernelInstance, batch: RecordBatch, byKernels: boolean): string {
  const encoder = new NdjsonEncoder(kernels.memory, batch.schema, byKernels ? { kernels } : {});
  encoder.encode(batch);
  return text(encoder.take());
}

const linesOf = (values: readonly unknown[]): string => values.map((x) => `${JSON.stringify({ x })}\n`).join('');

describe('lines made by kernels', () => {
  test('are those of the encoder without kernels, whatever the columns, nulls and selection', async () => {
    const kernels = await newKernels(256 << 20);
    let byKernels = 0;
    for (let seed = 1; seed <= 300; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const any = randomSchema(random);
      const fields = any.fields.filter(
        ({ type }) => !['float32', 'float64', 'bytes'].includes(type.kind) && type.unit !== 'us',
      );
      if (fields.length === 0) continue;
      const schema: TableSchema = { fields };
      const rows = Array.from({ length: 1 + below(random, 80) }, () => randomRow(random, schema));
      const whole = batchOf(kernels, schema, rows);
      const selected = rows.map((_, i) => i).filter(() => below(random, 3) > 0);
      const selection = kernels.memory.allocate(rows.length * 4);
      kernels.memory.u32.set(selected, selection >>> 2);
      const batch = below(random, 2) === 0 ? whole : { ...whole, selection, selected: selected.length };
      expect(encoded(kernels, batch, true), `seed ${seed}`).toBe(encoded(kernels, batch, false));
      if (NdjsonKernel.tryFor(kernels, schema, []) !== undefined) byKernels++;
    }
    expect(byKernels).toBeGreaterThan(200);
  });

  test('have all digits of an integer at every power of ten and both ends', async () => {
    const kernels = await newKernels();
    const powers = Array.from({ length: 19 }, (_, i) => 10n ** BigInt(i));
    const values = [...powers.flatMap((power) => [power - 1n, power, power + 1n]), 2n ** 63n - 1n];
    const all = [...values, ...values.map((value) => -value), -(2n ** 63n)];
    const schema = one('int64', { bigint: true });
    const batch = batchOf(
      kernels,
      schema,
      all.map((x) => ({ x })),
    );
    expect(encoded(kernels, batch, true)).toBe(all.map((x) => `{"x":${x}}\n`).join(''));
  });

  test('name every day that has a year of four digits, and leave the others to the host', async () => {
    const kernels = await newKernels();
    const random = seededRandom(5);
    const [first, last] = [
      Date.UTC(2000, 0, 1) - 2000 * 365.2425 * 86_400_000,
      Date.UTC(9999, 11, 31, 23, 59, 59, 999),
    ];
    const leaps = [0, 4, 100, 400, 1600, 1900, 1970, 2000, 2024, 2100].flatMap((year) =>
      [
        [1, 28],
        [1, 29],
        [2, 1],
        [11, 31],
        [0, 1],
      ].map(([month = 0, day = 1]) => new Date(0).setUTCFullYear(year, month, day)),
    );
    const drawn = Array.from({ length: 3_000 }, () => Math.floor(first + uniform(random) * (last - first)));
    const ends = [
      -1,
      0,
      1,
      last,
      last + 1,
      Date.parse('0000-01-01T00:00:00.000Z'),
      Date.parse('-000001-12-31T23:59:59.999Z'),
    ];
    const all = [...leaps, ...drawn, ...ends];
    const batch = batchOf(
      kernels,
      one('timestamp'),
      all.map((x) => ({ x })),
    );
    expect(encoded(kernels, batch, true)).toBe(linesOf(all.map((ms) => new Date(ms).toISOString())));
  });

  test('escape what must be at every place of a text of every length', async () => {
    const kernels = await newKernels();
    const letters = ['"', '\\', '\n', '\u0000', '\u001f', '\u007f', 'é', '😀'];
    const all = Array.from({ length: 26 }, (_, length) => 'abcdefghijklmnopqrstuvwxyz'.slice(0, length)).flatMap(
      (plain) => [
        plain,
        ...letters.flatMap((letter) => Array.from(plain, (_, at) => plain.slice(0, at) + letter + plain.slice(at + 1))),
      ],
    );
    const batch = batchOf(
      kernels,
      one('utf8'),
      all.map((x) => ({ x })),
    );
    expect(encoded(kernels, batch, true)).toBe(linesOf(all));
  });

  test('stand for rows that are longer than the room of one call', async () => {
    const kernels = await newKernels();
    const all = ['a', '\u0001'.repeat(9_000), 'b', 'c'.repeat(100_000), 'd', '"'.repeat(12_000), 'e'];
    const batch = batchOf(
      kernels,
      one('utf8'),
      all.map((x) => ({ x })),
    );
    expect(encoded(kernels, batch, true)).toBe(linesOf(all));
  });

  test('are not made for columns that only the host can spell', async () => {
    const kernels = await newKernels();
    const spelled = (schema: TableSchema): boolean =>
      NdjsonKernel.tryFor(kernels, schema, [new Uint8Array(1)]) !== undefined;
    expect([one('int32'), one('timestamp', { unit: 's' }), one('json')].map(spelled)).toEqual([true, true, true]);
    expect([one('float64'), one('bytes'), one('timestamp', { unit: 'us' }), { fields: [] }].map(spelled)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
