/**
 * Builds expression trees (plan/expression.ts) from what users write in `f => …`.
 *
 * Invariants
 *  1. The kinds of results follow the rules of the types in expression.ts, and whatever those refuse is refused here too, for
 *     users of JavaScript.
 *  2. Every condition built during a call of `f => …` must be part of its answer: `a || b` builds both and answers with the
 *     first, and a dropped condition would be a wrong result (E1208).
 * Not here: evaluation (runtime/expression.ts).
 */
import { UserError } from '../base/errors.ts';
import { durationMs } from '../base/time.ts';
import { requireColumn, type TableSchema } from '../data/schema.ts';
import type { ColumnType, TypeKind } from '../data/types.ts';
import { describeType, INTEGER_RANGE } from '../data/types.ts';
import {
  type ArithmeticOperator, childrenOf, type ComparisonOperator, type Expression, formatExpression,
} from '../plan/expression.ts';
import type { Literal } from './expression.ts';
import { located } from './call-site.ts';
import { describe, isRecord } from './schema.ts';
import { isEventTime } from './time.ts';

type Family = 'a number' | 'text' | 'a bool' | 'a timestamp' | 'bytes' | 'json';

const FAMILY: { readonly [K in TypeKind]: Family } = {
  bool: 'a bool', int8: 'a number', int16: 'a number', int32: 'a number', int64: 'a number',
  float32: 'a number', float64: 'a number', utf8: 'text', bytes: 'bytes', json: 'json', timestamp: 'a timestamp',
};

const BOOL: ColumnType = { kind: 'bool', nullable: false };
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Whole literals below this are int32, so that their kind can be read off their digits. */
const INT32_LITERAL_LIMIT = 1e9;

/** The conditions built during one call of `f => …`. */
type Conditions = Set<Expression>;

/** An expression in the hands of the user. Its methods are those of Expr.Num, Expr.Text, Expr.Bool and Expr.Instant. */
class ExpressionBuilder {
  readonly tree: Expression;
  readonly #conditions: Conditions | undefined;

  constructor(tree: Expression, conditions: Conditions | undefined) {
    this.tree = tree;
    this.#conditions = conditions;
    if (tree.type.kind === 'bool' && tree.op !== 'column' && tree.op !== 'literal') conditions?.add(tree);
  }

