/**
 * Plays tapes through a job on virtual time, and records what comes out and when.
 *
 *   tapes -- at their moments --> the job --> every sink: (moment, row)
 *                                   |
 *                     samples of ledger, metrics and progress, at even moments
 *
 * Invariants
 *  1. Nothing waits in real time: the clock jumps to whatever sleeps next. The same tapes and options give the same record.
 *  2. All moments are milliseconds since the beginning of the tape, whatever the speed.
 *  3. Rows are recorded when a sink is handed them. With restarts, rows since the last checkpoint are recorded again.
 *  4. A sample shows what stands when everything up to its moment has been done, and nothing after it.
 * Not here: faults at every port call (simulate.ts).
 */
import { kernelsBase64 } from '#kernels';
import { eventTimeHook, physicalPlanOf } from '../api/deploy.ts';
import type { Job } from '../api/job.ts';
import { mistake } from '../api/mistake.ts';
import type { SinkConnector, SinkContext, SinkWriter } from '../connector/sink.ts';
import { describeSchema } from '../data/schema.ts';
import { ChangeReader } from '../format/collect-sink.ts';
import type { Row } from '../format/row-view.ts';
import { KernelInstance } from '../kernel/instance.ts';
import { compileKernels } from '../kernel/module.ts';
import type { LedgerEntry } from '../metrics/ledger.ts';
import type { MetricsSnapshot } from '../metrics/registry.ts';
import type { PhysicalPlan } from '../plan/physical.ts';
import type { DeadLetterRecord } from '../runtime/dead-letters.ts';
import { JobRun } from '../runtime/job-run.ts';
import type { JobWatermarks } from '../runtime/job-watermarks.ts';
import { DEFAULT_SETTINGS, type JobProgress, type JobSettings, memoryBytesFor } from '../runtime/job-settings.ts';
import { MemoryMedium, MemoryStore } from './memory-store.ts';
import { type Tape, tapeSource } from './tape.ts';
import { microtasks, VirtualClock } from './virtual-clock.ts';

/** What is played, how fast, and what is recorded. */
export interface PlayOptions {
  /** Tapes by the uid of the source that they take the place of. */
  readonly tapes: { readonly [source: string]: Tape };
  /** Milliseconds of the tape in one of processing time: 100 plays it a hundred times as fast. 1 when left out. */
  readonly speed?: number;
  /** Samples are taken once in so many milliseconds of the tape; none when left out. */
  readonly sampleEveryMs?: number;
  /** Arrivals are looked at once in so many milliseconds of the tape: 10 when left out. */
  readonly tickMs?: number;
  /** Moments at which the process dies and another takes over from the last checkpoint. */
  readonly restartsAtMs?: readonly number[];
  readonly settings?: Partial<Pick<JobSettings, 'checkpointEveryMs' | 'batchRows' | 'stateBytes'>>;
}

/** A row that a sink was handed. `op` is '+I' unless the sink takes changes. */
export interface PlayedRow {
  readonly at: number;
  readonly op: string;
  readonly row: Row;
}

/** What a running job said of itself at a moment of the tape. */
export interface Sample {
  readonly at: number;
  readonly progress: JobProgress;
  readonly metrics: MetricsSnapshot;
  readonly watermarks: JobWatermarks;
}

/** What a played job gave, with the moments at which it did. */
export interface Played {
  /** By the uid of the sink. */
  readonly output: { readonly [sink: string]: readonly PlayedRow[] };
  readonly samples: readonly Sample[];
  readonly ledger: { readonly [operator: string]: Readonly<LedgerEntry> };
  readonly metrics: MetricsSnapshot;
  readonly deadLetters: readonly DeadLetterRecord[];
  /** When the job ended. */
  readonly endedAt: number;
  /** The error that ended it, when it failed. */
  readonly failure: unknown;
}

const NAME = 'played';
const STATE_BYTES = 256 * 1024 * 1024;
/** So many times is a job that does nothing visible given its turn before it counts as stuck. */
const IDLE_ROUNDS_MAX = 100;

/** Runs `job` until its tapes are over. Throws UserError when tapes do not fit the job; a failure of the job is recorded. */
export async function play(job: Job, options: PlayOptions): Promise<Played> {
  const plan = physicalPlanOf(job, NAME);
  checkTapes(plan, options.tapes);
  const settings: JobSettings = { ...DEFAULT_SETTINGS, stateBytes: STATE_BYTES, ...options.settings };
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), memoryBytesFor(settings));
  return new Player(plan, options, settings, kernels).play();
}

function checkTapes(plan: PhysicalPlan, tapes: PlayOptions['tapes']): void {
  const sources = plan.nodes.flatMap(({ uid, operator }) => (operator.kind === 'source' ? [{ uid, operator }] : []));
  for (const uid of Object.keys(tapes)) {
    if (sources.some((source) => source.uid === uid)) continue;
    throw mistake('a tape', `for a source of the job (${sources.map((source) => source.uid).join(', ')})`, uid);
  }
  for (const { uid, operator } of sources) {
    const given = tapes[uid];
    if (given === undefined) {
      throw mistake(`the tape of '${uid}'`, 'given as tape(schema, [...])', undefined);
    }
    const [needs, got] = [describeSchema(operator.schema), describeSchema(given.schema)];
    if (needs !== got) throw mistake(`the tape of '${uid}'`, `rows of ${needs}`, got);
  }
}

