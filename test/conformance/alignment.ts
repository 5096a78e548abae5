/**
 * Kind `alignment`: source splits that are held back, by the source driver and the operator that makes watermarks below it.
 *
 * A case announces the allowed maximum (`maxWatermark`); in the engine it follows from where the other splits of the group
 * stand. So the announcement takes the place of the group: everybody else stands there, and no drift is allowed beyond. A split
 * that is added joins as at a restart; a reader that says it is idle is one whose silence counts at once.
 */
import { type EventTimeMs, eventTimeMs, MAX_TIME, processingTimeMs } from '../../src/base/time.ts';
import type { Json } from '../../src/base/json.ts';
import type { Poll, SourceSplit, SplitReader } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { BatchBuilder } from '../../src/format/batch-builder.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { AssignWatermarks } from '../../src/runtime/operators/assign-watermarks.ts';
import { UserWatermarks } from '../../src/runtime/operators/user-watermarks.ts';
import { SourceDriver } from '../../src/runtime/source-driver.ts';
import { newKernels } from '../support/kernels.ts';
import { type ConformanceCase, type Driver, listOf, objectOf, type Step, Unsupported } from './case.ts';
import { type Mismatch, sameValue, timeOf, Transcript } from './compare.ts';
import { type Actor, conduct } from './conduct.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'at', type: { kind: 'timestamp', nullable: false } }] };
const SOURCE = 's';

export const alignment: Driver = async (one) => conduct(one, new AlignmentActor(one, await newKernels(16 << 20)));

interface Added {
  readonly id: string;
  readonly records: readonly number[];
  readonly isBounded: boolean;
}

class AlignmentActor implements Actor {
  readonly transcript = new Transcript('alignment');
  readonly #kernels: KernelInstance;
  readonly #generator: (at: number) => number | undefined;
  readonly #idleAfterMs: number | undefined;
  readonly #splits: Added[] = [];
  #allowed: EventTimeMs = MAX_TIME;
  #now = 1;
  #records = 0;
  #driver: SourceDriver | undefined;
  #assigner: AssignWatermarks | undefined;

  constructor({ operator }: ConformanceCase, kernels: KernelInstance) {
    this.#kernels = kernels;
    const generator = String(operator['generator']);
    if (!generator.startsWith('per element')) throw new Unsupported(`the generator '${generator}'`);
    this.#generator = generator.endsWith('when odd') ? (at) => (at % 2 === 0 ? undefined : at) : (at) => at;
    const { idleTimeoutMs: idle } = operator;
    this.#idleAfterMs = operator['idlenessFromReader'] === true ? 0 : typeof idle === 'number' ? idle : undefined;
  }

  async act(step: Step): Promise<void> {
    if (step['addSplit'] !== undefined) await this.#add(objectOf(step['addSplit'], 'addSplit'));
    else if (step['maxWatermark'] !== undefined) this.#allowed = eventTimeMs(timeOf(step['maxWatermark']));
    else if (step['processingTime'] !== undefined) this.#now = timeOf(step['processingTime']);
    else if (step['advanceProcessingTime'] !== undefined) this.#now += timeOf(step['advanceProcessingTime']);
    else if (step['poll'] !== undefined) this.#poll();
    else if (step['noMoreSplits'] === undefined) throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  }

  ask(step: Step): Mismatch | undefined | 'not mine' {
    if (step['poll'] !== undefined && step['available'] !== undefined) {
      const got = this.#poll();
      return got === step['available'] ? undefined : { expected: step['available'], got };
    }
    if (step['state'] === undefined) return 'not mine';
    const known = this.#state();
    for (const [name, value] of Object.entries(objectOf(step['state'], 'state'))) {
      if (!(name in known)) throw new Unsupported(`the state ${name}`);
      if (!sameValue(value, known[name])) return { expected: { [name]: value }, got: { [name]: known[name] } };
    }
    return undefined;
  }

  #state(): { readonly [name: string]: Json } {
    const splits = this.#driver?.positions() ?? [];
    const isIdle = this.#assigner?.splits().every(({ idle }) => idle) ?? false;
    return {
      reportedWatermark: isIdle ? MAX_TIME : (this.#assigner?.watermark ?? null),
      available: splits.some(({ ended, isHeldBack }) => !ended && !isHeldBack),
      pausedSplits: splits.filter(({ isHeldBack }) => isHeldBack).map(({ id }) => id),
    };
  }

