/**
 * Runs a user's `f => …` over the columns of a schema and takes the expressions out of its answer.
 *
 * To JavaScript every expression is true: `a && b` is b, `a || b` is a and `a ? x : y` is x, so part of what the user
 * wrote would be dropped in silence, which is a wrong result. TypeScript refuses && and ?: but not ||. So here,
 * whatever the language:
 *
 * Invariants
 *  1. A condition that was built but is no part of the answer is a mistake: && and ?:.
 *  2. A test that is part of the answer must not give way to conditions that were never built when it is false: ||.
 *     The function is called once more for every test, with that one false; when it uses the test as it should, through
 *     methods or as its answer, this call comes to nothing.
 */
import { UserError } from '../base/errors.ts';
import { requireColumn, type TableSchema } from '../data/schema.ts';
import { childrenOf, type Expression, formatExpression } from '../plan/expression.ts';
import { located } from './call-site.ts';
import { ExpressionBuilder, mismatch, Scope } from './expression-builder.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import type { Named } from './traits.ts';

type Build = (fields: never) => unknown;
/** The expressions in what a user's function gave; throws when there is something else. */
type Read<A> = (answer: unknown) => A;

/** The condition that `f => …` gives. */
export function conditionOf(schema: TableSchema, fn: Build, where: string): Expression {
  const [condition] = answerOf(schema, fn, where, (answer): readonly [Named] => {
    const tree = treeOf(answer, where);
    if (tree.type.kind !== 'bool') throw mismatch(tree, where, 'a bool');
    return [{ name: '', expression: tree }];
  });
  return condition.expression;
}

/** The named expressions that `f => ({ … })` gives. */
export function namedOf(schema: TableSchema, fn: Build, where: string): readonly Named[] {
  return answerOf(schema, fn, where, (answer) => {
    if (!isRecord(answer) || answer instanceof ExpressionBuilder) {
      throw mistake(where, 'given an object of expressions', answer, 'write f => ({ name: f.name })');
    }
    return Object.entries(answer).map(([name, value]) => ({
      name,
      expression: treeOf(value, `'${name}' of ${where}`),
    }));
  });
}

function answerOf<A extends readonly Named[]>(schema: TableSchema, fn: Build, where: string, read: Read<A>): A {
  if (typeof fn !== 'function') throw mistake(where, 'a function f => …', fn);
  const call = (scope: Scope): A => {
    // The type of the user's argument follows from the stream's type, which this code does not have.
    const answer = fn(fieldsOf(schema, where, scope) as never);
    return read(answer);
  };
  const scope = new Scope();
  const answer = call(scope);
  const dropped = droppedTest(answer, scope.tests, (index) => {
    try {
      return call(new Scope(index));
    } catch {
      return undefined;
    }
  });
  if (dropped === undefined) return answer;
  const hint = 'combine conditions with .and(), .or(), .not(), never with && or || or ?:';
  throw new UserError('E1208', { condition: formatExpression(dropped), where }, { hint });
}

/** A test that the answer leaves out although it hangs on it; undefined: there is none. */
function droppedTest(
  answer: readonly Named[],
  tests: readonly Expression[],
  whenFalse: (index: number) => readonly Named[] | undefined,
): Expression | undefined {
  const used = new Set(answer.flatMap(({ expression }) => partsOf(expression)));
  const seen = new Set([...answer.map(({ expression }) => expression), ...tests].flatMap(leavesOf));
  const text = textOf(answer);
  for (const [index, test] of tests.entries()) {
    if (!used.has(test) && test.op !== 'column') return test;
    const other = whenFalse(index);
    if (!used.has(test)) {
      if (other === undefined || textOf(other) !== text) return test;
      continue;
    }
    const unseen = other
      ?.flatMap(({ expression }) => leafTreesOf(expression))
      .find((leaf) => !seen.has(formatExpression(leaf)));
    if (unseen !== undefined) return unseen;
  }
  return undefined;
}

const textOf = (answer: readonly Named[]): string =>
  answer.map(({ name, expression }) => `${name} = ${formatExpression(expression)}`).join('; ');

const partsOf = (tree: Expression): readonly Expression[] => [tree, ...childrenOf(tree).flatMap(partsOf)];

/** What and, or and not combine. */
const leafTreesOf = (tree: Expression): readonly Expression[] =>
  tree.op === 'and' || tree.op === 'or' || tree.op === 'not' ? childrenOf(tree).flatMap(leafTreesOf) : [tree];
const leavesOf = (tree: Expression): readonly string[] => leafTreesOf(tree).map(formatExpression);

/** The columns of a schema as expressions. A name that it does not have throws E1203. */
function fieldsOf(schema: TableSchema, where: string, scope: Scope): unknown {
  const isColumn = (name: string | symbol): boolean => schema.fields.some((field) => field.name === name);
  return new Proxy(Object.freeze({}), {
    get: (_target, name) =>
      typeof name === 'symbol' ? undefined : located(() => columnOf(schema, name, where, scope)),
    has: (_target, name) => isColumn(name),
    ownKeys: () => schema.fields.map((field) => field.name),
    getOwnPropertyDescriptor: (_target, name) =>
      isColumn(name) ? { configurable: true, enumerable: true } : undefined,
  });
}

function columnOf(schema: TableSchema, name: string, where: string, scope: Scope): ExpressionBuilder | undefined {
  const field = schema.fields[requireColumn(schema, name, where)];
  if (field === undefined) return undefined;
  return scope.admit(new ExpressionBuilder({ op: 'column', name: field.name, type: field.type }, scope));
}

function treeOf(value: unknown, where: string): Expression {
  if (value instanceof ExpressionBuilder) return value.tree;
  const hint =
    typeof value === 'boolean'
      ? 'compare with f.a.eq(1), f.a.gt(1); combine with .and(), .or(), .not()'
      : 'a plain value is written lit(value)';
  throw mistake(where, 'an expression', value, hint);
}
