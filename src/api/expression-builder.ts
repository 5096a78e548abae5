/**
 * Builds expression trees (plan/expression.ts) from what users write in `f => …`.
 *
 * Invariants
 *  1. The kinds of results follow the rules of the types in expression.ts, and whatever those refuse is refused here
 *     too, for users of JavaScript.
 *  2. A condition reports itself to the call of `f => …` in which it is built, which checks that it is used.
 * Not here: that check (expression-scope.ts), evaluation (runtime/expression.ts).
 */
import { UserError } from '../base/errors.ts';
import { durationMs } from '../base/time.ts';
import type { ColumnType, TypeKind } from '../data/types.ts';
import { describeType } from '../data/types.ts';
import {
  type ArithmeticOperator,
  type ComparisonOperator,
  type Expression,
  formatExpression,
} from '../plan/expression.ts';
import type { Literal } from './expression.ts';
import { located } from './call-site.ts';
import { literalOf, numberLiteral, textLiteral, unitsPerMs } from './literal.ts';
import { mistake, nothingGiven } from '../base/mistake.ts';

type Family = 'a number' | 'text' | 'a bool' | 'a timestamp' | 'bytes' | 'json';

const FAMILY: { readonly [K in TypeKind]: Family } = {
  bool: 'a bool',
  int8: 'a number',
  int16: 'a number',
  int32: 'a number',
  int64: 'a number',
  float32: 'a number',
  float64: 'a number',
  utf8: 'text',
  bytes: 'bytes',
  json: 'json',
  timestamp: 'a timestamp',
};

const BOOL: ColumnType = { kind: 'bool', nullable: false };

/**
 * One call of `f => …`: the tests (expressions of type bool) that it came by, in order. Calls are repeated with one
 * test made false, to see whether the answer hangs on JavaScript taking it for true (expression-scope.ts).
 */
export class Scope {
  readonly tests: Expression[] = [];
  readonly #falseTest: number | undefined;

  constructor(falseTest?: number) {
    this.#falseTest = falseTest;
  }

  /** The builder, or NaN in place of the test that is to be false: false itself could pass for a literal. */
  admit(builder: ExpressionBuilder): ExpressionBuilder {
    if (builder.tree.type.kind !== 'bool') return builder;
    const index = this.tests.push(builder.tree) - 1;
    // The user's function must take it for a builder; what it does with it throws, which answerOf expects.
    return index === this.#falseTest ? (Number.NaN as unknown as ExpressionBuilder) : builder;
  }
}

/** An expression in the hands of the user. Its methods are those of Expr.Num, Expr.Text, Expr.Bool and Expr.Instant. */
export class ExpressionBuilder {
  readonly tree: Expression;
  readonly #scope: Scope | undefined;

  constructor(tree: Expression, scope: Scope | undefined) {
    this.tree = tree;
    this.#scope = scope;
  }

  eq(other: unknown): ExpressionBuilder {
    return this.#compare('eq', other, ['a number', 'text', 'a bool', 'a timestamp']);
  }
  ne(other: unknown): ExpressionBuilder {
    return this.#compare('ne', other, ['a number', 'text', 'a bool', 'a timestamp']);
  }
  gt(other: unknown): ExpressionBuilder {
    return this.#compare('gt', other, ['a number', 'text', 'a timestamp']);
  }
  lt(other: unknown): ExpressionBuilder {
    return this.#compare('lt', other, ['a number', 'text', 'a timestamp']);
  }
  ge(other: unknown): ExpressionBuilder {
    return this.#compare('ge', other, ['a number', 'a timestamp']);
  }
  le(other: unknown): ExpressionBuilder {
    return this.#compare('le', other, ['a number', 'a timestamp']);
  }

  plus(other: unknown): ExpressionBuilder {
    return this.#sum('plus', other);
  }
  minus(other: unknown): ExpressionBuilder {
    return this.#sum('minus', other);
  }
  times(other: unknown): ExpressionBuilder {
    return this.#arithmetic('times', other);
  }
  mod(other: unknown): ExpressionBuilder {
    return this.#arithmetic('mod', other);
  }
  div(other: unknown): ExpressionBuilder {
    return this.#arithmetic('div', other);
  }

