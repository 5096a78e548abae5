/**
 * Runs real jobs in this process on virtual time, stops them where a test wants and starts them again on what is left.
 *
 *   drive:  let everything run that can -> look -> stop here? -> wake the next sleeper -> ...
 *
 * Invariants
 *  1. A drive depends on its arguments alone: all asynchrony is promises and the virtual clock.
 *  2. A killed run never acts again: its sleepers are forgotten and its store answers no more. Its memory can be reused.
 * Not here: what a job computes (oracle-job.ts), crashes inside a call of a port in general (src/testing/crash-points.ts).
 */
import { kernelsBase64 } from '#kernels';
import type { SinkConnector } from '../../src/connector/sink.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import type { Job } from '../../src/index.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import {
  DEFAULT_SETTINGS,
  eventTimeHook,
  everyPart,
  JobRun,
  type JobSettings,
  type JobStatus,
  memoryBytesFor,
  physicalPlanOf,
} from '../../src/platform.ts';
import type { Json } from '../../src/base/json.ts';
import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { instrument, PortController } from '../../src/testing/crash-points.ts';
import { MemoryMedium, MemoryStore } from '../../src/testing/memory-store.ts';
import { microtasks, VirtualClock } from '../../src/testing/virtual-clock.ts';

export const TEST_SETTINGS: JobSettings = {
  ...DEFAULT_SETTINGS,
  checkpointEveryMs: undefined,
  stateBytes: 16 * 1024 * 1024,
  batchRows: 64,
  chunkBytes: 4096,
};

/** All of the store is asynchronous: a crash in it is silence, never an error that the job could see. */
const STORE_METHODS: ReadonlySet<string> = new Set([
  ...['acquire', 'list', 'read', 'createSegment', 'publish', 'remove', 'release'].map((name) => `store.${name}`),
  ...['append', 'seal', 'abandon'].map((name) => `store/segment.${name}`),
]);

const compiled = compileKernels(kernelsBase64);
let shared: KernelInstance | undefined;

/** The one kernel instance of this test process, as new. Only one job may run at a time. */
export async function sharedKernels(): Promise<KernelInstance> {
  shared ??= new KernelInstance(await compiled, memoryBytesFor(TEST_SETTINGS));
  shared.reset();
  return shared;
}

/** Virtual time that also passes by being read: a loop that never sleeps still meets its deadlines. */
export class TickingClock extends VirtualClock {
  readonly #tickMs: number;
  #ticked = 0;

  constructor(tickMs = 0) {
    super();
    this.#tickMs = tickMs;
  }

  override monotonicMs(): number {
    this.#ticked += this.#tickMs;
    return super.monotonicMs() + this.#ticked;
  }
}

/** Where a drive ends before the job does. */
export interface Stop {
  readonly how: 'suspend' | 'kill' | 'cancel' | 'drain';
  /** Asked each time when nothing more can run before a sleeper wakes. */
  when(run: JobRun, turn: number): boolean;
}

export interface DriveOptions {
  readonly job: Job;
  readonly medium: MemoryMedium;
  readonly clock?: TickingClock;
  readonly settings?: Partial<JobSettings>;
  /** The shared ones unless others are given. */
  readonly kernels?: KernelInstance;
  readonly stop?: Stop;
  /** Kills the run at this call of the store, before or after its effect. */
  readonly crashAt?: number;
  /** Sees the running job at every turn. */
  readonly look?: (run: JobRun) => void;
  readonly wrapStore?: (store: CheckpointStore) => CheckpointStore;
  readonly deadLetters?: SinkConnector;
  /** The job's name when it has none of its own. */
  readonly name?: string;
  /** Other operators than those of the engine. */
  readonly loadParts?: typeof everyPart;
  /** Gets the run before it starts: what became of it can then be asked even when it fails. */
  readonly onRun?: (run: JobRun) => void;
}

export interface Driven {
  readonly end: JobStatus | 'killed';
  readonly run: JobRun;
  readonly turns: number;
}

/** A run that neither ends nor sleeps for so many turns never will. */
const IDLE_TURNS_MAX = 200;

