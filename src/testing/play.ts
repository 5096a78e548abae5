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
 *  3. Rows are recorded when they are out: as a sink is handed them, or as it has written or committed them. With
 *     restarts, rows since the last checkpoint are recorded again.
 *  4. A sample shows what stands when everything up to its moment has been done, and nothing after it.
 * Asynchronous functions of the job must have their answers at hand: one that waits for a timer, a file or a network meets
 * its time-out first, because virtual time does not wait with it.
 * Not here: faults at every port call (simulate.ts).
 */
import { kernelsBase64 } from '#kernels';
import { eventTimeHook, physicalPlanOf } from '../api/deploy.ts';
import type { Job } from '../api/job.ts';
import { mistake } from '../base/mistake.ts';
import type { Clock } from '../base/clock.ts';
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
import { everyPart } from '../runtime/makers/every-part.ts';
import type { JobWatermarks } from '../runtime/job-watermarks.ts';
import type { HeavyKeyText, StateAlert } from '../runtime/growth/state-growth.ts';
import type { JobLag } from '../runtime/lag/lag-figures.ts';
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
  /** So many of the heaviest keys of each state are in each sample; none when left out. */
  readonly topKeys?: number;
  /** Arrivals are looked at once in so many milliseconds of the tape: 10 when left out. */
  readonly tickMs?: number;
  /** Moments at which the process dies and another takes over from the last checkpoint. */
  readonly restartsAtMs?: readonly number[];
  readonly settings?: Partial<
    Pick<JobSettings, 'checkpointEveryMs' | 'batchRows' | 'stateBytes' | 'lag' | 'stateAlertMs'>
  >;
  /** What sinks are like, by uid; those that are not here take rows at once. */
  readonly sinks?: { readonly [sink: string]: PlayedSink };
}

export interface PlayedSink {
  /** Milliseconds of processing time that a batch takes to be written; the job goes on when it is. */
  readonly takesMs?: number;
  /** Whether rows are out only with the checkpoint that holds them. */
  readonly commits?: boolean;
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
  readonly lag: JobLag;
  /** By the name of the state; empty unless asked for. */
  readonly heaviest: { readonly [state: string]: readonly HeavyKeyText[] };
}

export interface PlayedAlert {
  /** When it was raised. */
  readonly raisedAt: number;
  readonly alert: StateAlert;
}

/** What a played job gave, with the moments at which it did. */
export interface Played {
  /** By the uid of the sink. */
  readonly output: { readonly [sink: string]: readonly PlayedRow[] };
  readonly samples: readonly Sample[];
  readonly ledger: { readonly [operator: string]: Readonly<LedgerEntry> };
  readonly metrics: MetricsSnapshot;
  readonly lag: JobLag;
  readonly alerts: readonly PlayedAlert[];
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

/**
 * Runs `job` until its tapes are over. Throws UserError when tapes do not fit the job, and what keeps the job from starting
 * (again); a failure of the running job is recorded.
 */
export async function play(job: Job, options: PlayOptions): Promise<Played> {
  const plan = physicalPlanOf(job, NAME);
  checkTapes(plan, options.tapes);
  for (const name of ['speed', 'sampleEveryMs', 'tickMs'] as const) {
    const given = options[name];
    if (given !== undefined && !(given > 0)) throw mistake(`${name} of play`, 'a number above zero', given);
  }
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
  readonly #alerts: PlayedAlert[] = [];

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
        run.abandon();
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
        lag: run.lag(),
        alerts: this.#alerts,
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
      loadParts: everyPart,
      timestamp: eventTimeHook,
      onAlert: (alert: StateAlert) => this.#alerts.push({ raisedAt: this.#now(), alert }),
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
        return { ...node, operator: { ...operator, connector: this.#recorder(uid, rows, operator.connector.accepts) } };
      }
      const given = this.#options.tapes[uid];
      if (operator.kind !== 'source' || given === undefined) return node;
      return { ...node, operator: { ...operator, connector: tapeSource(given, playing) } };
    });
    return { ...this.#plan, nodes };
  }

