/** Random rows of every type, with the values at which codecs and kernels break. */
import { below, type Random } from '../../src/base/random.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { TypeKind } from '../../src/data/types.ts';
import type { Value } from './column-batch.ts';

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  '\u0000',
  'é€\u{1f600}',
  'sixteen bytes ok',
  'x'.repeat(127),
  'x'.repeat(128),
  'y'.repeat(20_000),
];
const FLOATS = [0, -0, 1.5, -1e308, 5e-324, Number.POSITIVE_INFINITY, Number.NaN];

export const pick = <T>(random: Random, of: readonly T[]): T => of[below(random, of.length)] as T; // never empty

export function randomValue(random: Random, kind: TypeKind): Exclude<Value, null> {
  switch (kind) {
    case 'bool':
      return below(random, 2) === 1;
    case 'int8':
    case 'int16':
    case 'int32':
      return pick(random, [0n, 1n, -1n, 127n, -128n, BigInt(random.u32() % 100)]);
    case 'int64':
    case 'timestamp':
      return pick(random, [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), BigInt(random.u32())]);
    case 'float32':
    case 'float64':
      return pick(random, FLOATS);
    case 'bytes':
      return Uint8Array.from({ length: below(random, 20) }, () => random.u32() & 255);
    default:
      return pick(random, TEXTS.slice(0, below(random, 20) === 0 ? TEXTS.length : 7));
  }
}

/** One array of values for each field; a fourth of the values of nullable fields is null. */
export function randomColumns(random: Random, schema: TableSchema, rows: number): Value[][] {
  return schema.fields.map(({ type }) =>
    Array.from({ length: rows }, () =>
      type.nullable && below(random, 4) === 0 ? null : randomValue(random, type.kind),
    ),
  );
}

/** Undefined (all rows) or some rows, ascending. */
export function randomSelection(random: Random, rows: number): number[] | undefined {
  if (below(random, 2) === 0) return undefined;
  return Array.from({ length: rows }, (_, row) => row).filter(() => below(random, 3) > 0);
}
