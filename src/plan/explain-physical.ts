/** The physical plan as text: one operator a line with its uid, what it reads, and what its state costs. */
import { describeDeduplicate } from './describe-deduplicate.ts';
import { describeProcess } from './describe-process.ts';
import { describeWatermarkFully } from './describe-watermark.ts';
import { describeEvictor, describeTrigger, describeWindow } from './describe-window.ts';
import { describeAsync, describeBranches } from './explain.ts';
import { chooseWindow } from './window-choice.ts';
import { formatExpression } from './expression.ts';
import { formatBytes } from '../base/bytes.ts';
import { FUTURE_PORT, LATE_PORT, type WindowAggregateNode } from './logical.ts';
import { describeReorder, REORDER_PORTS } from './reorder.ts';
import type { PhysicalNode, PhysicalOperator, PhysicalPlan } from './physical.ts';

export const KEY_GROUPS = 128;

export function explainPhysical(plan: PhysicalPlan): string {
  const lines = [`job ${plan.name}  (${KEY_GROUPS} key groups, one task)`];
  plan.nodes.forEach((node, index) => lines.push(`${String(index).padStart(3)}  ${describe(plan, node)}`));
  return lines.join('\n');
}

function describe(plan: PhysicalPlan, node: PhysicalNode): string {
  const inputs = node.inputs.map(({ from, port }) => `${from}${sideOf(plan, from, port)}`).join(', ');
  const reads = inputs === '' ? '' : ` <- ${inputs}`;
  const changelog = isChangelog(plan, node) ? 'inserts, updates and deletes' : 'inserts only';
  const mode = node.operator.kind === 'sink' ? '' : `  [${changelog}]`;
  return `${node.operator.kind} ${node.uid}${reads}${mode}\n       ${details(node)}`;
}

/** What a port beside the results is called. */
function sideOf(plan: PhysicalPlan, from: number, port: number): string {
  const operator = plan.nodes[from]?.operator;
  const kind = operator?.kind;
  if (operator?.kind === 'split') return `.${operator.branches[port - 1]?.name ?? 'otherwise'}`;
  if (kind === 'reorder' && port > 0) return `.${REORDER_PORTS[port] ?? ''}`;
  if (port !== LATE_PORT && port !== FUTURE_PORT) return '';
  return kind === 'watermark' ? '.future' : '.late';
}

/** Whether rows of a node may take earlier ones back. */
function isChangelog(plan: PhysicalPlan, node: PhysicalNode): boolean {
  if (node.operator.kind === 'aggregate') return true;
  if (node.operator.kind === 'windowAggregate') return node.operator.results === 'retracting';
  return node.inputs.some(({ from }) => {
    const input = plan.nodes[from];
    return input !== undefined && isChangelog(plan, input);
  });
}

function details({ operator, columns }: PhysicalNode): string {
  switch (operator.kind) {
    case 'source':
      return `${operator.label}; columns made: ${[...columns].join(', ') || 'none'}; ${operator.connector.live ? 'live' : 'replayable'}`;
    case 'watermark':
      return describeWatermarkFully(operator);
    case 'filter':
      return formatExpression(operator.condition);
    case 'split':
      return describeBranches(operator);
    case 'project':
      return operator.columns.map(({ name, expression }) => `${name} = ${formatExpression(expression)}`).join(', ');
    case 'function':
      return `${operator.does} by a user function (JavaScript, row by row)`;
    case 'deduplicate':
      return describeDeduplicate(operator);
    case 'reorder':
      return describeReorder(operator.keys, operator.spec);
    case 'process':
      return `${describeProcess(operator)} by a user function (JavaScript, row by row)`;
    case 'async':
      return `asynchronous user function, ${describeAsync(operator.spec)}`;
    case 'windowAggregate':
      return describeWindowOperator(operator);
    case 'aggregate':
      return aggregation(operator);
    case 'union':
      return `${operator.inputs.length} inputs`;
    case 'sink':
      return operator.label;
    default:
      return unreachable(operator);
  }
}

function unreachable(operator: never): string {
  return JSON.stringify(operator satisfies PhysicalOperator);
}

function aggregation({ keys, aggregates }: Pick<WindowAggregateNode, 'keys' | 'aggregates'>): string {
  const calls = aggregates.map(
    ({ name, fn, column, where }) =>
      `${name} = ${fn}(${column ?? ''})${where === undefined ? '' : ` where ${formatExpression(where)}`}`,
  );
  return `by ${keys.join(', ') || 'nothing'}: ${calls.join(', ')}`;
}

/** What a window computes and with which operator, and why that one. */
function describeWindowOperator(node: WindowAggregateNode): string {
  const { window, trigger, evictor, process } = node;
  const makes =
    process === undefined ? aggregation(node) : `by ${node.keys.join(', ') || 'nothing'}: a user function (JavaScript)`;
  const { operator, because } = chooseWindow(node);
  const runs = operator === 'kernel' ? `kernel; state: ${stateOf(node)}` : `row by row, because ${because ?? ''}`;
  return `${makes}; ${describeWindow(window)}${describeTrigger(trigger)}${describeEvictor(evictor)}; ${runs}`;
}

/** Bytes for each live entry, as an estimate: key, count and accumulators at the usual load. */
function stateOf({ keys, aggregates, window }: WindowAggregateNode): string {
  const accumulators = aggregates.reduce((sum, { fn }) => sum + (ACCUMULATOR_BYTES[fn] ?? 16), 0);
  const entry = (keys.length === 0 ? 8 : keys.length === 1 ? 16 : 32) + accumulators;
  const slices = window.kind === 'hopping' ? Math.ceil(window.sizeMs / window.slideMs) : 1;
  return `about ${formatBytes(Math.round(entry / 0.75))} a key and slice, ${slices} live ${slices === 1 ? 'slice' : 'slices'}`;
}

const ACCUMULATOR_BYTES: { readonly [fn: string]: number } = {
  count: 0,
  sum: 16,
  min: 16,
  max: 16,
  avg: 24,
  stddev: 32,
};
