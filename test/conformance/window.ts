/**
 * Windows: the case's assigner, trigger, evictor, lateness and aggregates become a plan node, which runs as the general
 * operator; and, where kernels can run it, as the kernel operator too. Both must meet every step.
 *
 * Not here: when and what windows fire: that is the operators' alone.
 */
import type { Json } from '../../src/base/json.ts';
import { MAX_TIME, MIN_TIME } from '../../src/base/time.ts';
import type { Field, TableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import type { Row } from '../../src/format/row-view.ts';
import { resultType } from '../../src/plan/aggregates.ts';
import type {
  AggregateCall,
  EvictorSpec,
  TriggerSpec,
  WindowAggregateNode,
  WindowClock,
  WindowSpec,
} from '../../src/plan/logical.ts';
import { boundColumnsOf, runsAsKernel } from '../../src/plan/window-choice.ts';
import { SessionWindow } from '../../src/runtime/operators/session-window.ts';
import { WindowAggregate } from '../../src/runtime/operators/window-aggregate.ts';
import { buildGeneralWindow } from '../../src/runtime/windows/build.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import { NoOutput } from '../support/no-output.ts';
import { wallClockOffset } from '../support/wall-clock.ts';
import {
  type ConformanceCase,
  isObject,
  type JsonObject,
  listOf,
  objectOf,
  type Outcome,
  type Step,
  Unsupported,
} from './case.ts';
import { conduct } from './conduct.ts';
import { Harness, type HarnessParts } from './harness.ts';
import { triggerSpecOf } from './trigger.ts';

const TEXT: ColumnType = { kind: 'utf8', nullable: false };
const INTEGER: ColumnType = { kind: 'int64', nullable: true };
const TIMESTAMP: ColumnType = { kind: 'timestamp', nullable: false };
const GAP = 'gap';

type Way = 'general' | 'general, rows kept' | 'kernel';

export async function window(one: ConformanceCase): Promise<Outcome> {
  const node = nodeOf(one.operator);
  const ways: Way[] = ['general'];
  if (node.evictor === undefined && node.process === undefined && one.operator['changelogInput'] !== true) {
    ways.push('general, rows kept');
  }
  const isPlain = one.operator['lateSideOutput'] !== true || node.window.kind !== 'session';
  if (isPlain && runsAsKernel({ ...node, trigger: undefined }) && isDefault(node.trigger) && !hasRetractions(one)) {
    ways.push('kernel');
  }
  for (const way of ways) {
    const outcome = await run(one, node, way);
    if (outcome.result !== 'pass') return outcome;
  }
  return { result: 'pass' };
}

const isDefault = (trigger: TriggerSpec | undefined): boolean =>
  trigger === undefined || (trigger.kind === 'end' && trigger.clock === 'event time');

const hasRetractions = ({ steps }: ConformanceCase): boolean => steps.some(({ op }) => op === '-D' || op === '-U');

async function run(one: ConformanceCase, node: WindowAggregateNode, way: Way): Promise<Outcome> {
  const { operator } = one;
  const zone = typeof operator['timeZone'] === 'string' ? wallClockOffset(operator['timeZone']) : undefined;
  const keepsAll: EvictorSpec = { kind: 'count', rows: Number.MAX_SAFE_INTEGER, when: 'before' };
  const made = way === 'general, rows kept' ? { ...node, evictor: keepsAll } : node;
  const harness = await Harness.open({
    kind: one.kind,
    inputs: [node.input.schema],
    ports: ['main', 'late'],
    make: (parts) => (way === 'kernel' ? kernelOf(node, parts) : generalOf(made, parts, zone)),
    rowOf: (element, step) => rowOf(element, step, node),
    elementOf: (row, port) => (port === 'late' ? lateElement(row, node) : elementOf(row, operator, zone)),
  });
  const rowtime = operator['rowtimeField'];
  return conduct(one, {
    transcript: harness.transcript,
    metric: (name) => harness.metric(name),
    act: (step) => harness.act(typeof rowtime === 'number' ? withTime(step, rowtime) : step),
  });
}

/** The row's own time field is its event time. */
function withTime(step: Step, field: number): Step {
  if (step['element'] === undefined) return step;
  return { ...step, timestamp: listOf(step['element'], 'element')[field] ?? null };
}

function rowOf(element: Json, { gapMs }: Step, { input }: WindowAggregateNode): readonly Json[] {
  const values = Array.isArray(element) ? element : [element];
  return input.schema.fields.at(-1)?.name === GAP ? [...values, gapMs ?? 0] : values;
}

function generalOf(
  node: WindowAggregateNode,
  { kernels, arena, outputs, now, deadLetter }: HarnessParts,
  zone: ((instant: number) => number) | undefined,
) {
  const [output = NoOutput, late = NoOutput] = outputs;
  return buildGeneralWindow({
    uid: 'window',
    kernels,
    state: new ArenaKeyedState({ kernels, arena, uid: 'window' }),
    output,
    late,
    node,
    now,
    timestamp: (ms) => ms,
    zoneOffset: zone === undefined ? undefined : (_row, instant) => zone(instant),
    deadLetter,
  });
}

function kernelOf(
  node: WindowAggregateNode,
  { kernels, arena, outputs, deadLetter }: HarnessParts,
): WindowAggregate | SessionWindow {
  const [output = NoOutput, late = NoOutput] = outputs;
  return new (node.window.kind === 'session' ? SessionWindow : WindowAggregate)({
    uid: 'window',
    kernels,
    arena,
    output,
    late,
    node,
    deadLetter,
  });
}

function nodeOf(operator: JsonObject): WindowAggregateNode {
  const input = inputOf(operator);
  const keys = keysOf(operator, input);
  const window = windowOf(operator, input);
  const results = operator['emitsUpdates'] === true ? 'retracting' : 'accumulating';
  const evictor = evictorOf(operator['evictor'], input);
  const base = {
    kind: 'windowAggregate' as const,
    uid: 'window',
    input: { kind: 'union' as const, schema: input, inputs: [] },
    keys,
    window,
    allowedLatenessMs: Number(operator['allowedLatenessMs'] ?? 0),
    results: results as WindowAggregateNode['results'],
    // Windows of counted rows fire when they are full, by their own trigger.
    trigger: window.kind === 'count' ? undefined : triggerSpecOf(operator['trigger']),
    evictor,
  };
  const { output } = operator;
  if (output === 'nothing' || output === 'every element of the window, as it came in') {
    const rows = output === 'nothing' ? () => [] : (all: readonly Row[]) => all;
    return { ...base, schema: input, aggregates: [], process: { rows: rows as (rows: never) => Iterable<unknown> } };
  }
  const aggregates = aggregatesOf(operator['aggregate'], input);
  return { ...base, schema: outputSchema(input, keys, window, aggregates), aggregates };
}

function inputOf({ input, assigner }: JsonObject): TableSchema {
  const names = Array.isArray(input) ? input.map(String) : [String(input)];
  const fields: Field[] = names.map((name) => ({ name, type: name === 'key' ? TEXT : INTEGER }));
  const { gap } = objectOf(assigner, 'assigner');
  return { fields: gap === undefined ? fields : [...fields, { name: GAP, type: INTEGER }] };
}

function keysOf({ keyField, keyFields }: JsonObject, { fields }: TableSchema): readonly string[] {
  const indexes = Array.isArray(keyFields) ? keyFields : keyField === undefined ? [] : [keyField];
  return indexes.map((index) => fields[Number(index)]?.name ?? '');
}

const clockOf = (time: Json | undefined): WindowClock => (time === 'processing' ? 'processing time' : 'event time');

function windowOf({ assigner }: JsonObject, input: TableSchema): WindowSpec {
  const spec = objectOf(assigner, 'assigner');
  const clock = clockOf(spec['time']);
  const zone = undefined;
  const offsetMs = Number(spec['offsetMs'] ?? 0);
  const sizeMs = Number(spec['sizeMs'] ?? spec['maxSizeMs']);
  switch (spec['type']) {
    case 'tumbling':
      return { kind: 'tumbling', clock, zone, calendar: undefined, sizeMs, offsetMs };
    case 'sliding':
      return { kind: 'hopping', clock, zone, sizeMs, slideMs: Number(spec['slideMs']), offsetMs };
    case 'cumulative':
      return { kind: 'cumulating', clock, zone, sizeMs, stepMs: Number(spec['stepMs']), offsetMs };
    case 'session':
      return sessionOf(spec, clock, input);
    case 'global':
      return { kind: 'global' };
    case 'count':
      return { kind: 'count', rows: Number(spec['size']), slide: Number(spec['slide'] ?? spec['size']) };
    default:
      throw new Unsupported(`the assigner ${String(spec['type'])}`);
  }
}

function sessionOf(spec: JsonObject, clock: WindowClock, input: TableSchema): WindowSpec {
  const { gap, gapMs, zeroLengthWhen } = spec;
  if (gap !== undefined) {
    return { kind: 'session', clock, gapMs: 0, gapOf: (row: Row) => Number(row[GAP]) };
  }
  if (!isObject(zeroLengthWhen)) return { kind: 'session', clock, gapMs: Number(gapMs) };
  const name = input.fields[Number(zeroLengthWhen['field'])]?.name ?? '';
  const gapOf = (row: Row): number => (row[name] === zeroLengthWhen['equals'] ? 0 : Number(gapMs));
  return { kind: 'session', clock, gapMs: 0, gapOf };
}

function evictorOf(spec: Json | undefined, input: TableSchema): EvictorSpec | undefined {
  if (spec === undefined) return undefined;
  const { type, keep, keepMs, threshold, evictAfter } = objectOf(spec, 'evictor');
  const when = evictAfter === true ? 'after' : 'before';
  const value = input.fields[1]?.name ?? '';
  switch (type) {
    case 'count':
      return { kind: 'count', rows: Number(keep), when };
    case 'time':
      return { kind: 'time', keepMs: Number(keepMs), when };
    case 'delta': {
      const delta = (row: Row, last: Row): number => Number(last[value]) - Number(row[value]);
      return { kind: 'delta', threshold: Number(threshold), delta, when };
    }
    default:
      throw new Unsupported(`the evictor ${String(type)}`);
  }
}

function aggregatesOf(spec: Json | undefined, { fields }: TableSchema): readonly AggregateCall[] {
  const list = Array.isArray(spec) ? spec : [spec];
  return list.map((text) => {
    const match = /^(sum|count|min|max|avg) of (?:field (\d+)|the values)$/.exec(String(text));
    if (match === null) throw new Unsupported(`the aggregate ${JSON.stringify(text)}`);
    const [, fn = ''] = match;
    const column = fields[Number(match[2] ?? 0)]?.name;
    return { name: fn, fn, column: fn === 'count' ? undefined : column, where: undefined };
  });
}

function outputSchema(
  input: TableSchema,
  keys: readonly string[],
  window: WindowSpec,
  aggregates: readonly AggregateCall[],
): TableSchema {
  const bounds = { 'start and end': ['windowStart', 'windowEnd'], number: ['windowId'], none: [] }[
    boundColumnsOf(window)
  ];
  return {
    fields: [
      ...input.fields.filter(({ name }) => keys.includes(name)),
      ...bounds.map((name) => ({
        name,
        type: name === 'windowId' ? ({ kind: 'int64', nullable: false } as const) : TIMESTAMP,
      })),
      ...aggregates.map((call) => ({ name: call.name, type: resultType(call, input, 'the case') })),
    ],
  };
}

const lateElement = (row: Row, { input }: WindowAggregateNode): Json =>
  input.schema.fields.filter(({ name }) => name !== GAP).map(({ name }) => plain(row[name]));

/** A result as the case writes it. */
function elementOf(row: Row, { output, input }: JsonObject, zone: ((instant: number) => number) | undefined): Json {
  const local = (instant: number): number =>
    instant <= MIN_TIME || instant >= MAX_TIME ? instant : instant + (zone?.(instant) ?? 0);
  const field = (name: string): Json => {
    if (name === 'key-sum') return `${String(row['key'])}-${String(row['sum'])}`;
    if (name === 'windowStart' || name === 'windowEnd') return local(Number(row[name]));
    if (name === 'windowTime') return local(Number(row['windowEnd'])) - 1;
    return plain(row[name]);
  };
  if (Array.isArray(output)) return output.map((name) => field(String(name)));
  if (!isObject(output)) return listOf(input, 'input').map((name) => plain(row[String(name)]));
  return Object.fromEntries(
    Object.entries(output).map(([name, of]) => [
      name,
      Array.isArray(of) ? of.map((one) => field(String(one))) : field(String(of)),
    ]),
  );
}

function plain(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value === 'number' || typeof value === 'string') return value;
  throw new Unsupported(`the result ${String(value)}`);
}
