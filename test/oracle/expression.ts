/**
 * Expressions evaluated one row at a time, by the book: SQL nulls, exact integers through BigInt, IEEE floats. Knows
 * nothing of kernels. Integers are bigints of any width, floats numbers.
 */
import type { ColumnType } from '../../src/data/types.ts';
import type { Expression } from '../../src/plan/expression.ts';

export type Value = null | boolean | bigint | number | string | Uint8Array;
export type Failure = 'integer overflow' | 'division by zero';
export type Outcome = { readonly value: Value } | { readonly failure: Failure };
export type Row = { readonly [name: string]: Value };

const BITS: { readonly [kind: string]: number } = { int8: 8, int16: 16, int32: 32, int64: 64, timestamp: 64 };

const isFloat = (kind: string): boolean => kind === 'float32' || kind === 'float64';
const failed = (outcome: Outcome): outcome is { readonly failure: Failure } => 'failure' in outcome;

export function evaluate(expression: Expression, row: Row): Outcome {
  switch (expression.op) {
    case 'column':
      return { value: row[expression.name] ?? null };
    case 'literal':
      return { value: literal(expression.value, expression.type) };
    case 'and':
    case 'or':
      return logic(expression.op, evaluate(expression.left, row), evaluate(expression.right, row));
    case 'isNull': {
      const of = evaluate(expression.of, row);
      return failed(of) ? of : { value: of.value === null };
    }
    case 'orElse': {
      const left = evaluate(expression.left, row);
      const chosen = failed(left) || left.value !== null ? left : evaluate(expression.right, row);
      return failed(chosen) ? chosen : { value: convert(chosen.value, expression.type) };
    }
    default:
      return strict(expression, row);
  }
}

function literal(value: string | number | boolean | null, type: ColumnType): Value {
  return value !== null && type.kind in BITS ? BigInt(value) : value;
}

const convert = (value: Value, type: ColumnType): Value =>
  typeof value === 'bigint' && isFloat(type.kind) ? Number(value) : value;

/** `decider` is the value that settles the result alone. */
function logic(op: 'and' | 'or', a: Outcome, b: Outcome): Outcome {
  const decider = op === 'or';
  if ((!failed(a) && a.value === decider) || (!failed(b) && b.value === decider)) return { value: decider };
  if (failed(a)) return a;
  if (failed(b)) return b;
  return { value: a.value === null || b.value === null ? null : !decider };
}

/** Operators for which any failed operand fails the row and any null one makes it null. */
function strict(expression: Expression, row: Row): Outcome {
  const operands =
    'left' in expression ? [expression.left, expression.right] : 'of' in expression ? [expression.of] : [];
  const outcomes = (expression.op === 'call' ? expression.arguments : operands).map((operand) =>
    evaluate(operand, row),
  );
  const values: Exclude<Value, null>[] = [];
  for (const outcome of outcomes) if (failed(outcome)) return outcome;
  for (const outcome of outcomes) {
    if (failed(outcome) || outcome.value === null) return { value: null };
    values.push(outcome.value);
  }
  const [a, b] = values;
  if (expression.op === 'not') return { value: a === false };
  if (expression.op === 'call') return { value: call(expression.name, values) };
  if (a === undefined || b === undefined) throw new Error(`no operands in ${expression.op}`);
  if (
    expression.op === 'eq'
    || expression.op === 'ne'
    || expression.op === 'lt'
    || expression.op === 'le'
    || expression.op === 'gt'
    || expression.op === 'ge'
  ) {
    return { value: compare(expression.op, a, b) };
  }
  return arithmetic(expression.op, a, b, expression.type);
}

function compare(
  op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge',
  a: Exclude<Value, null>,
  b: Exclude<Value, null>,
): boolean {
  const [x, y] = comparable(a, b);
  switch (op) {
    case 'eq':
      return x === y;
    case 'ne':
      return x !== y;
    case 'lt':
      return x < y;
    case 'le':
      return x <= y;
    case 'gt':
      return x > y;
    case 'ge':
      return x >= y;
  }
}

/** Both as bigints, both as numbers, or both as texts whose order is that of code points. */
function comparable(
  a: Exclude<Value, null>,
  b: Exclude<Value, null>,
): readonly [bigint | number | string, bigint | number | string] {
  const plain = (v: Exclude<Value, null>): bigint | number | string => {
    if (typeof v === 'boolean') return Number(v);
    if (v instanceof Uint8Array) return String.fromCharCode(...v);
    // Code points widened to 32 bits, so that the order of UTF-16 units is theirs.
    return typeof v === 'string'
      ? Array.from(v, (c) => (c.codePointAt(0) ?? 0).toString(16).padStart(8, '0')).join('')
      : v;
  };
  const [x, y] = [plain(a), plain(b)];
  if (typeof x === typeof y) return [x, y];
  return [Number(x), Number(y)];
}

function arithmetic(op: string, a: Exclude<Value, null>, b: Exclude<Value, null>, type: ColumnType): Outcome {
  if (typeof a === 'bigint' && typeof b === 'bigint' && (op === 'div' || op === 'mod') && b === 0n)
    return { failure: 'division by zero' };
  if (isFloat(type.kind)) {
    const result = floats(op, Number(a), Number(b));
    return { value: type.kind === 'float32' ? Math.fround(result) : result };
  }
  if (typeof a !== 'bigint' || typeof b !== 'bigint') throw new Error('floats that make an integer');
  const exact = op === 'plus' ? a + b : op === 'minus' ? a - b : op === 'times' ? a * b : a % b;
  // As far as a Date goes.
  const isDate = type.kind !== 'timestamp' || (exact <= 8_640_000_000_000_000n && exact >= -8_640_000_000_000_000n);
  return isDate && BigInt.asIntN(BITS[type.kind] ?? 64, exact) === exact
    ? { value: exact }
    : { failure: 'integer overflow' };
}

function floats(op: string, a: number, b: number): number {
  switch (op) {
    case 'plus':
      return a + b;
    case 'minus':
      return a - b;
    case 'times':
      return a * b;
    case 'div':
      return a / b;
    default:
      return a % b;
  }
}

function call(name: string, [of, ...rest]: readonly Exclude<Value, null>[]): Value {
  if (name === 'in') return rest.some((item) => compare('eq', of ?? '', item));
  if (name === 'length') return BigInt(of instanceof Uint8Array ? of.length : Array.from(String(of)).length);
  if (name === 'since') return BigInt(String(of)) - BigInt(String(rest[0]));
  if (name === 'like') return like(String(of), String(rest[0]));
  throw new Error(`no function ${name}`);
}

/** Through a regular expression, where the kernel searches bytes. */
function like(text: string, pattern: string): boolean {
  const source = Array.from(pattern, (c) =>
    c === '%' ? '.*' : c === '_' ? '.' : c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
  ).join('');
  return new RegExp(`^${source}$`, 'su').test(text);
}
