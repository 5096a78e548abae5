/**
 * Column expressions as users meet them: the argument of `where`, `select`, `add` and of an aggregate's `where`. They
 * are built, not run: a kernel evaluates them a batch at a time. Null in, null out, except isNull, orElse and the
 * three-valued and, or. Integer arithmetic that leaves its type, and division by zero, make that row a dead letter.
 *
 * Invariants
 *  1. A nullable operand makes a nullable result, also of a comparison.
 *  2. The kind of a result is known from the kinds of its operands (`Promote`); expression-builder.ts follows the
 *     same rules at run time.
 * Not here: how they are built (expression-builder.ts), what they mean (plan/expression.ts).
 */
import type { Duration } from '../base/time.ts';
import type {
  bigint64,
  bool,
  float32,
  float64,
  int32,
  int64,
  Nullable,
  Numeric,
  timestamp,
  utf8,
  Value,
} from './kind.ts';
import type { kindOf } from './schema.ts';

type Null<K> = Extract<K, null>;

/** An expression over the columns of a row, of kind K. Runs as a kernel; null in, null out, unless it says otherwise. */
export interface Expr<out K> {
  readonly [kindOf]: K;
  isNull(): Expr.Bool;
}

export declare namespace Expr {
  /** The methods that a column of kind K has. */
  type Of<K> = [NonNullable<K>] extends [bool]
    ? Bool<K>
    : [NonNullable<K>] extends [Numeric]
      ? Num<K>
      : [NonNullable<K>] extends [utf8]
        ? Text<K>
        : [NonNullable<K>] extends [timestamp]
          ? Instant<K>
          : Expr<K>;

  type BoolOperand = Expr<bool | null> | boolean;
  type NumOperand = Expr<Numeric | null> | number | bigint;
  type TextOperand = Expr<utf8 | null> | string;
  type InstantOperand = Expr<timestamp | null> | timestamp['js'];

  interface Bool<out K = bool> extends Expr<K> {
    /** Not there: makes `a && b` and `a ? b : c` errors. */
    then(use: (and: 'use .and(), .or(), .not()') => void): never;
    eq<const O extends BoolOperand>(other: O): Bool<bool | NullOf<K, O>>;
    ne<const O extends BoolOperand>(other: O): Bool<bool | NullOf<K, O>>;
    and<const O extends Expr<bool | null>>(other: O): Bool<bool | NullOf<K, O>>;
    or<const O extends Expr<bool | null>>(other: O): Bool<bool | NullOf<K, O>>;
    not(): Bool<K>;
    orElse(value: boolean): Bool;
  }

  interface Num<out K = float64> extends Expr<K> {
    eq<const O extends NumOperand>(other: O): Bool<bool | NullOf<K, O>>;
    ne<const O extends NumOperand>(other: O): Bool<bool | NullOf<K, O>>;
    gt<const O extends NumOperand>(other: O): Bool<bool | NullOf<K, O>>;
    ge<const O extends NumOperand>(other: O): Bool<bool | NullOf<K, O>>;
    lt<const O extends NumOperand>(other: O): Bool<bool | NullOf<K, O>>;
    le<const O extends NumOperand>(other: O): Bool<bool | NullOf<K, O>>;
    plus<const O extends NumOperand>(other: O): Of<Promote<K, O>>;
    minus<const O extends NumOperand>(other: O): Of<Promote<K, O>>;
    times<const O extends NumOperand>(other: O): Of<Promote<K, O>>;
    mod<const O extends NumOperand>(other: O): Of<Promote<K, O>>;
    /** Always float64, also between integers. */
    div<const O extends NumOperand>(other: O): Num<float64 | NullOf<K, O>>;
    orElse(value: Value<NonNullable<K>>): Of<NonNullable<K>>;
  }

