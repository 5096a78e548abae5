/**
 * Values of JavaScript as literals of an expression. A number is int32, int64 or float64 by how it is written, as the
 * types of expression.ts read it off its digits; beside a column of another kind it takes that kind.
 */
import { type ColumnType, describeType, INTEGER_RANGE, type TypeKind } from '../data/types.ts';
import type { Expression } from '../plan/expression.ts';
import { mistake } from '../base/mistake.ts';
import { isEventTime } from './time.ts';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Whole literals below this are int32: those of up to nine digits. */
const INT32_LITERAL_LIMIT = 1e9;

/** Units of a timestamp column in a millisecond: seconds are held as milliseconds, microseconds as they are. */
export const unitsPerMs = (type: ColumnType): number => (type.unit === 'us' ? 1000 : 1);

export function numberLiteral(value: unknown, where: string): Expression {
  if (typeof value === 'bigint') {
    if (value < INT64_MIN || value > INT64_MAX) throw mistake(`a literal of ${where}`, 'an int64', value);
    return { op: 'literal', value: String(value), type: { kind: 'int64', nullable: false, bigint: true } };
  }
  if (typeof value !== 'number') throw mistake(where, 'given a number', value);
  return { op: 'literal', value, type: { kind: kindOfNumber(value, where), nullable: false } };
}

function kindOfNumber(value: number, where: string): TypeKind {
  if (!Number.isInteger(value) || Math.abs(value) >= 1e21) return 'float64';
  if (Math.abs(value) < INT32_LITERAL_LIMIT) return 'int32';
  if (Number.isSafeInteger(value)) return 'int64';
  throw mistake(`a whole number in ${where}`, 'exact', value, 'write it as a bigint, such as 123n');
}

export function textLiteral(value: unknown, where: string): Expression {
  return literalOf(value, { kind: 'utf8', nullable: false }, where);
}

/** A literal of a given type. E1006 when the value is not one of it. */
export function literalOf(value: unknown, type: ColumnType, where: string): Expression {
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
  throw mistake(where, `given a value of ${describeType(type)}`, value);
}
