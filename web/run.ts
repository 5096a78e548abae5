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
import type { Job } from '../src/index.ts';
import { KernelInstance } from '../src/kernel/instance.ts';
import {
  eventTimeHook,
  JobHandle,
  type JobPorts,
  JobRun,
  memoryBytesFor,
  physicalPlanOf,
  type RunningJob,
  settingsOf,
} from '../src/platform.ts';
import { ephemeralStore } from '../src/state/ephemeral-store.ts';
import { indexedDbSink } from './connectors/indexeddb-sink.ts';
import { type PostLines, PageSink } from './connectors/page-sink.ts';
import type { Engine } from './engine.ts';
import { engineOnDemand } from './engine-on-demand.ts';
import { browserClock } from './platform.ts';
import type { StartOptions } from './protocol.ts';
import { IndexedDbStore } from './state/indexeddb-store.ts';

/** How a job runs, in a thread of its own or in this one. */
export type RunOptions = StartOptions;

/** The name under which `openResults` finds the dead letters of a state. */
export const deadLettersOf = (state: string): string => `${state}/dead-letters`;

/** Starts a job. Throws UserError when the job, its options or its state cannot work. */
export function run(job: Job, options: RunOptions = {}): Promise<RunningJob> {
  return runAttached(job, options, { engine: engineOnDemand });
}

/** What a job is run with, besides its options. */
export interface Attachment {
  readonly engine: Engine;
  /** Takes rows for the page that has started this worker. */
  readonly post?: PostLines;
}

export async function runAttached(job: Job, options: RunOptions, { engine, post }: Attachment): Promise<RunningJob> {
  const settings = settingsOf(options);
  const plan = physicalPlanOf(job, options.name ?? options.state ?? 'job');
  for (const { operator } of plan.nodes) {
    if (post !== undefined && operator.kind === 'sink' && operator.connector instanceof PageSink) {
      operator.connector.attach(post);
    }
  }
  const kernels = new KernelInstance(await engine.kernels(plan), memoryBytesFor(settings));
  const jobRun = new JobRun(
    plan,
    { kernels, loadParts: engine.loadParts, ...(await portsOf(options.state)) },
    settings,
  );
  await jobRun.start();
  return new JobHandle(jobRun);
}

async function portsOf(state: string | undefined): Promise<Omit<JobPorts, 'kernels' | 'loadParts'>> {
  const ports = { clock: browserClock, timestamp: eventTimeHook };
  if (state === undefined) return { ...ports, store: ephemeralStore() };
  return { ...ports, store: await IndexedDbStore.open(state), deadLetters: indexedDbSink(deadLettersOf(state)) };
}
