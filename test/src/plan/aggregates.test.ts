/** What aggregates take and give. */
import { describe, expect, it } from 'vitest';
import type { ColumnType, TypeKind } from '../../../src/data/types.ts';
import type { Expression } from '../../../src/plan/expression.ts';
import { aggregateFunction, AGGREGATES, resultType } from '../../../src/plan/aggregates.ts';
import { mistakeOf } from '../api/stand-ins.ts';

const always: Expression = { op: 'literal', value: true, type: { kind: 'bool', nullable: false } };
const resultOf = (fn: string, type: ColumnType | undefined, where?: Expression): ColumnType => {
  const fields = type === undefined ? [] : [{ name: 'it', type }];
  return resultType({ name: 'a', fn, column: type === undefined ? undefined : 'it', where }, { fields }, 'aggregate');
};
const plain = (kind: TypeKind): ColumnType => ({ kind, nullable: false });

describe('the result of an aggregate', () => {
  it('of integers adds up to int64, of floats to float64', () => {
    for (const kind of ['int8', 'int16', 'int32', 'int64'] as const)
      expect(resultOf('sum', plain(kind))).toEqual(plain('int64'));
    for (const kind of ['float32', 'float64'] as const) expect(resultOf('sum', plain(kind))).toEqual(plain('float64'));
    expect(resultOf('sum', { kind: 'int64', nullable: false, bigint: true })).toEqual({
      kind: 'int64',
      nullable: false,
      bigint: true,
    });
  });

  it('is the type of the column for the smallest and the largest', () => {
    const micros: ColumnType = { kind: 'timestamp', nullable: false, unit: 'us' };
    for (const type of [plain('int8'), plain('float32'), micros]) {
      expect(resultOf('min', type)).toEqual(type);
      expect(resultOf('max', type)).toEqual(type);
    }
  });

  it('is float64 for means and deviations', () => {
    expect(resultOf('avg', plain('int32'))).toEqual(plain('float64'));
    expect(resultOf('stddev', plain('float32'))).toEqual({ ...plain('float64'), nullable: true });
  });

  it('is null when every row of a group can be left out, except a count', () => {
    for (const fn of ['sum', 'min', 'max', 'avg', 'stddev']) {
      expect(resultOf(fn, { kind: 'int32', nullable: true }).nullable, fn).toBe(true);
      expect(resultOf(fn, plain('int32'), always).nullable, fn).toBe(true);
      // One value has no deviation.
      expect(resultOf(fn, plain('int32')).nullable, fn).toBe(fn === 'stddev');
    }
    expect(resultOf('count', undefined, always)).toEqual(plain('int64'));
  });
});

describe('an aggregate', () => {
  it('refuses columns that it cannot take', () => {
    const refused = Object.keys(AGGREGATES).flatMap((fn) =>
      (['bool', 'utf8', 'bytes', 'json', 'timestamp'] as const)
        .filter((kind) => mistakeOf(() => resultOf(fn, plain(kind))) !== 'no mistake')
        .map((kind) => `${fn} ${kind}`),
    );
    expect(refused.filter((text) => /^(sum|min|max|avg|stddev|any) /.test(text))).toEqual([
      'sum bool',
      'sum utf8',
      'sum bytes',
      'sum json',
      'sum timestamp',
      'min bool',
      'min bytes',
      'min json',
      'max bool',
      'max bytes',
      'max json',
      'avg bool',
      'avg utf8',
      'avg bytes',
      'avg json',
      'avg timestamp',
      'stddev bool',
      'stddev utf8',
      'stddev bytes',
      'stddev json',
      'stddev timestamp',
      'any utf8',
      'any bytes',
      'any json',
      'any timestamp',
    ]);
    expect(mistakeOf(() => resultOf('sum', plain('utf8')))).toBe(
      "E1204 column 'it' is utf8, but sum in aggregate needs a number | No column of the input has such a type.",
    );
  });

  it('that orders by a column may lack a value when that does, and refuses text there', () => {
    const fields = [
      { name: 'it', type: plain('utf8') },
      { name: 'rank', type: { kind: 'int32', nullable: true } },
    ] as const;
    const call = { name: 'a', fn: 'argMin', column: 'it', where: undefined };
    expect(resultType({ ...call, by: 'rank' }, { fields }, 'aggregate')).toEqual({ kind: 'utf8', nullable: true });
    expect(mistakeOf(() => resultType({ ...call, by: 'it' }, { fields }, 'aggregate'))).toBe(
      "E1204 column 'it' is utf8, but argMin in aggregate needs a number or a timestamp | "
        + 'Columns of the input that would do: rank.',
    );
  });

  it('needs a column, or must not have one', () => {
    expect(mistakeOf(() => resultOf('sum', undefined))).toBe(
      'E1006 sum in aggregate must be given a number, but is given none',
    );
    expect(mistakeOf(() => resultOf('count', plain('int32')))).toBe(
      "E1006 count in aggregate must be given no column, but is given 'it'",
    );
  });

  it('must be one of the known ones', () => {
    expect(mistakeOf(() => aggregateFunction('middle'))).toBe(
      "E1006 an aggregate must be one of count, sum, min, max, avg, stddev, variance, any, all, firstValue, lastValue, argMin, argMax, countDistinct, approxCountDistinct, quantile, median, topK, collectList, joinText, but is 'middle'",
    );
    expect(mistakeOf(() => aggregateFunction('toString'))).toContain('E1006 an aggregate must be one of count');
  });
});
