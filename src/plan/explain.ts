/**
 * A logical plan as text: one tree per output, from the sink up to its sources. A node that several read is printed
 * where it is first met and named by its uid afterwards.
 */
import { describeDeduplicate } from './describe-deduplicate.ts';
import { describeSchema } from '../data/schema.ts';
import { formatExpression } from './expression.ts';
import { describeProcess } from './describe-process.ts';
import {
  type AggregateCall,
  type AsyncSpec,
  inputsOf,
  type LogicalNode,
  type LogicalPlan,
  type SplitNode,
} from './logical.ts';
import { describeWatermark } from './describe-watermark.ts';
import { describeEvictor, describeLateness, describeTrigger, describeWindow } from './describe-window.ts';
import { describeReorder } from './reorder.ts';
import { assignUids, type PlanNode } from './uids.ts';

export function explainPlan(plan: LogicalPlan): string {
  const uids = assignUids(plan);
  const shared = sharedNodes(plan);
  const printed = new Set<PlanNode>();
  const lines = [`job '${plan.name}'`];
  const print = (node: PlanNode, depth: number): void => {
    const indent = '  '.repeat(depth);
    if (printed.has(node)) {
      lines.push(`${indent}${node.kind} ${uids.get(node) ?? ''}, as above`);
      return;
    }
    printed.add(node);
    const uid = shared.has(node) || ('uid' in node && node.uid !== undefined) ? ` [${uids.get(node) ?? ''}]` : '';
    lines.push(`${indent}${node.kind}${uid} ${summary(node)}`.trimEnd());
    for (const input of inputsOf(node)) print(input, depth + 1);
  };
  for (const sink of plan.sinks) print(sink, 1);
  return lines.join('\n');
}

/** Nodes that more than one other reads. */
function sharedNodes(plan: LogicalPlan): ReadonlySet<PlanNode> {
  const [seen, shared] = [new Set<PlanNode>(), new Set<PlanNode>()];
  const visit = (node: PlanNode): void => {
    if (seen.has(node)) {
      shared.add(node);
      return;
    }
    seen.add(node);
    for (const input of inputsOf(node)) visit(input);
  };
  for (const sink of plan.sinks) visit(sink);
  return shared;
}

function summary(node: PlanNode): string {
  switch (node.kind) {
    case 'source':
      return `${node.label}: ${describeSchema(node.schema)}`;
    case 'watermark':
      return describeWatermark(node);
    case 'filter':
      return formatExpression(node.condition);
    case 'split':
      return describeBranches(node);
    case 'project':
      return node.columns.map(describeColumn).join('; ');
    case 'function':
      return node.does === 'filter' ? 'filter' : `${node.does} -> ${describeSchema(node.schema)}`;
    case 'deduplicate':
      return describeDeduplicate(node);
    case 'reorder':
      return describeReorder(node.keys, node.spec);
    case 'process':
      return `${describeProcess(node)} -> ${describeSchema(node.schema)}`;
    case 'async':
      return describeAsync(node.spec);
    case 'windowAggregate':
      return `${describeKeys(node.keys)}${describeWindow(node.window)}${describeLateness(node.allowedLatenessMs, node.results)}${describeTrigger(node.trigger)}${describeEvictor(node.evictor)}: ${node.process === undefined ? describeCalls(node.aggregates) : 'a function of all rows'}`;
    case 'aggregate':
      return `${describeKeys(node.keys)}changelog: ${describeCalls(node.aggregates)}`;
    case 'side':
      return node.name;
    case 'union':
      return describeSchema(node.schema);
    case 'sink':
      return `${node.label}: ${describeSchema(node.input.schema)}`;
  }
}

/** 'big: amount > 100, small: amount > 10, otherwise' */
export const describeBranches = ({ branches }: SplitNode): string =>
  [...branches.map(({ name, condition }) => `${name}: ${formatExpression(condition)}`), 'otherwise'].join(', ');

/** 'in order of input, at most 100 under way, 30 s each' */
export function describeAsync({ order, capacity, timeoutText, retries, onFailure }: AsyncSpec): string {
  const retried = retries === 0 ? '' : `, ${retries} ${retries === 1 ? 'retry' : 'retries'}`;
  const failing = onFailure === 'fail' ? '' : ', failures to the dead letters';
  return `in order of ${order}, at most ${capacity} under way, ${timeoutText} each${retried}${failing}`;
}

function describeColumn(column: Extract<LogicalNode, { kind: 'project' }>['columns'][number]): string {
  const text = formatExpression(column.expression);
  return text === column.name ? text : `${column.name} = ${text}`;
}

const describeKeys = (keys: readonly string[]): string => (keys.length === 0 ? '' : `by ${keys.join(', ')}, `);

function describeCalls(calls: readonly AggregateCall[]): string {
  return calls
    .map(
      ({ name, fn, column, by, options, where }) =>
        `${name} = ${fn}(${[column ?? [], by ?? [], options ?? []].flat().join(', ')})${where === undefined ? '' : ` where ${formatExpression(where)}`}`,
    )
    .join('; ');
}
