/**
 * One operator made of a user's program, driven by hand: rows one at a time or in batches, watermarks, the clock. The
 * state is that of maps, and outlives the operator, so that a restart can be tried.
 */
import type { Json } from '../../src/base/json.ts';
import { eventTimeMs, processingTimeMs } from '../../src/base/time.ts';
import { BatchBuilder } from '../../src/format/batch-builder.ts';
import type { Row } from '../../src/format/row-view.ts';
import type { Job } from '../../src/index.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { imbalance } from '../../src/metrics/ledger.ts';
import { eventTimeHook, physicalPlanOf } from '../../src/platform.ts';
import type { ProcessNode } from '../../src/plan/process.ts';
import { Process } from '../../src/runtime/operators/process.ts';
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

const BEFORE_ALL = Number.MIN_SAFE_INTEGER;

export class ProcessHarness {
  readonly node: ProcessNode;
  readonly outputs: readonly RecordingOutput[];
  readonly letters: string[] = [];
  state: KeyedState;
  broadcast: KeyedState;
  operator: Process;
  now = 0;
  readonly #kernels: KernelInstance;
  #watermarks: number[] = [];

  constructor(kernels: KernelInstance, job: Job, state: KeyedState = new MapKeyedState()) {
    this.#kernels = kernels;
    this.node = nodeOf(job);
    this.state = state;
    this.broadcast = new MapKeyedState();
    this.outputs = [0, ...this.node.sides].map(() => new RecordingOutput(kernels.memory));
    this.#watermarks = this.node.inputs.map(() => BEFORE_ALL);
    this.operator = this.#make();
  }

  #make(): Process {
    return new Process({
      uid: this.node.uid ?? 'process',
      kernels: this.#kernels,
      node: this.node,
      state: this.state,
      broadcast: this.broadcast,
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
    const builder = new BatchBuilder(this.#kernels, spec.node.schema, rows.length);
    const { memory } = this.#kernels;
    const column = (valueOf: (row: TimedRow) => number | undefined): number => {
      if (rows.some((row) => valueOf(row) === undefined)) return 0;
      const at = memory.allocate(rows.length * 8);
      rows.forEach((row, i) => {
        memory.i64[(at >>> 3) + i] = BigInt(valueOf(row) ?? 0);
      });
      return at;
    };
    const timestamps = column(({ timestamp }) => timestamp);
    const watermarks = timestamps === 0 ? 0 : column(({ watermark }) => watermark ?? this.#watermarks[input]);
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

export const processHarness = async (job: Job, state?: KeyedState): Promise<ProcessHarness> =>
  new ProcessHarness(await newKernels(), job, state);