  and(other: unknown): ExpressionBuilder {
    return this.#logic('and', other);
  }
  or(other: unknown): ExpressionBuilder {
    return this.#logic('or', other);
  }
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
      if (values.length === 0) throw nothingGiven('in', 'text');
      return this.#call(
        'in',
        values.map((value) => textLiteral(value, 'in')),
        'bool',
      );
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
      return this.#make({
        op: 'minus',
        left: this.tree,
        right,
        type: { kind: 'int64', nullable: eitherNull(this.tree, right) },
      });
    });
  }

  /** What JavaScript makes of an expression in `a > 1`, `a + 1` or a template: none of it can work. */
  [Symbol.toPrimitive](): never {
    return located(() => {
      throw new UserError(
        'E1006',
        {
          what: `'${formatExpression(this.tree)}'`,
          needs: 'used through its methods',
          got: 'used with an operator of JavaScript',
        },
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
      if (!(other instanceof ExpressionBuilder)) throw mistake(op, 'given an expression', other);
      const right = this.#operand(other, op);
      return this.#make({ op, left: this.tree, right, type: { kind: 'bool', nullable: eitherNull(this.tree, right) } });
    });
  }

  /** plus and minus: of numbers, or of an instant and a duration, which is an int64 of milliseconds. */
  #sum(op: 'plus' | 'minus', other: unknown): ExpressionBuilder {
    if (this.tree.type.kind !== 'timestamp') return this.#arithmetic(op, other);
    return located(() => {
      if (typeof other !== 'string') throw mistake(`${op} of a timestamp`, "a duration, such as '10 s'", other);
      const value = durationMs(other, op);
      const right: Expression = { op: 'literal', value, type: { kind: 'int64', nullable: false } };
      return this.#make({ op, left: this.tree, right, type: this.tree.type });
    });
  }

  #arithmetic(op: ArithmeticOperator, other: unknown): ExpressionBuilder {
    return located(() => {
      this.#require(['a number'], op);
      const right = this.#operand(other, op);
      const nullable = eitherNull(this.tree, right);
      const type: ColumnType =
        op === 'div' ? { kind: 'float64', nullable } : { ...wider(this.tree.type, right.type), nullable };
      return this.#make({ op, left: this.tree, right, type });
    });
  }

  #call(name: string, more: readonly Expression[], kind: TypeKind): ExpressionBuilder {
    return this.#make({
      op: 'call',
      name,
      arguments: [this.tree, ...more],
      type: { kind, nullable: this.tree.type.nullable },
    });
  }

  /** The other side of an operation: an expression of the same family, or a value that becomes a literal of it. */
  #operand(other: unknown, op: string): Expression {
    const own = this.tree.type;
    const family = FAMILY[own.kind];
    const right =
      other instanceof ExpressionBuilder
        ? other.tree
        : family === 'a number'
          ? numberLiteral(other, op)
          : literalOf(other, { ...own, nullable: false }, op);
    const isSame = FAMILY[right.type.kind] === family && unitsPerMs(right.type) === unitsPerMs(own);
    if (!isSame)
      throw mismatch(right, op, own.kind === 'timestamp' ? describeType({ ...own, nullable: false }) : family);
    return right;
  }

  #require(families: readonly Family[], op: string): void {
    if (!families.includes(FAMILY[this.tree.type.kind])) throw mismatch(this.tree, op, families.join(' or '));
  }

  #make(tree: Expression): ExpressionBuilder {
    const made = new ExpressionBuilder(tree, this.#scope);
    return this.#scope === undefined ? made : this.#scope.admit(made);
  }
}

const eitherNull = (left: Expression, right: Expression): boolean => left.type.nullable || right.type.nullable;

export const mismatch = (found: Expression, where: string, needs: string): UserError =>
  new UserError('E1204', { column: formatExpression(found), type: describeType(found.type), where, needs });

/** The kind of arithmetic between two numbers: float64 beside any float, int64 beside any int64, int32 otherwise. */
function wider(a: ColumnType, b: ColumnType): Pick<ColumnType, 'kind' | 'bigint'> {
  if (isFloat(a) || isFloat(b)) return { kind: 'float64' };
  if (a.kind !== 'int64' && b.kind !== 'int64') return { kind: 'int32' };
  return a.bigint === true || b.bigint === true ? { kind: 'int64', bigint: true } : { kind: 'int64' };
}

const isFloat = (type: ColumnType): boolean => type.kind === 'float32' || type.kind === 'float64';

/** A literal as an expression: lit('x'), lit(3), lit(3n), lit(true). */
export function lit<const V extends string | number | bigint | boolean>(value: V): Literal<V> {
  return located(() => {
    const tree =
      typeof value === 'string'
        ? textLiteral(value, 'lit')
        : typeof value === 'boolean'
          ? literalOf(value, BOOL, 'lit')
          : numberLiteral(value, 'lit');
    // The builder has the methods of every kind; the type shows those of this one.
    return new ExpressionBuilder(tree, undefined) as unknown as Literal<V>;
  });
}
