/**
 * Kind `watermark`: strategies, split watermarks and idleness, by the operator that makes watermarks (assign-watermarks) and
 * the idleness of source splits.
 *
 * The engine sends a watermark after the batch that moved it, never by a timer, and a row is a batch here. Where a case sends
 * by a timer (periodicEmit, autoWatermarkIntervalMs), the adapter lets the operator send at those moments only: it resumes it
 * then. What a case says of a generator is said to a strategy of the same meaning; the guard against the future is off.
 */
import { type EventTimeMs, MIN_TIME, processingTimeMs } from '../../src/base/time.ts';
import type { Json } from '../../src/base/json.ts';
import type { BatchOrigin } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import type { WatermarkGenerator } from '../../src/plan/logical.ts';
import { AssignWatermarks, type AssignWatermarksOptions } from '../../src/runtime/operators/assign-watermarks.ts';
import { UserWatermarks } from '../../src/runtime/operators/user-watermarks.ts';
import { Idleness } from '../../src/runtime/progress/idleness.ts';
import { columnBatch } from '../support/column-batch.ts';
import { newKernels } from '../support/kernels.ts';
import { type ConformanceCase, type Driver, objectOf, type Outcome, type Step, Unsupported } from './case.ts';
import { type Mismatch, sameValue, timeOf, Transcript } from './compare.ts';
import { type Actor, conduct } from './conduct.ts';

/** Rows as the adapter hands them on: event time, the value, and the watermark that the row says, if any. */
const SCHEMA: TableSchema = {
  fields: [
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'value', type: { kind: 'int64', nullable: true, bigint: true } },
    { name: 'says', type: { kind: 'timestamp', nullable: true } },
  ],
};
const SOURCE = 's';

type Rule = (kernels: KernelInstance, splits: number) => AssignWatermarksOptions['rule'];

const delay =
  (delayMs: number): Rule =>
  () => ({ delayMs });

/** Watermark of a row by a function of its event time and of what it says. */
const byRow =
  (onRow: (at: number, says: number | undefined) => number | undefined): Rule =>
  (kernels, splits) => {
    const generator: WatermarkGenerator = {
      state: () => null,
      // The operator hands rows of SCHEMA, timestamps as `timestamp` below makes them.
      onRow: (row, at) => onRow(at, (row as { readonly says: number | null }).says ?? undefined),
      periodic: undefined,
    };
    const timestamp = (ms: number): number => ms;
    return new UserWatermarks({ uid: 'w', memory: kernels.memory, schema: SCHEMA, timestamp, generator }, splits);
  };

export const watermark: Driver = async (one) => {
  const { type } = one.operator;
  switch (type) {
    case 'idlenessTimer':
      return conduct(one, new IdlenessActor(one));
    case 'monotonousOutput':
    case 'multiplexer':
      return conduct(
        one,
        await AssignerActor.open(
          byRow((_at, says) => says),
          new SplitSteps(one),
        ),
      );
    case 'boundedOutOfOrderness':
    case 'ascendingTimestamps':
    case 'monotonous':
      return conduct(
        one,
        await AssignerActor.open(delay(Number(one.operator['maxOutOfOrdernessMs'] ?? 0)), new SplitSteps(one)),
      );
    case 'splitWatermarks':
    case 'timestampsAndWatermarks':
      return conduct(one, await AssignerActor.open(generatorOf(one), new SplitSteps(one)));
    case 'watermarkAssigner':
      return conduct(one, await AssignerActor.open(assignerOf(one), new SplitSteps(one)));
    case 'rowtimeMiniBatchAssigner':
      return unsupported(
        'watermarks are not thinned out for mini batches: what is done per batch is done per record batch',
      );
    default:
      return unsupported(`the type ${String(type)}`);
  }
};

const unsupported = (reason: string): Outcome => ({ result: 'unsupported', reason });

/** What a case says of its generator. */
function generatorOf({ operator }: ConformanceCase): Rule {
  const text = String(operator['generator']);
  if (text === 'per element: its timestamp') return byRow((at) => at);
  if (text === 'periodic: last timestamp') return byRow((at) => at);
  if (text === 'periodic: last timestamp - 1') return byRow((at) => at - 1);
  if (text === 'per element: its timestamp when odd') return byRow((at) => (at % 2 === 0 ? undefined : at));
  if (text.endsWith('periodic: max timestamp')) return byRow((at) => at);
  throw new Unsupported(`the generator '${text}'`);
}

function assignerOf({ operator }: ConformanceCase): Rule {
  const by = operator['maxOutOfOrdernessMs'] ?? operator['delayMs'];
  // The watermark of a delay is `rowtime - delay` there: everything up to it, itself included, has come.
  if (operator['watermark'] === 'rowtime - delay' && typeof by === 'number') return byRow((at) => at - by);
  throw new Unsupported(`the watermark '${String(operator['watermark'])}'`);
}

/** The names of splits of a case, and whether watermarks wait for a timer. */
class SplitSteps {
  readonly names: string[] = [];
  readonly operator: ConformanceCase['operator'];
  readonly isPeriodic: boolean;
  /** Time between two moments of sending; undefined: on request alone. */
  readonly intervalMs: number | undefined;
  readonly idleMs: number | undefined;

