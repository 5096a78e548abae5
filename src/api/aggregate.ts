/**
 * Aggregates as users write them: `{ departures: count(), worst: max('delayMinutes', { where: (f) => f.gate.gt(9) }) }`.
 *
 * What a call returns is a description. The columns that it may name come from the stream that it is given to: `C` is
 * inferred from context, so that completion and errors land on the name. Results are typed as in plan/aggregates.ts.
 */
import { requireColumn, type TableSchema } from '../data/schema.ts';
import type { ColumnType } from '../data/types.ts';
import type { Json } from '../base/json.ts';
import { AGGREGATES, type AggregateName, BY_KINDS } from '../plan/aggregates.ts';
import { type AggregateCall, USER_FUNCTION } from '../plan/logical.ts';
import type { UserAggregate } from '../plan/user-aggregate.ts';
import { located } from './call-site.ts';
import type { Condition } from './expression.ts';
import { conditionOf } from './expression-scope.ts';
import type { AnyKind, bigint64, bool, Columns, float32, float64, int64, json, Name, Nullable, utf8 } from './kind.ts';
import { isRecord, mistake } from '../base/mistake.ts';
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

/** How a function of the plan's table is typed. */
type Table = typeof AGGREGATES;
/** The kinds of columns that it takes. */
type Takes<F extends AggregateName> = Extract<AnyKind, { readonly kind: Table[F]['accepts'][number] }>;
interface Fixed {
  readonly int64: int64;
  readonly float64: float64;
  readonly bool: bool;
  readonly utf8: utf8;
  readonly json: json;
}
type Of<R, K> = R extends 'same'
  ? Exclude<K, null>
  : R extends 'sum'
    ? Sum<K>
    : R extends keyof Fixed
      ? Fixed[R]
      : never;
/** The kind of its result over a column of kind K, and columns of kind L that it reads besides. */
type Gives<F extends AggregateName, K, O, L = K> =
  | Of<Table[F]['result'], K>
  | (Table[F]['missing'] extends 'never'
      ? never
      : Table[F]['missing'] extends 'with few values'
        ? null
        : Missing<K | L, O>);

type OfColumn = { [F in AggregateName]: Table[F]['takes'] extends 'a column' ? F : never }[AggregateName];
export type ColumnAggregate<F extends AggregateName> = <
  C extends Columns,
  const N extends Name<C, Takes<F>>,
  O extends Only<C>,
>(
  column: N,
  options?: O,
) => Aggregate<C, Gives<F, C[N], O>, Table[F]['retract']>;

class AggregateDeclaration {
  readonly fn: AggregateName | typeof USER_FUNCTION;
  readonly column: string | undefined;
  readonly where: ((fields: never) => unknown) | undefined;
  readonly more: More;

  constructor(
    fn: AggregateName | typeof USER_FUNCTION,
    column: string | undefined,
    options: Options | undefined,
    more: More,
  ) {
    this.fn = fn;
    this.column = column;
    this.where = options?.where;
    this.more = more;
  }
}

interface Options {
  readonly where?: (fields: never) => unknown;
}
/** A user's aggregate over a column of this type; `isFiltered`: a condition leaves rows out. */
export type UserAggregateOf = (column: ColumnType, isFiltered: boolean) => UserAggregate;
type More = Pick<AggregateCall, 'by'> & { readonly options?: Json; readonly userOf?: UserAggregateOf };

function declare<A>(fn: AggregateName, column: string | undefined, options: Options | undefined, more: More = {}): A {
  return located(() => {
    if (options !== undefined) requireKnownOptions(options, ['where'], fn);
    // Columns and result exist in the type alone: this is the one place where a declaration gets them.
    return new AggregateDeclaration(fn, column, options, more) as unknown as A;
  });
}

/** A call of an aggregate that a user defined; `what` names it in mistakes. */
export function userAggregate(what: string, userOf: UserAggregateOf, column: unknown, options: unknown): unknown {
  return located(() => {
    if (typeof column !== 'string') throw mistake(what, 'given a column', column);
    if (options !== undefined) requireKnownOptions(options, ['where'], what);
    // What is no function is refused by conditionOf.
    return new AggregateDeclaration(USER_FUNCTION, column, options as Options | undefined, { userOf });
  });
}

/** Rows of the group. */
export function count<C extends Columns>(options?: Only<C>): Aggregate<C, int64, 'can retract'> {
  return declare('count', undefined, options);
}

/** The functions that take a column alone, made of their entries in the plan's table, which says what each does. */
export const columnAggregates = Object.fromEntries(
  Object.entries(AGGREGATES).flatMap(([name, { takes }]) => {
    // The keys of AGGREGATES are its names.
    const fn = name as AggregateName;
    return takes === 'a column' ? [[fn, (column: string, options?: Options) => declare(fn, column, options)]] : [];
  }),
  // As Object.fromEntries forgets: each under its own name.
) as unknown as { readonly [F in OfColumn]: ColumnAggregate<F> };

