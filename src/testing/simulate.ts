/**
 * A user's own job with faults: the whole job runs on virtual time, its sources replaced by given rows and its sinks by
 * part files in memory, once for each seed undisturbed and once for each of its crash points.
 *
 *   rows -- a few at a time --> the job --> part files on a simulated disk --> lines, compared
 *                                 |
 *                            checkpoints on the same disk
 *
 * Invariants
 *  1. A seed is the whole run: how many rows arrive at once, the size of batches, the time between checkpoints, the
 *     order in which calls take effect. The same seed gives the same trace hash.
 *  2. What a job writes depends on its rows alone: every seed, and every crash point of every seed, gives the output of
 *     the first seed undisturbed, line by line.
 *  3. Nothing of the job's own sources and sinks is called: no file is read or written.
 * Asynchronous functions of the job must have their answers at hand: one that waits for a timer, a file or a network meets
 * its time-out first, because virtual time does not wait with it.
 * Not here: crashing and comparing (simulator.ts), the rows on their way (given-rows.ts).
 */
import { kernelsBase64 } from '#kernels';
import { eventTimeHook, physicalPlanOf } from '../api/deploy.ts';
import type { Job } from '../api/job.ts';
import { mistake } from '../base/mistake.ts';
import { below, seededRandom } from '../base/random.ts';
import type { Disk } from '../base/disk.ts';
import { fileSink } from '../connector/file-sink.ts';
import type { SinkConnector } from '../connector/sink.ts';
import { describeSchema } from '../data/schema.ts';
import { NdjsonEncoder } from '../format/ndjson-encoder.ts';
import { KernelInstance } from '../kernel/instance.ts';
import { compileKernels } from '../kernel/module.ts';
import { JobRun } from '../runtime/job-run.ts';
import { everyPart } from '../runtime/makers/every-part.ts';
import { DEFAULT_SETTINGS, type JobSettings, memoryBytesFor } from '../runtime/job-settings.ts';
import { DiskCheckpointStore } from '../state/disk-store.ts';
import { type GivenRows, givenRowsSource, type Input, rowsOf } from './given-rows.ts';
import { SimDisk } from './sim-disk.ts';
import {
  type CrashKind,
  crashEverywhere,
  type CrashReport,
  type CrashScenario,
  type Difference,
  type ProcessContext,
} from './simulator.ts';

/** Rows for the sources of a job, and the faults that it is to bear. */
export interface SimulateOptions {
  /** Rows by the uid of the source that they take the place of; every source of the job needs some. */
  readonly input: { readonly [source: string]: Input };
  /** Seeds 1 to this are run. */
  readonly seeds: number;
  /** What the process dies of at its crash points: 'all' (the default), nothing, or a list. */
  readonly faults?: 'all' | 'none' | readonly CrashKind[];
}

/** What all seeds and all crashes showed. */
export interface Simulation {
  /** Empty when everything went as it should. Each names its seed and its point. */
  readonly differences: readonly Difference[];
  /** Runs that were crashed, over all seeds. */
  readonly crashes: number;
  /** Trace hash of the undisturbed run, by seed from 1. */
  readonly traces: readonly string[];
  /** What the job wrote, undisturbed: lines of NDJSON by the uid of the sink. */
  readonly output: { readonly [sink: string]: readonly string[] };
}

const STATE_BYTES = 8 * 1024 * 1024;
const NAME = 'simulated';
const KINDS: readonly CrashKind[] = ['process crash', 'power loss'];

type Plan = ReturnType<typeof physicalPlanOf>;

interface Ports {
  readonly run: JobRun;
}

interface World {
  disk: SimDisk;
}

/** Runs `job` for every seed. Throws UserError when rows are missing or fit no source; a job's failure is a difference. */
export async function simulate(job: Job, options: SimulateOptions): Promise<Simulation> {
  const plan = physicalPlanOf(job, NAME);
  const input = inputOf(plan, options.input);
  if (!(Number.isSafeInteger(options.seeds) && options.seeds > 0))
    throw mistake('seeds of simulate', 'a whole number above zero', options.seeds);
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), memoryBytesFor(settingsOf(1)));
  const kinds = kindsOf(options.faults ?? 'all');
  const differences: Difference[] = [];
  const traces: string[] = [];
  let crashes = 0;
  let first: { readonly result: string; readonly output: Simulation['output'] } | undefined;
  for (let seed = 1; seed <= options.seeds; seed++) {
    const simulated = new SimulatedJob(plan, input, kernels, seed);
    for (const [i, report] of (await reportsOf(simulated, seed, kinds)).entries()) {
      if (i === 0) traces.push(report.traceHash);
      crashes += report.runs;
      differences.push(...report.differences);
      first ??= { result: report.result, output: simulated.output };
      if (report.differences.length === 0 && report.result !== first.result)
        differences.push(otherThanFirst(seed, first.result, report.result));
    }
  }
  return { differences, crashes, traces, output: first?.output ?? {} };
}

/** One report for each kind of crash; without faults one of the undisturbed run. */
async function reportsOf(
  simulated: SimulatedJob,
  seed: number,
  kinds: readonly CrashKind[],
): Promise<readonly CrashReport[]> {
  const options = { seed, interleave: true };
  if (kinds.length === 0) return [await crashEverywhere(simulated, { ...options, onlyPoint: NO_POINT })];
  const reports: CrashReport[] = [];
  for (const kind of kinds) reports.push(await crashEverywhere(simulated, { ...options, kind }));
  return reports;
}

const NO_POINT = -1;

const otherThanFirst = (seed: number, expected: string, actual: string): Difference => ({
  seed,
  point: undefined,
  label: 'the undisturbed run, compared with that of seed 1',
  kind: 'result',
  expected,
  actual,
});