  interface Text<out K = utf8> extends Expr<K> {
    eq<const O extends TextOperand>(other: O): Bool<bool | NullOf<K, O>>;
    ne<const O extends TextOperand>(other: O): Bool<bool | NullOf<K, O>>;
    gt<const O extends TextOperand>(other: O): Bool<bool | NullOf<K, O>>;
    lt<const O extends TextOperand>(other: O): Bool<bool | NullOf<K, O>>;
    /** One of these. */
    in(...values: [string, ...string[]]): Bool<bool | Null<K>>;
    /** `%` stands for any text, `_` for any one character. */
    like(pattern: string): Bool<bool | Null<K>>;
    /** Code points. */
    length(): Num<int32 | Null<K>>;
    orElse(value: string): Text;
  }

  interface Instant<out K = timestamp> extends Expr<K> {
    eq<const O extends InstantOperand>(other: O): Bool<bool | NullOf<K, O>>;
    ne<const O extends InstantOperand>(other: O): Bool<bool | NullOf<K, O>>;
    gt<const O extends InstantOperand>(other: O): Bool<bool | NullOf<K, O>>;
    ge<const O extends InstantOperand>(other: O): Bool<bool | NullOf<K, O>>;
    lt<const O extends InstantOperand>(other: O): Bool<bool | NullOf<K, O>>;
    le<const O extends InstantOperand>(other: O): Bool<bool | NullOf<K, O>>;
    plus(duration: Duration): Instant<K>;
    minus(duration: Duration): Instant<K>;
    /** Milliseconds from the other to this. */
    since<const O extends InstantOperand>(other: O): Num<int64 | NullOf<K, O>>;
    orElse(value: timestamp['js']): Instant;
  }

  /** Null when K or the operand O may be. */
  type NullOf<K, O> = Null<K> | (O extends Expr<infer L> ? Null<L> : never);

  /**
   * Whole literals of up to nine digits are int32, longer ones int64; bigints read as bigint; a number known only at
   * run time is either.
   */
  type LiteralKind<V extends number | bigint> = V extends bigint
    ? bigint64
    : number extends V
      ? int32 | float64
      : `${V}` extends `${bigint}`
        ? `${V}` extends `-${infer D}`
          ? DigitsKind<D>
          : DigitsKind<`${V}`>
        : float64;
  type DigitsKind<D extends string> = WithoutThree<WithoutThree<WithoutThree<D>>> extends '' ? int32 : int64;
  type WithoutThree<D extends string> = D extends `${infer _1}${infer _2}${infer _3}${infer R}` ? R : '';
  type KindOf<O> = O extends Expr<infer L> ? NonNullable<L> : O extends number | bigint ? LiteralKind<O> : never;
  /** The kind of arithmetic between K and an operand. */
  type Promote<K, O> = Wider<NonNullable<K>, KindOf<O>> | NullOf<K, O>;
  type Wider<A, B> = A extends unknown
    ? B extends unknown
      ? A extends float32 | float64
        ? float64
        : B extends float32 | float64
          ? float64
          : A extends bigint64
            ? bigint64
            : B extends bigint64
              ? bigint64
              : A extends int64
                ? int64
                : B extends int64
                  ? int64
                  : int32
      : never
    : never;
}

export type Exprs = { readonly [name: string]: Expr<Nullable> };
/** The columns as expressions: what the argument of where, select and add is. */
export type Fields<C> = { readonly [P in keyof C]: Expr.Of<C[P]> } & {};
export type KindsOf<E> = { -readonly [P in keyof E]: E[P] extends Expr<infer K extends Nullable> ? K : never } & {};
/** A condition over the columns. The function is called a few times while the job is built, never with rows. */
export type Condition<C> = (fields: Fields<C>) => Expr<bool | null>;
/** What lit() makes of a value. */
export type Literal<V> = V extends string
  ? Expr.Text
  : V extends boolean
    ? Expr.Bool
    : V extends number | bigint
      ? Expr.Of<Expr.LiteralKind<V>>
      : never;
