/** Schemas proposed for samples: each rule by hand, and for random rows that every record fits what was proposed. */
import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import type { DeadLetter } from '../../../src/connector/source.ts';
import { type ColumnProposal, inferSchema, type SchemaProposal } from '../../../src/format/infer-schema.ts';
import { openCsv } from '../../support/csv-differential.ts';
import { fieldOf } from '../../support/csv-records.ts';
import { decodeWith, openDecoder, openKernels } from '../../support/ndjson.ts';

const infer = (text: string, rows = 10_000): SchemaProposal => inferSchema(Buffer.from(text), rows);
const lines = (...rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const column = (proposal: SchemaProposal, name: string): ColumnProposal | undefined =>
  proposal.columns.find((each) => each.name === name);
/** The type of column `a` that holds these values, as text. */
const typeOf = (...values: readonly unknown[]): string => {
  const found = column(infer(lines(...values.map((a) => ({ a, b: 1 })))), 'a')?.type;
  const unit = found?.kind === 'timestamp' ? `(${found.unit})` : '';
  return `${found?.kind}${unit}${found?.bigint === true ? ' bigint' : ''}${found?.nullable === true ? '?' : ''}`;
};

describe('types', () => {
  test.each([
    [[1, -5, 2 ** 31 - 1], 'int32'],
    [[-(2 ** 31)], 'int32'],
    [[1, 2 ** 31], 'int64'],
    [[1, 2 ** 60], 'int64 bigint'],
    [[1, 2 ** 64], 'float64'],
    [[1, 1.5], 'float64'],
    [[true, false], 'bool'],
    [['x', 'true'], 'utf8'],
    [[{ x: 1 }, [2]], 'json'],
    [['x', 1], 'json'],
    [[null, 1], 'int32?'],
    [[null, null], 'undefined'],
    [['2026-01-02', '2026-01-02T03:04+01'], 'timestamp(ms)'],
    [['2026-01-02T03:04:05.123456Z'], 'timestamp(us)'],
    [['2026-02-30'], 'utf8'],
    [['2026-01-02T25:00Z'], 'utf8'],
    [['2026-01-02', 'soon'], 'utf8'],
    [[1_767_225_600_000], 'timestamp(ms)'],
    [[1_767_225_600_000_000], 'timestamp(us)'],
    [[1_767_225_600], 'int32'],
    [[1_767_225_600_000, 5], 'int64'],
  ])('%j is %s', (values, type) => {
    expect(typeOf(...values)).toBe(type);
  });

  test('seconds are instants only under a name of time', () => {
    for (const name of ['time', 'created_at', 'eventTs', 'DateOfBirth', 'updated']) {
      const { type } = column(infer(lines({ [name]: 1_767_225_600 })), name) ?? {};
      expect(type, name).toMatchObject({ kind: 'timestamp', unit: 's' });
    }
    expect(column(infer(lines({ attempts: 1_767_225_600, that: 1_767_225_600 })), 'that')?.type.kind).toBe('int32');
  });

  test('columns of CSV are read the same, without types of their own, and mixed ones are text', () => {
    const { columns, format } = infer('a;b;c;d;e;f\n1;x;True;2026-01-02;;007\n2.5;3;false;2026-01-03;;7\n');
    expect(format).toEqual({ kind: 'csv', separator: ';', header: true, names: ['a', 'b', 'c', 'd', 'e', 'f'] });
    expect(columns.map(({ type }) => `${type.kind}${type.nullable ? '?' : ''}`)).toEqual([
      'float64',
      'utf8',
      'bool',
      'timestamp',
      'utf8?',
      'utf8',
    ]);
  });
});

describe('records', () => {
  test('that lack a column, or hold null in it, are counted', () => {
    const proposal = infer(lines({ a: 1, b: 'x' }, { a: null }, { b: 'y' }));
    expect(proposal.records).toBe(3);
    expect(column(proposal, 'a')).toMatchObject({ absent: 2, type: { nullable: true } });
    expect(column(proposal, 'b')).toMatchObject({ absent: 1 });
  });
  test('that cannot be read are counted and left out', () => {
    expect(infer('{"a":1}\n{"a":\n[1]\n\n{"a":2}\n')).toMatchObject({ records: 2, broken: 2 });
    expect(infer('a,b\n1,2\n1\nx"y,1\n3,4\n')).toMatchObject({ records: 2, broken: 2 });
  });
  test('beyond those asked for are not looked at', () => {
    expect(infer('a\n1\n2\nx\n', 2)).toMatchObject({ records: 2, columns: [{ type: { kind: 'int32' } }] });
    expect(infer(lines({ a: 1 }, { a: 'x' }), 1)).toMatchObject({ records: 1, columns: [{ type: { kind: 'int32' } }] });
  });
  test('of CSV without a header have columns by number', () => {
    const { format, columns } = infer('1|a\n2|b');
    expect(format).toMatchObject({ header: false, separator: '|' });
    expect(columns.map(({ name }) => name)).toEqual(['column1', 'column2']);
  });
  test('of nothing propose nothing', () => {
    expect(infer('')).toMatchObject({ records: 0, columns: [], eventTime: undefined });
  });
});

describe('event time', () => {
  const at = (...minutes: readonly number[]): string =>
    lines(...minutes.map((m, n) => ({ n, at: new Date(Date.UTC(2026, 0, 1) + m * 60_000).toISOString() })));
  test('is the first instant that every record has', () => {
    expect(infer(lines({ seen: null, at: '2026-01-01' }, { seen: '2026-01-01', at: '2026-01-02' })).eventTime).toBe(
      'at',
    );
    expect(infer(lines({ n: 1 })).eventTime).toBeUndefined();
  });
  test('comes with the disorder that was seen: behind the largest before, not behind the last', () => {
    const order = column(infer(at(0, 10, 5, 9, 3, 20, 19)), 'at')?.order;
    expect(order).toEqual({
      from: Date.UTC(2026, 0, 1),
      to: Date.UTC(2026, 0, 1, 0, 20),
      outOfOrder: 4,
      disorderMs: 7 * 60_000,
    });
    expect(column(infer(at(1, 2, 2, 3)), 'at')?.order).toMatchObject({ outOfOrder: 0, disorderMs: 0 });
  });
  test('of seconds and microseconds is in milliseconds', () => {
    const seconds = infer(lines({ time: 1_767_225_600 }, { time: 1_767_225_540 }));
    expect(column(seconds, 'time')?.order).toMatchObject({ disorderMs: 60_000, to: 1_767_225_600_000 });
    const micros = infer(lines({ t: 1_767_225_600_000_000 }, { t: 1_767_225_599_999_500 }));
    expect(column(micros, 't')?.order).toMatchObject({ disorderMs: 0.5 });
  });
});

describe('random rows', () => {
  const random = seededRandom(11);
  const pick = <T>(items: readonly T[]): T => items[below(random, items.length)] as T;
  const texts = ['2026-01-02', '2024-02-29T23:59:59.5-05:30', '2026-13-01', 'a, "b"', '0012', '-1e5', '', 'true', '1'];
  const numbers = [0, -1, 1.5, 2 ** 31, -(2 ** 63), 2 ** 63, 1e300, 1_767_225_600, 1_767_225_600_000];
  const value = (): unknown =>
    pick<() => unknown>([() => pick(texts), () => pick(numbers), () => pick([true, null]), () => ({ x: [1] })])();
  const makers = (): readonly (() => unknown)[] =>
    Array.from({ length: 6 }, () => {
      const few = [value(), value()];
      return () => (below(random, 12) === 0 ? null : pick(few));
    });

  test('fit the schema that is proposed for them, in both formats', async () => {
    const kernels = await openKernels();
    for (let i = 0; i < 400; i++) {
      const columns = makers();
      const rows = Array.from({ length: 1 + below(random, 6) }, () => columns.map((make) => make()));
      const ndjson = Buffer.from(
        rows.map((row) => JSON.stringify(Object.fromEntries(row.map((each, c) => [`c${c}`, each])))).join('\n'),
      );
      const plain = (each: unknown): string => (typeof each === 'object' && each !== null ? 'x' : String(each ?? ''));
      const csv = Buffer.from(
        ['a,b,c,d,e,f', ...rows.map((row) => row.map((each) => fieldOf(plain(each), ',', false)).join(','))].join('\n'),
      );
      for (const input of [ndjson, csv]) {
        const proposal = inferSchema(input, 100);
        const schema = { fields: proposal.columns };
        const refused: DeadLetter[] = [];
        const { format } = proposal;
        const decoded = decodeWith(kernels, input, 1000, () =>
          format.kind === 'csv'
            ? openCsv(kernels, schema, refused, { separator: format.separator, header: format.header })
            : openDecoder(kernels, schema, refused),
        );
        expect(refused, `case ${i}: ${input.toString()}`).toEqual([]);
        expect(decoded.rows.length, `case ${i}`).toBe(proposal.records);
        expect(proposal.broken).toBe(0);
      }
    }
  });
});
