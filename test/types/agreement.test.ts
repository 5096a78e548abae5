/**
 * The compiler and the plan name the kind of every result by rules written twice: in types (api/expression.ts,
 * api/aggregate.ts) and in code (api/expression-builder.ts, plan/aggregates.ts). Here both are asked the same
 * questions, all combinations of them.
 */
import { describe, expect, it } from 'vitest';
import { namedOf } from '../../src/api/expression-scope.ts';
import type { Field } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import * as millrace from '../../src/index.ts';
import { tableOf } from '../../src/platform.ts';
import { type AggregateFunction, AGGREGATES, resultType } from '../../src/plan/aggregates.ts';
import { messagesOf } from './compile.ts';

const NUMBERS = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'] as const;
const NUMERIC_COLUMNS = [...NUMBERS, 'big', 'maybeInt32', 'maybeBig'];
const DECLARED = `{ ${NUMBERS.map((kind) => `${kind}: ${kind}()`).join(', ')}, big: int64().asBigInt(),
  maybeInt32: int32().nullable(), maybeBig: int64().asBigInt().nullable(), text: utf8(), maybeText: utf8().nullable(),
  at: timestamp(), maybeAt: timestamp().nullable(), flag: bool(), maybeFlag: bool().nullable() }`;
const LITERALS = ['2', '-2', '2.5', '999999999', '1000000000', '-1000000000', '123456789012', '3n'];

const expressions = [
  ...NUMERIC_COLUMNS.flatMap((left) =>
    [...NUMERIC_COLUMNS.map((right) => `f.${right}`), ...LITERALS].flatMap((right) =>
      ['plus', 'times', 'mod', 'div', 'gt'].map((op) => `f.${left}.${op}(${right})`),
    ),
  ),
  ...NUMERIC_COLUMNS.map((column) => `f.${column}.isNull()`),
  'f.maybeInt32.orElse(1)',
  'f.maybeBig.orElse(1n)',
  'f.maybeText.orElse("")',
  'f.maybeFlag.orElse(true)',
  ...['text', 'maybeText'].flatMap((column) =>
    ['eq(f.text)', 'lt(f.maybeText)', 'in("a")', 'like("a%")', 'length()'].map((call) => `f.${column}.${call}`),
  ),
  ...['at', 'maybeAt'].flatMap((column) =>
    ['lt(f.at)', 'ge(f.maybeAt)', 'plus("1 s")', 'since(f.at)', 'since(f.maybeAt)'].map(
      (call) => `f.${column}.${call}`,
    ),
  ),
  ...['flag', 'maybeFlag'].flatMap((column) =>
    ['and(f.flag)', 'or(f.maybeFlag)', 'not()', 'eq(f.maybeFlag)', 'ne(true)'].map((call) => `f.${column}.${call}`),
  ),
  ...LITERALS.map((literal) => `lit(${literal})`),
  'lit("x")',
  'lit(true)',
];

const LITERAL_TRUE = { op: 'literal', value: true, type: { kind: 'bool', nullable: false } } as const;

/** A type of the plan as the compiler writes it. */
const kindText = (type: ColumnType): string =>
  `${type.bigint === true ? 'bigint64' : type.kind}${type.nullable ? ' | null' : ''}`;

/** Evaluates source text of this file with the names of the package in scope. */
function evaluate(source: string): unknown {
  // The same text goes to the compiler and to the run time; that is the point.
  return new Function(...Object.keys(millrace), `return ${source};`)(...Object.values(millrace));
}

const table = tableOf(evaluate(`schema(${DECLARED})`), 'the schema of this test');

/** Compile errors of: each result of `made` has the kind that the plan says. */
function disagreements(made: string, results: readonly Field[], sources: readonly string[]): readonly string[] {
  const checks = results.map(({ name, type }) => `same<Is<typeof kinds.${name}, ${kindText(type)}>>();`);
  const code = `import { type bigint64 } from 'millrace';
declare function kindsOf<C extends Columns>(stream: Stream<C, never> | Stream<C, 'changelog'>): C;
const whole = from(ndjsonFiles('x', schema(${DECLARED})));
const kinds = kindsOf(${made});
${checks.join('\n')}`;
  const [messages = []] = messagesOf([{ title: 'agreement', expected: undefined, code }]);
  return messages.map((message) => `${message} (in one of ${sources.length} results)`);
}

describe('the compiler and the plan agree', () => {
  it('on the kind of every expression', () => {
    const text = `(f) => ({ ${expressions.map((source, index) => `x${index}: ${source}`).join(', ')} })`;
    const named = namedOf(table, evaluate(text) as (f: never) => unknown, 'select'); // what evaluate gives has no type
    expect(named.length).toBeGreaterThan(750);
    const results = named.map(({ name, expression }) => ({ name, type: expression.type }));
    expect(disagreements(`whole.select(${text})`, results, expressions)).toEqual([]);
  });

  it('on the kind of every aggregate', () => {
    const functions: readonly (readonly [string, AggregateFunction])[] = Object.entries(AGGREGATES);
    const calls = functions.flatMap(([fn, { accepts, takes }]) =>
      table.fields
        .filter(({ type }) => takes === 'a column' && accepts.includes(type.kind))
        .flatMap(({ name }) => [
          { fn, column: name, where: undefined, source: `${fn}('${name}')` },
          { fn, column: name, where: LITERAL_TRUE, source: `${fn}('${name}', { where: (f) => f.flag })` },
        ]),
    );
    calls.push({ fn: 'count', column: '', where: LITERAL_TRUE, source: 'count({ where: (f) => f.flag })' });
    expect(calls.length).toBeGreaterThan(70);
    const results = calls.map(({ fn, column, where }, index) => ({
      name: `x${index}`,
      type: resultType({ name: '', fn, column: column === '' ? undefined : column, where }, table, 'aggregate'),
    }));
    const text = `{ ${calls.map(({ source }, index) => `x${index}: ${source}`).join(', ')} }`;
    expect(
      disagreements(
        `whole.aggregate(${text})`,
        results,
        calls.map(({ source }) => source),
      ),
    ).toEqual([]);
  });

  it('is a question that can be answered with no', () => {
    const wrong = [{ name: 'x0', type: { kind: 'int32', nullable: false } }] as const;
    expect(disagreements('whole.select((f) => ({ x0: f.int64.plus(1) }))', wrong, ['x0'])).toHaveLength(1);
  });
});
