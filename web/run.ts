/**
 * Runs a job in the calling thread, a worker's or the page's own, and gives a handle on it.
 *
 * Invariants
 *  1. `run` resolves when the job has been restored and its first record may be read; what it cannot restore it
 *     rejects with.
 *  2. A job that fails rejects `done`, and `status` is 'failed'. It is never restarted silently.
 *  3. The job is suspended when the handle is disposed: the next run continues.
 * Not here: a worker of its own for the job (start.ts on the page, serve.ts in the worker).
 */
import { type Size, sizeBytes } from '../src/base/bytes.ts';
import { type Duration, positiveDurationMs } from '../src/base/time.ts';
import type { Job } from '../src/index.ts';
import { KernelInstance } from '../src/kernel/instance.ts';
import type { LedgerEntry } from '../src/metrics/ledger.ts';
import type { MetricsSnapshot } from '../src/metrics/registry.ts';
import {
  DEFAULT_SETTINGS,
  eventTimeHook,
  type JobPorts,
  type JobProgress,
  JobRun,
  type JobStatus,
  memoryBytesFor,
  physicalPlanOf,
} from '../src/platform.ts';
import type { DeadLetterRecord } from '../src/runtime/dead-letters.ts';
import { ephemeralStore } from '../src/state/ephemeral-store.ts';
import { indexedDbSink } from './connectors/indexeddb-sink.ts';
import { type PostLines, PageSink } from './connectors/page-sink.ts';
import { browserClock, browserKernels } from './platform.ts';
import { IndexedDbStore } from './state/indexeddb-store.ts';

export interface RunOptions {
  /** Name of its state in IndexedDB, made when it is not there. Without it nothing survives the page. */
  readonly state?: string;
  /** Time between checkpoints, 10 s unless said otherwise. Sinks make their rows visible at checkpoints. */
  readonly checkpointEvery?: Duration;
  /** Bytes that state may take, 256 MB unless said otherwise. A job that needs more fails with E1302. */
  readonly memory?: Size;
  /** Checkpoints kept, 2 unless said otherwise. */
  readonly retained?: number;
  /** Rows in a batch, at most 4,096. Results do not depend on it. */
  readonly batchRows?: number;
  /** What the job is called when it has no name of its own; otherwise the name of its state. */
  readonly name?: string;
}

export interface RunningJob extends AsyncDisposable {
  readonly name: string;
  readonly status: JobStatus;
  /** Resolves when the job has ended, with how; rejects when it failed. */
  readonly done: Promise<JobStatus>;
  /** The checkpoint that it continues from, and what was wrong with newer ones. */
  readonly restored: {
    readonly checkpoint: number | undefined;
    readonly damaged: readonly { readonly name: string; readonly problem: string }[];
  };
  metrics(): MetricsSnapshot;
  ledger(): { readonly [operator: string]: Readonly<LedgerEntry> };
  progress(): JobProgress;
  /** The first dead letters since the start, at most a hundred. All of them: openResults(deadLettersOf(state)). */
  deadLetters(): readonly DeadLetterRecord[];
  /** Ends all input here: windows fire, sinks commit. Resolves when that is done. */
  drain(): Promise<void>;
  /** Stops after a last checkpoint; the next run continues. */
  suspend(): Promise<void>;
  /** Stops at once; the next run continues from the last completed checkpoint. */
  cancel(): Promise<void>;
}

/** The name under which `openResults` finds the dead letters of a state. */
export const deadLettersOf = (state: string): string => `${state}/dead-letters`;

/** Starts a job. Throws UserError when the job, its options or its state cannot work. */
export function run(job: Job, options: RunOptions = {}): Promise<RunningJob> {
  return runAttached(job, options, undefined);
}

/** The same; rows for the page that has started this worker go to `post`. */
export async function runAttached(job: Job, options: RunOptions, post: PostLines | undefined): Promise<RunningJob> {
  const plan = physicalPlanOf(job, options.name ?? options.state ?? 'job');
  for (const { operator } of plan.nodes) {
    if (post !== undefined && operator.kind === 'sink' && operator.connector instanceof PageSink) {
      operator.connector.attach(post);
    }
  }
  const settings = {
    ...DEFAULT_SETTINGS,
    stateBytes: sizeBytes(options.memory ?? '256 MB', 'memory'),
    checkpointEveryMs: positiveDurationMs(options.checkpointEvery ?? '10 s', 'checkpointEvery'),
    retained: options.retained ?? DEFAULT_SETTINGS.retained,
    batchRows: options.batchRows ?? DEFAULT_SETTINGS.batchRows,
  };
  const kernels = new KernelInstance(await browserKernels(), memoryBytesFor(settings));
  const jobRun = new JobRun(plan, { kernels, ...(await portsOf(options.state)) }, settings);
  await jobRun.start();
  return new Handle(jobRun);
}

async function portsOf(state: string | undefined): Promise<Omit<JobPorts, 'kernels'>> {
  const ports = { clock: browserClock, timestamp: eventTimeHook };
  if (state === undefined) return { ...ports, store: ephemeralStore() };
  return { ...ports, store: await IndexedDbStore.open(state), deadLetters: indexedDbSink(deadLettersOf(state)) };
}

class Handle implements RunningJob {
  readonly #run: JobRun;
  readonly done: Promise<JobStatus>;

  constructor(jobRun: JobRun) {
    this.#run = jobRun;
    this.done = jobRun.execute();
    // Whoever awaits `done` sees the failure; a handle that nobody awaits is no error of its own.
    this.done.catch(() => undefined);
  }

  get name(): string {
    return this.#run.plan.name;
  }

  get status(): JobStatus {
    return this.#run.status;
  }

  get restored(): RunningJob['restored'] {
    return { checkpoint: this.#run.restoredFrom?.checkpoint, damaged: this.#run.damaged };
  }

  metrics(): MetricsSnapshot {
    return this.#run.metrics();
  }

  ledger(): { readonly [operator: string]: Readonly<LedgerEntry> } {
    return this.#run.ledger();
  }

  progress(): JobProgress {
    return this.#run.progress();
  }

  deadLetters(): readonly DeadLetterRecord[] {
    return this.#run.deployment.deadLetters.sample;
  }

  async drain(): Promise<void> {
    this.#run.drain();
    await this.done;
  }

  async suspend(): Promise<void> {
    this.#run.suspend();
    await this.done;
  }

  async cancel(): Promise<void> {
    this.#run.cancel();
    await this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.status === 'running' || this.status === 'starting') await this.suspend();
  }
}
