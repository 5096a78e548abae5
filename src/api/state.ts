/**
 * State of functions as users declare it: `state: { last: value(Payment, { ttl: '1 day' }), seen: mapOf(utf8(), int32()) }`.
 *
 * A declaration is typed as the handle that the function gets, so that `state.last.get()` needs no type argument.
 * `ttl` counts in event time: an entry is gone when the watermark has passed the event time of its last write by so much
 * ('access': of its last write or read). So a tape that is replayed gives what it gave, however fast.
 * Not here: handles (runtime/state), where their bytes lie (state/keyed-state.ts).
 */
import { type Duration, positiveDurationMs } from '../base/time.ts';
import type { Fold, StateExpiry, StateSpec } from '../plan/process.ts';
import { columnSchema } from '../runtime/state/row-bytes.ts';
import { keptOf } from '../runtime/state/kept.ts';
import { located } from './call-site.ts';
import type { bigint64, Columns, int16, int32, int64, int8, Nullable, Row, utf8, Value } from './kind.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';
import { type Column, columnTypeOf, type Schema, tryTableOf } from './schema.ts';
import { eventTimeOf } from './time.ts';

/** One value per key. What `get` answers is frozen; `set` changes it. */
export interface ValueState<T, Empty = undefined> {
  readonly state: 'value';
  get(): T | Empty;
  set(value: T): void;
  clear(): void;
}

/** Entries come in order of insertion. */
export interface MapState<K, V> extends Iterable<readonly [K, V]> {
  readonly state: 'map';
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): void;
  /** Whether it was there. */
  delete(key: K): boolean;
  entries(): IterableIterator<readonly [K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  clear(): void;
}

/** State that is a list of values, in the order in which they were added. */
export interface ListState<T> extends Iterable<T> {
  readonly state: 'list';
  add(value: T): void;
  get(): IterableIterator<T>;
  /** Replaces what it holds. */
  set(values: Iterable<T>): void;
  clear(): void;
}

/** Values folded into one: `get` answers undefined when nothing was added. */
export interface FoldState<In, T> {
  readonly state: 'fold';
  add(value: In): void;
  get(): T | undefined;
  clear(): void;
}

/** Any state; what it holds is known where it is declared. */
export interface AnyState {
  readonly state: 'value' | 'map' | 'list' | 'fold';
}
/** The states of a function, by name. */
export interface States {
  readonly [name: string]: AnyState;
}

/** What a column or a schema holds. */
export type Held = Column<Nullable> | Schema<Columns>;
export type Typed<T> = T extends Column<infer K> ? Value<K> : T extends Schema<infer C> ? Row<C> : never;
/** What can tell entries of a map apart. */
export type MapKey = utf8 | int8 | int16 | int32 | int64 | bigint64;

/** How long an entry of state lives, on which clock, and what makes its time begin anew. */
export interface Ttl {
  /** How long an entry lives after it was written. */
  readonly ttl?: Duration;
  /** 'access': reading it lets it live on too; of a map or a list each entry that is met. */
  readonly refresh?: 'write' | 'access';
  /** The clock of `ttl`. Processing time makes results depend on when the job runs. */
  readonly clock?: 'event time' | 'processing time';
}

/** What a value state is while it is empty, and how long it lives. */
export interface ValueOptions<T> extends Ttl {
  /** What `get` answers before the first `set`. */
  readonly initial?: T;
}

class StateDeclaration {
  readonly spec: Omit<StateSpec, 'name'>;

  constructor(spec: Omit<StateSpec, 'name'>) {
    this.spec = spec;
  }
}

const TTL_OPTIONS = ['ttl', 'refresh', 'clock'];

function expiryOf(options: Ttl, where: string): StateExpiry | undefined {
  const { ttl, refresh = 'write', clock = 'event time' } = options;
  if (refresh !== 'write' && refresh !== 'access') throw mistake(`refresh of ${where}`, "'write' or 'access'", refresh);
  if (clock !== 'event time' && clock !== 'processing time') {
    throw mistake(`clock of ${where}`, "'event time' or 'processing time'", clock);
  }
  return ttl === undefined ? undefined : { ttlMs: positiveDurationMs(ttl, `ttl of ${where}`), refresh, clock };
}

type Shape = Pick<StateSpec, 'type' | 'isColumn'>;

/** The columns of what a state holds: those of a schema, or one. */
function shapeOf(declared: unknown, where: string): Shape {
  const table = tryTableOf(declared);
  if (table !== undefined) return { type: table, isColumn: false };
  const type = columnTypeOf(declared);
  if (type === undefined) throw mistake(`the type of ${where}`, 'a column or a schema', declared);
  return { type: columnSchema(type), isColumn: true };
}

const PLAIN = { key: undefined, initial: undefined, fold: undefined } as const;

