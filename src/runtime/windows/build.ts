/**
 * The general window operator of a plan node: which assigner, trigger, contents and results its specification asks for.
 *
 *   aggregates alone                  -> accumulators per window
 *   aggregates and an evictor         -> rows per window, aggregated when it fires
 *   a function over all rows          -> rows per window, handed to the function when it fires
 */
import type { ProcessingTimeMs } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../data/record-batch.ts';
import type { Row, TimestampHook } from '../../format/row-view.ts';
import { Accumulators } from '../../kernel/accumulators.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { boundColumnsOf, columnsOfRows } from '../../plan/window-choice.ts';
import type { WindowAggregateNode, WindowSpec } from '../../plan/logical.ts';
import type { KeyedState, KeyedTable } from '../../state/keyed-state.ts';
import { AggregateInputs, aggregateSpecs } from '../aggregate-inputs.ts';
import { conditionsOf } from '../expression.ts';
import type { Entries } from '../aggregates/entries.ts';
import type { Output } from '../operator.ts';
import { GeneralWindow } from '../operators/general-window.ts';
import {
  alignedAssigner,
  type Assigner,
  countAssigner,
  cumulatingAssigner,
  globalAssigner,
  type OffsetOf,
  sessionAssigner,
} from './assigner.ts';
import { AccumulatedContents, AggregatedRows, RowContents } from './contents.ts';
import { AggregateFiring, type Firing } from './firing.ts';
import { ProcessFiring, type WindowProcessFunction } from './process-firing.ts';
import { purgingTrigger } from './row-triggers.ts';
import type { Trigger } from './trigger.ts';
import { defaultTrigger, evictorOf, triggerOf } from './trigger-of.ts';
import { type Aligned, zonedAssigner } from './wall-clock.ts';
import { WindowQuestions } from './window-questions.ts';
import { WindowResults } from './window-results.ts';
import { WindowRows } from './window-rows.ts';

export interface BuildOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly state: KeyedState;
  readonly output: Output;
  readonly late: Output;
  readonly node: WindowAggregateNode;
  readonly now: () => ProcessingTimeMs;
  readonly timestamp: TimestampHook;
  /** Accumulators of its aggregates, where users have defined some; undefined: kernels make them. */
  readonly entries?: Entries | undefined;
  /** For windows that are shifted by an offset from UTC, in place of the clocks of a zone. */
  readonly zoneOffset?: OffsetOf | undefined;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

/** Aggregates that can take a row back. */
const RETRACTABLE: ReadonlySet<string> = new Set(['count', 'sum', 'avg']);

export function buildGeneralWindow(options: BuildOptions): GeneralWindow {
  const { uid, kernels, state, node } = options;
  const input = node.input.schema;
  const assigner = assignerOf(node.window, () => state.open('position'), options.zoneOffset);
  const firing = firingOf(options);
  return new GeneralWindow({
    uid,
    kernels,
    state,
    output: options.output,
    late: options.late,
    rows: new WindowRows(kernels, input, node.keys, options.timestamp),
    inputs: inputsOf(options),
    assigner,
    trigger: triggerFor(node, assigner),
    firing,
    questions: new WindowQuestions({ uid, kernels, state, node, assigner, contents: firing.contents }),
    allowedLatenessMs: node.allowedLatenessMs,
    results: node.results,
    canRetract:
      node.evictor === undefined
      && node.process === undefined
      && node.aggregates.every(({ fn, user }) => RETRACTABLE.has(fn) || user?.retract !== undefined),
    onError: node.onError ?? 'fail',
    now: options.now,
    deadLetter: options.deadLetter,
  });
}

function inputsOf({ uid, kernels, node }: BuildOptions): AggregateInputs {
  const input = node.input.schema;
  const conditions = conditionsOf(kernels, input, node.aggregates, uid);
  return new AggregateInputs({ kernels, input, calls: node.aggregates, uid, conditions });
}

function triggerFor({ trigger, window }: WindowAggregateNode, assigner: Assigner): Trigger {
  if (trigger !== undefined) return triggerOf(trigger);
  if (window.kind !== 'count') return defaultTrigger(assigner.clock);
  return purgingTrigger(triggerOf({ kind: 'count', rows: window.rows }));
}

function firingOf(options: BuildOptions): Firing {
  const { uid, kernels, state, node, timestamp } = options;
  const input = node.input.schema;
  const evictor = node.evictor === undefined ? undefined : evictorOf(node.evictor);
  const table = state.open('contents');
  const rows = (): RowContents =>
    new RowContents({ kernels, schema: input, columns: columnsOfRows(node), table, evictor, timestamp });
  if (node.process !== undefined) {
    // The API ties the function to the rows of the window's input.
    const run = node.process.rows as WindowProcessFunction;
    const values = state.open('values');
    return new ProcessFiring({ uid, kernels, contents: rows(), input, out: node.schema, run, values, timestamp });
  }
  const accumulators =
    options.entries ?? new Accumulators(kernels, aggregateSpecs(input, node.aggregates, uid), BATCH_ROWS_MAX);
  const results = new WindowResults({
    kernels,
    schema: node.schema,
    keyCount: node.keys.length,
    bounds: boundColumnsOf(node.window),
    results: accumulators.results,
  });
  const contents =
    evictor === undefined
      ? new AccumulatedContents(table, accumulators)
      : new AggregatedRows(rows(), accumulators, inputsOf(options));
  const before = node.results === 'retracting' ? state.open('results') : undefined;
  return new AggregateFiring(contents, accumulators, results, before);
}

function assignerOf(window: WindowSpec, openPositions: () => KeyedTable, zoneOffset: OffsetOf | undefined): Assigner {
  switch (window.kind) {
    case 'tumbling':
    case 'hopping':
    case 'cumulating':
      return zoneOffset === undefined ? zonedAssigner(window) : shiftedBy(window, zoneOffset);
    case 'session':
      // The API ties the function to the rows of the window's input.
      return sessionAssigner(window.clock, (window.gapOf as ((row: Row) => number) | undefined) ?? window.gapMs);
    case 'global':
      return globalAssigner();
    case 'count': {
      const positions = openPositions();
      return countAssigner(window.rows, window.slide, () => nextPosition(positions));
    }
  }
}

function shiftedBy(window: Aligned, zoneOffset: OffsetOf): Assigner {
  switch (window.kind) {
    case 'tumbling':
      return alignedAssigner({ ...window, slideMs: window.sizeMs, zoneOffset });
    case 'hopping':
      return alignedAssigner({ ...window, zoneOffset });
    case 'cumulating':
      return cumulatingAssigner({ ...window, slideMs: window.stepMs, zoneOffset });
  }
}

const NO_SUB = new Uint8Array(0);

/** Rows of the selected key that came before this one, which is counted. */
function nextPosition(table: KeyedTable): number {
  const held = table.get(NO_SUB);
  const position = held === undefined ? 0 : new DataView(held.buffer, held.byteOffset, 8).getFloat64(0, true);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, position + 1, true);
  table.put(NO_SUB, bytes);
  return position;
}