class Player {
  readonly #plan: PhysicalPlan;
  readonly #options: PlayOptions;
  readonly #settings: JobSettings;
  readonly #kernels: KernelInstance;
  readonly #clock = new VirtualClock();
  readonly #medium = new MemoryMedium();
  readonly #speed: number;
  readonly #output: Record<string, PlayedRow[]> = {};
  readonly #samples: Sample[] = [];

  constructor(plan: PhysicalPlan, options: PlayOptions, settings: JobSettings, kernels: KernelInstance) {
    this.#plan = plan;
    this.#options = options;
    this.#settings = settings;
    this.#kernels = kernels;
    this.#speed = options.speed ?? 1;
  }

  async play(): Promise<Played> {
    const restarts = [...(this.#options.restartsAtMs ?? [])].sort((a, b) => a - b);
    for (;;) {
      const run = this.#start();
      const end = await this.#drive(run, restarts.shift());
      if (end === 'restart') {
        this.#clock.forgetSleepers();
        this.#medium.crash();
        this.#kernels.reset();
        continue;
      }
      return {
        output: this.#output,
        samples: this.#samples,
        ledger: run.ledger(),
        metrics: run.metrics(),
        deadLetters: run.deployment.deadLetters.sample,
        endedAt: this.#now(),
        failure: end.failure,
      };
    }
  }

  /** Milliseconds of the tape. */
  #now(): number {
    return this.#clock.monotonicMs() * this.#speed;
  }

  #start(): JobRun {
    const ports = {
      clock: this.#clock,
      kernels: this.#kernels,
      store: new MemoryStore(this.#medium),
      timestamp: eventTimeHook,
    };
    return new JobRun(this.#replaced(), ports, this.#settings);
  }

  /** The plan with its sources and sinks replaced. */
  #replaced(): PhysicalPlan {
    const playing = { clock: this.#clock, beganMs: 0, speed: this.#speed, tickMs: this.#options.tickMs ?? 10 };
    const nodes = this.#plan.nodes.map((node): PhysicalPlan['nodes'][number] => {
      const { uid, operator } = node;
      if (operator.kind === 'sink') {
        const rows = (this.#output[uid] ??= []);
        return { ...node, operator: { ...operator, connector: this.#recorder(rows, operator.connector.accepts) } };
      }
      const given = this.#options.tapes[uid];
      if (operator.kind !== 'source' || given === undefined) return node;
      return { ...node, operator: { ...operator, connector: tapeSource(given, playing) } };
    });
    return { ...this.#plan, nodes };
  }

  #recorder(rows: PlayedRow[], accepts: SinkConnector['accepts']): SinkConnector {
    return {
      accepts,
      open: async (context) => new Recorder(context, rows, accepts === 'changelog', () => this.#now()),
    };
  }

  /** Lets the job and the clock take turns until the job has ended, or its process is to die. */
  async #drive(run: JobRun, dieAt: number | undefined): Promise<'restart' | { readonly failure: unknown }> {
    let end: { readonly failure: unknown } | undefined;
    const ended = run.start().then(() => run.execute());
    void ended.then(
      () => {
        end = { failure: undefined };
      },
      (failure: unknown) => {
        end = { failure };
      },
    );
    for (let idleRounds = 0; idleRounds < IDLE_ROUNDS_MAX; ) {
      await microtasks();
      if (end !== undefined) return end;
      if (dieAt !== undefined && this.#now() >= dieAt) return 'restart';
      await this.#sampleBeforeNext(run);
      idleRounds = this.#clock.wakeNext() ? 0 : idleRounds + 1;
    }
    throw mistake('a played job', 'at work or asleep until its tapes are over', 'waiting for something else');
  }

  /** Samples of the moments before the one at which something happens next. */
  async #sampleBeforeNext(run: JobRun): Promise<void> {
    const { sampleEveryMs } = this.#options;
    const next = this.#clock.nextDue;
    if (sampleEveryMs === undefined || next === undefined || run.status !== 'running') return;
    for (;;) {
      const at = (this.#samples.length + 1) * sampleEveryMs;
      const due = at / this.#speed;
      if (due >= next) return;
      await this.#clock.advance(Math.max(0, due - this.#clock.monotonicMs()));
      this.#samples.push({ at, progress: run.progress(), metrics: run.metrics(), watermarks: run.watermarks() });
    }
  }
}

/** A sink that remembers every row with its moment. */
class Recorder implements SinkWriter {
  readonly #reader: ChangeReader;
  readonly #rows: PlayedRow[];
  readonly #isChangelog: boolean;
  readonly #now: () => number;
  readonly bytesWritten = 0;

  constructor(context: SinkContext, rows: PlayedRow[], isChangelog: boolean, now: () => number) {
    this.#reader = new ChangeReader(context, { changelog: isChangelog, timestamp: eventTimeHook });
    this.#rows = rows;
    this.#isChangelog = isChangelog;
    this.#now = now;
  }

  write(batch: Parameters<SinkWriter['write']>[0]): void {
    const at = this.#now();
    for (const read of this.#reader.read(batch)) {
      const { op, ...row } = read;
      this.#rows.push(this.#isChangelog ? { at, op: String(op), row } : { at, op: '+I', row: read });
    }
  }

  async fence(): Promise<void> {}
  async recover(): Promise<void> {}
  ready(): undefined {}
  async prepare(): Promise<undefined> {}
  async commit(): Promise<void> {}
  async close(): Promise<void> {}
}
