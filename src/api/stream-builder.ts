/**
 * How the steps of a stream become nodes of a plan, with the checks that the types of stream.ts make in TypeScript
 * repeated for users of JavaScript.
 *
 * One class serves every stream: columns exist in the types alone, so it works on schemas, and `from` gives it its
 * type. Every public method runs inside `located`, which names the user's line in a mistake.
 * Long because every step of a stream is a method here.
 */
import { UserError } from '../base/errors.ts';
import { requireColumn, tableSchema } from '../data/schema.ts';
import { type ColumnType, describeType } from '../data/types.ts';
import { AGGREGATES, canRetract } from '../plan/aggregates.ts';
import type { Expression } from '../plan/expression.ts';
import {
  FUTURE_PORT,
  type DeduplicateNode,
  inputsOf,
  LATE_PORT,
  type LogicalNode,
  type ResultMode,
  type ProcessNode,
  type ReorderNode,
  type WatermarkNode,
  type WindowAggregateNode,
  type WindowSpec,
} from '../plan/logical.ts';
import type { StateSpec } from '../plan/process.ts';
import {
  AUDIT_FIELDS,
  AUDIT_PORT,
  EXTREME_FIELDS,
  EXTREMES_PORT,
  GAP_FIELDS,
  GAPS_PORT,
  keySchema,
  REORDER_PORTS,
  withFields,
} from '../plan/reorder.ts';
import { aggregateOptions, aggregation, failurePolicy } from './aggregation.ts';
import { ASYNC_OPTIONS, type AsyncOptions, asyncSpec } from './async.ts';
import { deduplicateNode, type DeduplicateOptions } from './deduplicate.ts';
import { located } from './call-site.ts';
import { conform } from './conform.ts';
import { conditionOf, namedOf } from './expression-scope.ts';
import { type Job, outputJob } from './job.ts';
import type { Columns } from './kind.ts';
import { isRecord, mistake, nothingGiven } from '../base/mistake.ts';
import { uidOf } from './options.ts';
import { onErrorOf, processNode, type Side } from './process-node.ts';
import { type Source, sinkDeclaration, sourceDeclaration } from './port.ts';
import { type AnyReorderOptions, reorderNode } from './reorder.ts';
import { schemaOf, tableOf } from './schema.ts';
import { splitStreams } from './split.ts';
import { statesOf } from './state.ts';
import type { FunctionOptions, Stream, Uid } from './stream.ts';
import { canBeEventTime, type Named, type Traits } from './traits.ts';
import { type WindowOptions, windowOptionsOf, type WindowSettings } from './trigger.ts';
import { strategyOf, watermarkOptionsOf } from './watermark.ts';
import { boundFieldsOf, hasEnds, needsEventTime, requireZoneColumn } from './window-needs.ts';
import { windowFunctionOf } from './window-function.ts';
import { windowSpecOf } from './window.ts';

const RETRACTING = Object.entries(AGGREGATES)
  .flatMap(([name, { retract }]) => (retract === 'can retract' ? [name] : []))
  .join(', ');
const TIMESTAMP: ColumnType = { kind: 'timestamp', nullable: false };

