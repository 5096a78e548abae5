/**
 * Functions with state into nodes of a plan, with the checks that the types of process.ts make in TypeScript repeated
 * for users of JavaScript.
 */
import { UserError } from '../base/errors.ts';
import { type TableSchema, tableSchema } from '../data/schema.ts';
import { describeType } from '../data/types.ts';
import type { LogicalNode, ProcessInput, ProcessNode } from '../plan/logical.ts';
import type { OnError, StateSpec } from '../plan/process.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { requireKnownOptions, uidOf } from './options.ts';
import { tableOf } from './schema.ts';
import { statesOf } from './state.ts';
import { eventTimeOf, processingTimeOf } from './time.ts';
import type { Traits } from './traits.ts';

/** One side of a function: its stream, its key, and the name under which the user gives its function. */
export interface Side {
  readonly node: LogicalNode;
  readonly traits: Traits;
  /** Undefined: broadcast. */
  readonly keys: readonly string[] | undefined;
  readonly name: 'row' | 'left' | 'right' | 'broadcast';
}

const COMMON = ['uid', 'state', 'timers', 'timer', 'sides', 'onError', 'onExpire'];
const EVENT_TIME = { hint: 'call .watermark(column, strategy) before' };

/** The node of a process. `broadcast` are the states that the broadcast side declared. */
export function processNode(
  inputs: readonly Side[],
  broadcast: readonly StateSpec[],
  spec: unknown,
  options: unknown,
): ProcessNode {
  if (!isRecord(spec)) throw mistake('process', "an object with a function named 'row'", spec);
  requireKnownOptions(spec, [...COMMON, ...inputs.map(({ name }) => name)], 'process');
  requireKnownOptions(options, ['out'], 'the second argument of process');
  const schema = tableOf(isRecord(options) ? options['out'] : undefined, 'out of process');
  for (const { traits } of inputs) {
    if (traits.isChangelog) throw new UserError('E1211', { where: 'process' });
  }
  const [first] = inputs;
  const hasEventTime = inputs.every(({ traits, keys }) => traits.hasEventTime || keys === undefined);
  const states = statesOf(spec['state'], 'state of process');
  requireApart(states, broadcast);
  requireClock(states, hasEventTime);
  const node: ProcessNode = {
    kind: 'process',
    schema,
    // requireKnownOptions has refused what is no record; uidOf checks the value.
    uid: uidOf({ uid: spec['uid'] } as { uid?: string }, 'process'),
    inputs: inputs.map((side) => inputOf(side, spec[side.name])),
    key: first === undefined ? tableSchema([]) : keySchema(first),
    states,
    broadcast,
    timers: timersOf(spec['timers']),
    timer: spec['timer'] === undefined ? undefined : functionOf(spec['timer'], 'timer'),
    onExpire: onExpireOf(spec['onExpire'], states),
    sides: sidesOf(spec['sides']),
    hasEventTime,
    onError: onErrorOf(spec['onError'], 'process'),
    clocks: { eventTime: eventTimeOf, processingTime: processingTimeOf },
  };
  requireSameKeys(inputs);
  return node;
}

export function onErrorOf(given: unknown, where: string): OnError {
  if (given === undefined || given === 'fail') return 'fail';
  if (given === 'dead letter') return given;
  throw mistake(`onError of ${where}`, "'fail' or 'dead letter'", given);
}

const inputOf = ({ node, keys, traits, name }: Side, run: unknown): ProcessInput => ({
  node,
  keys,
  hasEventTime: traits.hasEventTime,
  run: functionOf(run, name),
});

function functionOf(given: unknown, name: string): (...args: never[]) => unknown {
  if (typeof given !== 'function') throw mistake(`'${name}' of process`, 'a function', given);
  // What it takes is checked by the compiler; in JavaScript it takes what comes.
  return given as (...args: never[]) => unknown;
}

const keySchema = ({ node, keys = [] }: Side): TableSchema =>
  tableSchema(keys.flatMap((key) => node.schema.fields.filter(({ name }) => name === key)));

/** The bytes of a key must mean the same on both sides. */
function requireSameKeys(inputs: readonly Side[]): void {
  const [left, right] = inputs;
  if (left === undefined || right?.keys === undefined) return;
  const [ours, theirs] = [keySchema(left).fields, keySchema(right).fields];
  if (ours.length !== theirs.length) {
    throw mistake('the key of connect', `${ours.length} columns, as on the left`, `${theirs.length} columns`);
  }
  ours.forEach(({ name, type }, i) => {
    const other = theirs[i];
    if (other === undefined || (other.type.kind === type.kind && other.type.unit === type.unit)) return;
    throw new UserError('E1204', {
      column: other.name,
      type: describeType(other.type),
      where: 'connect',
      needs: `${describeType(type)}, the type of '${name}' on the left`,
    });
  });
}

function requireApart(states: readonly StateSpec[], broadcast: readonly StateSpec[]): void {
  for (const { name } of states) {
    if (broadcast.some((other) => other.name === name)) {
      throw mistake(`'${name}' of state`, 'another name than that of a broadcast state', name);
    }
  }
}

function requireClock(states: readonly StateSpec[], hasEventTime: boolean): void {
  const timed = states.find(({ expiry }) => expiry?.clock === 'event time');
  if (timed !== undefined && !hasEventTime)
    throw new UserError('E1205', { where: `ttl of '${timed.name}'` }, EVENT_TIME);
}

function onExpireOf(given: unknown, states: readonly StateSpec[]): ProcessNode['onExpire'] {
  if (given === undefined) return undefined;
  const untimely = states.find(({ expiry }) => expiry?.clock === 'processing time');
  if (untimely !== undefined) {
    throw mistake(`clock of '${untimely.name}'`, "'event time' where there is an onExpire", 'processing time');
  }
  if (!states.some(({ expiry }) => expiry !== undefined)) {
    throw mistake('onExpire of process', 'given with a state that has a ttl', 'without one');
  }
  return functionOf(given, 'onExpire');
}

function timersOf(given: unknown): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw mistake('timers of process', 'an array of names', given);
  return given.map((name: unknown, i) => {
    if (typeof name !== 'string' || name === '') throw mistake('a name of timers', 'text', name);
    if (given.indexOf(name) !== i) throw mistake('timers of process', 'names that differ', name);
    return name;
  });
}

function sidesOf(given: unknown): ProcessNode['sides'] {
  if (given === undefined) return [];
  if (!isRecord(given)) throw mistake('sides of process', 'an object of schemas', given);
  return Object.entries(given).map(([name, declared]) => ({ name, schema: tableOf(declared, `side '${name}'`) }));
}
