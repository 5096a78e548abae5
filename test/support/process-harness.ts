/**
 * One operator made of a user's program, driven by hand: rows one at a time or in batches, watermarks, the clock. The
 * state outlives the operator, so that a restart can be tried.
 */
import type { Json } from '../../src/base/json.ts';
import { eventTimeMs, processingTimeMs } from '../../src/base/time.ts';
import { BATCH_ROWS_MAX } from '../../src/data/record-batch.ts';
import { BatchBuilder } from '../../src/format/batch-builder.ts';
import type { Row } from '../../src/format/row-view.ts';
import type { Job } from '../../src/index.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { imbalance } from '../../src/metrics/ledger.ts';
import { eventTimeHook, physicalPlanOf } from '../../src/platform.ts';
import type { ProcessNode } from '../../src/plan/logical.ts';
import { Process } from '../../src/runtime/operators/process.ts';
import { StateArena } from '../../src/state/arena.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import type { KeyedState } from '../../src/state/keyed-state.ts';
import { newKernels } from './kernels.ts';
import { MapKeyedState } from './map-keyed-state.ts';
import { type Recorded, RecordingOutput } from './recording-output.ts';

/** A row with its event time and the watermark before it; without event time both are left out. */
export interface TimedRow {
  readonly row: Row;
  readonly timestamp?: number;
  readonly watermark?: number;
}

const STATE_BYTES = 8 << 20;
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;

export class ProcessHarness {
  readonly node: ProcessNode;
  readonly outputs: readonly RecordingOutput[];
  readonly letters: string[] = [];
  operator: Process;
  now = 0;
  readonly #kernels: KernelInstance;
  readonly #stateOf: (uid: string, isBroadcast: boolean) => KeyedState;
  #watermarks: number[] = [];
  readonly #builders: BatchBuilder[] = [];
  readonly #times: [timestamps: number, watermarks: number][] = [];

  constructor(kernels: KernelInstance, job: Job, state: MapKeyedState | undefined) {
    this.#kernels = kernels;
    const arena = new StateArena(kernels, STATE_BYTES);
    const broadcast = state === undefined ? undefined : new MapKeyedState();
    this.#stateOf = (uid, isBroadcast) =>
      (isBroadcast ? broadcast : state) ?? new ArenaKeyedState({ kernels, arena, uid });
    this.node = nodeOf(job);
    this.outputs = [0, ...this.node.sides].map(() => new RecordingOutput(kernels.memory));
    this.#watermarks = this.node.inputs.map(() => BEFORE_ALL);
    this.operator = this.#make();
  }

  #make(): Process {
    return new Process({
      uid: this.node.uid ?? 'process',
      kernels: this.#kernels,
      node: this.node,
      state: this.#stateOf('process', false),
      broadcast: this.node.broadcast.length === 0 ? undefined : this.#stateOf('process/broadcast', true),
      aging: this.#stateOf('process/processing time', true),
      outputs: this.outputs,
      timestamp: eventTimeHook,
      now: () => processingTimeMs(this.now),
      deadLetter: (_batch, _row, reason) => this.letters.push(reason),
    });
  }

  /** One batch; the watermark before each row is the input's when it is not given. */
  rows(rows: readonly TimedRow[], input = 0): void {
    const spec = this.node.inputs[input];
    if (spec === undefined) throw new Error(`no input ${input}`);
    const { memory } = this.#kernels;
    this.#builders[input] ??= new BatchBuilder(this.#kernels, spec.node.schema);
    const builder = this.#builders[input];
    builder.reset();
    this.#times[input] ??= [memory.allocate(BATCH_ROWS_MAX * 8), memory.allocate(BATCH_ROWS_MAX * 8)];
    const [first, second] = this.#times[input];
    const column = (at: number, valueOf: (row: TimedRow) => number | undefined): number => {
      if (rows.some((row) => valueOf(row) === undefined)) return 0;
      rows.forEach((row, i) => {
        memory.i64[(at >>> 3) + i] = BigInt(valueOf(row) ?? 0);
      });
      return at;
    };
    const timestamps = column(first, ({ timestamp }) => timestamp);
    const watermarks = timestamps === 0 ? 0 : column(second, ({ watermark }) => watermark ?? this.#watermarks[input]);
    for (const { row } of rows) builder.append(row);
    this.operator.processBatch({ ...builder.finish({ source: 's', split: 0 }), timestamps, watermarks }, input);
    this.drain();
  }

  row(row: Row, timestamp?: number, input = 0): void {
    this.rows([timestamp === undefined ? { row } : { row, timestamp }], input);
  }

  watermark(ms: number, input = 0): void {
    this.#watermarks[input] = ms;
    this.operator.processWatermark(eventTimeMs(ms), input);
    this.drain();
  }

  processingTime(now: number): void {
    this.now = now;
    while ((this.operator.nextTimer ?? Number.POSITIVE_INFINITY) <= now) {
      this.operator.processTime(processingTimeMs(now));
      this.drain();
    }
  }

  /** Another operator on the same state, as after a restart. */
  restart(): void {
    const small: Json = JSON.parse(JSON.stringify(this.operator.snapshot()));
    this.operator = this.#make();
    this.operator.restore(small);
  }

  drain(): void {
    for (let calls = 0; this.operator.more; calls++) {
      if (calls > 10_000) throw new Error('the operator does not come to an end');
      this.operator.resume();
    }
    if (imbalance(this.operator.ledger) !== 0) throw new Error('the ledger does not balance');
  }

  /** What the main output was given since the last time. */
  take(port = 0): readonly Recorded[] {
    return this.outputs[port]?.take() ?? [];
  }

  /** Rows and watermarks of an output in order, short: a row as itself with its time, a watermark as its number. */
  story(port = 0): readonly unknown[] {
    return this.take(port).flatMap((element): readonly unknown[] => {
      if (element.kind === 'batch') return element.rows.map(({ row, timestamp }) => ({ ...row, t: timestamp }));
      return element.kind === 'watermark' ? [element.watermark] : [element.kind];
    });
  }
}

/** The function with state of a job that has one. */
function nodeOf(job: Job): ProcessNode {
  const found = physicalPlanOf(job, 'test').nodes.find(({ operator }) => operator.kind === 'process')?.operator;
  if (found?.kind !== 'process') throw new Error('the job has no function with state');
  return found;
}

/** Over an arena, or over maps when they are given. */
export const processHarness = async (job: Job, state?: MapKeyedState): Promise<ProcessHarness> =>
  new ProcessHarness(await newKernels(), job, state);
