/**
 * Runs a job in this process and gives a handle on it.
 *
 * Invariants
 *  1. `run` resolves when the job has been restored and its first record may be read; what it cannot restore it rejects with.
 *  2. A job that fails rejects `done`, and `status` is 'failed'. It is never restarted silently.
 *  3. The job is suspended when the handle is disposed, and on SIGTERM while `handleSignals` is on: the next run continues.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Size, sizeBytes } from '../src/base/bytes.ts';
import type { Clock } from '../src/base/clock.ts';
import { type Duration, positiveDurationMs } from '../src/base/time.ts';
import type { Job } from '../src/index.ts';
import { KernelInstance } from '../src/kernel/instance.ts';
import type { LedgerEntry } from '../src/metrics/ledger.ts';
import type { MetricsSnapshot } from '../src/metrics/registry.ts';
import {
  DEFAULT_SETTINGS,
  eventTimeHook,
  JobRun,
  type JobStatus,
  memoryBytesFor,
  physicalPlanOf,
} from '../src/platform.ts';
import type { DeadLetterRecord } from '../src/runtime/dead-letters.ts';
import type { CheckpointStore } from '../src/state/checkpoint-store.ts';
import { DiskCheckpointStore } from '../src/state/disk-store.ts';
import { ephemeralStore } from '../src/state/ephemeral-store.ts';
import { ndjsonSink } from './connectors/ndjson-sink.ts';
import { NodeDisk } from './disk.ts';
import { kernelModule, nodeClock } from './platform.ts';

export interface RunOptions {
  /** Folder for checkpoints and dead letters, made when it is not there. Without it nothing survives the process. */
  readonly state?: string;
  /** Time between checkpoints, 10 s unless said otherwise. Sinks make their rows visible at checkpoints. */
  readonly checkpointEvery?: Duration;
  /** Bytes that state may take, 256 MB unless said otherwise. A job that needs more fails with E1302. */
  readonly memory?: Size;
  /** Checkpoints kept in the state folder, 2 unless said otherwise. */
  readonly retained?: number;
  /** Rows in a batch, at most 4,096. Results do not depend on it. */
  readonly batchRows?: number;
  /** Bytes read from a file at once. Results do not depend on it. */
  readonly chunk?: Size;
  /** What the job is called when it has no name of its own. */
  readonly name?: string;
  /** A pause after each turn of work (at most 64 batches), to watch a job go by or to kill it by hand. */
  readonly throttle?: Duration;
  /** Suspend on SIGTERM; on unless said otherwise. */
  readonly handleSignals?: boolean;
}

export interface Progress {
  readonly recordsIn: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
  /** Milliseconds since 1970 of event time; undefined before the first watermark. */
  readonly watermark: number | undefined;
  readonly stateBytes: number;
  readonly checkpoints: number;
  readonly longestGapMs: number;
}

export interface RunningJob extends AsyncDisposable {
  readonly name: string;
  readonly status: JobStatus;
  /** Resolves when the job has ended, with how; rejects when it failed. */
  readonly done: Promise<JobStatus>;
  /** Whether it continues from a checkpoint, and what was wrong with newer ones. */
  readonly restored: {
    readonly checkpoint: number | undefined;
    readonly damaged: readonly { readonly name: string; readonly problem: string }[];
  };
  metrics(): MetricsSnapshot;
  ledger(): { readonly [operator: string]: Readonly<LedgerEntry> };
  progress(): Progress;
  /** The first dead letters since the start, at most a hundred. */
  deadLetters(): readonly DeadLetterRecord[];
  /** Ends all input here: windows fire, sinks commit. Resolves when that is done. */
  drain(): Promise<void>;
  /** Stops after a last checkpoint; the next run continues. */
  suspend(): Promise<void>;
  /** Stops at once; the next run continues from the last completed checkpoint. */
  cancel(): Promise<void>;
}

/** Starts a job. Throws UserError when the job, its options or its state cannot work. */
export async function run(job: Job, options: RunOptions = {}): Promise<RunningJob> {
  const plan = physicalPlanOf(job, options.name ?? 'job');
  const stateBytes = sizeBytes(options.memory ?? '256 MB', 'memory');
  const settings = {
    ...DEFAULT_SETTINGS,
    stateBytes,
    checkpointEveryMs: positiveDurationMs(options.checkpointEvery ?? '10 s', 'checkpointEvery'),
    retained: options.retained ?? DEFAULT_SETTINGS.retained,
    batchRows: options.batchRows ?? DEFAULT_SETTINGS.batchRows,
    chunkBytes: options.chunk === undefined ? DEFAULT_SETTINGS.chunkBytes : sizeBytes(options.chunk, 'chunk'),
  };
  const store = options.state === undefined ? ephemeralStore() : await diskStore(options.state);
  const kernels = new KernelInstance(await kernelModule(), memoryBytesFor(settings));
  const deadLetters =
    options.state === undefined ? {} : { deadLetters: ndjsonSink(join(options.state, 'dead-letters')) };
  const jobRun = new JobRun(
    plan,
    { clock: clockOf(options), kernels, store, timestamp: eventTimeHook, ...deadLetters },
    settings,
  );
  await jobRun.start();
  return new Handle(jobRun, options.handleSignals ?? true);
}

/** The clock whose turns last as long as a throttle says. */
function clockOf({ throttle }: RunOptions): Clock {
  if (throttle === undefined) return nodeClock;
  const pauseMs = positiveDurationMs(throttle, 'throttle');
  return { ...nodeClock, yield: () => nodeClock.sleep(pauseMs) };
}

async function diskStore(folder: string): Promise<CheckpointStore> {
  await mkdir(folder, { recursive: true });
  return new DiskCheckpointStore(new NodeDisk(folder), folder);
}

class Handle implements RunningJob {
  readonly #run: JobRun;
  readonly done: Promise<JobStatus>;

  constructor(jobRun: JobRun, handleSignals: boolean) {
    this.#run = jobRun;
    const onSignal = (): void => jobRun.suspend();
    if (handleSignals) process.once('SIGTERM', onSignal);
    this.done = jobRun.execute().finally(() => process.removeListener('SIGTERM', onSignal));
    // Whoever awaits `done` sees the failure; a handle that nobody awaits must not bring the process down.
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

  progress(): Progress {
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