function kindsOf(faults: NonNullable<SimulateOptions['faults']>): readonly CrashKind[] {
  if (faults === 'all') return KINDS;
  if (faults === 'none') return [];
  for (const fault of faults) {
    if (!KINDS.includes(fault))
      throw mistake('a fault of simulate', KINDS.map((kind) => `'${kind}'`).join(' or '), fault);
  }
  return faults;
}

/** The rows of each source, all of them checked. */
function inputOf(plan: Plan, given: SimulateOptions['input']): ReadonlyMap<string, GivenRows> {
  const input = new Map<string, GivenRows>();
  const uids = plan.nodes.flatMap(({ uid, operator }) => (operator.kind === 'source' ? [uid] : []));
  for (const [uid, value] of Object.entries(given)) {
    if (!uids.includes(uid))
      throw mistake('the input of simulate', `for a source of the job (${uids.join(', ')})`, uid);
    input.set(uid, rowsOf(value, `the input of '${uid}'`));
  }
  for (const { uid, operator } of plan.nodes) {
    if (operator.kind !== 'source') continue;
    const rows = input.get(uid);
    if (rows === undefined) {
      const hint = `name the source with from(..., { uid }), then pass { input: { ${uid}: rows(...) } }`;
      throw mistake(`the input of '${uid}'`, 'given as rows(schema, [...])', undefined, hint);
    }
    const [needs, got] = [describeSchema(operator.schema), describeSchema(rows.schema)];
    if (needs !== got) throw mistake(`the input of '${uid}'`, `rows of ${needs}`, got);
  }
  return input;
}

/** Small batches and frequent checkpoints, by the seed: much happens to few rows. */
function settingsOf(seed: number): JobSettings {
  const random = seededRandom(seed);
  return {
    ...DEFAULT_SETTINGS,
    stateBytes: STATE_BYTES,
    batchRows: 1 + below(random, 8),
    checkpointEveryMs: 1 + below(random, 4),
    retained: 1 + below(random, 2),
  };
}

class SimulatedJob implements CrashScenario<World, Ports> {
  readonly #plan: Plan;
  readonly #input: ReadonlyMap<string, GivenRows>;
  readonly #kernels: KernelInstance;
  readonly #seed: number;
  /** Of the world looked at last. */
  output: Simulation['output'] = {};
  /** Of the process that was connected last. */
  #run: JobRun | undefined;

  constructor(plan: Plan, input: ReadonlyMap<string, GivenRows>, kernels: KernelInstance, seed: number) {
    this.#plan = plan;
    this.#input = input;
    this.#kernels = kernels;
    this.#seed = seed;
  }

  createWorld(): World {
    return { disk: new SimDisk() };
  }

  connect(world: World, { wrap, clock }: ProcessContext): Ports {
    this.#kernels.reset();
    const disk = wrap<Disk>(world.disk, 'disk');
    const store = new DiskCheckpointStore(disk, 'the simulated state', 'state');
    const ports = {
      clock,
      kernels: this.#kernels,
      store,
      loadParts: everyPart,
      timestamp: eventTimeHook,
      deadLetters: sinkOn(disk, DEAD, 'inserts'),
    };
    this.#run = new JobRun(this.#replaced(disk, { wrap, clock }), ports, settingsOf(this.#seed));
    return { run: this.#run };
  }

  async start({ run }: Ports): Promise<void> {
    await run.start();
    await run.execute();
  }

  crash(world: World, kind: CrashKind, random: ProcessContext['random']): void {
    this.#run?.abandon();
    world.disk = kind === 'power loss' ? world.disk.powerLoss(random) : world.disk.crash();
  }

  async result(world: World): Promise<Simulation['output']> {
    const output: Record<string, readonly string[]> = {};
    for (const { uid, operator } of this.#plan.nodes) {
      if (operator.kind === 'sink') output[uid] = await linesOf(world.disk, folderOf(uid));
    }
    const letters = await linesOf(world.disk, DEAD);
    this.output = letters.length === 0 ? output : { ...output, [DEAD]: letters };
    return this.output;
  }

  /** The plan with its sources and sinks replaced. */
  #replaced(disk: Disk, { wrap, clock }: Pick<ProcessContext, 'wrap' | 'clock'>): Plan {
    const random = seededRandom(this.#seed);
    const nodes = this.#plan.nodes.map((node) => {
      const { uid, operator } = node;
      if (operator.kind === 'sink') {
        return {
          ...node,
          operator: { ...operator, connector: sinkOn(disk, folderOf(uid), operator.connector.accepts) },
        };
      }
      const rows = this.#input.get(uid);
      if (operator.kind !== 'source' || rows === undefined) return node;
      return {
        ...node,
        operator: { ...operator, connector: wrap(givenRowsSource(rows, clock, 1 + below(random, 4)), 'source') },
      };
    });
    return { ...this.#plan, nodes };
  }
}

const DEAD = 'dead-letters';

const folderOf = (uid: string): string => `out-${encodeURIComponent(uid)}`;

const sinkOn = (disk: Disk, folder: string, accepts: SinkConnector['accepts']): SinkConnector =>
  fileSink({
    disk,
    folder,
    location: folder,
    extension: 'ndjson',
    accepts,
    encoder: ({ kernels, schema }) => new NdjsonEncoder(kernels.memory, schema, { changelog: accepts === 'changelog' }),
  });

/** The lines of all parts, in the order of their names. */
async function linesOf(disk: Disk, folder: string): Promise<readonly string[]> {
  const text = new TextDecoder();
  const lines: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if (!name.startsWith('part-')) continue;
    lines.push(
      ...text
        .decode(await disk.read(path, 0, (await disk.size(path)) ?? 0))
        .split('\n')
        .filter((line) => line !== ''),
    );
  }
  return lines;
}
