/** Expressions that `f => …` builds: trees, their types, and the mistakes that JavaScript users can make. */
import { describe, expect, it } from 'vitest';
import { conditionOf, namedOf } from '../../../src/api/expression-scope.ts';
import { describeType } from '../../../src/data/types.ts';
import {
  bool,
  bytes,
  type Columns,
  eventTime,
  type Fields,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  json,
  lit,
  schema,
  type Schema,
  timestamp,
  utf8,
} from '../../../src/index.ts';
import { formatExpression } from '../../../src/plan/expression.ts';
import { tableOf } from '../../../src/platform.ts';
import { mistakeOf } from './stand-ins.ts';

const All = schema({
  bool: bool(),
  int8: int8(),
  int16: int16(),
  int32: int32(),
  int64: int64(),
  big: int64().asBigInt(),
  float32: float32(),
  float64: float64(),
  text: utf8(),
  bytes: bytes(),
  json: json(),
  at: timestamp(),
  micros: timestamp('us'),
  maybe: int32().nullable(),
  note: utf8().nullable(),
  flag: bool().nullable(),
  later: timestamp().nullable(),
});
type ColumnsOf<S> = S extends Schema<infer C extends Columns> ? C : never;
type All = Fields<ColumnsOf<typeof All>>;

/** 'expression :: type' of one expression over All. */
function built(fn: (f: All) => unknown): string {
  const [named] = namedOf(tableOf(All, 'All'), (f) => ({ it: fn(f) }), 'select');
  if (named === undefined) return 'nothing';
  const { type } = named.expression;
  return `${formatExpression(named.expression)} :: ${describeType(type)}${type.bigint === true ? ', bigint' : ''}`;
}
/** The same of an expression that the types refuse: what a user of JavaScript could write. */
const untyped = (fn: (f: never) => unknown): string =>
  mistakeOf(() => namedOf(tableOf(All, 'All'), (f) => ({ it: fn(f) }), 'select'));

describe('arithmetic', () => {
  it('gives the wider kind of its operands', () => {
    expect(built((f) => f.int8.plus(f.int16))).toBe('(int8 + int16) :: int32');
    expect(built((f) => f.int32.times(f.int64))).toBe('(int32 * int64) :: int64');
    expect(built((f) => f.int64.minus(f.big))).toBe('(int64 - big) :: int64, bigint');
    expect(built((f) => f.int64.mod(f.float32))).toBe('(int64 % float32) :: float64');
    expect(built((f) => f.float32.plus(f.float32))).toBe('(float32 + float32) :: float64');
  });

  it('divides to float64 whatever the operands', () => {
    expect(built((f) => f.int32.div(f.int32))).toBe('(int32 / int32) :: float64');
  });

  it('is nullable when an operand is', () => {
    expect(built((f) => f.int32.plus(f.maybe))).toBe('(int32 + maybe) :: int32, nullable');
    expect(built((f) => f.maybe.div(2))).toBe('(maybe / 2) :: float64, nullable');
  });

  it('reads the kind of a literal off its digits', () => {
    expect(built((f) => f.int32.plus(999_999_999))).toBe('(int32 + 999999999) :: int32');
    expect(built((f) => f.int32.plus(1_000_000_000))).toBe('(int32 + 1000000000) :: int64');
    expect(built((f) => f.int32.plus(-0.5))).toBe('(int32 + -0.5) :: float64');
    expect(built((f) => f.int64.plus(3n))).toBe("(int64 + '3') :: int64, bigint");
    expect(built(() => lit(3))).toBe('3 :: int32');
    expect(built(() => lit("it's"))).toBe("'it''s' :: utf8");
  });

  it('refuses whole numbers that a number cannot hold exactly', () => {
    expect(untyped((f: All) => f.int64.plus(2 ** 53))).toBe(
      'E1006 a whole number in plus must be exact, but is 9007199254740992 | write it as a bigint, such as 123n',
    );
    expect(untyped((f: All) => f.big.plus(2n ** 63n))).toBe(
      'E1006 a literal of plus must be an int64, but is 9223372036854775808n',
    );
  });
});

