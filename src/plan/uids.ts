/**
 * Names for the state of every node of a plan. Those given by the user stand; the others are derived from what a node
 * does and what it reads, so that they survive whatever does not change that.
 *
 * Invariants
 *  1. Every node has a uid, and no two have the same. Two explicit ones that are equal are the user's mistake (E1209).
 *  2. A derived uid depends on the node and the nodes above it, up to the nearest explicit uids. Adding, removing or
 *     reordering other branches changes nothing.
 *  3. Nodes that are equal in this sense are told apart by what reads them, and by their order in the plan only when
 *     that is equal too.
 */
import { UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { describeDeduplicate } from './describe-deduplicate.ts';
import { describeSchema } from '../data/schema.ts';
import { type Expression, formatExpression } from './expression.ts';
import { describeState } from './describe-process.ts';
import { describeReorder } from './reorder.ts';
import { describeEvictor, describeTrigger, describeWindow } from './describe-window.ts';
import {
  type AggregateCall,
  inputsOf,
  type LogicalNode,
  type LogicalPlan,
  type SinkNode,
  type WatermarkStrategy,
  type WindowAggregateNode,
} from './logical.ts';

export type PlanNode = LogicalNode | SinkNode;

/** The uid of every node of a plan. Nodes come in the order in which they run: inputs before what reads them. */
export function assignUids(plan: LogicalPlan): ReadonlyMap<PlanNode, string> {
  const nodes = nodesOf(plan);
  const paths = new Map<PlanNode, string>();
  for (const node of nodes) paths.set(node, pathOf(node, paths));
  const uids = new Map<PlanNode, string>();
  const taken = new Set<string>();
  for (const node of nodes) {
    const uid = explicitUid(node);
    if (uid === undefined) continue;
    if (taken.has(uid)) throw new UserError('E1209', { uid }, { hint: 'give each operator a uid of its own' });
    taken.add(uid);
    uids.set(node, uid);
  }
  for (const twins of byPath(
    nodes.filter((node) => !uids.has(node)),
    paths,
  ))
    nameTwins(twins, nodes, paths, uids, taken);
  return new Map(nodes.map((node) => [node, uids.get(node) ?? '']));
}

/** All nodes, inputs before their readers, each once. */
export function nodesOf(plan: LogicalPlan): readonly PlanNode[] {
  const nodes = new Set<PlanNode>();
  const visit = (node: PlanNode): void => {
    if (nodes.has(node)) return;
    for (const input of inputsOf(node)) visit(input);
    nodes.add(node);
  };
  for (const sink of plan.sinks) visit(sink);
  return [...nodes];
}

const explicitUid = (node: PlanNode): string | undefined => ('uid' in node ? node.uid : undefined);

/** Equal for nodes that do the same to the same. */
function pathOf(node: PlanNode, paths: ReadonlyMap<PlanNode, string>): string {
  const uid = explicitUid(node);
  if (uid !== undefined) return hash(JSON.stringify(['uid', uid]));
  const inputs = inputsOf(node).map((input) => paths.get(input) ?? '');
  return hash(JSON.stringify([node.kind, node.kind === 'union' ? inputs.sort() : inputs, describeNode(node)]));
}

/** What a node does, apart from what it reads. */
function describeNode(node: PlanNode): Json {
  switch (node.kind) {
    case 'source':
      return [node.label, describeSchema(node.schema)];
    case 'watermark':
      return [node.column, describeStrategy(node.strategy)];
    case 'filter':
      return describeExpression(node.condition);
    case 'split':
      return node.branches.map(({ condition }) => describeExpression(condition));
    case 'project':
      return node.columns.map(({ name, expression }) => [name, describeExpression(expression)]);
    case 'function':
      return [node.does, describeSchema(node.schema)];
    case 'deduplicate':
      return describeDeduplicate(node);
    case 'reorder':
      return describeReorder(node.keys, node.spec);
    case 'process':
      return [
        node.inputs.map(({ keys }) => (keys === undefined ? null : [...keys])),
        describeSchema(node.schema),
        [...node.states, ...node.broadcast].map(describeState),
        [...node.timers],
        node.sides.map(({ name, schema }) => [name, describeSchema(schema)]),
      ];
    case 'async':
      return [node.spec.order, describeSchema(node.schema)];
    case 'windowAggregate':
      return [[...node.keys], describeWindow(node.window), node.aggregates.map(describeCall), ...describeLate(node)];
    case 'aggregate':
      return [[...node.keys], node.aggregates.map(describeCall)];
    case 'sink':
      return node.label;
    case 'union':
      return null;
    case 'side':
      return node.port;
  }
}

const describeLate = ({
  allowedLatenessMs,
  results,
  trigger,
  evictor,
  process,
  schema,
}: WindowAggregateNode): Json[] => [
  ...(allowedLatenessMs === 0 && results === 'accumulating' ? [] : [allowedLatenessMs, results]),
  ...[describeTrigger(trigger), describeEvictor(evictor)].filter((text) => text !== ''),
  ...(process === undefined ? [] : [describeSchema(schema)]),
];

/** Frozen like the hash: functions have no description. */
function describeStrategy(strategy: WatermarkStrategy): Json {
  return strategy.kind === 'punctuated' || strategy.kind === 'custom' ? { kind: strategy.kind } : { ...strategy };
}

const describeExpression = (expression: Expression): Json => [formatExpression(expression), expression.type.kind];

const describeCall = (call: AggregateCall): Json => [
  call.name,
  call.fn,
  call.column ?? null,
  call.where === undefined ? null : describeExpression(call.where),
  call.options ?? null,
  ...(call.by === undefined ? [] : [call.by]),
  ...(call.user === undefined ? [] : [describeSchema(call.user.accumulator)]),
];

function byPath(nodes: readonly PlanNode[], paths: ReadonlyMap<PlanNode, string>): Iterable<readonly PlanNode[]> {
  const groups = new Map<string, PlanNode[]>();
  for (const node of nodes) {
    const path = paths.get(node) ?? '';
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [node]);
    else group.push(node);
  }
  return groups.values();
}