/** Starts a job on what `medium` holds and drives it to its end or its stop. Rejects with what the job fails with. */
export async function drive(options: DriveOptions): Promise<Driven> {
  const { clock = new TickingClock(), settings } = options;
  const kernels = options.kernels ?? (await sharedKernels());
  const store = new MemoryStore(options.medium);
  const controller = new PortController({
    asyncMethods: STORE_METHODS,
    ...(options.crashAt === undefined ? {} : { crashAt: options.crashAt }),
  });
  const instrumented = instrument<CheckpointStore>(options.wrapStore?.(store) ?? store, 'store', controller);
  const plan = physicalPlanOf(options.job, options.name ?? 'test');
  const ports = {
    clock,
    kernels,
    store: instrumented,
    loadParts: options.loadParts ?? everyPart,
    timestamp: eventTimeHook,
  };
  const { deadLetters } = options;
  const run = new JobRun(plan, deadLetters === undefined ? ports : { ...ports, deadLetters }, {
    ...TEST_SETTINGS,
    ...settings,
  });
  options.onRun?.(run);
  const outcome: { end?: JobStatus; error?: unknown } = {};
  run
    .start()
    .then(() => run.execute())
    .then(
      (end) => Object.assign(outcome, { end }),
      (error: unknown) => Object.assign(outcome, { error }),
    );
  const turns = await pump(run, clock, options, () => 'end' in outcome || 'error' in outcome, controller);
  clock.forgetSleepers();
  if ('error' in outcome) throw outcome.error;
  if (outcome.end !== undefined) return { end: outcome.end, run, turns };
  store.crash();
  return { end: 'killed', run, turns };
}

/** Turns until the run has ended or is to be killed. */
async function pump(
  run: JobRun,
  clock: VirtualClock,
  { stop, look }: DriveOptions,
  hasEnded: () => boolean,
  controller: PortController,
): Promise<number> {
  let idle = 0;
  let asked = false;
  for (let turn = 0; ; turn++) {
    await microtasks();
    // Virtual time is microtasks alone: without a real turn now and then no timeout of the test could end what hangs.
    if (turn % 256 === 255) await new Promise(setImmediate);
    if (hasEnded() || controller.crash !== undefined) return turn;
    if (run.status === 'running') {
      look?.(run);
      if (!asked && stop?.when(run, turn) === true) {
        if (stop.how === 'kill') return turn;
        run[stop.how]();
        asked = true;
        // What was asked for comes before the passing of time.
        continue;
      }
    }
    idle = clock.wakeNext() ? 0 : idle + 1;
    if (idle > IDLE_TURNS_MAX) throw new Error(`the job stands still in turn ${turn} (${run.status})`);
  }
}

/** Drives a job to its end: after each kill or suspension anew, with the next of `stops`, at last without one. */
export async function driveThrough(
  options: Omit<DriveOptions, 'stop' | 'crashAt'>,
  stops: readonly Pick<DriveOptions, 'stop' | 'crashAt'>[],
): Promise<{ readonly run: JobRun; readonly restarts: number; readonly turns: number }> {
  let restarts = 0;
  let turns = 0;
  for (const stop of [...stops, {}]) {
    const driven = await drive({ ...options, ...stop });
    turns += driven.turns;
    if (driven.end === 'finished') return { run: driven.run, restarts, turns };
    restarts++;
  }
  throw new Error('the job did not finish although nothing stopped it');
}

export interface BytesSink extends SinkConnector {
  /** What was committed, as text. */
  text(): string;
}

/** Rows as NDJSON bytes in memory; committed with checkpoints, once each. For runs that are not killed. */
export function bytesSink(): BytesSink {
  const committed: Uint8Array[] = [];
  const prepared = new Map<number, Uint8Array>();
  return {
    accepts: 'inserts',
    text: () => Buffer.concat(committed).toString('utf8'),
    async open({ kernels, schema }) {
      const encoder = new NdjsonEncoder(kernels.memory, schema);
      const commit = async (checkpoints: readonly Json[]): Promise<void> => {
        for (const checkpoint of checkpoints.map(Number)) {
          const bytes = prepared.get(checkpoint);
          if (bytes !== undefined) committed.push(bytes);
          prepared.delete(checkpoint);
        }
      };
      return {
        bytesWritten: 0,
        fence: async () => undefined,
        recover: commit,
        write: (batch) => encoder.encode(batch),
        ready: () => undefined,
        async prepare(checkpoint) {
          prepared.set(checkpoint, encoder.take());
          return checkpoint;
        },
        commit,
        close: async () => undefined,
      };
    },
  };
}
