import { beforeAll, describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
import { tableSchema } from '../../../src/data/schema.ts';
import type { ColumnType, TypeKind } from '../../../src/data/types.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { type Expression, formatExpression } from '../../../src/plan/expression.ts';
import { Condition, Projection } from '../../../src/runtime/expression.ts';
import { evaluate, type Row } from '../../oracle/expression.ts';
import { columnBatch, kernelInstance, readColumn, readSelection, type Value } from '../../support/column-batch.ts';
import { pick, randomSelection } from '../../support/random-columns.ts';

const kinds = ['bool', 'int8', 'int16', 'int32', 'int64', 'timestamp', 'float32', 'float64', 'utf8', 'bytes'] as const;
const typeOf = (kind: TypeKind): ColumnType => ({ kind, nullable: true });
// Two columns of each kind: a has nulls, b has none.
const schema = tableSchema(
  kinds.flatMap((kind) => [
    { name: `${kind}A`, type: typeOf(kind) },
    { name: `${kind}B`, type: typeOf(kind) },
  ]),
);

const SAMPLES: { readonly [kind: string]: readonly Value[] } = {
  bool: [true, false],
  int8: [0n, 1n, -1n, 127n, -128n, 100n, 7n],
  int16: [0n, 1n, -1n, 32767n, -32768n, 300n, -181n],
  int32: [0n, 1n, -1n, 2147483647n, -2147483648n, 46341n, -46340n, 65536n, 10n],
  int64: [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 2n ** 32n, 3037000500n, -3037000499n, 12n],
  timestamp: [0n, 1000n, -1n, 978_307_200_000n, 2n ** 53n - 1n, 2n ** 63n - 1n],
  float32: [0, -0, 1.5, -3.25, Math.fround(1e30), Number.NaN, Number.POSITIVE_INFINITY],
  float64: [
    0,
    -0,
    1,
    -1,
    0.1,
    1e308,
    -1e308,
    5e-324,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    12,
  ],
  utf8: [
    '',
    'a',
    'b',
    'ab',
    'abc',
    'éa',
    '€',
    '\u{1f600}',
    '\uffff',
    'a long text of more than sixteen bytes',
    'a long text of more than sixteen bytez',
    'aXb',
    '%',
    '_',
  ],
  bytes: [
    new Uint8Array(),
    new Uint8Array([0]),
    new Uint8Array([255, 0]),
    new Uint8Array([128]),
    new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8]),
  ],
};
const PATTERNS = [
  '%',
  '',
  'a%',
  '%a',
  '%b%',
  'a_c',
  '_',
  '__',
  '%_%',
  'a%t_xt%bytes',
  '%%',
  '_%b',
  '%€',
  'ab',
  '%a%b%',
  '%long%of%',
  '\u{1f600}_',
];

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(16);
});

/** A random expression of the given kind. */
function grow(random: Random, kind: TypeKind, depth: number): Expression {
  const type = typeOf(kind);
  if (depth === 0 || below(random, 5) === 0) return leaf(random, kind);
  const two = (
    op: 'plus' | 'minus' | 'times' | 'div' | 'mod' | 'orElse',
    left: TypeKind,
    right: TypeKind,
  ): Expression => ({ op, left: grow(random, left, depth - 1), right: grow(random, right, depth - 1), type });
  if (below(random, 6) === 0) return two('orElse', kind, kind);
  const narrow = (['int8', 'int16', 'int32'] as const).slice(0, kind === 'int8' ? 1 : kind === 'int16' ? 2 : 3);
  const op = pick(random, ['plus', 'minus', 'times', 'mod'] as const);
  switch (kind) {
    case 'bool':
      return growCondition(random, depth);
    case 'int8':
    case 'int16':
      return two(op, pick(random, narrow), pick(random, narrow));
    case 'int32':
      if (below(random, 4) === 0)
        return {
          op: 'call',
          name: 'length',
          arguments: [grow(random, pick(random, ['utf8', 'bytes']), depth - 1)],
          type,
        };
      return below(random, 4) === 0
        ? two('mod', 'int32', 'int64')
        : two(op, pick(random, narrow), pick(random, narrow));
    case 'int64':
      if (below(random, 5) === 0) return two('minus', 'timestamp', 'timestamp');
      return two(op, pick(random, ['int64', 'int32']), pick(random, ['int64', 'int32', 'int8']));
    case 'timestamp':
      return two(pick(random, ['plus', 'minus'] as const), 'timestamp', pick(random, ['int64', 'int32']));
    case 'float32':
      return two(pick(random, ['plus', 'times', 'div'] as const), 'float32', 'float32');
    case 'float64':
      return two(
        pick(random, [op, 'div'] as const),
        pick(random, ['float64', 'int64', 'int32']),
        pick(random, ['float64', 'int32', 'int64', 'float32']),
      );
    default:
      return leaf(random, kind);
  }
}