type By = Extract<AnyKind, { readonly kind: (typeof BY_KINDS)[number] }>;

/** The value of a column where another is smallest; of several such rows, the first by event time. */
export function argMin<
  C extends Columns,
  const N extends keyof C & string,
  const B extends Name<C, By>,
  O extends Only<C>,
>(column: N, by: B, options?: O): Aggregate<C, Gives<'argMin', C[N], O, C[B]>, 'cannot retract'> {
  return declare('argMin', column, options, { by });
}

/** The value of a column where another is largest; of several such rows, the first by event time. */
export function argMax<
  C extends Columns,
  const N extends keyof C & string,
  const B extends Name<C, By>,
  O extends Only<C>,
>(column: N, by: B, options?: O): Aggregate<C, Gives<'argMax', C[N], O, C[B]>, 'cannot retract'> {
  return declare('argMax', column, options, { by });
}

/** A number of the kind `needs` between two bounds, or a mistake of `fn`. */
function requireNumber(fn: string, value: unknown, needs: string, fits: (value: number) => boolean): number {
  if (typeof value !== 'number' || !fits(value)) throw mistake(fn, needs, value);
  return value;
}

/**
 * The value at a rank: 0 the smallest, 0.5 the one in the middle, 1 the largest. Within 1% of a value of that rank,
 * however many there are.
 */
export function quantile<C extends Columns, const N extends Name<C, Takes<'quantile'>>, O extends Only<C>>(
  column: N,
  rank: number,
  options?: O,
): Aggregate<C, Gives<'quantile', C[N], O>, 'cannot retract'> {
  return located(() => {
    const q = requireNumber('quantile', rank, 'given a rank from 0 to 1', (value) => value >= 0 && value <= 1);
    return declare('quantile', column, options, { options: { rank: q } });
  });
}

const COUNTED_MAX = 1000;

/**
 * The most frequent values, as JSON: `[{ value, count, error }]`, the most frequent first. A count is at most `error` too
 * high, which is at most rows / (8 k); every value that stands in more rows than that and belongs to the first k is there.
 */
export function topK<C extends Columns, const N extends Name<C, Takes<'topK'>>, O extends Only<C>>(
  column: N,
  k: number,
  options?: O,
): Aggregate<C, Gives<'topK', C[N], O>, 'cannot retract'> {
  return located(() => {
    const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= COUNTED_MAX;
    const most = requireNumber('topK', k, `given how many, from 1 to ${COUNTED_MAX}`, isCount);
    return declare('topK', column, options, { options: { k: most } });
  });
}

/** Restricts an aggregate that keeps values to so many of them. */
export interface Limited<C> extends Only<C> {
  /** Most values that are kept; those that come later are left out. */
  readonly limit: number;
}

function listed<A>(fn: 'collectList' | 'joinText', column: string, options: unknown, more: { separator?: string }): A {
  return located(() => {
    if (!isRecord(options)) throw mistake(fn, 'given { limit }, the most values to keep', options);
    requireKnownOptions(options, ['limit', 'where'], fn);
    const isLimit = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 2 ** 31;
    const limit = requireNumber(`limit of ${fn}`, options['limit'], 'a whole number from 1 on', isLimit);
    const { where } = options;
    // What is no function is refused by conditionOf.
    const only = where === undefined ? undefined : { where: where as (fields: never) => unknown };
    return declare(fn, column, only, { options: { limit, ...more } });
  });
}

/**
 * The first values, as a JSON array. Windows of several slices take them slice by slice in time order, and within a slice
 * in record order.
 */
export function collectList<C extends Columns, const N extends Name<C, Takes<'collectList'>>, O extends Limited<C>>(
  column: N,
  options: O,
): Aggregate<C, Gives<'collectList', C[N], O>, 'cannot retract'> {
  return listed('collectList', column, options, {});
}

/** The first texts with `separator` between them, in the order of collectList. */
export function joinText<C extends Columns, const N extends Name<C, Takes<'joinText'>>, O extends Limited<C>>(
  column: N,
  separator: string,
  options: O,
): Aggregate<C, Gives<'joinText', C[N], O>, 'cannot retract'> {
  return located(() => {
    if (typeof separator !== 'string') throw mistake('joinText', 'given a separator, a text', separator);
    return listed('joinText', column, options, { separator });
  });
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
  const { fn, column, more } = declared;
  const { userOf, ...rest } = more;
  const call = { name, fn, column, where: condition, ...rest };
  if (userOf === undefined || column === undefined) return call;
  const type = schema.fields[requireColumn(schema, column, where)]?.type;
  return type === undefined ? call : { ...call, user: userOf(type, condition !== undefined) };
}
