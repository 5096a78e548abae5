/** Why a window has not fired: what it holds, how far its watermark has come, and who holds that back (window-hold.ts). */
import { UserError } from '../base/errors.ts';
import { formatTime, instantMs, MIN_TIME } from '../base/time.ts';
import type { Row } from '../format/row-view.ts';
import type { WindowAggregateNode } from '../plan/logical.ts';
import { describeTrigger } from '../plan/describe-window.ts';
import type { TaskOperator } from './task.ts';
import { holdsOf, type Running, tellWatermark, type WindowExplanation } from './window-hold.ts';
import type { AsksWindows } from './windows/held-window.ts';

/** An instant as those who ask give it. */
export type InstantGiven = string | Date | { readonly epochMs: number };

export function explainWindow(running: Running, uid: string, key: Row, start: InstantGiven): WindowExplanation {
  const { index, node, operator } = windowOf(running, uid);
  const at = typeof start === 'string' || start instanceof Date ? instantMs(start) : start.epochMs;
  const held = operator.held(key, at);
  const told = { operator: uid, key, start: held.start, end: held.end, rows: held.rows };
  if (clockOf(node) === 'processing time') {
    const state = held.rows > 0 ? ('open' as const) : ('empty' as const);
    const text = `${tellWindow(told)} is of processing time: it fires when the clock of the machine reaches its end`;
    return { ...told, state, watermark: undefined, firesAt: undefined, holds: [], text };
  }
  const delayMs = node.results === 'final' ? node.allowedLatenessMs : 0;
  const passed = operator.watermark ?? MIN_TIME;
  const watermark = passed <= MIN_TIME ? undefined : passed + delayMs;
  const firesAt = held.end - 1 + delayMs;
  const closesAt = held.end - 1 + node.allowedLatenessMs;
  const state = stateOf(watermark ?? MIN_TIME, { firesAt, closesAt, rows: held.rows });
  const holds = state === 'open' || state === 'empty' ? holdsOf(running, index, firesAt) : [];
  const explanation = { ...told, state, watermark, firesAt, holds };
  return { ...explanation, text: tell(explanation, node, closesAt) };
}

const clockOf = ({ window }: WindowAggregateNode): string => ('clock' in window ? window.clock : 'none');

interface FoundWindow {
  readonly index: number;
  readonly node: WindowAggregateNode;
  readonly operator: TaskOperator & AsksWindows;
}

/** E1335 when the job has no window of this uid. */
function windowOf({ plan, deployment }: Running, uid: string): FoundWindow {
  const index = plan.nodes.findIndex((node) => node.uid === uid && node.operator.kind === 'windowAggregate');
  const node = plan.nodes[index]?.operator;
  const operator = deployment.task.operators.find((each) => each.uid === uid);
  if (node?.kind === 'windowAggregate' && operator !== undefined && asksWindows(operator))
    return { index, node, operator };
  const known = plan.nodes.flatMap((each) => (each.operator.kind === 'windowAggregate' ? [each.uid] : []));
  throw new UserError('E1335', { uid, known: known.join(', ') || 'none' });
}

const asksWindows = (operator: TaskOperator): operator is TaskOperator & AsksWindows => 'held' in operator;

function stateOf(
  watermark: number,
  { firesAt, closesAt, rows }: { readonly firesAt: number; readonly closesAt: number; readonly rows: number },
): WindowExplanation['state'] {
  if (watermark >= closesAt) return 'closed';
  if (watermark >= firesAt) return 'fired';
  return rows > 0 ? 'open' : 'empty';
}

function tellWindow({ key, start, end }: Pick<WindowExplanation, 'key' | 'start' | 'end'>): string {
  const columns = Object.entries(key).map(([name, value]) => `${name} ${String(value)}`);
  const of = columns.length === 0 ? '' : ` of ${columns.join(', ')}`;
  return `the window from ${formatTime(start)} to ${formatTime(end)}${of}`;
}

function tell(explanation: Omit<WindowExplanation, 'text'>, node: WindowAggregateNode, closesAt: number): string {
  const { state, watermark, firesAt, holds, rows } = explanation;
  const window = tellWindow(explanation);
  const reached = `${tellWatermark(watermark)} has reached it`;
  const rowsHeld = `${rows} ${rows === 1 ? 'row' : 'rows'}`;
  if (state === 'closed')
    return `closed: ${reached}; what was in ${window} has been given out, and its rows come too late now`;
  if (state === 'fired') {
    return `fired: ${reached}; ${window} holds ${rowsHeld} and takes late ones until watermark ${formatTime(closesAt)}`;
  }
  const trigger = node.trigger === undefined ? '' : `${describeTrigger(node.trigger)}; it may have fired by that`;
  const what = state === 'empty' ? `nothing is in ${window}` : `not fired: ${window} holds ${rowsHeld}${trigger}`;
  const until = `it ends at watermark ${formatTime(firesAt ?? 0)}`;
  const [first, ...more] = holds;
  if (first === undefined) return `${what}; ${until}, which is on its way`;
  const others = more.length === 0 ? '' : `; ${more.length} more hold it too`;
  return `${what}; ${until}; ${first.text}${others}`;
}