  constructor({ operator, steps }: ConformanceCase) {
    this.operator = operator;
    const { autoWatermarkIntervalMs: interval, idleTimeoutMs: idle, generator } = operator;
    this.intervalMs = typeof interval === 'number' ? interval : undefined;
    this.idleMs = typeof idle === 'number' ? idle : undefined;
    const isAsked = steps.some((step) => step['periodicEmit'] !== undefined && step['mode'] === undefined);
    this.isPeriodic = this.intervalMs !== undefined && !String(generator).startsWith('per element') ? true : isAsked;
  }
}

/** The operator that makes watermarks, with its splits. Splits that come and go do so as at a restart. */
class AssignerActor implements Actor {
  readonly transcript = new Transcript('watermark');
  readonly #kernels: KernelInstance;
  readonly #rule: Rule;
  readonly #setup: SplitSteps;
  #operator: AssignWatermarks;
  #splits: string[] = [];
  /** Updates that wait for the next moment of sending. */
  #deferred: (() => void)[] = [];
  #idleness = new Map<string, Idleness>();
  #now = 0;
  #next = 0;
  #last: { watermark: EventTimeMs | undefined; isIdle: boolean } = { watermark: undefined, isIdle: false };

  static async open(rule: Rule, setup: SplitSteps): Promise<AssignerActor> {
    return new AssignerActor(await newKernels(16 << 20), rule, setup);
  }

  private constructor(kernels: KernelInstance, rule: Rule, setup: SplitSteps) {
    this.#kernels = kernels;
    this.#rule = rule;
    this.#setup = setup;
    this.#next = setup.intervalMs ?? 0;
    const isDynamic = setup.operator['type'] === 'multiplexer' || setup.operator['type'] === 'splitWatermarks';
    this.#splits = isDynamic ? [] : ['0'];
    this.#operator = this.#make();
    for (const split of this.#splits) this.#idleness.set(split, new Idleness(setup.idleMs));
  }

  act(step: Step): void {
    const split = String(step['split'] ?? step['output'] ?? step['register'] ?? this.#splits[0] ?? '0');
    if (step['register'] !== undefined) this.#resplit([...this.#splits, split]);
    else if (step['addSplit'] !== undefined) this.#resplit([...this.#splits, String(step['addSplit'])]);
    else if (step['unregister'] !== undefined) this.#resplit(this.#without(String(step['unregister'])));
    else if (step['removeSplit'] !== undefined) this.#endSplit(String(step['removeSplit']));
    else if (step['event'] !== undefined) this.#row(split, timeOf(objectOf(step['event'], 'event')['timestamp']), null);
    else if (step['element'] !== undefined) this.#element(split, step);
    else if (step['watermark'] !== undefined) this.#watermark(split, timeOf(step['watermark']), step);
    else if (step['status'] !== undefined) this.#status(split, step);
    else if (step['periodicEmit'] !== undefined) this.#send();
    else if (step['processingTime'] !== undefined) this.#time(timeOf(step['processingTime']));
    else if (step['advanceProcessingTime'] !== undefined) this.#time(this.#now + timeOf(step['advanceProcessingTime']));
    else throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  }

  ask(step: Step): Mismatch | undefined | 'not mine' {
    if (step['expectState'] === undefined) return 'not mine';
    const known: { readonly [name: string]: Json } = {
      watermark: this.#last.watermark ?? null,
      idle: this.#last.isIdle,
    };
    for (const [name, value] of Object.entries(objectOf(step['expectState'], 'expectState'))) {
      if (!(name in known)) throw new Unsupported(`the state ${name}`);
      if (!sameValue(value, known[name])) return { expected: { [name]: value }, got: { [name]: known[name] } };
    }
    return undefined;
  }

  #element(split: string, step: Step): void {
    const element = step['element'] ?? null;
    const value = Array.isArray(element) ? element[0] : element;
    const isValue = this.#setup.operator['timestamp'] === 'value' || Array.isArray(element);
    this.#row(split, timeOf(isValue ? value : step['timestamp']), Number(value));
  }

  /** A watermark from above: an operator that makes them passes none on, but the last of all is the end of input. */
  #watermark(split: string, ms: number, step: Step): void {
    const { type } = this.#setup.operator;
    if (type === 'multiplexer' || type === 'monotonousOutput') this.#update(step, () => this.#row(split, 0, null, ms));
    else if (step['watermark'] === 'MAX') {
      this.#operator.endOfInput(0, this.#originOf(split));
      this.#send();
    } else this.#operator.processWatermark();
  }