/** The rows of a source. */
export function from<C extends Columns>(source: Source<C>, options?: Uid): Stream<C> {
  return located(() => {
    const { connector, label, schema } = sourceDeclaration(source);
    const table = tableOf(schema, `the schema of ${label}`);
    const uid = uidOf(options, 'from');
    const built = new StreamBuilder(
      { kind: 'source', schema: table, uid, connector, label },
      { hasEventTime: false, isChangelog: false },
    );
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

  watermark(column: string, strategy: unknown, options: unknown = {}): WithFutureBuilder {
    return located(() => {
      const type = this.#typeOf(column, 'watermark');
      if (!canBeEventTime(type)) {
        throw new UserError('E1204', {
          column,
          type: describeType(type),
          where: 'watermark',
          needs: 'a timestamp in milliseconds, never null',
        });
      }
      const node: WatermarkNode = {
        kind: 'watermark',
        schema: this.node.schema,
        input: this.node,
        column,
        strategy: strategyOf(strategy),
        ...watermarkOptionsOf(options),
      };
      requireSplits(this.node, node.align !== undefined);
      return new WithFutureBuilder(node, { ...this.traits, hasEventTime: true });
    });
  }

  where(condition: (fields: never) => unknown): StreamBuilder {
    return located(() => {
      const tree = conditionOf(this.node.schema, condition, 'where');
      return new StreamBuilder(
        { kind: 'filter', schema: this.node.schema, input: this.node, condition: tree },
        this.traits,
      );
    });
  }

  split(branches: unknown): { readonly [name: string]: StreamBuilder } {
    return located(() => splitStreams(this.node, branches, (node) => new StreamBuilder(node, this.traits)));
  }

  pick(...columns: string[]): StreamBuilder {
    return located(() => {
      requireSome(columns, 'pick', 'column');
      return this.#project(columns.map((name) => ({ name, expression: this.#column(name, 'pick') })));
    });
  }

  select(columns: (fields: never) => unknown): StreamBuilder {
    return located(() => {
      const named = namedOf(this.node.schema, columns, 'select');
      requireSome(named, 'select', 'column');
      return this.#project(named);
    });
  }

  add(columns: (fields: never) => unknown): StreamBuilder {
    return located(() => {
      const named = namedOf(this.node.schema, columns, 'add');
      requireSome(named, 'add', 'column');
      const kept = this.node.schema.fields.filter((field) => !named.some(({ name }) => name === field.name));
      return this.#project([...kept.map(({ name }) => ({ name, expression: this.#column(name, 'add') })), ...named]);
    });
  }

  filter(keep: (row: never) => unknown, options?: FunctionOptions): StreamBuilder {
    return located(() => {
      requireFunction(keep, 'filter');
      const uid = uidOf(options, 'filter', ['uid', 'onError']);
      const onError = onErrorOf(options?.onError, 'filter');
      const { schema } = this.node;
      const node = { kind: 'function', does: 'filter', schema, uid, input: this.node, run: keep, onError } as const;
      return new StreamBuilder(node, this.traits);
    });
  }

  map(fn: (row: never) => unknown, options: { readonly out: unknown } & FunctionOptions): StreamBuilder {
    return located(() => this.#function('map', fn, options));
  }

  flatMap(fn: (row: never) => unknown, options: { readonly out: unknown } & FunctionOptions): StreamBuilder {
    return located(() => this.#function('flatMap', fn, options));
  }

  mapAsync(fn: AsyncFunction, options: AsyncOptions & { readonly out: unknown } & Uid): StreamBuilder {
    return located(() => this.#async('mapAsync', fn, options));
  }

  flatMapAsync(fn: AsyncFunction, options: AsyncOptions & { readonly out: unknown } & Uid): StreamBuilder {
    return located(() => this.#async('flatMapAsync', fn, options));
  }

  union(other: unknown): StreamBuilder {
    return located(() => {
      if (!(other instanceof StreamBuilder)) throw mistake('union', 'given a stream', other);
      const inputs = [this.node, conform(other.node, this.node.schema, 'union')];
      const isChangelog = this.traits.isChangelog || other.traits.isChangelog;
      return new StreamBuilder(
        { kind: 'union', schema: this.node.schema, inputs },
        { hasEventTime: this.traits.hasEventTime && other.traits.hasEventTime, isChangelog },
      );
    });
  }

  broadcast(states: unknown): BroadcastBuilder {
    return located(() => new BroadcastBuilder(this, states));
  }

  keyBy(...columns: string[]): KeyedBuilder {
    return located(() => {
      requireSome(columns, 'keyBy', 'column');
      for (const column of columns) this.#typeOf(column, 'keyBy');
      tableSchema(columns.map((name) => ({ name, type: this.#typeOf(name, 'keyBy') })));
      return new KeyedBuilder(this, columns);
    });
  }

  window(window: unknown, options: WindowOptions<ResultMode> = {}): WindowedBuilder {
    return located(() => windowed(this, [], window, options));
  }

  aggregate(aggregates: unknown, options?: FunctionOptions): StreamBuilder {
    return located(() => runningAggregate(this, [], aggregates, options));
  }

  to(sink: unknown, options?: Uid): Job {
    return located(() => {
      const { accepts, connector, label, expects } = sinkDeclaration(sink);
      if (this.traits.isChangelog && accepts === 'inserts only') {
        throw new UserError(
          'E1206',
          { sink: label },
          { hint: 'use a sink that takes updates and deletes, or windows, whose results are final' },
        );
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

  #project(columns: readonly Named[]): StreamBuilder {
    const schema = tableSchema(columns.map(({ name, expression }) => ({ name, type: expression.type })));
    const node: LogicalNode = { kind: 'project', schema, input: this.node, columns };
    return new StreamBuilder(node, this.traits);
  }

  #async(
    does: 'mapAsync' | 'flatMapAsync',
    run: AsyncFunction,
    options: AsyncOptions & { readonly out: unknown } & Uid,
  ): StreamBuilder {
    requireFunction(run, does);
    const schema = tableOf(isRecord(options) ? options.out : undefined, `out of ${does}`);
    const uid = uidOf(options, does, ['out', 'uid', ...ASYNC_OPTIONS]);
    const spec = asyncSpec(run, does, options);
    return new StreamBuilder({ kind: 'async', schema, uid, input: this.node, spec }, this.traits);
  }

  #function(
    does: 'map' | 'flatMap',
    run: (row: never) => unknown,
    options: { readonly out: unknown } & FunctionOptions,
  ): StreamBuilder {
    requireFunction(run, does);
    const out: unknown = isRecord(options) ? options.out : undefined;
    const schema = tableOf(out, `out of ${does}`);
    const uid = uidOf(options, does, ['out', 'uid', 'onError']);
    const onError = onErrorOf(options.onError, does);
    const node: LogicalNode = { kind: 'function', does, schema, uid, input: this.node, run, onError };
    return new StreamBuilder(node, this.traits);
  }
}

type AsyncFunction = (row: never, context: never) => unknown;

class KeyedBuilder {
  readonly #stream: StreamBuilder;
  readonly #keys: readonly string[];

  constructor(stream: StreamBuilder, keys: readonly string[]) {
    this.#stream = stream;
    this.#keys = keys;
  }

  window(window: unknown, options: WindowOptions<ResultMode> = {}): WindowedBuilder {
    return located(() => windowed(this.#stream, this.#keys, window, options));
  }

  process(spec: unknown, options: unknown): ProcessedBuilder {
    return located(() => new ProcessedBuilder(processNode([this.#side('row')], [], spec, options)));
  }

  connect(other: unknown): ConnectedBuilder {
    return located(() => {
      if (other instanceof KeyedBuilder) return new ConnectedBuilder([this.#side('left'), other.#side('right')], []);
      if (other instanceof BroadcastBuilder) return new ConnectedBuilder([this.#side('row'), other.side], other.states);
      throw mistake('connect', 'given a stream by key, or a broadcast one', other);
    });
  }

  #side(name: Side['name']): Side {
    const { node, traits } = this.#stream;
    return { node, traits, keys: this.#keys, name };
  }

  deduplicate(options: DeduplicateOptions<'first' | 'last', unknown>): StreamBuilder {
    return located(() => {
      const { node, traits } = this.#stream;
      return new DeduplicatedBuilder(deduplicateNode(node, traits, this.#keys, options), traits);
    });
  }

  reorder(options: AnyReorderOptions): ReorderedBuilder {
    return located(() => {
      const { node, traits } = this.#stream;
      return new ReorderedBuilder(reorderNode(node, traits, this.#keys, options), traits);
    });
  }

  aggregate(aggregates: unknown, options?: FunctionOptions): StreamBuilder {
    return located(() => runningAggregate(this.#stream, this.#keys, aggregates, options));
  }
}

/** One row of each key, and the rows that came too late to be the first. */
class DeduplicatedBuilder extends StreamBuilder {
  readonly late: StreamBuilder;

  constructor(node: DeduplicateNode, traits: Traits) {
    super(node, { ...traits, isChangelog: node.emits !== 'final' });
    this.late = new StreamBuilder(
      { kind: 'side', schema: node.schema, of: node, name: 'late', port: LATE_PORT },
      { ...traits, hasEventTime: false },
    );
  }
}

/** Rows in order; gaps, extremes and the audit beside them. */
class ReorderedBuilder extends StreamBuilder {
  readonly gaps: StreamBuilder;
  readonly extremes: StreamBuilder;
  /** Undefined: it was not asked for. */
  readonly audit: StreamBuilder | undefined;

  constructor(node: ReorderNode, traits: Traits) {
    super(node, traits);
    const { schema, keys, spec } = node;
    const key = keySchema(schema, keys);
    const side = (port: 1 | 2 | 3, sideSchema: typeof schema): StreamBuilder => {
      const name = REORDER_PORTS[port];
      const of = { kind: 'side', schema: sideSchema, of: node, name, port } as const;
      return new StreamBuilder(of, { ...traits, hasEventTime: false });
    };
    this.gaps = side(GAPS_PORT, withFields(key, GAP_FIELDS, 'gaps'));
    this.extremes = side(EXTREMES_PORT, withFields(schema, EXTREME_FIELDS, 'extremes'));
    this.audit = spec.audit ? side(AUDIT_PORT, withFields(key, AUDIT_FIELDS, 'audit')) : undefined;
  }
}

/** Rows for all keys, with the states that they fill. */
class BroadcastBuilder {
  readonly side: Side;
  readonly states: readonly StateSpec[];

  constructor(stream: StreamBuilder, states: unknown) {
    const { node, traits } = stream;
    this.side = { node, traits, keys: undefined, name: 'broadcast' };
    this.states = statesOf(states, 'broadcast');
    const lost = this.states.find(({ expiry }) => expiry !== undefined);
    if (lost !== undefined) throw mistake(`'${lost.name}' of broadcast`, 'a state without ttl', 'one with');
  }
}

class ConnectedBuilder {
  readonly #sides: readonly Side[];
  readonly #broadcast: readonly StateSpec[];

  constructor(sides: readonly Side[], broadcast: readonly StateSpec[]) {
    this.#sides = sides;
    this.#broadcast = broadcast;
  }

  process(spec: unknown, options: unknown): ProcessedBuilder {
    return located(() => new ProcessedBuilder(processNode(this.#sides, this.#broadcast, spec, options)));
  }
}

/** The results of a function with state, and its sides by name. */
class ProcessedBuilder extends StreamBuilder {
  readonly side: { readonly [name: string]: StreamBuilder };

  constructor(node: ProcessNode) {
    const traits = { hasEventTime: node.hasEventTime, isChangelog: false };
    super(node, traits);
    this.side = Object.fromEntries(
      node.sides.map(({ name, schema }, i) => [
        name,
        new StreamBuilder({ kind: 'side', schema, of: node, name, port: i + 1 }, traits),
      ]),
    );
  }
}

class WindowedBuilder {
  readonly #input: LogicalNode;
  readonly #keys: readonly string[];
  readonly #window: WindowSpec;
  readonly #settings: WindowSettings;

  constructor(input: LogicalNode, keys: readonly string[], window: WindowSpec, settings: WindowSettings) {
    this.#input = input;
    this.#keys = keys;
    this.#window = window;
    this.#settings = settings;
  }

  aggregate(aggregates: unknown, options?: FunctionOptions): WithLateBuilder {
    return located(() => {
      const { uid, onError } = aggregateOptions(options);
      const bounds = boundFieldsOf(this.#window);
      const { schema, calls } = aggregation(this.#input.schema, this.#keys, bounds, aggregates, uid);
      return new WithLateBuilder({
        kind: 'windowAggregate',
        schema,
        uid,
        input: this.#input,
        keys: this.#keys,
        window: this.#window,
        aggregates: calls,
        onError: failurePolicy(onError, calls, this.#settings),
        ...this.#settings,
      });
    });
  }

  process(declared: unknown): WithLateBuilder {
    return located(() => {
      const { schema, uid, process } = windowFunctionOf(declared);
      const { results } = this.#settings;
      if (results === 'retracting') {
        throw mistake('results of window', 'accumulating, discarding or final when a function makes them', results);
      }
      return new WithLateBuilder({
        kind: 'windowAggregate',
        schema,
        uid,
        input: this.#input,
        keys: this.#keys,
        window: this.#window,
        aggregates: [],
        process,
        ...this.#settings,
      });
    });
  }
}

class WithFutureBuilder extends StreamBuilder {
  readonly future: StreamBuilder;

  constructor(node: WatermarkNode, traits: Traits) {
    super(node, traits);
    this.future = new StreamBuilder(
      { kind: 'side', schema: node.schema, of: node, name: 'future', port: FUTURE_PORT },
      { ...traits, hasEventTime: false },
    );
  }
}

class WithLateBuilder extends StreamBuilder {
  readonly late: StreamBuilder;

  constructor(node: WindowAggregateNode) {
    super(node, { hasEventTime: hasEnds(node.window), isChangelog: node.results === 'retracting' });
    this.late = new StreamBuilder(
      { kind: 'side', schema: node.input.schema, of: node, name: 'late', port: LATE_PORT },
      { hasEventTime: false, isChangelog: false },
    );
  }
}

function windowed(
  stream: StreamBuilder,
  keys: readonly string[],
  window: unknown,
  options: WindowOptions<ResultMode>,
): WindowedBuilder {
  const spec = windowSpecOf(window);
  const settings = windowOptionsOf(options, spec);
  requireZoneColumn(spec, stream.node.schema);
  const { hasEventTime, isChangelog } = stream.traits;
  if (isChangelog)
    throw new UserError(
      'E1211',
      { where: 'window' },
      { hint: 'window the stream first; results of windows are final' },
    );
  if (!hasEventTime && needsEventTime(spec, settings))
    throw new UserError('E1205', { where: 'window' }, { hint: 'call .watermark(column, strategy) before' });
  return new WindowedBuilder(stream.node, keys, spec, settings);
}

function runningAggregate(
  stream: StreamBuilder,
  keys: readonly string[],
  aggregates: unknown,
  options: FunctionOptions | undefined,
): StreamBuilder {
  const { uid, onError } = aggregateOptions(options);
  const { schema, calls } = aggregation(stream.node.schema, keys, [], aggregates, uid);
  const stuck = stream.traits.isChangelog ? calls.find((call) => !canRetract(call)) : undefined;
  if (stuck !== undefined) {
    const hint =
      stuck.user === undefined
        ? `${stuck.fn} cannot take a row back; ${RETRACTING} can`
        : `${stuck.name} cannot take a row back; give its definition a retract`;
    throw new UserError('E1211', { where: `'${stuck.name}' of aggregate` }, { hint });
  }
  return new StreamBuilder(
    {
      kind: 'aggregate',
      schema,
      uid,
      input: stream.node,
      keys,
      aggregates: calls,
      takesBack: stream.traits.isChangelog,
      onError: failurePolicy(onError, calls),
    },
    { hasEventTime: false, isChangelog: true },
  );
}

/**
 * Watermarks are made for each split of a source: between the two only steps may stand that tell splits apart (E1214). Rows
 * wait for others where they leave their source, by a column of its own: with align nothing may (E1215).
 */
function requireSplits(node: LogicalNode, aligns = false): void {
  const operator = node.kind === 'side' ? node.of : node;
  const { kind } = operator;
  if (kind === 'source') return;
  if (aligns || !['filter', 'project', 'function', 'split', 'union'].includes(kind)) {
    const step = node.kind === 'side' ? `the side '${node.name}' of ${kind}` : kind;
    const hint = 'call .watermark(...) next to the source';
    throw new UserError(aligns ? 'E1215' : 'E1214', { step }, { hint });
  }
  for (const input of inputsOf(operator)) requireSplits(input);
}

function requireSome(list: readonly unknown[], where: string, what: string): void {
  if (list.length === 0) throw nothingGiven(where, what);
}

function requireFunction(fn: unknown, where: string): void {
  if (typeof fn !== 'function') throw mistake(where, 'given a function of a row', fn);
}
