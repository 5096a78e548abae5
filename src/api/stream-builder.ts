/**
 * How the steps of a stream become nodes of a plan, with the checks that the types of stream.ts make in TypeScript repeated
 * for users of JavaScript.
 *
 * One class serves every stream: columns exist in the types alone, so it works on schemas, and `from` gives it its type.
 * Every public method runs inside `located`, which names the user's line in a mistake.
 */
import { UserError } from '../base/errors.ts';
import { positiveDurationMs } from '../base/time.ts';
import { type Field, indexOfColumn, requireColumn, type TableSchema, tableSchema } from '../data/schema.ts';
import { type ColumnType, describeType } from '../data/types.ts';
import { resultType } from '../plan/aggregates.ts';
import type { Expression } from '../plan/expression.ts';
import type { AggregateCall, EventTimeColumn, LogicalNode, WindowAggregateNode, WindowSpec } from '../plan/logical.ts';
import { aggregateCall } from './aggregate.ts';
import { located } from './call-site.ts';
import { conditionOf, namedOf } from './expression-builder.ts';
import { type Job, outputJob } from './job.ts';
import type { Columns } from './kind.ts';
import { requireKnownOptions, uidOf } from './options.ts';
import { type Source, sinkDeclaration, sourceDeclaration } from './port.ts';
import { describe, isRecord, schemaOf, tableOf } from './schema.ts';
import type { Stream, Uid } from './stream.ts';
import { strategyOf, windowSpecOf } from './window.ts';

/** What is known of a stream beside its node. */
interface Traits {
  /** Undefined: no watermark comes before. */
  readonly time: EventTimeColumn | LostTime | undefined;
  readonly isChangelog: boolean;
}

/** There is event time, but a step left its column out. */
interface LostTime {
  readonly lost: string;
  readonly by: string;
}

interface Named {
  readonly name: string;
  readonly expression: Expression;
}

const TIMESTAMP: ColumnType = { kind: 'timestamp', nullable: false };

/** The rows of a source. */
export function from<C extends Columns>(source: Source<C>, options?: Uid): Stream<C> {
  return located(() => {
    const { connector, label, schema } = sourceDeclaration(source);
    const table = tableOf(schema, `the schema of ${label}`);
    const uid = uidOf(options, 'from');
    const built = new StreamBuilder({ kind: 'source', schema: table, uid, connector, label }, { time: undefined, isChangelog: false });
    // The builder has every step; which columns they know is known to the type alone, and comes from the source.
    return built as unknown as Stream<C>;
  });
}

class StreamBuilder {
  readonly node: LogicalNode;
  readonly traits: Traits;

  constructor(node: LogicalNode, traits: Traits) {
    this.node = node;
    this.traits = traits;
  }

  get schema(): unknown {
    return schemaOf(this.node.schema);
  }

  watermark(column: string, strategy: unknown, options: { readonly idleAfter?: string } = {}): StreamBuilder {
    return located(() => {
      const type = this.#typeOf(column, 'watermark');
      if (!canBeEventTime(type)) {
        throw new UserError('E1204', { column, type: describeType(type), where: 'watermark', needs: 'a timestamp in milliseconds, never null' });
      }
      requireKnownOptions(options, ['idleAfter'], 'watermark');
      const idleAfterMs = options.idleAfter === undefined ? undefined : positiveDurationMs(options.idleAfter, 'idleAfter of watermark');
      const node: LogicalNode = { kind: 'watermark', schema: this.node.schema, input: this.node, column, strategy: strategyOf(strategy), idleAfterMs };
      return new StreamBuilder(node, { ...this.traits, time: { column, plusMs: 0 } });
    });
  }

  where(condition: (fields: never) => unknown): StreamBuilder {
    return located(() => {
      const tree = conditionOf(this.node.schema, condition, 'where');
      return new StreamBuilder({ kind: 'filter', schema: this.node.schema, input: this.node, condition: tree }, this.traits);
    });
  }

