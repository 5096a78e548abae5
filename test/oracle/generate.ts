/**
 * Cases for the oracle and the engine from a seed: a schema, splits of rows with their bytes, and a query over them.
 *
 * Invariants
 *  1. A case is a function of its seed alone. Dimensions are drawn independently, but for the pairs that cannot be.
 *  2. Integer sums stay inside int64: values of `amount` are below 2^50. The extremes of int64 stand in `serial`,
 *     which is for keys, min and max.
 *  3. `case.splits` says where each line of `case.written` begins, so both tell the same story.
 */
import { below, type Random, seededRandom, uniform } from '../../src/base/random.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { OracleAggregate, OracleQuery, OracleSplit, Filter } from './batch-engine.ts';
import type { Cell, Row } from './cells.ts';
import type { Choice, Dimensions } from './coverage.ts';
import { baseOf, LATENESS_MS, WINDOW_DIMENSIONS, windowOf } from './generate-windows.ts';
import { oracleSplit, writeNdjson, type WriterStyle, type WrittenSplit } from './ndjson-writer.ts';

/** Every dimension of a case with its values; the first column of the coverage table. */
export const DIMENSIONS = {
  ...WINDOW_DIMENSIONS,
  splits: ['1', '2', '3', '4'],
  timelines: ['parallel', 'sequential', 'one is empty'],
  size: ['tiny', 'small', 'quanta'],
  disorder: ['none', 'bounded', 'beyond the bound', 'heavy tail', 'jumps'],
  keys: ['none', 'short text', 'long text', 'unicode', 'integer', 'extreme integer', 'boolean', 'two columns'],
  cardinality: ['one', 'few', 'many'],
  values: ['ordinary', 'extreme'],
  nulls: ['none', 'some', 'most'],
  filter: ['none', 'some', 'all rows'],
  aggregates: ['count', 'all', 'filtered', 'extremes'],
  keyOrder: ['schema', 'other', 'shuffled'],
  whitespace: ['none', 'spaced', 'wild'],
  escapes: ['needed', 'some', 'all'],
  nullSpelling: ['null', 'absent', 'mixed'],
  unknownMembers: ['no', 'yes'],
  newline: ['\\n', '\\r\\n', 'none at the end'],
} as const satisfies Dimensions;

/** Pairs that cannot stand in one case: the first part of each excludes the second. */
export const isPossiblePair = (pair: Choice): boolean =>
  !(pair['splits'] === '1' && pair['timelines'] === 'one is empty');

export interface GeneratedCase {
  readonly seed: number;
  readonly choice: Choice;
  readonly schema: TableSchema;
  readonly splits: readonly OracleSplit[];
  /** The bytes of each split, in the same order. */
  readonly written: readonly WrittenSplit[];
  readonly query: OracleQuery;
}

export const CASE_SCHEMA: TableSchema = {
  fields: [
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'name', type: { kind: 'utf8', nullable: true } },
    { name: 'serial', type: { kind: 'int64', nullable: true, bigint: true } },
    { name: 'isOpen', type: { kind: 'bool', nullable: true } },
    { name: 'amount', type: { kind: 'int64', nullable: true, bigint: true } },
    { name: 'level', type: { kind: 'int32', nullable: true } },
    { name: 'weight', type: { kind: 'float64', nullable: true } },
    { name: 'padding', type: { kind: 'utf8', nullable: true } },
  ],
};

type Choices = { readonly [K in keyof typeof DIMENSIONS]: (typeof DIMENSIONS)[K][number] };

export function generateCase(seed: number): GeneratedCase {
  const choice = choose(seededRandom(seed));
  // Draws for one part of a case must not move when another part changes, so each part has its own sequence.
  const part = (number: number): Random => seededRandom(Math.imul(seed, 0x9e3779b1) + number);
  const splitCount = Number(choice.splits);
  const pool = keyPool(choice, part(1));
  const written: WrittenSplit[] = [];
  const splits: OracleSplit[] = [];
  for (let split = 0; split < splitCount; split++) {
    const isEmpty = choice.timelines === 'one is empty' && splitCount > 1 && split === seed % splitCount;
    const rows = isEmpty ? [] : rowsOf(choice, split, pool, part(10 + split));
    const bytes = writeNdjson(CASE_SCHEMA, rows, styleOf(choice), part(20 + split));
    written.push(bytes);
    splits.push(oracleSplit(`split-${split}`, rows, bytes.offsets));
  }
  return { seed, choice, schema: CASE_SCHEMA, splits, written, query: queryOf(choice, part(2)) };
}

