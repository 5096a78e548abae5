/**
 * The physical plan: the nodes of a job in the order in which they run, each with its uid, its inputs and what it needs.
 * Plain data apart from connectors and user functions; deployment (runtime/deployment.ts) makes operators of it.
 *
 * Invariants
 *  1. Topological order: a node stands after its inputs. A logical node used twice stands once.
 *  2. One watermark at most aligns a source, and it reads the source itself.
 *  3. `columns` of a source are those that something above it reads; the others are checked as text and never made.
 */
import { UserError } from '../base/errors.ts';
import { indexOfColumn } from '../data/schema.ts';
import { columnsOf } from './expression.ts';
import { inputsOf, type LogicalNode, type LogicalPlan, type SinkNode } from './logical.ts';
import { assignUids } from './uids.ts';
import { columnsReadBy } from './window-choice.ts';

/** Side nodes are not operators: they are further ports of theirs. */
export type PhysicalOperator = Exclude<LogicalNode, { kind: 'side' }> | SinkNode;

export interface PhysicalInput {
  /** Index into `nodes`. */
  readonly from: number;
  /** 0: the main output. From 1 on: what the node puts out beside it (SideNode). */
  readonly port: number;
}

export interface PhysicalNode {
  readonly uid: string;
  readonly operator: PhysicalOperator;
  readonly inputs: readonly PhysicalInput[];
  /** Columns of its output that something above reads. */
  readonly columns: ReadonlySet<string>;
}

export interface PhysicalPlan {
  readonly name: string;
  readonly nodes: readonly PhysicalNode[];
}

type AnyNode = LogicalNode | SinkNode;

export function physicalPlan(plan: LogicalPlan): PhysicalPlan {
  const order = topologicalOrder(plan);
  const uids = assignUids(plan);
  const columns = requiredColumns(order);
  const operators = order.filter((node): node is PhysicalOperator => node.kind !== 'side');
  const indexes = new Map<AnyNode, number>(operators.map((node, index) => [node, index]));
  const inputOf = (input: LogicalNode): PhysicalInput => {
    const operator = input.kind === 'side' ? input.of : input;
    return { from: indexes.get(operator) ?? -1, port: input.kind === 'side' ? input.port : 0 };
  };
  const nodes = operators.map((operator) => ({
    uid: uids.get(operator) ?? '',
    operator,
    inputs: inputsOf(operator).map(inputOf),
    columns: columns.get(operator) ?? new Set<string>(),
  }));
  requireOneAlignment(nodes);
  return { name: plan.name, nodes };
}

/** A source is held back by one group: for two it would have to wait in two orders of time (E1215). */
function requireOneAlignment(nodes: readonly PhysicalNode[]): void {
  const aligned = nodes.flatMap(({ operator }) =>
    operator.kind === 'watermark' && operator.align !== undefined ? [operator.input] : [],
  );
  if (new Set(aligned).size < aligned.length) throw new UserError('E1215', { step: 'a source for two watermarks' });
}

/** Each node once, after everything that it reads from. */
function topologicalOrder(plan: LogicalPlan): readonly AnyNode[] {
  const order: AnyNode[] = [];
  const seen = new Set<AnyNode>();
  const visit = (node: AnyNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    inputsOf(node).forEach(visit);
    order.push(node);
  };
  plan.sinks.forEach(visit);
  return order;
}

/** For each node the columns of its output that are read: from the sinks down. */
function requiredColumns(order: readonly AnyNode[]): ReadonlyMap<AnyNode, ReadonlySet<string>> {
  const required = new Map<AnyNode, Set<string>>(order.map((node) => [node, new Set<string>()]));
  for (const node of [...order].reverse()) {
    const own = required.get(node) ?? new Set<string>();
    // Late rows are rows of what the aggregate reads, whatever it makes of them.
    for (const input of inputsOf(node.kind === 'side' ? node.of : node)) {
      const needed = required.get(input);
      for (const name of readsOf(node, own, input)) needed?.add(name);
    }
  }
  return required;
}

/** Columns that a node reads of one of its inputs, given those that are read of its output. */
function readsOf(node: AnyNode, output: ReadonlySet<string>, input: LogicalNode): Iterable<string> {
  switch (node.kind) {
    case 'source':
      return [];
    case 'sink':
    case 'function':
    case 'process':
    case 'async':
    case 'deduplicate':
    case 'reorder':
      return input.schema.fields.map((field) => field.name);
    case 'watermark':
      // A user's function sees the whole row.
      if (node.strategy.kind === 'punctuated' || node.strategy.kind === 'custom')
        return node.input.schema.fields.map((field) => field.name);
      return [...output, node.column];
    case 'filter':
      return [...output, ...columnsOf(node.condition)];
    case 'split':
      return [...output, ...node.branches.flatMap(({ condition }) => [...columnsOf(condition)])];
    case 'project':
      return node.columns.flatMap(({ expression }) => [...columnsOf(expression)]);
    case 'windowAggregate':
      return columnsReadBy(node);
    case 'aggregate':
      return [
        ...node.keys,
        ...node.aggregates.flatMap(({ column, by, where }) => [
          ...(column === undefined ? [] : [column]),
          ...(by === undefined ? [] : [by]),
          ...(where === undefined ? [] : columnsOf(where)),
        ]),
      ];
    case 'union':
      return output;
    case 'side':
      return [...output].filter((name) => indexOfColumn(input.schema, name) >= 0);
  }
}

/** The nodes that read from node `index`, with the input number that each reads on. */
export function readersOf(
  plan: PhysicalPlan,
  index: number,
  port: number,
): readonly { readonly node: number; readonly input: number }[] {
  return plan.nodes.flatMap(({ inputs }, node) =>
    inputs.flatMap((input, i) => (input.from === index && input.port === port ? [{ node, input: i }] : [])),
  );
}

/** Output ports of node `index`: the main one, and those up to the last that something reads. */
export function portsOf(plan: PhysicalPlan, index: number): number {
  const read = plan.nodes.flatMap(({ inputs }) => inputs.filter(({ from }) => from === index).map(({ port }) => port));
  return 1 + Math.max(0, ...read);
}

/** Indexes of all sources that feed a node. */
export function sourcesOf(plan: PhysicalPlan, index: number): readonly number[] {
  const node = plan.nodes[index];
  if (node === undefined) return [];
  if (node.operator.kind === 'source') return [index];
  return [...new Set(node.inputs.flatMap(({ from }) => sourcesOf(plan, from)))].sort((a, b) => a - b);
}
