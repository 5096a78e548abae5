/**
 * Aggregates as users write them: `{ departures: count(), worst: max('delayMinutes', { where: (f) => f.gate.gt(9) }) }`.
 *
 * What a call returns is a description. The columns that it may name come from the stream that it is given to: `C` is
 * inferred from context, so that completion and errors land on the name. Results are typed as in plan/aggregates.ts.
 */
import type { TableSchema } from '../data/schema.ts';
import type { AggregateName } from '../plan/aggregates.ts';
import type { AggregateCall } from '../plan/logical.ts';
import { located } from './call-site.ts';
import type { Condition } from './expression.ts';
import { conditionOf } from './expression-scope.ts';
import type { bigint64, Columns, float32, float64, int64, Name, Nullable, Numeric, Orderable } from './kind.ts';
import { mistake } from './mistake.ts';
import { requireKnownOptions } from './options.ts';

declare const columnsOf: unique symbol;

/** Whether a row can be taken back out, which a changelog asks for. */
export type Retract = 'can retract' | 'cannot retract';

/** An aggregate over columns C with a result of kind K. */
export interface Aggregate<C, out K extends Nullable, out R extends Retract = Retract> {
  /** A method, so that C is compared in both directions: it only ever comes from the stream. */
  [columnsOf](columns: C): void;
  readonly result: K;
  readonly retract: R;
}

/** Restricts an aggregate to some of the rows. */
export interface Only<C> {
  /** Counts only the rows for which this holds. */
  readonly where?: Condition<C>;
}

type Null<K> = Extract<K, null>;
/** Null when rows may be missing: the column is nullable, or a condition is given. */
type Missing<K, O> = Null<K> | (O extends { readonly where: unknown } ? null : never);
type Sum<K> = K extends bigint64 ? bigint64 : K extends float32 | float64 ? float64 : K extends null ? never : int64;

class AggregateDeclaration {
  readonly fn: AggregateName;
  readonly column: string | undefined;
  readonly where: ((fields: never) => unknown) | undefined;

  constructor(fn: AggregateName, column: string | undefined, where: ((fields: never) => unknown) | undefined) {
    this.fn = fn;
    this.column = column;
    this.where = where;
  }
}

interface Options {
  readonly where?: (fields: never) => unknown;
}

function declare<A>(fn: AggregateName, column: string | undefined, options: Options | undefined): A {
  return located(() => {
    if (options !== undefined) requireKnownOptions(options, ['where'], fn);
    // Columns and result exist in the type alone: this is the one place where a declaration gets them.
    return new AggregateDeclaration(fn, column, options?.where) as unknown as A;
  });
}

/** Rows of the group. */
export function count<C extends Columns>(options?: Only<C>): Aggregate<C, int64, 'cannot retract'> {
  return declare('count', undefined, options);
}

/** Integers add up to an int64, exactly; floats to a float64, in record order. */
export function sum<C extends Columns, const N extends Name<C, Numeric>, O extends Only<C>>(
  column: N,
  options?: O,
): Aggregate<C, Sum<C[N]> | Missing<C[N], O>, 'cannot retract'> {
  return declare('sum', column, options);
}

/** The smallest value, of the kind of its column. */
export function min<C extends Columns, const N extends Name<C, Orderable>, O extends Only<C>>(
  column: N,
  options?: O,
): Aggregate<C, C[N] | Missing<C[N], O>, 'cannot retract'> {
  return declare('min', column, options);
}

/** The largest value, of the kind of its column. */
export function max<C extends Columns, const N extends Name<C, Orderable>, O extends Only<C>>(
  column: N,
  options?: O,
): Aggregate<C, C[N] | Missing<C[N], O>, 'cannot retract'> {
  return declare('max', column, options);
}

/** The mean, a float64; of a group without values null. */
export function avg<C extends Columns, const N extends Name<C, Numeric>, O extends Only<C>>(
  column: N,
  options?: O,
): Aggregate<C, float64 | Missing<C[N], O>, 'cannot retract'> {
  return declare('avg', column, options);
}

/** Standard deviation of the rows as a sample (n - 1); null for fewer than two values. */
export function stddev<C extends Columns, const N extends Name<C, Numeric>, O extends Only<C>>(
  column: N,
  options?: O,
): Aggregate<C, float64 | null, 'cannot retract'> {
  return declare('stddev', column, options);
}

/** The call in a plan that a declaration named `name` stands for, over rows of `schema`. */
export function aggregateCall(name: string, declared: unknown, schema: TableSchema, where: string): AggregateCall {
  if (!(declared instanceof AggregateDeclaration)) {
    throw mistake(
      `'${name}' of ${where}`,
      'an aggregate',
      declared,
      "write it with its call, such as count() or max('column')",
    );
  }
  const condition =
    declared.where === undefined ? undefined : conditionOf(schema, declared.where, `'${name}' of ${where}`);
  return { name, fn: declared.fn, column: declared.column, where: condition };
}
