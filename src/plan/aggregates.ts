/**
 * The aggregates that a plan can name: what each takes and what it gives. How they run is theirs: assembly/aggregate.
 *
 * Invariants
 *  1. Nulls are ignored. A result is nullable when every row of a group may be ignored: the column is nullable, or a
 *     condition filters its rows; that of an aggregate which needs several values always is. A group itself has a row.
 *  2. Sums of integers are int64 (bigint when the column reads as one) and exact; averages and deviations are float64.
 */
import { UserError } from '../base/errors.ts';
import { requireColumn, type TableSchema } from '../data/schema.ts';
import { type ColumnType, describeType, type TypeKind } from '../data/types.ts';
import type { AggregateCall } from './logical.ts';

export interface AggregateFunction {
  /** What kernels know it by: assembly/aggregate/registry.ts. */
  readonly code: number;
  /** Kinds of the input column; undefined: it takes none. */
  readonly accepts: readonly TypeKind[] | undefined;
  /** What it accepts, for people: "a number". */
  readonly needs: string;
  /** Kind of the result for an input of this type; whether it is nullable is decided by resultType. */
  readonly result: (input: ColumnType) => Omit<ColumnType, 'nullable'>;
  /** When there is no result: never, for a group without a value, or also for groups with too few values. */
  readonly missing: 'never' | 'without values' | 'with few values';
}

const NUMBERS: readonly TypeKind[] = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];
const FLOATS: readonly TypeKind[] = ['float32', 'float64'];

const float64 = (): Omit<ColumnType, 'nullable'> => ({ kind: 'float64' });
const sameAs = ({ nullable: _, ...type }: ColumnType): Omit<ColumnType, 'nullable'> => type;
const sumOf = (input: ColumnType): Omit<ColumnType, 'nullable'> =>
  FLOATS.includes(input.kind)
    ? { kind: 'float64' }
    : input.bigint === true
      ? { kind: 'int64', bigint: true }
      : { kind: 'int64' };

const number = { accepts: NUMBERS, needs: 'a number', missing: 'without values' } as const;
const ordered = {
  accepts: [...NUMBERS, 'timestamp'],
  needs: 'a number or a timestamp',
  missing: 'without values',
} as const;

export const AGGREGATES = {
  count: { code: 0, accepts: undefined, needs: 'no column', result: () => ({ kind: 'int64' }), missing: 'never' },
  sum: { code: 1, ...number, result: sumOf },
  min: { code: 2, ...ordered, result: sameAs },
  max: { code: 3, ...ordered, result: sameAs },
  avg: { code: 4, ...number, result: float64 },
  /** Of the rows as a sample (n - 1): one value has none. */
  stddev: { code: 5, ...number, result: float64, missing: 'with few values' },
} as const satisfies { readonly [name: string]: AggregateFunction };

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
  const fn = aggregateFunction(call.fn);
  const input = inputType(call, fn, schema, where);
  const lacking = input.nullable || call.where !== undefined;
  const nullable = fn.missing === 'with few values' || (fn.missing === 'without values' && lacking);
  return { ...fn.result(input), nullable };
}

function inputType(call: AggregateCall, fn: AggregateFunction, schema: TableSchema, where: string): ColumnType {
  const none: ColumnType = { kind: 'int64', nullable: false };
  if (fn.accepts === undefined && call.column === undefined) return none;
  if (fn.accepts === undefined || call.column === undefined) {
    throw new UserError('E1006', {
      what: `${call.fn} in ${where}`,
      needs: `given ${fn.needs}`,
      got: `given ${call.column === undefined ? 'none' : `'${call.column}'`}`,
    });
  }
  const type = schema.fields[requireColumn(schema, call.column, where)]?.type ?? none;
  if (!fn.accepts.includes(type.kind)) {
    const fitting = schema.fields.filter((field) => fn.accepts?.includes(field.type.kind)).map(({ name }) => name);
    const params = { column: call.column, type: describeType(type), where: `${call.fn} in ${where}`, needs: fn.needs };
    throw new UserError('E1204', params, {
      hint:
        fitting.length === 0
          ? 'No column of the input has such a type.'
          : `Columns of the input that would do: ${fitting.join(', ')}.`,
    });
  }
  return type;
}