/** One value per key. */
export function value<T extends Held, const O extends ValueOptions<Typed<T>>>(
  type: T,
  options?: O,
): ValueState<Typed<T>, O extends { readonly initial: unknown } ? Typed<T> : undefined> {
  const declared = located(() => {
    if (options !== undefined) requireKnownOptions(options, ['initial', ...TTL_OPTIONS], 'value');
    const shape = shapeOf(type, 'value');
    const given: ValueOptions<Typed<T>> = options ?? {};
    const initial =
      given.initial === undefined ? undefined : keptOf(shape.type, shape.isColumn, eventTimeOf).conform(given.initial);
    return new StateDeclaration({ ...PLAIN, ...shape, kind: 'value', initial, expiry: expiryOf(given, 'value') });
  });
  // The handle that the function gets stands for its declaration: see the head of this file.
  return declared as unknown as ReturnType<typeof value<T, O>>;
}

/** A map per key. With `ttl` each entry has its own. */
export function mapOf<K extends MapKey, T extends Held>(
  key: Column<K>,
  type: T,
  options: Ttl = {},
): MapState<Value<K>, Typed<T>> {
  const declared = located(() => {
    requireKnownOptions(options, TTL_OPTIONS, 'mapOf');
    const keyType = columnTypeOf(key);
    if (keyType === undefined) throw mistake('the key of mapOf', 'a column', key);
    const canBeKey = keyType.kind === 'utf8' || keyType.kind.startsWith('int');
    if (!canBeKey || keyType.nullable)
      throw mistake('the key of mapOf', 'a text or an integer, never null', keyType.kind);
    const shape = shapeOf(type, 'mapOf');
    return new StateDeclaration({ ...PLAIN, ...shape, kind: 'map', key: keyType, expiry: expiryOf(options, 'mapOf') });
  });
  // As in value.
  return declared as unknown as MapState<Value<K>, Typed<T>>;
}

/** A list per key. With `ttl` each element has its own. */
export function listOf<T extends Held>(type: T, options: Ttl = {}): ListState<Typed<T>> {
  const declared = located(() => {
    requireKnownOptions(options, TTL_OPTIONS, 'listOf');
    const shape = shapeOf(type, 'listOf');
    return new StateDeclaration({ ...PLAIN, ...shape, kind: 'list', expiry: expiryOf(options, 'listOf') });
  });
  // As in value.
  return declared as unknown as ListState<Typed<T>>;
}

/** Values of one type, two of which become one: a running sum, the larger of two. */
export function reducing<T extends Held>(
  type: T,
  options: { reduce(sum: Typed<T>, value: Typed<T>): Typed<T> } & Ttl,
): FoldState<Typed<T>, Typed<T>> {
  const declared = located(() => {
    requireKnownOptions(options, ['reduce', ...TTL_OPTIONS], 'reducing');
    if (typeof options.reduce !== 'function') throw mistake('reduce of reducing', 'a function', options.reduce);
    const { reduce } = options;
    const fold: Fold = { first: (first) => first, add: reduce, finish: (sum) => sum };
    return foldOf(type, options, fold, 'reducing');
  });
  // As in value.
  return declared as unknown as FoldState<Typed<T>, Typed<T>>;
}

/** State that folds values into an accumulator and reads as the result made of it; `get` is undefined while it is empty. */
export interface Aggregating<In, T extends Held, Out> extends Ttl {
  /** What is kept. */
  readonly accumulator: T;
  create(): Typed<T>;
  add(accumulator: Typed<T>, value: In): Typed<T>;
  finish(accumulator: Typed<T>): Out;
}

/** Values folded into an accumulator, which answers something else: a mean, a range. */
export function aggregating<In, T extends Held, Out>(definition: Aggregating<In, T, Out>): FoldState<In, Out> {
  const declared = located(() => {
    requireKnownOptions(definition, ['accumulator', 'create', 'add', 'finish', ...TTL_OPTIONS], 'aggregating');
    for (const name of ['create', 'add', 'finish'] as const) {
      if (typeof definition[name] !== 'function')
        throw mistake(`${name} of aggregating`, 'a function', definition[name]);
    }
    const fold: Fold = {
      first: (first) => definition.add(definition.create(), first),
      add: (accumulator, next) => definition.add(accumulator, next),
      finish: (accumulator) => definition.finish(accumulator),
    };
    return foldOf(definition.accumulator, definition, fold, 'aggregating');
  });
  // As in value.
  return declared as unknown as FoldState<In, Out>;
}

const foldOf = (type: unknown, options: Ttl, fold: Fold, where: string): StateDeclaration =>
  new StateDeclaration({ ...PLAIN, ...shapeOf(type, where), kind: 'fold', fold, expiry: expiryOf(options, where) });

/** The states of a function, by name. `where` names the function in mistakes. */
export function statesOf(declared: unknown, where: string): readonly StateSpec[] {
  if (declared === undefined) return [];
  if (!isRecord(declared)) throw mistake(where, 'an object of states', declared);
  return Object.entries(declared).map(([name, state]) => {
    // What the engine calls its own beside it.
    if (/\/|^(event|processing) timers$/.test(name))
      throw mistake(`a name in ${where}`, "without '/', other than 'event timers' and 'processing timers'", name);
    if (state instanceof StateDeclaration) return { name, ...state.spec };
    throw mistake(`'${name}' of ${where}`, 'a state', state, 'write it with its call, such as value(int32())');
  });
}