function growCondition(random: Random, depth: number): Expression {
  const type = typeOf('bool');
  const next = (kind: TypeKind): Expression => grow(random, kind, depth - 1);
  switch (below(random, 9)) {
    case 0:
    case 1:
      return { op: pick(random, ['and', 'or'] as const), left: next('bool'), right: next('bool'), type };
    case 2:
      return { op: 'not', of: next('bool'), type };
    case 3:
      return { op: 'isNull', of: next(pick(random, kinds)), type };
    case 4:
      return {
        op: 'call',
        name: 'like',
        arguments: [next('utf8'), { op: 'literal', value: pick(random, PATTERNS), type: typeOf('utf8') }],
        type,
      };
    case 5: {
      const kind = pick(random, ['utf8', 'int32', 'float64'] as const);
      return { op: 'call', name: 'in', arguments: [next(kind), ...[1, 2, 3].map(() => literalOf(random, kind))], type };
    }
    default: {
      const op = pick(random, ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const);
      const numeric = ['int8', 'int32', 'int64', 'float64', 'float32'] as const;
      const kind = pick(random, [...kinds, ...numeric]);
      const other = numeric.some((name) => name === kind) ? pick(random, numeric) : kind;
      return { op, left: next(kind), right: next(other), type };
    }
  }
}

function literalOf(random: Random, kind: TypeKind): Expression {
  const value = pick(random, SAMPLES[kind] ?? []);
  const text = value instanceof Uint8Array ? null : value;
  return { op: 'literal', value: typeof text === 'bigint' ? String(text) : text, type: typeOf(kind) };
}

function leaf(random: Random, kind: TypeKind): Expression {
  const choice = below(random, 8);
  if (choice === 0) return { op: 'literal', value: null, type: typeOf(kind) };
  if (choice <= 2) return literalOf(random, kind);
  return { op: 'column', name: `${kind}${choice <= 5 ? 'A' : 'B'}`, type: typeOf(kind) };
}

function randomRows(random: Random, rows: number): Value[][] {
  return schema.fields.map(({ name, type }) =>
    Array.from({ length: rows }, () =>
      name.endsWith('A') && below(random, 4) === 0 ? null : pick(random, SAMPLES[type.kind] ?? []),
    ),
  );
}

const rowAt = (columns: readonly (readonly Value[])[], row: number): Row =>
  Object.fromEntries(schema.fields.map(({ name }, i) => [name, columns[i]?.[row] ?? null]));

