/**
 * Which operator a window becomes: kernels over slices for what is aligned and fires at its end, the general operator
 * (row by row) for everything else.
 *
 * Invariant: where both can run a window they give the same results; the choice is one of speed alone.
 */
import { grows } from './aggregates.ts';
import { columnsOf } from './expression.ts';
import type { WindowAggregateNode, WindowSpec } from './logical.ts';

export interface WindowChoice {
  readonly operator: 'kernel' | 'general';
  /** Why it is not a kernel, for explanations; undefined when it is. */
  readonly because: string | undefined;
}

const KERNEL: WindowChoice = { operator: 'kernel', because: undefined };
const general = (because: string): WindowChoice => ({ operator: 'general', because });

/** What a window becomes. Kernels do those kinds whose names are in `kernelKinds`. */
export function chooseWindow(
  node: WindowAggregateNode,
  kernelKinds: readonly WindowSpec['kind'][] = ['tumbling', 'hopping', 'cumulating', 'session'],
): WindowChoice {
  const { window } = node;
  if (node.process !== undefined) return general('a function sees all its rows');
  if (node.aggregates.some(({ user }) => user !== undefined)) return general('functions make some of its aggregates');
  if (node.evictor !== undefined) return general('an evictor sees all its rows');
  if (node.trigger !== undefined) return general('it has a trigger');
  if (window.kind === 'count' || window.kind === 'global') return general(`${window.kind} windows end by rows`);
  if (window.clock === 'processing time') return general('it is of processing time');
  if (window.kind === 'session') {
    if (window.gapOf !== undefined) return general('each row has its own gap');
    if (node.aggregates.some((call) => grows(call, node.input.schema))) return general('its aggregates grow');
    if (node.allowedLatenessMs > 0) return general('sessions that have fired may be merged by late rows');
  } else if (window.zone?.kind === 'column') {
    return general('each row names its zone');
  }
  if (window.kind === 'hopping' && window.slideMs > window.sizeMs) return general('rows may fall between its windows');
  if (!kernelKinds.includes(window.kind)) return general(`no kernel makes ${window.kind} windows`);
  return KERNEL;
}

/** Whether kernels run the window. */
export const runsAsKernel = (node: WindowAggregateNode): boolean => chooseWindow(node).operator === 'kernel';

/** Columns that say which window a result is of. */
export function boundColumnsOf(window: WindowSpec): 'start and end' | 'number' | 'none' {
  if (window.kind === 'global') return 'none';
  return window.kind === 'count' ? 'number' : 'start and end';
}

/** Columns of the input that a window which keeps its rows must keep of them. */
export function columnsOfRows(node: WindowAggregateNode): ReadonlySet<string> {
  const { evictor, process } = node;
  if (process !== undefined || evictor?.kind === 'delta' || evictor?.kind === 'custom') {
    return new Set(node.input.schema.fields.map(({ name }) => name));
  }
  return new Set(
    node.aggregates.flatMap(({ column, by, where }) => [
      ...(column === undefined ? [] : [column]),
      ...(by === undefined ? [] : [by]),
      ...(where === undefined ? [] : columnsOf(where)),
    ]),
  );
}

/** Columns of the input that a window reads, whatever it is read for. */
export function columnsReadBy(node: WindowAggregateNode): ReadonlySet<string> {
  const { window, trigger } = node;
  const seesRows = (window.kind === 'session' && window.gapOf !== undefined) || seesRowsOf(trigger);
  if (seesRows) return new Set(node.input.schema.fields.map(({ name }) => name));
  const zone = 'zone' in window && window.zone?.kind === 'column' ? [window.zone.column] : [];
  return new Set([...node.keys, ...zone, ...columnsOfRows(node)]);
}

function seesRowsOf(trigger: WindowAggregateNode['trigger']): boolean {
  if (trigger === undefined) return false;
  if (trigger.kind === 'custom') return true;
  if (trigger.kind === 'purging' || trigger.kind === 'timeout') return seesRowsOf(trigger.inner);
  return trigger.kind === 'endOfWindow' && (seesRowsOf(trigger.early) || seesRowsOf(trigger.late));
}