/** Names nodes with one path: the first by it alone, further ones numbered (invariant 3). */
function nameTwins(
  twins: readonly PlanNode[],
  nodes: readonly PlanNode[],
  paths: ReadonlyMap<PlanNode, string>,
  uids: Map<PlanNode, string>,
  taken: Set<string>,
): void {
  const ordered =
    twins.length === 1
      ? twins
      : twins
          .map((node) => ({ node, readers: readersOf(node, nodes, paths) }))
          .sort((a, b) => (a.readers < b.readers ? -1 : a.readers > b.readers ? 1 : 0))
          .map(({ node }) => node);
  for (const node of ordered) {
    const name = `${node.kind}-${paths.get(node) ?? ''}`;
    let uid = name;
    for (let number = 2; taken.has(uid); number++) uid = `${name}-${number}`;
    taken.add(uid);
    uids.set(node, uid);
  }
}

/** What happens below a node, as text that does not depend on the order of branches. */
function readersOf(node: PlanNode, nodes: readonly PlanNode[], paths: ReadonlyMap<PlanNode, string>): string {
  const readers = nodes.filter((reader) => inputsOf(reader).some((input) => input === node));
  return readers
    .map((reader) => `${paths.get(reader) ?? ''}(${readersOf(reader, nodes, paths)})`)
    .sort()
    .join();
}

/** 48 bits of two FNV-1a hashes with different starts, in hexadecimal. Frozen: uids stand in checkpoints. */
function hash(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let [low, high] = [0x811c9dc5, 0x9747b28c];
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x01000193);
  }
  const hex = (value: number, digits: number): string => (value >>> 0).toString(16).padStart(8, '0').slice(0, digits);
  return hex(mix(high), 4) + hex(mix(low), 8);
}

/** The last step of MurmurHash3: every bit of the input changes half of the output. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
