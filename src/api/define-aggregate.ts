/**
 * Aggregates of users' own: a value that is kept of each group, and functions that add to it, join two of them, and make
 * the result.
 *
 * Not here: how they run (runtime/aggregates/mixed-entries.ts).
 */
import type { ColumnType } from '../data/types.ts';
import type { UserAggregate } from '../plan/user-aggregate.ts';
import { columnSchema } from '../runtime/state/row-bytes.ts';
import { type Aggregate, type Only, userAggregate } from './aggregate.ts';
import { located } from './call-site.ts';
import type { Columns, Name, Nullable, Value } from './kind.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';
import { type Column, columnTypeOf, tryTableOf } from './schema.ts';
import type { Held, Typed } from './state.ts';

/**
 * What an aggregate reads, keeps and answers. Its functions are pure: they answer what they make and change nothing that
 * they are given, which is frozen; the same values give the same answer. Accumulators are written to state with every row.
 */
export interface AggregateDefinition<I extends Nullable, T extends Held, K extends Nullable> {
  /** The type of its column. Nulls are left out, unless it is nullable. */
  readonly input: Column<I>;
  /** What is kept of a group: a column or a schema. */
  readonly accumulator: T;
  readonly result: Column<K>;
  /** What is kept before the first value. */
  create(): Typed<T>;
  add(accumulator: Typed<T>, value: Value<I>): Typed<T>;
  /** Joins what is kept of two parts of a group; `right` is the later one. */
  merge(left: Typed<T>, right: Typed<T>): Typed<T>;
  /** Takes back a value that was added before. Without it the aggregate is refused over results that update and delete rows. */
  retract?(accumulator: Typed<T>, value: Value<I>): Typed<T>;
  /** The result; of a group without values it is that of `create()`. */
  finish(accumulator: Typed<T>): Value<K>;
}

/** An aggregate by its definition: called with a column in `.aggregate({ … })`. */
export type DefinedAggregate<I extends Nullable, K extends Nullable, D> = <
  C extends Columns,
  const N extends Name<C, I>,
>(
  column: N,
  options?: Only<C>,
) => Aggregate<C, K, D extends { readonly retract: unknown } ? 'can retract' : 'cannot retract'>;

const PARTS = ['input', 'accumulator', 'result', 'create', 'add', 'merge', 'retract', 'finish'];

/**
 * An aggregate of one's own, for `.aggregate({ spread: spread('price') })` beside those that there are. It runs in
 * JavaScript, row by row. A function that throws ends the job, naming row, key and event time; with
 * `onError: 'dead letter'` of the aggregation a row on which `add` throws is put aside: it still counts for triggers and
 * for the length of sessions. `merge` and `finish` that throw always end the job.
 */
export function defineAggregate<
  I extends Nullable,
  T extends Held,
  K extends Nullable,
  const D extends { readonly retract?: unknown },
>(definition: D & AggregateDefinition<I, T, K>): DefinedAggregate<I, K, D> {
  const user = located(() => userAggregateOf(definition));
  const made = (column: string, options?: unknown): unknown =>
    userAggregate('a defined aggregate', () => user, column, options);
  // Columns and kinds exist in the type alone.
  return made as DefinedAggregate<I, K, D>;
}

/**
 * The values of a column, two of which become one: the first is what is kept, and each that follows is joined to it. Null
 * for a group without values. Otherwise as `defineAggregate`; over results that update and delete rows it is refused.
 */
export function reduce<C extends Columns, const N extends keyof C & string, O extends Only<C>>(
  column: N,
  join: (sum: Value<Exclude<C[N], null>>, value: Value<Exclude<C[N], null>>) => Value<Exclude<C[N], null>>,
  options?: O,
): Aggregate<C, Reduced<C[N], O>, 'cannot retract'> {
  return located(() => {
    const add = functionOf(join, 'the function of reduce');
    const userOf = (type: ColumnType, isFiltered: boolean): UserAggregate => {
      const value = { ...type, nullable: false };
      return {
        input: value,
        accumulator: columnSchema(value),
        isColumn: true,
        result: { ...type, nullable: type.nullable || isFiltered },
        create: undefined,
        add,
        merge: add,
        retract: undefined,
        finish: (sum) => sum,
      };
    };
    // As above.
    return userAggregate('reduce', userOf, column, options) as ReturnType<typeof reduce<C, N, O>>;
  });
}

/** Null when rows may be missing: the column is nullable, or a condition is given. */
type Reduced<K, O> = Exclude<K, null> | Extract<K, null> | (O extends { readonly where: unknown } ? null : never);

function userAggregateOf(definition: unknown): UserAggregate {
  if (!isRecord(definition)) throw mistake('defineAggregate', 'given an object', definition);
  requireKnownOptions(definition, PARTS, 'defineAggregate');
  const { accumulator, retract } = definition;
  const part = (name: string): ((...given: never[]) => unknown) =>
    functionOf(definition[name], `${name} of defineAggregate`);
  const table = tryTableOf(accumulator);
  return {
    input: typeOf(definition['input'], 'input'),
    accumulator: table ?? columnSchema(typeOf(accumulator, 'accumulator', 'a column or a schema')),
    isColumn: table === undefined,
    result: typeOf(definition['result'], 'result'),
    create: part('create'),
    add: part('add'),
    merge: part('merge'),
    retract: retract === undefined ? undefined : part('retract'),
    finish: part('finish'),
  };
}

function typeOf(declared: unknown, part: string, needs = 'a column'): ColumnType {
  const type = columnTypeOf(declared);
  if (type === undefined) throw mistake(`${part} of defineAggregate`, needs, declared);
  return type;
}

function functionOf(given: unknown, what: string): (...given: never[]) => unknown {
  if (typeof given !== 'function') throw mistake(what, 'a function', given);
  // What it takes is checked by the compiler; in JavaScript it takes what comes.
  return given as (...given: never[]) => unknown;
}