  eq(other: unknown): ExpressionBuilder { return this.#compare('eq', other, ['a number', 'text', 'a bool', 'a timestamp']); }
  ne(other: unknown): ExpressionBuilder { return this.#compare('ne', other, ['a number', 'text', 'a bool', 'a timestamp']); }
  gt(other: unknown): ExpressionBuilder { return this.#compare('gt', other, ['a number', 'text', 'a timestamp']); }
  lt(other: unknown): ExpressionBuilder { return this.#compare('lt', other, ['a number', 'text', 'a timestamp']); }
  ge(other: unknown): ExpressionBuilder { return this.#compare('ge', other, ['a number', 'a timestamp']); }
  le(other: unknown): ExpressionBuilder { return this.#compare('le', other, ['a number', 'a timestamp']); }

  plus(other: unknown): ExpressionBuilder { return this.#sum('plus', other); }
  minus(other: unknown): ExpressionBuilder { return this.#sum('minus', other); }
  times(other: unknown): ExpressionBuilder { return this.#arithmetic('times', other); }
  mod(other: unknown): ExpressionBuilder { return this.#arithmetic('mod', other); }
  div(other: unknown): ExpressionBuilder { return this.#arithmetic('div', other); }

  and(other: unknown): ExpressionBuilder { return this.#logic('and', other); }
  or(other: unknown): ExpressionBuilder { return this.#logic('or', other); }
  not(): ExpressionBuilder {
    return located(() => {
      this.#require(['a bool'], 'not');
      return this.#make({ op: 'not', of: this.tree, type: this.tree.type });
    });
  }

  isNull(): ExpressionBuilder {
    return this.#make({ op: 'isNull', of: this.tree, type: BOOL });
  }

  orElse(value: unknown): ExpressionBuilder {
    return located(() => {
      this.#require(['a number', 'text', 'a bool', 'a timestamp'], 'orElse');
      const type = { ...this.tree.type, nullable: false };
      return this.#make({ op: 'orElse', left: this.tree, right: literalOf(value, type, 'orElse'), type });
    });
  }

  in(...values: unknown[]): ExpressionBuilder {
    return located(() => {
      this.#require(['text'], 'in');
      if (values.length === 0) throw new UserError('E1006', { what: 'in', needs: 'at least one text', got: 'nothing' });
      return this.#call('in', values.map((value) => textLiteral(value, 'in')), 'bool');
    });
  }

  like(pattern: unknown): ExpressionBuilder {
    return located(() => {
      this.#require(['text'], 'like');
      return this.#call('like', [textLiteral(pattern, 'like')], 'bool');
    });
  }

  length(): ExpressionBuilder {
    return located(() => {
      this.#require(['text'], 'length');
      return this.#call('length', [], 'int32');
    });
  }

  since(other: unknown): ExpressionBuilder {
    return located(() => {
      this.#require(['a timestamp'], 'since');
      if (this.tree.type.unit === 'us') throw mismatch(this.tree, 'since', 'a timestamp in milliseconds');
      const right = this.#operand(other, 'since');
      return this.#make({ op: 'minus', left: this.tree, right, type: { kind: 'int64', nullable: eitherNull(this.tree, right) } });
    });
  }

  /** What JavaScript makes of an expression in `a > 1`, `a + 1` or a template: none of it can work. */
  [Symbol.toPrimitive](): never {
    return located(() => {
      throw new UserError(
        'E1006',
        { what: `'${formatExpression(this.tree)}'`, needs: 'used through its methods', got: 'used with an operator of JavaScript' },
        { hint: 'write f.a.gt(1), f.a.plus(1), f.a.eq(f.b)' },
      );
    });
  }

  #compare(op: ComparisonOperator, other: unknown, families: readonly Family[]): ExpressionBuilder {
    return located(() => {
      this.#require(families, op);
      const right = this.#operand(other, op);
      return this.#make({ op, left: this.tree, right, type: { kind: 'bool', nullable: eitherNull(this.tree, right) } });
    });
  }

  #logic(op: 'and' | 'or', other: unknown): ExpressionBuilder {
    return located(() => {
      this.#require(['a bool'], op);
      const right = this.#operand(other, op);
      return this.#make({ op, left: this.tree, right, type: { kind: 'bool', nullable: eitherNull(this.tree, right) } });
    });
  }

  /** plus and minus: of numbers, or of an instant and a duration. */
  #sum(op: 'plus' | 'minus', other: unknown): ExpressionBuilder {
    if (this.tree.type.kind !== 'timestamp') return this.#arithmetic(op, other);
    return located(() => {
      if (typeof other !== 'string') throw new UserError('E1006', { what: `${op} of a timestamp`, needs: "a duration, such as '10 s'", got: describe(other) });
      const value = durationMs(other, op) * unitsPerMs(this.tree.type);
      const right: Expression = { op: 'literal', value, type: { kind: 'int64', nullable: false } };
      return this.#make({ op, left: this.tree, right, type: this.tree.type });
    });
  }

  #arithmetic(op: ArithmeticOperator, other: unknown): ExpressionBuilder {
    return located(() => {
      this.#require(['a number'], op);
      const right = this.#operand(other, op);
      const nullable = eitherNull(this.tree, right);
      const type: ColumnType = op === 'div' ? { kind: 'float64', nullable } : { ...wider(this.tree.type, right.type), nullable };
      return this.#make({ op, left: this.tree, right, type });
    });
  }

  #call(name: string, more: readonly Expression[], kind: TypeKind): ExpressionBuilder {
    return this.#make({ op: 'call', name, arguments: [this.tree, ...more], type: { kind, nullable: this.tree.type.nullable } });
  }

  /** The other side of an operation: an expression of the same family, or a value that becomes a literal of it. */
  #operand(other: unknown, op: string): Expression {
    const own = this.tree.type;
    const family = FAMILY[own.kind];
    const right = other instanceof ExpressionBuilder ? other.tree
      : family === 'a number' ? numberLiteral(other, op)
      : literalOf(other, { ...own, nullable: false }, op);
    const isSame = FAMILY[right.type.kind] === family && unitsPerMs(right.type) === unitsPerMs(own);
    if (!isSame) throw mismatch(right, op, own.kind === 'timestamp' ? describeType({ ...own, nullable: false }) : family);
    return right;
  }

  #require(families: readonly Family[], op: string): void {
    if (!families.includes(FAMILY[this.tree.type.kind])) throw mismatch(this.tree, op, families.join(' or '));
  }

  #make(tree: Expression): ExpressionBuilder {
    return new ExpressionBuilder(tree, this.#conditions);
  }
}

const eitherNull = (left: Expression, right: Expression): boolean => left.type.nullable || right.type.nullable;
const unitsPerMs = (type: ColumnType): number => (type.unit === 'us' ? 1000 : 1);

const mismatch = (found: Expression, where: string, needs: string): UserError =>
  new UserError('E1204', { column: formatExpression(found), type: describeType(found.type), where, needs });

/** The kind of arithmetic between two numbers: float64 beside any float, int64 beside any int64, int32 otherwise. */
function wider(a: ColumnType, b: ColumnType): Pick<ColumnType, 'kind' | 'bigint'> {
  if (isFloat(a) || isFloat(b)) return { kind: 'float64' };
  if (a.kind !== 'int64' && b.kind !== 'int64') return { kind: 'int32' };
  return a.bigint === true || b.bigint === true ? { kind: 'int64', bigint: true } : { kind: 'int64' };
}

const isFloat = (type: ColumnType): boolean => type.kind === 'float32' || type.kind === 'float64';

function numberLiteral(value: unknown, where: string): Expression {
  if (typeof value === 'bigint') {
    if (value < INT64_MIN || value > INT64_MAX) throw new UserError('E1006', { what: `a literal of ${where}`, needs: 'an int64', got: describe(value) });
    return { op: 'literal', value: String(value), type: { kind: 'int64', nullable: false, bigint: true } };
  }
  if (typeof value !== 'number') throw new UserError('E1006', { what: where, needs: 'given a number', got: describe(value) });
  return { op: 'literal', value, type: { kind: kindOfNumber(value, where), nullable: false } };
}

function kindOfNumber(value: number, where: string): TypeKind {
  if (!Number.isInteger(value) || Math.abs(value) >= 1e21) return 'float64';
  if (Math.abs(value) < INT32_LITERAL_LIMIT) return 'int32';
  if (Number.isSafeInteger(value)) return 'int64';
  throw new UserError('E1006', { what: `a whole number in ${where}`, needs: 'exact', got: String(value) }, { hint: 'write it as a bigint: 123n' });
}

function textLiteral(value: unknown, where: string): Expression {
  return literalOf(value, { kind: 'utf8', nullable: false }, where);
}

/** A literal of a given type. E1006 when the value is not one of it. */
function literalOf(value: unknown, type: ColumnType, where: string): Expression {
  const literal = (plain: string | number | boolean): Expression => ({ op: 'literal', value: plain, type });
  switch (type.kind) {
    case 'bool':
      if (typeof value === 'boolean') return literal(value);
      break;
    case 'utf8':
      if (typeof value === 'string') return literal(value);
      break;
    case 'timestamp':
      if (isEventTime(value)) return literal(value.epochMs * unitsPerMs(type));
      break;
    case 'int64':
      if (typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX) return literal(String(value));
      if (typeof value === 'number' && Number.isSafeInteger(value)) return literal(value);
      break;
    case 'float32':
    case 'float64':
      if (typeof value === 'number') return literal(value);
      break;
    case 'int8':
    case 'int16':
    case 'int32': {
      const [low, high] = INTEGER_RANGE[type.kind];
      if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return literal(value);
      break;
    }
    case 'bytes':
    case 'json':
  }
  throw new UserError('E1006', { what: where, needs: `given a value of ${describeType(type)}`, got: describe(value) });
}

/** A literal as an expression: lit('x'), lit(3), lit(3n), lit(true). */
export function lit<const V extends string | number | bigint | boolean>(value: V): Literal<V> {
  return located(() => {
    const tree = typeof value === 'string' ? textLiteral(value, 'lit')
      : typeof value === 'boolean' ? literalOf(value, BOOL, 'lit')
      : numberLiteral(value, 'lit');
    // The builder has the methods of every kind; the type shows those of this one.
    return new ExpressionBuilder(tree, undefined) as unknown as Literal<V>;
  });
}

/** The columns of a schema as expressions. A name that it does not have throws E1203. */
function fieldsOf(schema: TableSchema, where: string, conditions: Conditions): unknown {
  return new Proxy(Object.freeze({}), {
    get: (_target, name) => (typeof name === 'symbol' ? undefined : located(() => {
      const field = schema.fields[requireColumn(schema, name, where)];
      if (field === undefined) return undefined;
      return new ExpressionBuilder({ op: 'column', name: field.name, type: field.type }, conditions);
    })),
    ownKeys: () => schema.fields.map((field) => field.name),
    getOwnPropertyDescriptor: (_target, name) =>
      (schema.fields.some((field) => field.name === name) ? { configurable: true, enumerable: true } : undefined),
  });
}

type Build = (fields: never) => unknown;

/** Runs a user's `f => …` and hands back its answer with the conditions that it built. */
function build(schema: TableSchema, fn: Build, where: string): { readonly answer: unknown; readonly conditions: Conditions } {
  if (typeof fn !== 'function') throw new UserError('E1006', { what: where, needs: 'a function f => …', got: describe(fn) });
  const conditions: Conditions = new Set();
  // The type of the user's argument follows from the stream's type, which this code does not have.
  const answer = fn(fieldsOf(schema, where, conditions) as never);
  return { answer, conditions };
}

/** The condition that `f => …` gives. */
export function conditionOf(schema: TableSchema, fn: Build, where: string): Expression {
  const { answer, conditions } = build(schema, fn, where);
  const tree = treeOf(answer, where);
  if (tree.type.kind !== 'bool') throw mismatch(tree, where, 'a bool');
  requireReached(conditions, [tree], where);
  return tree;
}

/** The named expressions that `f => ({ … })` gives. */
export function namedOf(schema: TableSchema, fn: Build, where: string): readonly { readonly name: string; readonly expression: Expression }[] {
  const { answer, conditions } = build(schema, fn, where);
  if (!isRecord(answer) || answer instanceof ExpressionBuilder) {
    throw new UserError('E1006', { what: where, needs: 'given an object of expressions', got: describe(answer) }, { hint: 'write f => ({ name: f.name })' });
  }
  const named = Object.entries(answer).map(([name, value]) => ({ name, expression: treeOf(value, `'${name}' of ${where}`) }));
  requireReached(conditions, named.map(({ expression }) => expression), where);
  return named;
}

function treeOf(value: unknown, where: string): Expression {
  if (value instanceof ExpressionBuilder) return value.tree;
  throw new UserError('E1006', { what: where, needs: 'an expression', got: describe(value) }, {
    hint: typeof value === 'boolean' ? 'compare with f.a.eq(1), f.a.gt(1); combine with .and(), .or(), .not()' : 'a plain value is written lit(value)',
  });
}

/** Invariant 2. */
function requireReached(conditions: Conditions, answers: readonly Expression[], where: string): void {
  const reached = new Set<Expression>();
  const walk = (tree: Expression): void => {
    reached.add(tree);
    for (const child of childrenOf(tree)) walk(child);
  };
  for (const answer of answers) walk(answer);
  const dropped = [...conditions].find((condition) => !reached.has(condition));
  if (dropped === undefined) return;
  throw new UserError('E1208', { condition: formatExpression(dropped), where }, { hint: 'combine conditions with .and(), .or(), .not(), never with && or ||' });
}

