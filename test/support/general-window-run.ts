/** Runs the general window operator over rows: in batches of any size, with restarts through real snapshots. */
import type { Json } from '../../src/base/json.ts';
import { eventTimeMs, MAX_TIME, MIN_TIME, processingTimeMs } from '../../src/base/time.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { shortRowKind } from '../../src/data/row-kind.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { RowView } from '../../src/format/row-view.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { imbalance } from '../../src/metrics/ledger.ts';
import { resultType } from '../../src/plan/aggregates.ts';
import type { AggregateCall, WindowAggregateNode } from '../../src/plan/logical.ts';
import { boundColumnsOf, runsAsKernel } from '../../src/plan/window-choice.ts';
import { SessionWindow } from '../../src/runtime/operators/session-window.ts';
import { WindowAggregate } from '../../src/runtime/operators/window-aggregate.ts';
import type { TaskOperator } from '../../src/runtime/task.ts';
import { buildGeneralWindow } from '../../src/runtime/windows/build.ts';
import { MixedEntries } from '../../src/runtime/aggregates/mixed-entries.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import { StateArena } from '../../src/state/arena.ts';
import { columnBatch } from './column-batch.ts';

export interface WindowRow {
  readonly key: string;
  readonly value: number;
  readonly time: number;
  readonly watermark: number;
  readonly gapMs: number;
}

export const WINDOW_INPUT: TableSchema = {
  fields: [
    { name: 'key', type: { kind: 'utf8', nullable: false } },
    { name: 'value', type: { kind: 'int64', nullable: false } },
    { name: 'gap', type: { kind: 'int64', nullable: false } },
    { name: 'row', type: { kind: 'int64', nullable: false } },
  ],
};

const CALLS: readonly AggregateCall[] = [
  { name: 'n', fn: 'count', column: undefined, where: undefined },
  { name: 'total', fn: 'sum', column: 'value', where: undefined },
];

/** A window over these rows: rows and sum of `value` for each key. */
export function windowNode(
  given: Pick<WindowAggregateNode, 'window'> & Partial<WindowAggregateNode>,
): WindowAggregateNode {
  const bounds = { 'start and end': ['windowStart', 'windowEnd'], number: ['windowId'], none: [] };
  return {
    kind: 'windowAggregate',
    uid: 'window',
    input: { kind: 'union', schema: WINDOW_INPUT, inputs: [] },
    keys: ['key'],
    aggregates: CALLS,
    allowedLatenessMs: 0,
    results: 'accumulating',
    schema: {
      fields: [
        { name: 'key', type: { kind: 'utf8', nullable: false } },
        ...bounds[boundColumnsOf(given.window)].map((name) => ({
          name,
          type: { kind: name === 'windowId' ? 'int64' : 'timestamp', nullable: false } as const,
        })),
        ...CALLS.map((call) => ({ name: call.name, type: resultType(call, WINDOW_INPUT, 'test') })),
      ],
    },
    ...given,
  };
}

export interface RunOptions {
  readonly batchRows: number;
  /** Restarts before these rows. */
  readonly restarts?: readonly number[];
  readonly as?: 'general' | 'kernel';
}

export interface WindowRun {
  /** Every result as text, in order. With batches of one row, cut at the rows: `steps`. */
  readonly results: readonly string[];
  readonly steps: readonly (readonly string[])[];
  /** Values of `row` of the late rows. */
  readonly late: readonly number[];
  /** Entries and timers that are left. */
  readonly entriesLeft: number;
  readonly ledgerOff: number;
  readonly operator: TaskOperator;
}

export function runWindow(
  kernels: KernelInstance,
  node: WindowAggregateNode,
  rows: readonly WindowRow[],
  options: RunOptions,
): WindowRun {
  return new Run(kernels, node, options).all(rows);
}

class Run {
  readonly #kernels: KernelInstance;
  readonly #node: WindowAggregateNode;
  readonly #options: RunOptions;
  readonly #arena: StateArena;
  readonly #late: number[] = [];
  readonly #steps: string[][] = [[]];
  #operator: TaskOperator;

  constructor(kernels: KernelInstance, node: WindowAggregateNode, options: RunOptions) {
    kernels.reset();
    this.#kernels = kernels;
    this.#node = node;
    this.#options = options;
    this.#arena = new StateArena(kernels, 8 << 20);
    this.#operator = this.#make();
  }

