/**
 * Runs a job in this process and gives a handle on it.
 *
 * Invariants
 *  1. `run` resolves when the job has been restored and its first record may be read; what it cannot restore it rejects with.
 *  2. The job is suspended on SIGTERM while `handleSignals` is on: the next run continues.
 * Not here: the handle itself (src/runtime/running-job.ts).
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Size, sizeBytes } from '../src/base/bytes.ts';
import type { Clock } from '../src/base/clock.ts';
import { UserError } from '../src/base/errors.ts';
import { type Duration, positiveDurationMs } from '../src/base/time.ts';
import type { Job } from '../src/index.ts';
import { KernelInstance } from '../src/kernel/instance.ts';
import {
  eventTimeHook,
  everyPart,
  JobHandle,
  JobRun,
  memoryBytesFor,
  type PhysicalPlan,
  physicalPlanOf,
  type RunningJob,
  type RunSettings,
  settingsOf,
  type StateAlert,
} from '../src/platform.ts';
import type { CheckpointStore } from '../src/state/checkpoint-store.ts';
import { DiskCheckpointStore } from '../src/state/disk-store.ts';
import { ephemeralStore } from '../src/state/ephemeral-store.ts';
import { ndjsonSink } from './connectors/ndjson-sink.ts';
import type { FileReadOptions } from './connectors/read-options.ts';
import { NodeDisk } from './disk.ts';
import { requireOwnFolders } from './output-folders.ts';
import { kernelModule, nodeClock } from './platform.ts';
import { withDeadLetters, withReading } from './reading.ts';

/** How a job runs: where its state lies, how often it is saved, how much memory it may take. */
export interface RunOptions extends RunSettings {
  /** Folder for checkpoints and dead letters, made when it is not there. Without it nothing survives the process. */
  readonly state?: string;
  /** Bytes read from a file at once, 512 KB unless said otherwise. Results do not depend on it. */
  readonly chunk?: Size;
  /** Told of every alert as it is raised; they are in `alerts()` as well. */
  readonly onAlert?: (alert: StateAlert) => void;
  /** A pause after each turn of work (at most 64 batches), to watch a job go by or to kill it by hand. */
  readonly throttle?: Duration;
  /** How sources of files are read, over what the job says: followed, for instance. E1508 when it has none. */
  readonly reading?: FileReadOptions;
  /**
   * The sources of files read the records of their dead letters once more: those that the state folder has and that were never
   * fed back, as they were or as they stand in `dead-letters/repaired`. E1511 when the job is finished or keeps no state.
   */
  readonly replayDeadLetters?: boolean;
  /** Suspend on SIGTERM; on unless said otherwise. */
  readonly handleSignals?: boolean;
}

const OWN_OPTIONS = ['chunk', 'onAlert', 'throttle', 'reading', 'replayDeadLetters', 'handleSignals'];

/** Starts a job. Throws UserError when the job, its options or its state cannot work. */
export async function run(job: Job, options: RunOptions = {}): Promise<RunningJob> {
  const shared = settingsOf(options, OWN_OPTIONS);
  const { chunk } = options;
  const settings = chunk === undefined ? shared : { ...shared, chunkBytes: sizeBytes(chunk, 'chunk') };
  const clock = clockOf(options);
  const read = withReading(physicalPlanOf(job, options.name ?? 'job'), options.reading ?? {});
  const plan = lettersOf(read, options);
  await requireOwnFolders(plan, options.state);
  const store = options.state === undefined ? ephemeralStore() : await diskStore(options.state);
  // V8 collects garbage each time that memory grows: pauses of 5 to 10 ms while state fills.
  const kernels = new KernelInstance(await kernelModule(), memoryBytesFor(settings), { reserved: true });
  const deadLetters =
    options.state === undefined ? {} : { deadLetters: ndjsonSink(join(options.state, 'dead-letters')) };
  const alerting = options.onAlert === undefined ? {} : { onAlert: options.onAlert };
  const jobRun = new JobRun(
    plan,
    {
      clock,
      kernels,
      store,
      loadParts: everyPart,
      timestamp: eventTimeHook,
      ...deadLetters,
      ...alerting,
    },
    settings,
  );
  await jobRun.start();
  if (options.replayDeadLetters === true) await requireUnfinished(jobRun);
  return options.handleSignals === false ? new JobHandle(jobRun) : suspendedBySignal(jobRun);
}

function lettersOf(plan: PhysicalPlan, { state, replayDeadLetters = false }: RunOptions): PhysicalPlan {
  if (state !== undefined) return withDeadLetters(plan, state, replayDeadLetters);
  if (!replayDeadLetters) return plan;
  throw new UserError('E1511', { problem: 'they are kept in the state folder, and the job has none' });
}

/** Rows for windows that have all fired would be late, every one of them. */
async function requireUnfinished(jobRun: JobRun): Promise<void> {
  if (jobRun.restoredFrom?.finished !== true) return;
  await jobRun.execute();
  const hint = 'run it anew with another state and output, over the repaired records as well';
  throw new UserError('E1511', { problem: 'the job is finished, its windows are closed' }, { hint });
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

/** The handle of a run that is suspended by SIGTERM. */
function suspendedBySignal(jobRun: JobRun): RunningJob {
  const onSignal = (): void => jobRun.suspend();
  process.once('SIGTERM', onSignal);
  const handle = new JobHandle(jobRun);
  handle.done.catch(() => undefined).finally(() => process.removeListener('SIGTERM', onSignal));
  return handle;
}
