/** Random schemas and rows of every column type, with the awkward values more often than chance would bring them. */
import { below, type Random, uniform } from '../../src/base/random.ts';
import type { Field, TableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';

export type TestRow = Record<string, unknown>;

const TYPES: readonly ColumnType[] = [
  { kind: 'bool', nullable: false },
  { kind: 'int8', nullable: false },
  { kind: 'int32', nullable: true },
  { kind: 'int64', nullable: true },
  { kind: 'int64', nullable: true, bigint: true },
  { kind: 'float32', nullable: false },
  { kind: 'float64', nullable: true },
  { kind: 'utf8', nullable: false },
  { kind: 'utf8', nullable: true },
  { kind: 'bytes', nullable: true },
  { kind: 'json', nullable: true },
  { kind: 'timestamp', nullable: false },
  { kind: 'timestamp', nullable: true, unit: 'us' },
];

const pick = <T>(random: Random, values: readonly [T, ...T[]]): T => values[below(random, values.length)] ?? values[0];

export function randomSchema(random: Random): TableSchema {
  const fields: Field[] = [];
  for (let i = 0; i < 1 + below(random, 10); i++)
    fields.push({
      name: pick(random, ['a', 'b "quoted"', 'ünï', 'line\nbreak', 'c']) + i,
      type: TYPES[below(random, TYPES.length)] ?? { kind: 'bool', nullable: false },
    });
  return { fields };
}

export function randomRow(random: Random, schema: TableSchema): TestRow {
  return Object.fromEntries(
    schema.fields.map(({ name, type }) => [
      name,
      type.nullable && below(random, 5) === 0 ? null : randomValue(random, type),
    ]),
  );
}

export function randomText(random: Random): string {
  const letters = [
    'a',
    'Z',
    '7',
    ' ',
    '"',
    '\\',
    '/',
    '\n',
    '\r',
    '\t',
    '\b',
    '\f',
    '\u0000',
    '\u001f',
    '\u007f',
    'é',
    '漢',
    '😀',
    '\u2028',
    '\ufeff',
  ];
  const plain = below(random, 2) === 0;
  return Array.from(
    { length: pick(random, [0, 1, 5, 23, 24, 25, 47, 60, 300]) },
    () => letters[below(random, plain ? 4 : letters.length)],
  ).join('');
}

function randomFloat(random: Random): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, random.u32());
  bits.setUint32(4, random.u32());
  const cents = Math.round(uniform(random) * 1e8) / 10 ** below(random, 9);
  return pick(random, [
    0,
    -0,
    1,
    -1,
    0.1,
    -0.5,
    1e-6,
    1e-7,
    123.456,
    999999999.999999,
    1e9,
    1e15,
    1e21,
    2 ** 53,
    5e-324,
    Number.MAX_VALUE,
    cents,
    -cents,
    bits.getFloat64(0),
  ]);
}

function randomInteger(random: Random): number {
  const size = 1 + Math.floor(uniform(random) * 10 ** below(random, 15));
  return pick(random, [
    0,
    1,
    -1,
    9,
    10,
    99,
    100,
    999_999_999,
    1_000_000_000,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    size,
    0 - size,
  ]);
}

function randomValue(random: Random, type: ColumnType): unknown {
  switch (type.kind) {
    case 'bool':
      return below(random, 2) === 0;
    case 'int8':
      return below(random, 256) - 128;
    case 'int16':
      return below(random, 65536) - 32768;
    case 'int32':
      return random.u32() | 0;
    case 'int64':
      return type.bigint === true
        ? pick(random, [2n ** 63n - 1n, -(2n ** 63n), 0n, 12345678901234567890n - 2n ** 64n, 9007199254740993n])
        : randomInteger(random);
    case 'float32':
      return Math.fround(pick(random, [0.5, -1.25, 3, randomFloat(random) % 1e30]));
    case 'float64':
      return randomFloat(random);
    case 'utf8':
      return randomText(random);
    case 'bytes':
      return Uint8Array.from({ length: below(random, 20) }, () => below(random, 256));
    case 'json':
      return pick<unknown>(random, [
        [],
        {},
        [1, 'two', { three: randomText(random) }],
        { a: { b: [true, false] } },
        'text',
        5,
      ]);
    case 'timestamp': {
      const ms = Math.floor((uniform(random) - 0.3) * 2e12);
      if (type.unit === 'us') return below(random, 2) === 0 ? ms : ms + below(random, 1000) / 1000;
      return pick(random, [0, -1, 1, 978_516_000_000, 253_402_300_799_999, -62_167_219_200_001, ms]);
    }
  }
}