  #poll(): string {
    const before = this.#records;
    const step = this.#driver?.step(() => processingTimeMs(this.#now)) ?? 'wait';
    this.#settle();
    if (step === 'end') return 'endOfInput';
    if (this.#records > before) return 'more';
    return this.#driver?.positions().every(({ ended }) => ended) === true ? 'endOfData' : 'nothing';
  }

  #settle(): void {
    while (this.#assigner?.more === true) this.#assigner.resume();
  }

  async #add(split: { readonly [name: string]: Json }): Promise<void> {
    // What was written is JSON.
    const saved = JSON.parse(
      JSON.stringify({ driver: this.#driver?.snapshot() ?? null, assigner: this.#assigner?.snapshot() ?? null }),
    ) as { driver: Json; assigner: Json };
    const records = listOf(split['records'] ?? [], 'records').map(Number);
    this.#splits.push({ id: String(split['id']), records, isBounded: split['bounded'] === true });
    const assigner = this.#makeAssigner();
    if (saved.assigner !== null) assigner.restore(saved.assigner);
    this.#assigner = assigner;
    this.#driver = this.#makeDriver(assigner);
    await this.#driver.open(saved.driver ?? undefined);
  }

  #makeAssigner(): AssignWatermarks {
    const { memory } = this.#kernels;
    const generator = {
      state: () => null,
      onRow: (_row: never, at: number) => this.#generator(at),
      periodic: undefined,
    };
    const timestamp = (ms: number): number => ms;
    return new AssignWatermarks({
      uid: 'w',
      kernels: this.#kernels,
      output: {
        batch: (batch) => {
          this.#records += batch.selected;
          for (let i = 0; i < batch.selected; i++)
            this.transcript.record(Number(memory.i64[(batch.timestamps >>> 3) + i]));
        },
        watermark: (watermark) => this.transcript.watermark(watermark),
        status: (status) => this.transcript.status(status),
        end: () => undefined,
      },
      future: { batch: () => undefined, watermark: () => undefined, status: () => undefined, end: () => undefined },
      column: 0,
      type: { kind: 'timestamp', nullable: false },
      rule: new UserWatermarks({ uid: 'w', memory, schema: SCHEMA, timestamp, generator }, this.#splits.length),
      skewMs: undefined,
      splits: this.#splits.map(({ id }) => id),
      splitOf: ({ split }) => split,
      deadLetter: () => undefined,
    });
  }

  #makeDriver(assigner: AssignWatermarks): SourceDriver {
    const splits = this.#splits.map(({ id }): SourceSplit => ({ id }));
    return new SourceDriver({
      uid: SOURCE,
      kernels: this.#kernels,
      output: {
        batch: (batch) => assigner.processBatch(batch),
        watermark: () => undefined,
        status: (status, split) => assigner.processStatus(status, 0, split),
        end: (split) => assigner.endOfInput(0, split),
      },
      connector: {
        schema: SCHEMA,
        live: true,
        quantum: 1,
        splits: async () => splits,
        open: async () => {
          throw new Error('splits are opened by the adapter');
        },
      },
      splits,
      eventTime: { column: 0, type: { kind: 'timestamp', nullable: false } },
      maxOf: (origin) => assigner.maxOf(origin),
      idleAfterMs: this.#idleAfterMs,
      align: {
        group: { join: () => undefined, others: () => this.#allowed },
        maxDriftMs: 0,
        skewMs: undefined,
      },
      open: async (_split, index, offset) =>
        new Records(this.#kernels, this.#splits[index], index, Number(offset ?? 0)),
    });
  }
}

/** One record a poll. */
class Records implements SplitReader {
  readonly #builder: BatchBuilder;
  readonly #split: Added | undefined;
  readonly #index: number;
  position: number;

  constructor(kernels: KernelInstance, split: Added | undefined, index: number, position: number) {
    this.#builder = new BatchBuilder(kernels, SCHEMA, 1);
    this.#split = split;
    this.#index = index;
    this.position = position;
  }

  poll(): Poll {
    const at = this.#split?.records[this.position];
    if (at === undefined) return this.#split?.isBounded === true ? 'end' : 'wait';
    this.position++;
    this.#builder.reset();
    this.#builder.append({ at });
    return this.#builder.finish({ source: SOURCE, split: this.#index });
  }

  async ready(): Promise<void> {}

  offset(): Json {
    return this.position;
  }

  async close(): Promise<void> {}
}