function choose(random: Random): Choices {
  const pick = <T>(values: readonly [T, ...T[]]): T => values[below(random, values.length)] ?? values[0];
  const choices = {
    splits: pick(DIMENSIONS.splits),
    timelines: pick(DIMENSIONS.timelines),
    size: pick(DIMENSIONS.size),
    epoch: pick(DIMENSIONS.epoch),
    disorder: pick(DIMENSIONS.disorder),
    window: pick(DIMENSIONS.window),
    zone: pick(DIMENSIONS.zone),
    lateness: pick(DIMENSIONS.lateness),
    results: pick(DIMENSIONS.results),
    keys: pick(DIMENSIONS.keys),
    cardinality: pick(DIMENSIONS.cardinality),
    values: pick(DIMENSIONS.values),
    nulls: pick(DIMENSIONS.nulls),
    filter: pick(DIMENSIONS.filter),
    aggregates: pick(DIMENSIONS.aggregates),
    keyOrder: pick(DIMENSIONS.keyOrder),
    whitespace: pick(DIMENSIONS.whitespace),
    escapes: pick(DIMENSIONS.escapes),
    nullSpelling: pick(DIMENSIONS.nullSpelling),
    unknownMembers: pick(DIMENSIONS.unknownMembers),
    newline: pick(DIMENSIONS.newline),
  };
  const isImpossible = choices.splits === '1' && choices.timelines === 'one is empty';
  return isImpossible ? { ...choices, timelines: 'parallel' } : choices;
}

const styleOf = (choice: Choices): WriterStyle => ({
  keyOrder: choice.keyOrder,
  whitespace: choice.whitespace,
  escapes: choice.escapes,
  nulls: choice.nullSpelling,
  unknownMembers: choice.unknownMembers === 'yes',
  newline: choice.newline === '\\r\\n' ? '\r\n' : '\n',
  lastNewline: choice.newline !== 'none at the end',
});

// ---- rows ----

const STEP_MS = 250;
const BOUND_MS = 2_000;

function rowsOf(choice: Choices, split: number, pool: readonly Row[], random: Random): Row[] {
  const count = { tiny: below(random, 4) + 1, small: 60 + below(random, 140), quanta: 250 + below(random, 150) }[
    choice.size
  ];
  const base = baseOf(choice);
  const start = base + (choice.timelines === 'sequential' ? split * count * STEP_MS : below(random, 4_000));
  const rows: Row[] = [];
  let now = start;
  for (let i = 0; i < count; i++) {
    now += below(random, 2 * STEP_MS) + (choice.disorder === 'jumps' && below(random, 40) === 0 ? 60_000 : 0);
    const at = now - delay(choice, random);
    const key = pool[below(random, pool.length)] ?? {};
    const padding = choice.size === 'quanta' ? 'p'.repeat(below(random, 4_000)) : null;
    rows.push({ at, name: null, serial: null, isOpen: null, ...key, ...valuesOf(choice, random), padding });
  }
  return rows;
}

function delay(choice: Choices, random: Random): number {
  switch (choice.disorder) {
    case 'none':
      return 0;
    case 'jumps':
    case 'bounded':
      return below(random, BOUND_MS);
    case 'beyond the bound':
      return below(random, 3) === 0 ? below(random, 12 * BOUND_MS) : below(random, BOUND_MS);
    // Pareto with shape 1: half of the rows within 400 ms, one in a hundred 20 s late and more, at most ten minutes.
    case 'heavy tail':
      return Math.min(Math.floor(200 / (1 - uniform(random))) - 200, 600_000);
  }
}

function valuesOf(choice: Choices, random: Random): Row {
  const isNull = (): boolean => choice.nulls !== 'none' && below(random, 10) < (choice.nulls === 'most' ? 9 : 2);
  const isExtreme = choice.values === 'extreme';
  const amount = isExtreme ? bigBelow(random, 50) : BigInt(below(random, 100_000));
  const sign = below(random, 4) === 0 ? -1n : 1n;
  return {
    amount: isNull() ? null : amount * sign,
    level: isNull()
      ? null
      : isExtreme
        ? (EXTREME_LEVELS[below(random, EXTREME_LEVELS.length)] ?? 0)
        : below(random, 100) - 50,
    weight: isNull()
      ? null
      : isExtreme
        ? extremeFloat(random)
        : (below(random, 200_000) - 100_000) / 128 + uniform(random) / 7,
  };
}

const EXTREME_LEVELS = [-2147483648, 2147483647, 0, -1, 1];
const EXTREME_FLOATS = [
  0,
  -0,
  0.1,
  -0.1,
  1 / 3,
  1e21,
  -1e21,
  1e-7,
  5e-324,
  2.2250738585072014e-308,
  9007199254740992,
  1e15 + 0.3,
];

/** Floats that break wrong orders of summation and wrong digits, without overflowing a sum. */
function extremeFloat(random: Random): number {
  if (below(random, 2) === 0) return EXTREME_FLOATS[below(random, EXTREME_FLOATS.length)] ?? 0;
  return (uniform(random) - 0.5) * 10 ** (below(random, 60) - 30);
}

