import { describe, expect, test } from 'vitest';
import { processingTimeOf } from '../../../../src/api/time.ts';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import type { TypeKind } from '../../../../src/data/types.ts';
import { BatchBuilder } from '../../../../src/format/batch-builder.ts';
import { RowCodec } from '../../../../src/kernel/row-codec.ts';
import { RowBytes } from '../../../../src/runtime/state/row-bytes.ts';
import { newKernels } from '../../../support/kernels.ts';

const KINDS: readonly TypeKind[] = [
  ...(['bool', 'int8', 'int16', 'int32', 'int64', 'float32', 'float64'] as const),
  ...(['utf8', 'bytes', 'json', 'timestamp'] as const),
];
const ALL: TableSchema = {
  fields: KINDS.flatMap((kind) => [
    { name: kind, type: { kind, nullable: false } },
    { name: `maybe ${kind}`, type: { kind, nullable: true } },
  ]),
};
const TEXTS = ['', 'a', 'Zürich', '😀', 'x'.repeat(127), 'y'.repeat(128), 'ü'.repeat(20_000)];

function valueOf(kind: TypeKind, random: Random): unknown {
  const pick = <T>(values: readonly T[]): T | undefined => values[below(random, values.length)];
  switch (kind) {
    case 'bool':
      return below(random, 2) === 1;
    case 'int8':
      return pick([-128, 127, 0, 5]);
    case 'int16':
      return pick([-32_768, 32_767, 9]);
    case 'int32':
      return pick([-2_147_483_648, 2_147_483_647, -1]);
    case 'int64':
    case 'timestamp':
      return pick([-8.64e15, 8.64e15, -1, 0, 2 ** 32]);
    case 'float32':
      return pick([0.5, -0, Number.NaN, Number.POSITIVE_INFINITY]);
    case 'float64':
      return pick([0.1, -0, Number.NaN, 5e-324]);
    case 'utf8':
      return pick(TEXTS);
    case 'bytes':
      return pick([new Uint8Array(0), new Uint8Array([0, 255]), new Uint8Array(300).fill(7)]);
    case 'json':
      return pick<unknown>([{ a: [1, null] }, 'text', 4, true]);
  }
}

describe('rows as bytes', () => {
  test.each(['keys', 'values'] as const)('are the bytes of the kernel, and read back as they were (%s)', async (as) => {
    const kernels = await newKernels();
    const builder = new BatchBuilder(kernels, ALL, 1);
    const kernel = new RowCodec(kernels, ALL, as);
    const codec = new RowBytes(ALL, { eventTime: (ms) => ms, as });
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const row = Object.fromEntries(
        ALL.fields.map(({ name, type }) => [
          name,
          type.nullable && below(random, 2) === 0 ? null : valueOf(type.kind, random),
        ]),
      );
      builder.reset();
      builder.append(row);
      const batch = builder.finish();
      const { values } = kernel.encode(batch.columns, batch);
      const at = kernels.memory.u32[values >>> 2] ?? 0;
      const expected = kernels.memory.u8.slice(at, at + (kernels.memory.u32[(values >>> 2) + 1] ?? 0));
      const conformed = codec.conform(row);
      expect(Buffer.from(codec.encode(conformed)).equals(expected), `seed ${seed}`).toBe(true);
      expect(codec.decode(expected), `seed ${seed}`).toEqual(conformed);
    }
  });

  test('refuse what a column cannot hold, by name', () => {
    const schema: TableSchema = {
      fields: [
        { name: 'n', type: { kind: 'int32', nullable: false } },
        { name: 't', type: { kind: 'utf8', nullable: true } },
        { name: 'at', type: { kind: 'timestamp', nullable: true } },
      ],
    };
    const codec = new RowBytes(schema, { eventTime: (ms) => ms, as: 'values' });
    expect(() => codec.conform({ n: 1.5, t: 'x' })).toThrow("column 'n' is int32 and cannot hold 1.5");
    expect(() => codec.conform({ t: 'x' })).toThrow("column 'n' is int32 and cannot hold undefined");
    expect(() => codec.conform({ n: 1, t: 7 })).toThrow("column 't' is utf8, nullable and cannot hold 7");
    expect(() => codec.conform(7)).toThrow('a row must be an object with the columns as properties, but is 7');
    expect(() => codec.conform({ n: 1, at: processingTimeOf(5) })).toThrow(
      "column 'at' is timestamp, nullable and cannot hold an instant of processing time",
    );
    expect(codec.conform({ n: 1 })).toEqual({ n: 1, t: null, at: null });
    expect(codec.conform({ n: -0, t: '\ud800', at: { epochMs: 7 } })).toEqual({ n: 0, t: '\ufffd', at: 7 });
  });

  test('that are not of the schema are a bug that is told', () => {
    const schema: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };
    const codec = new RowBytes(schema, { eventTime: (ms) => ms, as: 'values' });
    expect(() => codec.decode(new Uint8Array([1, 2, 3]))).toThrow('a value in state ends after 3 bytes');
    expect(() => codec.decode(new Uint8Array(9))).toThrow('9 bytes in state are not a row of their schema');
  });
});