  #recorder(uid: string, rows: PlayedRow[], accepts: SinkConnector['accepts']): SinkConnector {
    const { takesMs, commits } = this.#options.sinks?.[uid] ?? {};
    const how = { isChangelog: accepts === 'changelog', takesMs: takesMs ?? 0, commits: commits ?? false };
    const now = { clock: this.#clock, now: () => this.#now() };
    return { accepts, open: async (context) => new Recorder(context, rows, how, now) };
  }

  #look(run: JobRun): Omit<Sample, 'at'> {
    const { topKeys = 0 } = this.#options;
    const states = topKeys === 0 ? [] : run.deployment.arena.states();
    const heaviest = Object.fromEntries(states.map(({ name }) => [name, run.heaviestKeys(name, topKeys)]));
    return { progress: run.progress(), metrics: run.metrics(), watermarks: run.watermarks(), lag: run.lag(), heaviest };
  }

  /** Lets the job and the clock take turns until the job has ended, or its process is to die. */
  async #drive(run: JobRun, dieAt: number | undefined): Promise<'restart' | { readonly failure: unknown }> {
    let end: { readonly failure: unknown } | undefined;
    let hasStarted = false;
    const ended = run.start().then(() => {
      hasStarted = true;
      return run.execute();
    });
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
      if (end !== undefined && !hasStarted) throw end.failure;
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
      this.#samples.push({ at, ...this.#look(run) });
    }
  }
}

interface RecorderOptions extends Required<PlayedSink> {
  readonly isChangelog: boolean;
}

/** A sink that remembers every row with its moment. */
class Recorder implements SinkWriter {
  readonly commits: boolean;
  readonly bytesWritten = 0;
  readonly #reader: ChangeReader;
  readonly #rows: PlayedRow[];
  readonly #options: RecorderOptions;
  readonly #time: { readonly clock: Clock; readonly now: () => number };
  #writing: Promise<void> | undefined;
  /** Rows written and not committed; those of the checkpoint that is being taken come first. */
  #uncommitted: { readonly op: string; readonly row: Row }[] = [];
  #prepared = 0;

  constructor(
    context: SinkContext,
    rows: PlayedRow[],
    options: RecorderOptions,
    time: { readonly clock: Clock; readonly now: () => number },
  ) {
    this.#reader = new ChangeReader(context, { changelog: options.isChangelog, timestamp: eventTimeHook });
    this.#rows = rows;
    this.#options = options;
    this.#time = time;
    this.commits = options.commits;
  }

  write(batch: Parameters<SinkWriter['write']>[0]): void {
    const read = this.#reader.read(batch).map((each) => {
      const { op, ...row } = each;
      return this.#options.isChangelog ? { op: String(op), row } : { op: '+I', row: each };
    });
    const { takesMs } = this.#options;
    if (takesMs === 0) return this.#wrote(read);
    const writing = (this.#writing ?? Promise.resolve())
      .then(() => this.#time.clock.sleep(takesMs))
      .then(() => {
        this.#wrote(read);
        if (this.#writing === writing) this.#writing = undefined;
      });
    this.#writing = writing;
  }

  #wrote(rows: readonly { readonly op: string; readonly row: Row }[]): void {
    if (this.commits) this.#uncommitted.push(...rows);
    else for (const row of rows) this.#rows.push({ at: this.#time.now(), ...row });
  }

  written(): Promise<void> | undefined {
    return this.#writing;
  }

  ready(): Promise<void> | undefined {
    return this.#writing;
  }

  async prepare(checkpoint: number): Promise<number | undefined> {
    const writing = this.#writing;
    if (writing === undefined) this.#prepared = this.#uncommitted.length;
    await writing?.then(() => {
      this.#prepared = this.#uncommitted.length;
    });
    return this.#prepared > 0 ? checkpoint : undefined;
  }

  async commit(): Promise<void> {
    const at = this.#time.now();
    for (const row of this.#uncommitted.splice(0, this.#prepared)) this.#rows.push({ at, ...row });
    this.#prepared = 0;
  }

  async fence(): Promise<void> {}
  async recover(): Promise<void> {}
  async close(): Promise<void> {}
}
