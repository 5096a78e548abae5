/**
 * The aggregates that a plan can name: what each takes and what it gives. How they run is theirs: assembly/aggregate.
 *
 * Invariants
 *  1. Nulls are ignored. A result is nullable when every row of a group may be ignored: the column is nullable, or a
 *     condition filters its rows; that of an aggregate which needs several values always is. A group itself has a row.
 *  2. Sums of integers are int64 (bigint when the column reads as one) and exact; averages and deviations are float64.
 *  3. A float that is taken back leaves no more than what rounding left, NaN and infinities nothing. Only a sum of finite
 *     values that has passed the largest float stays infinite.
 */
import { UserError } from '../base/errors.ts';
import { requireColumn, type TableSchema } from '../data/schema.ts';
import { type ColumnType, describeType, type TypeKind } from '../data/types.ts';
import type { AggregateCall } from './logical.ts';
import type { UserAggregate } from './user-aggregate.ts';

export interface AggregateFunction {
  /** What kernels know it by: assembly/aggregate/registry.ts. */
  readonly code: number;
  /** What it is given: rows alone; a column; a column and more, as a function of its own in api/aggregate.ts says. */
  readonly takes: 'rows' | 'a column' | 'a column and more';
  /** Kinds of the input column; none when it takes rows. */
  readonly accepts: readonly TypeKind[];
  /** What it accepts, for people: "a number". */
  readonly needs: string;
  /** Kind of the result: that of the column, of a sum over it, or always the same. */
  readonly result: 'same' | 'sum' | 'int64' | 'float64' | 'bool' | 'utf8' | 'json';
  /** When there is no result: never, for a group without a value, or also for groups with too few values. */
  readonly missing: 'never' | 'without values' | 'with few values';
  /** Whether a row can be taken back out: then the rows may be those of a changelog. */
  readonly retract: 'can retract' | 'cannot retract';
}

const NUMBERS = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'] as const satisfies readonly TypeKind[];
const FLOATS: readonly TypeKind[] = ['float32', 'float64'];
const EVERY = [...NUMBERS, 'bool', 'utf8', 'bytes', 'json', 'timestamp'] as const satisfies readonly TypeKind[];

const column = { takes: 'a column', missing: 'without values' } as const;
const number = { ...column, accepts: NUMBERS, needs: 'a number' } as const;
const ordered = { ...column, accepts: [...NUMBERS, 'timestamp'], needs: 'a number or a timestamp' } as const;
const comparable = {
  ...column,
  accepts: [...ordered.accepts, 'utf8'],
  needs: 'a number, a timestamp or text',
} as const;
const flag = { ...column, accepts: ['bool'], needs: 'a bool', result: 'bool' } as const;
const anything = { ...column, accepts: EVERY, needs: 'a column' } as const;
const listable = {
  ...column,
  accepts: [...NUMBERS, 'bool', 'utf8', 'json', 'timestamp'],
  needs: 'a column other than bytes',
} as const;
const text = { ...column, accepts: ['utf8'], needs: 'text' } as const;
const back = { retract: 'can retract' } as const;
const forth = { retract: 'cannot retract' } as const;

/**
 * What takes a column alone gets its typed function from its entry (api/aggregate.ts): its name, and what it says to
 * people, go into the list of exports (src/index.ts), and that is all.
 */
export const AGGREGATES = {
  /** Rows of the group. */
  count: { code: 0, takes: 'rows', accepts: [], needs: 'no column', result: 'int64', missing: 'never', ...back },
  sum: { code: 1, ...number, result: 'sum', ...back },
  min: { code: 2, ...comparable, result: 'same', ...forth },
  max: { code: 3, ...comparable, result: 'same', ...forth },
  avg: { code: 4, ...number, result: 'float64', ...back },
  stddev: { code: 5, ...number, result: 'float64', missing: 'with few values', ...back },
  variance: { code: 6, ...number, result: 'float64', missing: 'with few values', ...back },
  any: { code: 7, ...flag, ...back },
  all: { code: 8, ...flag, ...back },
  firstValue: { code: 9, ...anything, result: 'same', ...forth },
  lastValue: { code: 10, ...anything, result: 'same', ...forth },
  /** The value where another column is smallest; of several such rows, the first by event time. */
  argMin: { code: 11, ...anything, takes: 'a column and more', result: 'same', ...forth },
  /** The value where another column is largest; of several such rows, the first by event time. */
  argMax: { code: 12, ...anything, takes: 'a column and more', result: 'same', ...forth },
  countDistinct: { code: 13, ...anything, result: 'int64', missing: 'never', ...forth },
  approxCountDistinct: { code: 14, ...anything, result: 'int64', missing: 'never', ...forth },
  /** The value at a rank: within 1% of it. */
  quantile: { code: 15, ...number, takes: 'a column and more', result: 'float64', ...forth },
  median: { code: 15, ...number, result: 'float64', ...forth },
  /** The most frequent values with their counts. */
  topK: { code: 16, ...listable, takes: 'a column and more', result: 'json', ...forth },
  /** The first values, slice by slice. */
  collectList: { code: 17, ...listable, takes: 'a column and more', result: 'json', ...forth },
  /** The first texts, slice by slice, joined. */
  joinText: { code: 18, ...text, takes: 'a column and more', result: 'utf8', ...forth },
} as const satisfies { readonly [name: string]: AggregateFunction };