const bigBelow = (random: Random, bits: number): bigint =>
  ((BigInt(random.u32()) << 32n) | BigInt(random.u32())) & ((1n << BigInt(bits)) - 1n);

// ---- keys ----

const EXTREME_SERIALS = [
  2n ** 63n - 1n,
  -(2n ** 63n),
  0n,
  -1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 31n,
  -(2n ** 31n) - 1n,
];
const UNICODE = [
  '',
  'é',
  'e\u0301',
  '漢字',
  '🚕',
  '\u{10ffff}',
  '\uffff',
  'ß',
  'naïve café',
  '\u0000',
  '"\\/\n\t',
  '\u2028',
];
const CARDINALITY = { one: 1, few: 5, many: 80 } as const;

/** The distinct keys of a case, as the columns that make them; null is one of them when the case has nulls. */
function keyPool(choice: Choices, random: Random): Row[] {
  const pool: Row[] = [];
  for (let i = 0; i < CARDINALITY[choice.cardinality]; i++) {
    const isNull = choice.nulls !== 'none' && i === CARDINALITY[choice.cardinality] - 1;
    pool.push(keyOf(choice, i, isNull, random));
  }
  return pool;
}

function keyOf(choice: Choices, i: number, isNull: boolean, random: Random): Row {
  const text = (value: string): Cell => (isNull ? null : value);
  switch (choice.keys) {
    case 'none':
    case 'short text':
      return { name: text(i === 0 ? '' : `k${i}`) };
    // 12 and 13 bytes, and long ones that differ only at the end.
    case 'long text':
      return { name: text(`${'x'.repeat([11, 12, 40, 3_000][i % 4] ?? 11)}${i}`) };
    case 'unicode':
      return { name: text((UNICODE[i % UNICODE.length] ?? '') + (i < UNICODE.length ? '' : String(i))) };
    case 'integer':
      return { serial: isNull ? null : BigInt(i) };
    case 'extreme integer':
      return { serial: isNull ? null : (EXTREME_SERIALS[i] ?? bigBelow(random, 64) - 2n ** 63n) };
    case 'boolean':
      return { isOpen: isNull ? null : i % 2 === 0 };
    case 'two columns':
      return { name: text(`n${i % 7}`), serial: below(random, 8) === 0 ? null : BigInt(i >> 1) };
  }
}

const KEY_COLUMNS: { readonly [K in Choices['keys']]: readonly string[] } = {
  none: [],
  'short text': ['name'],
  'long text': ['name'],
  unicode: ['name'],
  integer: ['serial'],
  'extreme integer': ['serial'],
  boolean: ['isOpen'],
  'two columns': ['name', 'serial'],
};

// ---- query ----

function queryOf(choice: Choices, random: Random): OracleQuery {
  return {
    schema: CASE_SCHEMA,
    timestamp: 'at',
    disorderMs: choice.disorder === 'none' ? 0 : BOUND_MS,
    window: windowOf(choice, random),
    keys: KEY_COLUMNS[choice.keys],
    aggregates: aggregatesOf(choice),
    where: filterOf(choice),
    allowedLatenessMs: LATENESS_MS[choice.lateness],
    results: choice.results,
  };
}

const NON_NEGATIVE: Filter = { column: 'amount', comparison: '>=', value: 0n };

function aggregatesOf(choice: Choices): OracleAggregate[] {
  const count: OracleAggregate = { as: 'rows', kind: 'count' };
  if (choice.aggregates === 'count') return [count];
  // Without a count a late row may leave the result as it was.
  if (choice.aggregates === 'extremes') {
    return [
      { as: 'lowest', kind: 'min', column: 'level' },
      { as: 'heaviest', kind: 'max', column: 'weight', where: [NON_NEGATIVE] },
    ];
  }
  const where = choice.aggregates === 'filtered' ? { where: [NON_NEGATIVE] } : {};
  return [
    count,
    { as: 'total', kind: 'sum', column: 'amount', ...where },
    { as: 'mean', kind: 'avg', column: 'amount', ...where },
    { as: 'lowest', kind: 'min', column: 'level', ...where },
    { as: 'levels', kind: 'sum', column: 'level' },
    { as: 'load', kind: 'sum', column: 'weight', ...where },
    { as: 'lightest', kind: 'min', column: 'weight' },
    { as: 'heaviest', kind: 'max', column: 'weight', ...where },
    { as: 'spread', kind: 'stddev', column: 'weight' },
    { as: 'last', kind: 'max', column: 'serial' },
    { as: 'first', kind: 'min', column: 'at' },
  ];
}

function filterOf(choice: Choices): Filter[] {
  switch (choice.filter) {
    case 'none':
      return [];
    case 'some':
      return [NON_NEGATIVE];
    case 'all rows':
      return [{ column: 'at', comparison: '<', value: -1e15 }];
  }
}