  all(rows: readonly WindowRow[]): WindowRun {
    for (let at = 0; at < rows.length; ) {
      if (this.#options.restarts?.includes(at) === true) this.#restart();
      const nextRestart = this.#options.restarts?.find((restart) => restart > at) ?? rows.length;
      const to = Math.min(rows.length, at + this.#options.batchRows, nextRestart);
      this.#operator.processBatch(this.#batch(rows.slice(at, to), at), 0);
      this.#settle();
      this.#steps.push([]);
      at = to;
    }
    this.#operator.processWatermark(MAX_TIME, 0);
    this.#settle();
    return {
      results: this.#steps.flat(),
      steps: this.#steps,
      late: this.#late,
      entriesLeft: this.#arena.states().reduce((sum, { entries }) => sum + entries, 0),
      ledgerOff: imbalance(this.#operator.ledger),
      operator: this.#operator,
    };
  }

  #batch(rows: readonly WindowRow[], from: number): RecordBatch {
    const { memory } = this.#kernels;
    const times = (of: (row: WindowRow) => number): number => {
      const at = memory.allocate(rows.length * 8);
      rows.forEach((row, i) => (memory.i64[(at >>> 3) + i] = BigInt(of(row))));
      return at;
    };
    const columns = [
      rows.map(({ key }) => key),
      rows.map(({ value }) => BigInt(value)),
      rows.map(({ gapMs }) => BigInt(gapMs)),
      rows.map((_, i) => BigInt(from + i)),
    ];
    const batch = columnBatch(this.#kernels, WINDOW_INPUT, columns);
    return { ...batch, timestamps: times(({ time }) => time), watermarks: times(({ watermark }) => watermark) };
  }

  #settle(): void {
    while (this.#operator.more) this.#operator.resume();
  }

  #restart(): void {
    this.#arena.markAllDirty();
    this.#arena.beginSnapshot();
    const frames: Uint8Array[] = [];
    for (let i = 0, frame = this.#arena.nextFrame(1, 0); frame !== undefined; frame = this.#arena.nextFrame(1, ++i)) {
      frames.push(frame);
    }
    const { ledger } = this.#operator;
    // JSON of our own, read back.
    const kept = JSON.parse(JSON.stringify([this.#operator.snapshot(), this.#arena.describe()])) as [Json, Json];
    this.#arena.reset();
    frames.forEach((frame, i) => this.#arena.restoreFrame(frame, 1, i));
    this.#arena.finishRestore(kept[1]);
    this.#operator = this.#make();
    this.#operator.restore(kept[0]);
    Object.assign(this.#operator.ledger, ledger);
  }

  #make(): TaskOperator {
    const kernels = this.#kernels;
    const arena = this.#arena;
    const node = this.#node;
    const ends = { watermark: () => undefined, status: () => undefined, end: () => undefined };
    const output = { ...ends, batch: (batch: RecordBatch) => this.#record(batch) };
    const late = { ...ends, batch: (batch: RecordBatch) => this.#recordLate(batch) };
    const common = { uid: 'window', kernels, output, late, node, deadLetter: () => undefined };
    if (this.#options.as === 'kernel' && runsAsKernel(node)) {
      return new (node.window.kind === 'session' ? SessionWindow : WindowAggregate)({ ...common, arena });
    }
    const hasOwn = node.aggregates.some(({ user }) => user !== undefined);
    const own = { uid: 'window', kernels, input: node.input.schema, keys: node.keys, calls: node.aggregates };
    return buildGeneralWindow({
      ...common,
      entries: hasOwn ? new MixedEntries({ ...own, timestamp: (ms) => ms }) : undefined,
      state: new ArenaKeyedState({ kernels, arena, uid: 'window' }),
      now: () => processingTimeMs(0),
      timestamp: (ms) => ms,
    });
  }

  #record(batch: RecordBatch): void {
    const view = new RowView(this.#kernels.memory, batch.schema);
    view.bind(batch);
    for (let i = 0; i < batch.selected; i++) {
      view.select(i);
      const { key, windowStart, windowEnd, windowId, n, total } = view.copy();
      const window =
        windowId === undefined
          ? windowStart === undefined
            ? ''
            : ` [${String(windowStart)}, ${String(windowEnd)})`
          : ` #${String(windowId)}`;
      this.#steps.at(-1)?.push(`${shortRowKind(view.kind)} ${String(key)}${window} ${String(n)} ${String(total)}`);
    }
  }

  #recordLate(batch: RecordBatch): void {
    const view = new RowView(this.#kernels.memory, batch.schema);
    view.bind(batch);
    for (let i = 0; i < batch.selected; i++) this.#late.push(Number(view.select(i)['row']));
  }
}

/** The watermark that stands before anything came. */
export const NO_WATERMARK: number = eventTimeMs(MIN_TIME);