/** Kinds of the second column of argMin and argMax. */
export const BY_KINDS = ordered.accepts;

export type AggregateName = keyof typeof AGGREGATES;

/** The function of a name; E1006 when there is none. */
export function aggregateFunction(name: string): AggregateFunction {
  const table: { readonly [name: string]: AggregateFunction } = AGGREGATES;
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) {
    throw new UserError('E1006', {
      what: 'an aggregate',
      needs: `one of ${Object.keys(AGGREGATES).join(', ')}`,
      got: `'${name}'`,
    });
  }
  return found;
}

/** The type of what a call gives over rows of `schema`. Throws E1203 and E1204 naming `where`. */
export function resultType(call: AggregateCall, schema: TableSchema, where: string): ColumnType {
  if (call.user !== undefined) {
    requireInput(call, call.user, schema, where);
    return call.user.result;
  }
  const fn = aggregateFunction(call.fn);
  const input = inputType(call, fn, schema, where);
  const lacking = canLack(call, schema, where);
  const nullable = fn.missing === 'with few values' || (fn.missing === 'without values' && lacking);
  return { ...resultKind(fn, input), nullable };
}

/** Whether rows can be taken back out of what a call has made. */
export const canRetract = ({ fn, user }: AggregateCall): boolean =>
  user === undefined ? aggregateFunction(fn).retract === 'can retract' : user.retract !== undefined;

/** The column of a user's aggregate must be of the type that it declares. E1203, E1204. */
function requireInput({ column }: AggregateCall, { input }: UserAggregate, schema: TableSchema, where: string): void {
  if (column === undefined) return;
  const type = schema.fields[requireColumn(schema, column, where)]?.type;
  if (type === undefined || (type.kind === input.kind && type.bigint === input.bigint)) return;
  throw new UserError('E1204', { column, type: describeType(type), where, needs: readingOf(input) });
}

const readingOf = (type: ColumnType): string =>
  type.kind === 'int64' ? `int64 that reads as a ${type.bigint === true ? 'bigint' : 'number'}` : describeType(type);

/** Whether a row may have no value for a call: a column is null, or its condition does not hold. */
export function canLack(call: AggregateCall, schema: TableSchema, where: string): boolean {
  const columns = [call.column, call.by].flatMap((name) => name ?? []);
  const isNullable = columns.some((name) => schema.fields[requireColumn(schema, name, where)]?.type.nullable);
  return isNullable || call.where !== undefined;
}

const GROWING: readonly string[] = [
  'countDistinct',
  'approxCountDistinct',
  'quantile',
  'median',
  'topK',
  'collectList',
  'joinText',
];
const TEXTS: readonly TypeKind[] = ['utf8', 'bytes', 'json'];

/** Whether the accumulator of a call grows with its values: it keeps text, or many of them. */
export function grows(call: AggregateCall, schema: TableSchema): boolean {
  const field = schema.fields.find(({ name }) => name === call.column);
  return GROWING.includes(call.fn) || (field !== undefined && TEXTS.includes(field.type.kind));
}

function resultKind({ result }: AggregateFunction, input: ColumnType): Omit<ColumnType, 'nullable'> {
  const { nullable: _, ...type } = input;
  if (result === 'same') return type;
  if (result !== 'sum') return { kind: result };
  if (FLOATS.includes(input.kind)) return { kind: 'float64' };
  return input.bigint === true ? { kind: 'int64', bigint: true } : { kind: 'int64' };
}

function inputType(call: AggregateCall, fn: AggregateFunction, schema: TableSchema, where: string): ColumnType {
  const none: ColumnType = { kind: 'int64', nullable: false };
  if (fn.takes === 'rows' && call.column === undefined) return none;
  if (fn.takes === 'rows' || call.column === undefined) {
    throw new UserError('E1006', {
      what: `${call.fn} in ${where}`,
      needs: `given ${fn.needs}`,
      got: `given ${call.column === undefined ? 'none' : `'${call.column}'`}`,
    });
  }
  if (call.by !== undefined) {
    requireKind(schema, call.by, { kinds: BY_KINDS, needs: ordered.needs, where: `${call.fn} in ${where}` });
  }
  requireColumn(schema, call.column, where);
  return requireKind(schema, call.column, { kinds: fn.accepts, needs: fn.needs, where: `${call.fn} in ${where}` });
}

/** The type of a column, which is one of `kinds`; E1203 or E1204. */
function requireKind(
  schema: TableSchema,
  column: string,
  { kinds, needs, where }: { readonly kinds: readonly TypeKind[]; readonly needs: string; readonly where: string },
): ColumnType {
  const type = schema.fields[requireColumn(schema, column, where)]?.type ?? { kind: 'int64', nullable: false };
  if (kinds.includes(type.kind)) return type;
  const fitting = schema.fields.filter((field) => kinds.includes(field.type.kind)).map(({ name }) => name);
  throw new UserError(
    'E1204',
    { column, type: describeType(type), where, needs },
    {
      hint:
        fitting.length === 0
          ? 'No column of the input has such a type.'
          : `Columns of the input that would do: ${fitting.join(', ')}.`,
    },
  );
}