describe('comparisons', () => {
  it('are nullable when an operand is', () => {
    expect(built((f) => f.int32.gt(f.float64))).toBe('(int32 > float64) :: bool');
    expect(built((f) => f.maybe.le(3))).toBe('(maybe <= 3) :: bool, nullable');
    expect(built((f) => f.note.isNull())).toBe('note IS NULL :: bool');
  });

  it('combine into conditions', () => {
    expect(built((f) => f.int32.gt(1).and(f.text.eq('a')).or(f.flag).not())).toBe(
      "NOT (((int32 > 1) AND (text = 'a')) OR flag) :: bool, nullable",
    );
  });

  it('of text know lists, patterns and lengths', () => {
    expect(built((f) => f.text.in('a', 'b'))).toBe("in(text, 'a', 'b') :: bool");
    expect(built((f) => f.note.like('a%'))).toBe("like(note, 'a%') :: bool, nullable");
    expect(built((f) => f.note.length())).toBe('length(note) :: int32, nullable');
  });

  it('of instants take instants in the unit of the column', () => {
    expect(built((f) => f.at.lt(eventTime('1970-01-01T00:00:01Z')))).toBe('(at < 1000) :: bool');
    expect(built((f) => f.micros.lt(eventTime('1970-01-01T00:00:01Z')))).toBe('(micros < 1000000) :: bool');
    expect(untyped((f: All) => f.at.lt(f.micros))).toBe(
      "E1204 column 'micros' is timestamp (us), but lt needs timestamp",
    );
  });
});

describe('instants', () => {
  it('move by durations, in milliseconds', () => {
    expect(built((f) => f.at.plus('1 hour'))).toBe('(at + 3600000) :: timestamp');
    expect(built((f) => f.later.minus('5 s'))).toBe('(later - 5000) :: timestamp, nullable');
  });

  it('are apart by milliseconds', () => {
    expect(built((f) => f.at.since(f.later))).toBe('(at - later) :: int64, nullable');
    expect(untyped((f: All) => f.micros.since(f.micros))).toBe(
      "E1204 column 'micros' is timestamp (us), but since needs a timestamp in milliseconds",
    );
  });
});

describe('orElse', () => {
  it('takes nulls away and keeps the kind', () => {
    expect(built((f) => f.maybe.orElse(0))).toBe('COALESCE(maybe, 0) :: int32');
    expect(built((f) => f.note.orElse(''))).toBe("COALESCE(note, '') :: utf8");
  });

  it('refuses a value that the column cannot hold', () => {
    expect(untyped((f: All) => f.maybe.orElse(2 ** 31))).toBe(
      'E1006 orElse must be given a value of int32, but is 2147483648',
    );
    expect(untyped((f: All) => f.maybe.orElse(0.5))).toBe('E1006 orElse must be given a value of int32, but is 0.5');
  });
});

describe('a user of JavaScript', () => {
  // Each argument is what the types refuse; the shape says as much as the case needs.
  type Loose = { readonly [column: string]: { readonly [method: string]: (...values: readonly unknown[]) => unknown } };
  // never: the type of the proxy is the user's.
  const wrong = (fn: (f: Loose) => unknown): string => untyped(fn as (f: never) => unknown);

  it('is told about a column that does not exist', () => {
    expect(wrong((f) => f.txt)).toContain("E1203 unknown column 'txt' in select | the input has: bool, int8");
    expect(wrong((f) => f.txt)).toContain("Did you mean 'text'?");
  });

  it('is told about operands of another type', () => {
    expect(wrong((f) => f.text?.plus?.(1))).toBe("E1204 column 'text' is utf8, but plus needs a number");
    expect(wrong((f) => f.int32?.gt?.('3'))).toBe("E1006 gt must be given a number, but is '3'");
    expect(wrong((f) => f.int32?.eq?.(f.text))).toBe("E1204 column 'text' is utf8, but eq needs a number");
    expect(wrong((f) => f.text?.eq?.(3))).toBe('E1006 eq must be given a value of utf8, but is 3');
    expect(wrong((f) => f.json?.eq?.('x'))).toBe(
      "E1204 column 'json' is json, but eq needs a number or text or a bool or a timestamp",
    );
    expect(wrong((f) => f.at?.plus?.(1000))).toBe(
      "E1006 plus of a timestamp must be a duration, such as '10 s', but is 1000",
    );
    expect(wrong((f) => f.at?.plus?.('1 fortnight'))).toContain("E1001 '1 fortnight' is not a duration for plus");
    expect(wrong((f) => f.int32?.and?.(f.bool))).toBe("E1204 column 'int32' is int32, but and needs a bool");
    expect(wrong((f) => f.bool?.or?.(true))).toBe('E1006 or must be given an expression, but is true');
    expect(wrong((f) => f.text?.in?.())).toBe('E1006 in must be given at least one text, but is given none');
  });

  it('is told about operators that cannot work on expressions', () => {
    const hint = 'write f.a.gt(1), f.a.plus(1), f.a.eq(f.b)';
    const message = `E1006 'int32' must be used through its methods, but is used with an operator of JavaScript | ${hint}`;
    expect(wrong((f) => Number(f.int32) > 0)).toBe(message);
    expect(wrong((f) => `${String(f.int32)}`)).toBe(message);
  });

  it('is told about answers that are no expressions', () => {
    const condition = (fn: unknown): string =>
      mistakeOf(() => conditionOf(tableOf(All, 'All'), fn as (f: never) => unknown, 'where')); // any value
    expect(condition(() => true)).toBe(
      'E1006 where must be an expression, but is true | compare with f.a.eq(1), f.a.gt(1); combine with .and(), .or(), .not()',
    );
    expect(condition((f: All) => f.int32)).toBe("E1204 column 'int32' is int32, but where needs a bool");
    expect(condition('delay > 3')).toBe("E1006 where must be a function f => …, but is 'delay > 3'");
    expect(wrong(() => 'late')).toBe(
      "E1006 'it' of select must be an expression, but is 'late' | a plain value is written lit(value)",
    );
    expect(mistakeOf(() => namedOf(tableOf(All, 'All'), (f: All) => f.int32, 'select'))).toBe(
      'E1006 select must be given an object of expressions, but is an object | write f => ({ name: f.name })',
    );
  });
});

