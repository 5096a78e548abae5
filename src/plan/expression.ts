/**
 * Expressions over columns: plain, typed, serializable trees. The API builds them, the planner moves them, the runtime
 * evaluates them with kernels a batch at a time (runtime/expression.ts).
 *
 * Semantics are SQL's: null in, null out, except `isNull`, `orElse` and three-valued and/or. Integer arithmetic that leaves
 * its type is an error of that row (a dead letter with the reason), never a wrong number; division and modulo by zero too.
 * Float arithmetic follows IEEE 754.
 */
import type { Json } from '../base/json.ts';
import type { ColumnType } from '../data/types.ts';

export type ArithmeticOperator = 'plus' | 'minus' | 'times' | 'div' | 'mod';
export type ComparisonOperator = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

export type Expression =
  | { readonly op: 'column'; readonly name: string; readonly type: ColumnType }
  /** A bigint literal is written as its decimal text. */
  | { readonly op: 'literal'; readonly value: string | number | boolean | null; readonly type: ColumnType }
  | {
      readonly op: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly type: ColumnType;
    }
  | {
      readonly op: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly type: ColumnType;
    }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression; readonly type: ColumnType }
  | { readonly op: 'not' | 'isNull'; readonly of: Expression; readonly type: ColumnType }
  | { readonly op: 'orElse'; readonly left: Expression; readonly right: Expression; readonly type: ColumnType }
  /** A named function with arguments: in, like, lower, … Each name is listed where it is evaluated. */
  | {
      readonly op: 'call';
      readonly name: string;
      readonly arguments: readonly Expression[];
      readonly options?: Json;
      readonly type: ColumnType;
    };

/** Names of the columns that an expression reads. */
export function columnsOf(expression: Expression, into = new Set<string>()): Set<string> {
  if (expression.op === 'column') into.add(expression.name);
  for (const child of childrenOf(expression)) columnsOf(child, into);
  return into;
}

export function childrenOf(expression: Expression): readonly Expression[] {
  if ('left' in expression) return [expression.left, expression.right];
  if ('of' in expression) return [expression.of];
  return expression.op === 'call' ? expression.arguments : [];
}

const SIGNS: { readonly [op: string]: string } = {
  plus: '+',
  minus: '-',
  times: '*',
  div: '/',
  mod: '%',
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  and: 'AND',
  or: 'OR',
};

/** As `explain` prints it. */
export function formatExpression(expression: Expression): string {
  switch (expression.op) {
    case 'column':
      return expression.name;
    case 'literal':
      return typeof expression.value === 'string'
        ? `'${expression.value.replaceAll("'", "''")}'`
        : String(expression.value);
    case 'not':
      return `NOT ${formatExpression(expression.of)}`;
    case 'isNull':
      return `${formatExpression(expression.of)} IS NULL`;
    case 'orElse':
      return `COALESCE(${formatExpression(expression.left)}, ${formatExpression(expression.right)})`;
    case 'call':
      return `${expression.name}(${expression.arguments.map(formatExpression).join(', ')})`;
    default:
      return `(${formatExpression(expression.left)} ${SIGNS[expression.op] ?? expression.op} ${formatExpression(expression.right)})`;
  }
}