  pick(...columns: string[]): StreamBuilder {
    return located(() => {
      requireSome(columns, 'pick', 'column');
      return this.#project(columns.map((name) => ({ name, expression: this.#column(name, 'pick') })), 'pick');
    });
  }

  select(columns: (fields: never) => unknown): StreamBuilder {
    return located(() => {
      const named = namedOf(this.node.schema, columns, 'select');
      requireSome(named, 'select', 'column');
      return this.#project(named, 'select');
    });
  }

  add(columns: (fields: never) => unknown): StreamBuilder {
    return located(() => {
      const named = namedOf(this.node.schema, columns, 'add');
      requireSome(named, 'add', 'column');
      const kept = this.node.schema.fields.filter((field) => !named.some(({ name }) => name === field.name));
      return this.#project([...kept.map(({ name }) => ({ name, expression: this.#column(name, 'add') })), ...named], 'add');
    });
  }

  filter(keep: (row: never) => unknown, options?: Uid): StreamBuilder {
    return located(() => {
      requireFunction(keep, 'filter');
      const uid = uidOf(options, 'filter');
      return new StreamBuilder({ kind: 'function', does: 'filter', schema: this.node.schema, uid, input: this.node, run: keep }, this.traits);
    });
  }

  map(fn: (row: never) => unknown, options: { readonly out: unknown } & Uid): StreamBuilder {
    return located(() => this.#function('map', fn, options));
  }

  flatMap(fn: (row: never) => unknown, options: { readonly out: unknown } & Uid): StreamBuilder {
    return located(() => this.#function('flatMap', fn, options));
  }

  union(other: unknown): StreamBuilder {
    return located(() => {
      if (!(other instanceof StreamBuilder)) throw new UserError('E1006', { what: 'union', needs: 'given a stream', got: describe(other) });
      const inputs = [this.node, conform(other.node, this.node.schema, 'union')];
      const isChangelog = this.traits.isChangelog || other.traits.isChangelog;
      return new StreamBuilder({ kind: 'union', schema: this.node.schema, inputs }, { time: timeOfUnion(this.traits, other.traits), isChangelog });
    });
  }

  keyBy(...columns: string[]): KeyedBuilder {
    return located(() => {
      requireSome(columns, 'keyBy', 'column');
      for (const column of columns) this.#typeOf(column, 'keyBy');
      tableSchema(columns.map((name) => ({ name, type: this.#typeOf(name, 'keyBy') })));
      return new KeyedBuilder(this, columns);
    });
  }

  window(window: unknown, ...more: readonly unknown[]): WindowedBuilder {
    return located(() => windowed(this, [], window, more));
  }

  aggregate(aggregates: unknown, options?: Uid): StreamBuilder {
    return located(() => runningAggregate(this, [], aggregates, options));
  }

  to(sink: unknown, options?: Uid): Job {
    return located(() => {
      const { accepts, connector, label, expects } = sinkDeclaration(sink);
      if (this.traits.isChangelog && accepts === 'inserts only') {
        throw new UserError('E1206', { sink: label }, { hint: 'use a sink that takes updates and deletes, or windows, whose results are final' });
      }
      const input = expects === undefined ? this.node : conform(this.node, expects, label);
      return outputJob({ kind: 'sink', uid: uidOf(options, 'to'), input, connector, label });
    });
  }

  #typeOf(name: string, where: string): ColumnType {
    const field = this.node.schema.fields[requireColumn(this.node.schema, name, where)];
    return field?.type ?? TIMESTAMP;
  }

  #column(name: string, where: string): Expression {
    return { op: 'column', name, type: this.#typeOf(name, where) };
  }

  #project(columns: readonly Named[], where: string): StreamBuilder {
    const schema = tableSchema(columns.map(({ name, expression }) => ({ name, type: expression.type })));
    const node: LogicalNode = { kind: 'project', schema, input: this.node, columns };
    return new StreamBuilder(node, { ...this.traits, time: timeAfter(this.traits.time, columns, where) });
  }

  #function(does: 'map' | 'flatMap', run: (row: never) => unknown, options: { readonly out: unknown } & Uid): StreamBuilder {
    requireFunction(run, does);
    const out: unknown = isRecord(options) ? options.out : undefined;
    const schema = tableOf(out, `out of ${does}`);
    const uid = uidOf(options, does, ['out', 'uid']);
    const named = schema.fields.filter(({ type }) => canBeEventTime(type))
      .map(({ name, type }): Named => ({ name, expression: { op: 'column', name, type } }));
    const node: LogicalNode = { kind: 'function', does, schema, uid, input: this.node, run };
    return new StreamBuilder(node, { ...this.traits, time: timeAfter(this.traits.time, named, does) });
  }
}

class KeyedBuilder {
  readonly #stream: StreamBuilder;
  readonly #keys: readonly string[];

  constructor(stream: StreamBuilder, keys: readonly string[]) {
    this.#stream = stream;
    this.#keys = keys;
  }

  window(window: unknown, ...more: readonly unknown[]): WindowedBuilder {
    return located(() => windowed(this.#stream, this.#keys, window, more));
  }

  aggregate(aggregates: unknown, options?: Uid): StreamBuilder {
    return located(() => runningAggregate(this.#stream, this.#keys, aggregates, options));
  }
}

class WindowedBuilder {
  readonly #input: LogicalNode;
  readonly #keys: readonly string[];
  readonly #time: EventTimeColumn;
  readonly #window: WindowSpec;

  constructor(input: LogicalNode, keys: readonly string[], time: EventTimeColumn, window: WindowSpec) {
    this.#input = input;
    this.#keys = keys;
    this.#time = time;
    this.#window = window;
  }

  aggregate(aggregates: unknown, options?: Uid): WithLateBuilder {
    return located(() => {
      const uid = uidOf(options, 'aggregate');
      const bounds = [{ name: 'windowStart', type: TIMESTAMP }, { name: 'windowEnd', type: TIMESTAMP }];
      const { schema, calls } = aggregation(this.#input.schema, this.#keys, bounds, aggregates, uid);
      return new WithLateBuilder({
        kind: 'windowAggregate', schema, uid, input: this.#input, keys: this.#keys, time: this.#time, window: this.#window,
        aggregates: calls, allowedLatenessMs: 0,
      });
    });
  }
}

class WithLateBuilder extends StreamBuilder {
  readonly late: StreamBuilder;

  constructor(node: WindowAggregateNode) {
    super(node, { time: { column: 'windowEnd', plusMs: -1 }, isChangelog: false });
    this.late = new StreamBuilder({ kind: 'late', schema: node.input.schema, of: node }, { time: undefined, isChangelog: false });
  }
}

function windowed(stream: StreamBuilder, keys: readonly string[], window: unknown, more: readonly unknown[]): WindowedBuilder {
  for (const options of more) requireKnownOptions(options, [], 'window');
  const spec = windowSpecOf(window);
  const { time, isChangelog } = stream.traits;
  if (isChangelog) throw new UserError('E1211', { where: 'window' }, { hint: 'window the stream first; results of windows are final' });
  if (time === undefined) throw new UserError('E1205', { where: 'window' }, { hint: 'call .watermark(column, strategy) before' });
  if ('lost' in time) throw new UserError('E1210', { column: time.lost, where: 'window', by: time.by }, { hint: `keep '${time.lost}' in ${time.by}` });
  return new WindowedBuilder(stream.node, keys, time, spec);
}

function runningAggregate(stream: StreamBuilder, keys: readonly string[], aggregates: unknown, options: Uid | undefined): StreamBuilder {
  const uid = uidOf(options, 'aggregate');
  if (stream.traits.isChangelog) throw new UserError('E1211', { where: 'aggregate' });
  const { schema, calls } = aggregation(stream.node.schema, keys, [], aggregates, uid);
  return new StreamBuilder(
    { kind: 'aggregate', schema, uid, input: stream.node, keys, aggregates: calls },
    { time: undefined, isChangelog: true },
  );
}

/** Calls and output columns of an aggregation: key columns, then `between`, then the results. */
function aggregation(
  input: TableSchema, keys: readonly string[], between: readonly Field[], aggregates: unknown, uid: string | undefined,
): { readonly schema: TableSchema; readonly calls: readonly AggregateCall[] } {
  const where = uid === undefined ? 'aggregate' : `aggregate of '${uid}'`;
  if (!isRecord(aggregates)) {
    throw new UserError('E1006', { what: where, needs: 'given an object of aggregates', got: describe(aggregates) }, { hint: 'write { name: count() }' });
  }
  const calls = Object.entries(aggregates).map(([name, declared]) => aggregateCall(name, declared, input, where));
  requireSome(calls, where, 'aggregate');
  const taken = [...input.fields.filter(({ name }) => keys.includes(name))].sort((a, b) => keys.indexOf(a.name) - keys.indexOf(b.name));
  const clash = calls.find(({ name }) => [...taken, ...between].some((field) => field.name === name));
  if (clash !== undefined) throw new UserError('E1207', { column: clash.name, where }, { hint: 'choose another name' });
  const results = calls.map((call) => ({ name: call.name, type: resultType(call, input, where) }));
  return { schema: tableSchema([...taken, ...between, ...results]), calls };
}

/** Every row has one, in milliseconds. */
const canBeEventTime = (type: ColumnType): boolean => type.kind === 'timestamp' && type.unit !== 'us' && !type.nullable;

/** Event time after a step that gives these columns: it follows its column through renaming. */
function timeAfter(time: Traits['time'], columns: readonly Named[], by: string): Traits['time'] {
  if (time === undefined || 'lost' in time) return time;
  const carriers = columns.filter(({ expression }) => expression.op === 'column' && expression.name === time.column);
  const carrier = carriers.find(({ name }) => name === time.column) ?? carriers[0];
  return carrier === undefined ? { lost: time.column, by } : { ...time, column: carrier.name };
}

function timeOfUnion(left: Traits, right: Traits): Traits['time'] {
  if (left.time === undefined || right.time === undefined) return undefined;
  if ('lost' in left.time) return left.time;
  if ('lost' in right.time) return right.time;
  const isSame = left.time.column === right.time.column && left.time.plusMs === right.time.plusMs;
  return isSame ? left.time : { lost: right.time.column, by: 'union' };
}

/** The node with exactly the columns of `schema`, in its order; itself when it has them already. */
function conform(node: LogicalNode, schema: TableSchema, where: string): LogicalNode {
  const columns = schema.fields.map(({ name, type }): Named => {
    const found = node.schema.fields[requireColumn(node.schema, name, where)]?.type ?? type;
    const isSame = found.kind === type.kind && found.unit === type.unit && found.bigint === type.bigint && (type.nullable || !found.nullable);
    if (!isSame) throw new UserError('E1204', { column: name, type: describeType(found), where, needs: describeType(type) });
    return { name, expression: { op: 'column', name, type: found } };
  });
  const isAsItIs = node.schema.fields.length === columns.length
    && columns.every(({ name }, index) => indexOfColumn(node.schema, name) === index);
  return isAsItIs ? node : { kind: 'project', schema, input: node, columns };
}

function requireSome(list: readonly unknown[], where: string, what: string): void {
  if (list.length === 0) throw new UserError('E1006', { what: where, needs: `given at least one ${what}`, got: 'given none' });
}

function requireFunction(fn: unknown, where: string): void {
  if (typeof fn !== 'function') throw new UserError('E1006', { what: where, needs: 'given a function of a row', got: describe(fn) });
}