describe('an expression', () => {
  test('gives every selected row what the oracle gives, and fails exactly where the oracle fails', () => {
    for (let seed = 1; seed <= 1500; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const kind = pick(random, kinds);
      const expression = grow(random, kind, 1 + below(random, 4));
      const rows = below(random, 70);
      const columns = randomRows(random, rows);
      const batch = columnBatch(kernels, schema, columns, randomSelection(random, rows));
      const all = readSelection(kernels.memory, batch.selection, batch.selected);
      const outcomes = all.map((row) => ({ row, outcome: evaluate(expression, rowAt(columns, row)) }));
      const projection = new Projection(kernels, schema, [expression], 'a test');
      // Twice, so that what the first run left in the registers is seen not to matter.
      for (const round of [1, 2]) {
        const {
          columns: [made],
          selection,
          selected,
          errors,
        } = projection.project(batch);
        const where = `seed ${seed}, round ${round}: ${formatExpression(expression)}`;
        const good = outcomes.flatMap(({ row, outcome }) =>
          'value' in outcome ? [{ row, value: outcome.value }] : [],
        );
        const bad = outcomes.flatMap(({ row, outcome }) =>
          'failure' in outcome ? [{ row, reason: `${outcome.failure} in ${formatExpression(expression)}` }] : [],
        );
        expect(errors, where).toEqual(bad);
        expect(readSelection(kernels.memory, selection, selected), where).toEqual(good.map(({ row }) => row));
        expect(
          readColumn(
            kernels.memory,
            kind,
            made ?? { values: 0, validity: 0 },
            good.map(({ row }) => row),
          ),
          where,
        ).toEqual(good.map(({ value }) => value));
      }
    }
  });

  test('selects exactly the rows for which the oracle says true', () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const condition = grow(random, 'bool', 1 + below(random, 4));
      const rows = below(random, 100);
      const columns = randomRows(random, rows);
      const batch = columnBatch(kernels, schema, columns, randomSelection(random, rows));
      const all = readSelection(kernels.memory, batch.selection, batch.selected);
      const outcomes = all.map((row) => ({ row, outcome: evaluate(condition, rowAt(columns, row)) }));
      const { selection, selected, errors } = new Condition(kernels, schema, condition, 'a test').filter(batch);
      const where = `seed ${seed}: ${formatExpression(condition)}`;
      expect(readSelection(kernels.memory, selection, selected), where).toEqual(
        outcomes.flatMap(({ row, outcome }) => ('value' in outcome && outcome.value === true ? [row] : [])),
      );
      expect(
        errors.map(({ row }) => row),
        where,
      ).toEqual(outcomes.flatMap(({ row, outcome }) => ('failure' in outcome ? [row] : [])));
    }
  });

  test('refers to a column without copying it', () => {
    kernels.reset();
    const batch = columnBatch(kernels, schema, randomRows(seededRandom(1), 10));
    const expressions = schema.fields.map(({ name, type }): Expression => ({ op: 'column', name, type }));
    expect(new Projection(kernels, schema, expressions, 'a test').project(batch).columns).toEqual(batch.columns);
  });

  test('takes no memory while it evaluates', () => {
    kernels.reset();
    const random = seededRandom(3);
    const batch = columnBatch(kernels, schema, randomRows(random, 70));
    const projection = new Projection(
      kernels,
      schema,
      Array.from({ length: 20 }, () => grow(random, 'int64', 4)),
      'a test',
    );
    const before = kernels.memory.allocate(64);
    for (let round = 0; round < 100; round++) projection.project(batch);
    expect(kernels.memory.allocate(64)).toBe(before + 64);
  });

  const int = (value: number): Expression => ({ op: 'literal', value, type: typeOf('int32') });
  const column = (kind: TypeKind): Expression => ({ op: 'column', name: `${kind}B`, type: typeOf(kind) });

  test('widens an integer literal that 32 bits do not hold', () => {
    kernels.reset();
    const condition: Expression = { op: 'lt', left: column('int32'), right: int(3_000_000_000), type: typeOf('bool') };
    const batch = columnBatch(kernels, schema, randomRows(seededRandom(1), 9));
    expect(new Condition(kernels, schema, condition, 'a test').filter(batch).selected).toBe(9);
  });

  test('adds to timestamps what a duration says, whatever their unit: those read in seconds are kept in milliseconds', () => {
    const units = [
      ['s', 2000n],
      ['ms', 2000n],
      ['us', 2_000_000n],
    ] as const;
    for (const [unit, expected] of units) {
      kernels.reset();
      const type: ColumnType = { kind: 'timestamp', nullable: false, unit };
      const stamps = tableSchema([{ name: 't', type }]);
      const later: Expression = { op: 'plus', left: { op: 'column', name: 't', type }, right: int(2000), type };
      const batch = columnBatch(kernels, stamps, [[0n]]);
      const {
        columns: [made],
      } = new Projection(kernels, stamps, [later], 'a test').project(batch);
      expect(readColumn(kernels.memory, 'timestamp', made ?? { values: 0, validity: 0 }, [0]), unit).toEqual([
        expected,
      ]);
    }
  });

  test('fails for a row whose instant would be beyond the calendar', () => {
    for (const [unit, per] of [
      ['s', 1n],
      ['ms', 1n],
      ['us', 1000n],
    ] as const) {
      kernels.reset();
      const type: ColumnType = { kind: 'timestamp', nullable: false, unit };
      const stamps = tableSchema([{ name: 't', type }]);
      const later: Expression = { op: 'plus', left: { op: 'column', name: 't', type }, right: int(1), type };
      const most = 8_640_000_000_000_000n;
      const batch = columnBatch(kernels, stamps, [[(most - 1n) * per, most * per, -most * per, -(most + 2n) * per]]);
      const projection = new Projection(kernels, stamps, [later], 'a test');
      const overflow = 'integer overflow in (t + 1)';
      expect(projection.project(batch).errors, unit).toEqual([
        { row: 1, reason: overflow },
        { row: 3, reason: overflow },
      ]);
    }
  });

  const refused: readonly (readonly [string, Expression, RegExp])[] = [
    [
      'a function that does not exist',
      { op: 'call', name: 'lenght', arguments: [column('utf8')], type: typeOf('int32') },
      /did you mean 'length'/,
    ],
    [
      'a pattern that is no literal',
      { op: 'call', name: 'like', arguments: [column('utf8'), column('utf8')], type: typeOf('bool') },
      /pattern of like/,
    ],
    [
      'text compared with a number',
      { op: 'eq', left: column('utf8'), right: int(1), type: typeOf('bool') },
      /not comparable/,
    ],
    ['text in a sum', { op: 'plus', left: column('utf8'), right: int(1), type: typeOf('utf8') }, /do not make/],
    [
      'a fraction in integer arithmetic',
      { op: 'mod', left: column('int32'), right: column('float64'), type: typeOf('int32') },
      /do not make int32/,
    ],
    ['a number as a condition', { op: 'not', of: column('int32'), type: typeOf('bool') }, /is not a condition/],
    [
      'a literal that is not of its type',
      { op: 'literal', value: 1.5, type: typeOf('int32') },
      /1\.5 is not an integer/,
    ],
    [
      'a literal beyond 64 bits',
      { op: 'literal', value: '9223372036854775808', type: typeOf('int64') },
      /does not fit 64 bits/,
    ],
  ];
  test.each(refused)('refuses %s, with the expression and the place in the message', (_, expression, message) => {
    kernels.reset();
    const make = (): unknown => new Projection(kernels, schema, [expression], "the columns of 'x'");
    expect(make).toThrow(message);
    expect(make).toThrow("the columns of 'x'");
  });

  test('refuses a column that the input does not have', () => {
    kernels.reset();
    const expression: Expression = { op: 'column', name: 'int32C', type: typeOf('int32') };
    expect(() => new Projection(kernels, schema, [expression], 'a test')).toThrow(/unknown column 'int32C'/);
  });
});