describe('a condition that JavaScript drops', () => {
  const where = (fn: (f: All) => unknown): string => mistakeOf(() => conditionOf(tableOf(All, 'All'), fn, 'where'));
  const select = (fn: (f: All) => unknown): string =>
    mistakeOf(() => namedOf(tableOf(All, 'All'), (f) => ({ it: fn(f) }), 'select'));
  const dropped = (condition: string, from: string): string =>
    `E1208 ${condition} was built in ${from}, but is no part of its answer | `
    + 'combine conditions with .and(), .or(), .not(), never with && or || or ?:';
  // What JavaScript makes of a condition in && and ?:, which TypeScript refuses.
  const isTrue = (condition: unknown): boolean => Boolean(condition);

  it('with || is the second', () => {
    expect(where((f) => f.int32.gt(0) || f.text.eq('SFO'))).toBe(dropped("(text = 'SFO')", 'where'));
    expect(where((f) => f.int32.gt(0).and(f.int8.gt(0)) || f.text.eq('SFO').not())).toBe(
      dropped("(text = 'SFO')", 'where'),
    );
    expect(where((f) => f.bool || f.flag)).toBe(dropped('flag', 'where'));
    expect(where((f) => f.int8.gt(0).or(f.int32.gt(0) || f.int16.gt(0)))).toBe(dropped('(int16 > 0)', 'where'));
  });

  it('with && is the first', () => {
    expect(where((f) => isTrue(f.int32.gt(0)) && f.text.eq('SFO'))).toBe(dropped('(int32 > 0)', 'where'));
    expect(where((f) => isTrue(f.bool) && f.text.eq('SFO'))).toBe(dropped('bool', 'where'));
  });

  it('with ?: is the choice', () => {
    expect(select((f) => (isTrue(f.int32.gt(0)) ? f.text : f.note))).toBe(dropped('(int32 > 0)', 'select'));
    expect(select((f) => (isTrue(f.bool) ? f.text : f.note))).toBe(dropped('bool', 'select'));
  });

  it('is none between bools that are compared', () => {
    expect(where((f) => f.bool.eq(f.flag).or(f.bool.ne(true)))).toBe('no mistake');
  });

  it('is none when it is used through variables, twice, or in a loop that begins with nothing', () => {
    expect(
      where((f) => {
        const late = f.int32.gt(15);
        return late.and(f.text.eq('SFO')).or(late.not());
      }),
    ).toBe('no mistake');
    expect(where(({ bool: isSeen, text }) => (text === undefined ? isSeen : text.eq('SFO')))).toBe('no mistake');
    expect(
      where((f) =>
        ['a', 'b', 'c'].reduce<ReturnType<typeof f.text.eq> | undefined>(
          (all, name) => (all === undefined ? f.text.eq(name) : all.or(f.text.eq(name))),
          undefined,
        ),
      ),
    ).toBe('no mistake');
    expect(
      where((f) =>
        ['a', 'b', 'c'].map((name) => f.text.eq(name)).reduce((all, one) => (isTrue(all) ? all.or(one) : one)),
      ),
    ).toBe('no mistake');
  });
});
