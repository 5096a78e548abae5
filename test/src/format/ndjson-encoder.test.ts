/** The encoder against JSON.stringify of the same rows. */
import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import type { RowKind } from '../../../src/data/row-kind.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import type { ColumnType } from '../../../src/data/types.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import { NdjsonEncoder } from '../../../src/format/ndjson-encoder.ts';
import { readRows, RowView } from '../../../src/format/row-view.ts';
import { newKernels } from '../../support/kernels.ts';
import { randomRow, randomSchema, type TestRow } from '../../support/random-rows.ts';

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

function jsonOf(type: ColumnType, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (type.kind !== 'timestamp' || typeof value !== 'number') return JSON.stringify(value);
  if (type.unit !== 'us') return JSON.stringify(new Date(value).toISOString());
  const ms = Math.floor(value);
  return JSON.stringify(
    new Date(ms).toISOString().replace('Z', `${String(Math.round((value - ms) * 1000)).padStart(3, '0')}Z`),
  );
}

const lineOf = (schema: TableSchema, row: TestRow, op?: string): string =>
  `{${[...(op === undefined ? [] : [`"op":"${op}"`]), ...schema.fields.map(({ name, type }) => `${JSON.stringify(name)}:${jsonOf(type, row[name])}`)].join(',')}}\n`;

describe('the NDJSON encoder', () => {
  test('writes every row as JSON.stringify does, whatever the types, nulls, selection and row kinds', async () => {
    const kernels = await newKernels(256 << 20);
    for (let seed = 1; seed <= 150; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const schema = randomSchema(random);
      const isChangelog = below(random, 2) === 0;
      const rows = Array.from({ length: 1 + below(random, 60) }, () => randomRow(random, schema));
      const kinds = rows.map(() => (isChangelog ? below(random, 4) : 0) as RowKind);
      const builder = new BatchBuilder(kernels, schema, rows.length);
      rows.forEach((row, i) => builder.append(row, kinds[i]));
      const selected = rows.map((_, i) => i).filter(() => below(random, 3) > 0);
      const selection = kernels.memory.allocate(rows.length * 4);
      kernels.memory.u32.set(selected, selection >>> 2);
      const whole = builder.finish();
      const batch: RecordBatch = below(random, 2) === 0 ? whole : { ...whole, selection, selected: selected.length };
      const meant = batch.selection === 0 ? rows.map((_, i) => i) : selected;
      const encoder = new NdjsonEncoder(kernels.memory, schema, { changelog: isChangelog });
      encoder.encode(batch);
      const expected = meant.map((i) =>
        lineOf(schema, rows[i] ?? {}, isChangelog ? ['+I', '-U', '+U', '-D'][kinds[i] ?? 0] : undefined),
      );
      expect(text(encoder.take()), `seed ${seed}`).toBe(expected.join(''));
    }
  });

  test('hands its bytes over and goes on with an empty buffer', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };
    const builder = new BatchBuilder(kernels, schema, 4);
    builder.append({ n: 7 });
    const encoder = new NdjsonEncoder(kernels.memory, schema);
    encoder.encode(builder.finish());
    expect(encoder.length).toBe(8);
    const first = encoder.take();
    encoder.encode(builder.finish());
    encoder.encode(builder.finish());
    expect(text(first)).toBe('{"n":7}\n');
    expect(text(encoder.take())).toBe('{"n":7}\n{"n":7}\n');
    expect(encoder.length).toBe(0);
  });

  test('writes NaN and infinities as null, and instants beyond all dates as numbers', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = {
      fields: [
        { name: 'x', type: { kind: 'float64', nullable: false } },
        { name: 't', type: { kind: 'timestamp', nullable: false } },
      ],
    };
    const builder = new BatchBuilder(kernels, schema, 4);
    builder.append({ x: Number.NaN, t: 8_640_000_000_000_000 });
    builder.append({ x: Number.POSITIVE_INFINITY, t: 0 });
    builder.append({ x: Number.NEGATIVE_INFINITY, t: 0 });
    const batch = builder.finish();
    // No row may bring them; arithmetic of kernels can.
    kernels.memory.i64.set([8_640_000_086_400_000n, -(2n ** 63n)], ((batch.columns[1]?.values ?? 0) >>> 3) + 1);
    const encoder = new NdjsonEncoder(kernels.memory, schema);
    encoder.encode(batch);
    expect(text(encoder.take())).toBe(
      '{"x":null,"t":"+275760-09-13T00:00:00.000Z"}\n{"x":null,"t":8640000086400000}\n{"x":null,"t":-9223372036854775808}\n',
    );
  });

  test('keeps the microseconds of instants that a number cannot hold exactly', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = { fields: [{ name: 't', type: { kind: 'timestamp', nullable: false, unit: 'us' } }] };
    const builder = new BatchBuilder(kernels, schema, 4);
    builder.append({ t: 253_402_300_799_999_999n });
    builder.append({ t: -62_135_596_799_999_999n });
    const encoder = new NdjsonEncoder(kernels.memory, schema);
    encoder.encode(builder.finish());
    expect(text(encoder.take())).toBe('{"t":"9999-12-31T23:59:59.999999Z"}\n{"t":"0001-01-01T00:00:00.000001Z"}\n');
    const view = new RowView(kernels.memory, schema, { timestamp: (epochMs, micros) => [epochMs, micros] });
    expect(readRows(view, builder.finish())).toEqual([
      { t: [253_402_300_799_999, 999] },
      { t: [-62_135_596_800_000, 1] },
    ]);
  });

  test('puts json that came on several lines on one', async () => {
    const kernels = await newKernels();
    const schema: TableSchema = { fields: [{ name: 'j', type: { kind: 'json', nullable: false } }] };
    const raw = new TextEncoder().encode('{\r\n "a": 1\n}');
    const memory = kernels.memory;
    const [at, values] = [memory.allocate(64), memory.allocate(8)];
    memory.u8.set(raw, at);
    memory.u32.set([at, raw.length], values >>> 2);
    const encoder = new NdjsonEncoder(memory, schema);
    encoder.encode({
      schema,
      rows: 1,
      columns: [{ values, validity: 0 }],
      selection: 0,
      selected: 1,
      rowKinds: 0,
      timestamps: 0,
      watermarks: 0,
      origin: undefined,
    });
    expect(text(encoder.take())).toBe('{"j":{   "a": 1 }}\n');
  });
});
