/**
 * Cases of kind `timers`: the case's small program as a function with state, on the operator that runs such functions.
 *
 *   emit text | timer, deleteTimer: event | processing at a time or 'now+n' | setState, clearState | ifStateEmpty .. else
 *
 * `now` is the watermark for timers of event time, and the clock for those of processing time.
 */
import type { Json } from '../../src/base/json.ts';
import { processingTimeOf } from '../../src/api/time.ts';
import {
  collect,
  collection,
  eventTime,
  from,
  json,
  monotonous,
  schema,
  timestamp,
  utf8,
  value,
} from '../../src/index.ts';
import { eventTimeHook, physicalPlanOf } from '../../src/platform.ts';
import type { ProcessNode } from '../../src/plan/logical.ts';
import { Process } from '../../src/runtime/operators/process.ts';
import type { Process as ProcessSpec } from '../../src/index.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import {
  type ConformanceCase,
  type Driver,
  isObject,
  type JsonObject,
  listOf,
  objectOf,
  type Step,
  Unsupported,
} from './case.ts';
import { timeOf } from './compare.ts';
import { conduct } from './conduct.ts';
import { Harness } from './harness.ts';

const Input = schema({ key: utf8(), value: json(), at: timestamp().nullable() });
const Output = schema({ value: json() });

type Functions = ProcessSpec<
  { key: utf8; value: json; at: timestamp | null },
  'key',
  { memory: ReturnType<typeof memory> },
  { value: json },
  'timer',
  object,
  'event time'
>;
type Context = Parameters<Functions['row']>[1];

const memory = () => value(utf8());
const stream = () => from(collection(Input, [])).add((f) => ({ time: f.at.orElse(eventTime(new Date(0))) }));

/** What the program of a case says, as a function of a row or of a timer. */
type Program = (
  context: Context,
  row: { readonly value: Json; readonly at: { epochMs: number } | null } | undefined,
) => void;

function programOf(instructions: Json | undefined): Program {
  const steps =
    instructions === undefined
      ? []
      : listOf(instructions, 'a program').map((one) => instructionOf(objectOf(one, 'a step')));
  return (context, row) => {
    for (const step of steps) step(context, row);
  };
}

const KNOWN = new Set(['emit', 'type', 'timer', 'deleteTimer', 'at', 'setState', 'clearState', 'ifStateEmpty', 'else']);

function instructionOf(one: JsonObject): Program {
  const unknown = Object.keys(one).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw new Unsupported(`the instruction ${unknown}`);
  const { emit, timer, deleteTimer, at = null, setState, clearState, ifStateEmpty } = one;
  if (emit !== undefined) {
    return (context, row) => {
      const made = typeof emit === 'string' ? filled(emit, context, row) : emit;
      context.emit({ value: one['type'] === 'number' ? Number(made) : made });
    };
  }
  if (timer !== undefined) return (context) => setTimer(context, String(timer), at, false);
  if (deleteTimer !== undefined) return (context) => setTimer(context, String(deleteTimer), at, true);
  if (setState !== undefined) return (context, row) => context.state.memory.set(filled(String(setState), context, row));
  if (clearState !== undefined) return (context) => context.state.memory.clear();
  if (ifStateEmpty === undefined) throw new Unsupported(`an instruction ${JSON.stringify(one)}`);
  const [then, otherwise] = [programOf(ifStateEmpty), programOf(one['else'])];
  return (context, row) => (context.state.memory.get() === undefined ? then : otherwise)(context, row);
}

function filled(text: string, context: Context, row: Parameters<Program>[1]): string {
  return text.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    switch (name) {
      case 'value':
        return String(row?.value);
      case 'key':
        return context.key.key;
      case 'state':
        return String(context.state.memory.get());
      case 'watermark':
        return String(context.watermark.epochMs);
      case 'timestamp':
        return String(row?.at?.epochMs);
      default:
        throw new Unsupported(`{${name}} in a text`);
    }
  });
}

function setTimer({ timers, watermark, now }: Context, clock: string, at: Json, isDeleted: boolean): void {
  const [, after] = /^now\+(\d+)$/.exec(String(at)) ?? [];
  if (clock === 'event') {
    const instant = eventTime(new Date(after === undefined ? timeOf(at) : watermark.epochMs + Number(after)));
    if (isDeleted) timers.deleteEventTime(instant, 'timer');
    else timers.eventTime(instant, 'timer');
  } else {
    const instant = processingTimeOf(after === undefined ? timeOf(at) : now.epochMs + Number(after));
    if (isDeleted) timers.deleteProcessingTime(instant, 'timer');
    else timers.processingTime(instant, 'timer');
  }
}

function nodeOf({ operator }: ConformanceCase): ProcessNode {
  const given = objectOf(operator['function'], 'the function');
  const [both, ofEvent, ofProcessing] = ['onTimer', 'onEventTimer', 'onProcessingTimer'].map((name) =>
    programOf(given[name]),
  );
  const common = {
    uid: 'timers',
    state: { memory: memory() },
    timers: ['timer'] as const,
    timer(context: Parameters<NonNullable<Functions['timer']>>[0]): void {
      both?.(context, undefined);
      (context.clock === 'event time' ? ofEvent : ofProcessing)?.(context, undefined);
    },
  };
  const [one, left, right] = ['onElement', 'onElement1', 'onElement2'].map((name) => programOf(given[name]));
  const rowOf = (program: Program | undefined) => (row: Parameters<Functions['row']>[0], context: Context) =>
    program?.(context, row);
  const keyed = () => stream().watermark('time', monotonous()).keyBy('key');
  const processed =
    operator['type'] === 'process'
      ? keyed().process({ ...common, row: rowOf(one) }, { out: Output })
      : keyed()
          .connect(keyed())
          .process({ ...common, left: rowOf(left), right: rowOf(right) }, { out: Output });
  const found = physicalPlanOf(processed.to(collect()), 'timers').nodes.find((node) => node.uid === 'timers')?.operator;
  if (found?.kind !== 'process') throw new TypeError('no function with state in the plan');
  return found;
}

const rowOf = (element: Json, { timestamp: at }: Step): readonly Json[] => {
  if (isObject(element) || Array.isArray(element)) throw new Unsupported('an element of several values');
  const time = at === undefined ? null : timeOf(at);
  return [String(element), JSON.stringify(element), time, time ?? 0];
};

export const timers: Driver = async (one) => {
  const type = String(one.operator['type']);
  if (type !== 'process' && type !== 'process, two inputs') throw new Unsupported(`an operator ${type}`);
  const node = nodeOf(one);
  const harness = await Harness.open({
    kind: one.kind,
    inputs: node.inputs.map((input) => input.node.schema),
    make: ({ kernels, arena, outputs, now, deadLetter }) =>
      new Process({
        uid: 'timers',
        kernels,
        node,
        state: new ArenaKeyedState({ kernels, arena, uid: 'timers' }),
        broadcast: undefined,
        aging: undefined,
        outputs,
        timestamp: eventTimeHook,
        now,
        deadLetter,
      }),
    rowOf,
    // What the program emitted.
    elementOf: (row) => row['value'] as Json,
  });
  return conduct(one, harness);
};