  #status(split: string, step: Step): void {
    const status = step['status'] === 'idle' ? 'idle' : 'active';
    const { type } = this.#setup.operator;
    // Of a whole edge from above: an operator that makes watermarks has statuses of its own.
    const origin = type === 'multiplexer' || type === 'monotonousOutput' ? this.#originOf(split) : undefined;
    this.#update(step, () => {
      this.#operator.processStatus(status, 0, origin);
      this.#settle();
    });
  }

  #update(step: Step, update: () => void): void {
    if (step['mode'] === 'deferred') {
      this.#deferred.push(update);
      return;
    }
    this.#flush();
    update();
  }

  #flush(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const update of deferred) update();
  }

  #send(): void {
    this.#flush();
    while (this.#operator.more) this.#operator.resume();
  }

  #row(split: string, at: number, value: number | null, says?: number): void {
    const origin = this.#originOf(split);
    this.#send();
    if (this.#idleness.get(split)?.active() === true) this.#operator.processStatus('active', 0, origin);
    const row = [[BigInt(at)], [value === null ? null : BigInt(value)], [says === undefined ? null : BigInt(says)]];
    this.#operator.processBatch({ ...columnBatch(this.#kernels, SCHEMA, row), origin });
    this.#settle();
  }

  #time(now: number): void {
    const { intervalMs } = this.#setup;
    // Moments of sending and questions to the splits that have passed, each at its time.
    while (intervalMs !== undefined && this.#next <= now) {
      this.#ask(this.#next);
      this.#send();
      this.#next += intervalMs;
    }
    this.#now = now;
    this.#ask(now);
  }

  #ask(now: number): void {
    for (const [split, idleness] of this.#idleness) {
      if (!idleness.silent(processingTimeMs(now))) continue;
      this.#operator.processStatus('idle', 0, this.#originOf(split));
      this.#send();
    }
  }

  /** Sends what there is, unless the case sends by a timer. */
  #settle(): void {
    if (!this.#setup.isPeriodic) while (this.#operator.more) this.#operator.resume();
  }

  #endSplit(split: string): void {
    this.#operator.endOfInput(0, this.#originOf(split));
    this.#idleness.delete(split);
    this.#settle();
  }

  #without(split: string): string[] {
    return this.#splits.filter((name) => name !== split);
  }

  #resplit(splits: string[]): void {
    this.#send();
    const state = JSON.parse(JSON.stringify(this.#operator.snapshot())) as Json; // what was written is JSON
    this.#splits = splits;
    this.#operator = this.#make();
    this.#operator.restore(state);
    for (const split of splits)
      if (!this.#idleness.has(split)) this.#idleness.set(split, new Idleness(this.#setup.idleMs));
  }

  #originOf(split: string): BatchOrigin {
    const index = this.#splits.indexOf(split);
    if (index < 0) throw new TypeError(`no split ${split}`);
    return { source: SOURCE, split: index };
  }

  #make(): AssignWatermarks {
    const isOff = String(this.#setup.operator['watermarks'] ?? '').startsWith('off');
    return new AssignWatermarks({
      uid: 'w',
      kernels: this.#kernels,
      output: {
        batch: (batch) => this.#records(batch.timestamps, batch.columns[1]?.values ?? 0, batch.selected),
        watermark: (watermark) => {
          if (isOff) return;
          this.#last.watermark = watermark <= MIN_TIME ? undefined : watermark;
          this.transcript.watermark(watermark);
        },
        status: (status) => {
          this.#last.isIdle = status === 'idle';
          this.transcript.status(status);
        },
        end: () => undefined,
      },
      future: { batch: () => undefined, watermark: () => undefined, status: () => undefined, end: () => undefined },
      column: 0,
      type: { kind: 'timestamp', nullable: false },
      rule: this.#rule(this.#kernels, this.#splits.length),
      skewMs: undefined,
      splits: this.#splits,
      splitOf: ({ split }) => split,
      deadLetter: () => undefined,
    });
  }

  #records(timestamps: number, values: number, rows: number): void {
    const { i64 } = this.#kernels.memory;
    for (let i = 0; i < rows; i++) {
      const value = Number(i64[(values >>> 3) + i]);
      const element = this.#setup.operator['type'] === 'watermarkAssigner' ? [value] : value;
      this.transcript.record(element, '+I', Number(i64[(timestamps >>> 3) + i]));
    }
  }
}

/** The idleness of one split that is asked and has nothing. */
class IdlenessActor implements Actor {
  readonly transcript = new Transcript('watermark');
  readonly #idleness: Idleness;
  #now = 0;

  constructor({ operator }: ConformanceCase) {
    this.#idleness = new Idleness(Number(operator['idleTimeoutMs']));
  }

  act(step: Step): void {
    if (step['activity'] !== undefined || step['event'] !== undefined) this.#idleness.active();
    else if (step['advanceProcessingTime'] !== undefined) this.#now += timeOf(step['advanceProcessingTime']);
    else if (step['processingTime'] !== undefined) this.#now = timeOf(step['processingTime']);
    else throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  }

  ask(step: Step): Mismatch | undefined | 'not mine' {
    if (step['checkIdle'] === undefined) return 'not mine';
    this.#idleness.silent(processingTimeMs(this.#now));
    const { expect } = step;
    if (expect === undefined || expect === this.#idleness.isIdle) return undefined;
    return { expected: { idle: expect }, got: { idle: this.#idleness.isIdle } };
  }
}
