/**
 * A small real job for crash tests: three splits of NDJSON with late rows and lines that are none, windows per key,
 * and three sinks of part files (windows, late rows, dead letters), all on one simulated disk.
 *
 *   a.ndjson --+                       +--> out/windows
 *   b.ndjson --+--> watermark --> window --> out/late
 *   c.ndjson --+--> (no JSON) ------------> out/dead
 *
 * Invariants
 *  1. A process reaches its world through ports alone: the disk, the store, the source, the clock.
 *  2. Processes of one world run one after the other on one kernel instance, which is as new for each.
 * Not here: who crashes it (simulator.ts), the result it must have (the undisturbed run; totals in crash-report.ts).
 */
import { kernelsBase64 } from '#kernels';
import { makeSink, makeSource } from '../../src/api/port.ts';
import { tableOf } from '../../src/api/schema.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Disk } from '../../src/base/disk.ts';
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import { fileSink } from '../../src/connector/file-sink.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import type { SourceConnector } from '../../src/connector/source.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import {
  boundedOutOfOrderness,
  count,
  from,
  int64,
  type Job,
  job,
  max,
  schema,
  sum,
  timestamp,
  hopping,
  utf8,
} from '../../src/index.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import {
  DEFAULT_SETTINGS,
  eventTimeHook,
  everyPart,
  JobRun,
  type JobSettings,
  physicalPlanOf,
} from '../../src/platform.ts';
import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { DiskCheckpointStore } from '../../src/state/disk-store.ts';
import { memoryFilesConnector, type MemoryFiles } from '../../src/testing/memory-files.ts';
import { MemoryMedium, MemoryStore } from '../../src/testing/memory-store.ts';
import { SimDisk } from '../../src/testing/sim-disk.ts';
import type { CrashScenario } from '../../src/testing/simulator.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { unlistedPart } from './unlisted-parts.ts';
import { driveClock, type Ending } from './drive-clock.ts';

export const LINES_PER_FILE = 14;
const FOLDERS = ['windows', 'late', 'dead'] as const;
/** Folder of each sink, by its uid. */
const SINKS = { windows: 'windows', late: 'late', 'dead-letters': 'dead' };
const START = Date.UTC(2026, 0, 5);
const MINUTE = 60_000;
const QUANTUM_BYTES = 256;

const Reading = schema({ at: timestamp(), key: utf8(), value: int64() });

/** Mostly in order, 40 minutes apart, every sixth hours late, every ninth no JSON. The same seed, the same lines. */
export function crashFiles(seed: number): MemoryFiles {
  const random = seededRandom(seed);
  const file = (first: number): Uint8Array => {
    const lines = Array.from({ length: LINES_PER_FILE }, (_, i) => {
      const back = (i + first) % 6 === 5 ? 3 * 60 + below(random, 5 * 60) : below(random, 60);
      const at = new Date(START + i * 40 * MINUTE - back * MINUTE).toISOString();
      const isBroken = (i + first) % 9 === 8;
      return isBroken
        ? `{"at":"${at}",`
        : JSON.stringify({ at, key: `k${below(random, 3)}`, value: below(random, 100) });
    });
    return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
  };
  return { 'a.ndjson': file(0), 'b.ndjson': file(3), 'c.ndjson': file(7) };
}

const SETTINGS: JobSettings = {
  ...DEFAULT_SETTINGS,
  checkpointEveryMs: 2,
  retained: 2,
  stateBytes: 1024 * 1024,
  batchRows: 3,
  chunkBytes: 120,
};

/** The ports of one process. */
export interface CrashPorts {
  readonly disk: Disk;
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly source: SourceConnector;
  readonly kernels: KernelInstance;
}

const compiled = await compileKernels(kernelsBase64);

/** Small enough that thousands can be reset in a minute. */
export const newCrashKernels = (): KernelInstance => new KernelInstance(compiled, 24 << 20);

export const partFiles = (disk: Disk, folder: string): SinkConnector =>
  fileSink({
    disk,
    folder: `out/${folder}`,
    location: folder,
    extension: 'ndjson',
    accepts: 'inserts',
    encoder: ({ kernels, schema: columns }) => new NdjsonEncoder(kernels.memory, columns),
  });

export const sourceOf = (files: MemoryFiles, clock: Clock): SourceConnector =>
  memoryFilesConnector(files, tableOf(Reading, 'readings'), { clock, quantumBytes: QUANTUM_BYTES });

function crashJob({ disk, source }: CrashPorts): Job {
  const sink = (folder: string) => makeSink('inserts only', partFiles(disk, folder), folder);
  const windows = from(makeSource(Reading, source, 'readings'), { uid: 'readings' })
    .watermark('at', boundedOutOfOrderness('30 minutes'))
    .keyBy('key')
    .window(hopping('2 hours', '1 hour'))
    .aggregate({ rows: count(), total: sum('value'), most: max('value') }, { uid: 'hourly' });
  return job(
    'readings',
    windows.to(sink('windows'), { uid: 'windows' }),
    windows.late.to(sink('late'), { uid: 'late' }),
  );
}

/** The job on these ports, not started. */
export function crashRun(ports: CrashPorts, settings: Partial<JobSettings> = {}): JobRun {
  const { clock, kernels, store, disk } = ports;
  const plan = physicalPlanOf(crashJob(ports), 'readings');
  return new JobRun(
    plan,
    { clock, kernels, store, loadParts: everyPart, timestamp: eventTimeHook, deadLetters: partFiles(disk, 'dead') },
    { ...SETTINGS, ...settings },
  );
}

/** What outlives processes. Without a medium the checkpoints are on the disk as well. */
export interface CrashWorld {
  disk: SimDisk;
  readonly medium: MemoryMedium | undefined;
}

export type StoreKind = 'memory' | 'disk';

export const newWorld = (store: StoreKind): CrashWorld => ({
  disk: new SimDisk(),
  medium: store === 'memory' ? new MemoryMedium() : undefined,
});

export const storeOf = (disk: Disk, medium: MemoryMedium | undefined): CheckpointStore =>
  medium === undefined ? new DiskCheckpointStore(disk, 'the state', 'state') : new MemoryStore(medium);

/** Committed output by folder, and what should not be left behind. */
export type Output = { readonly [folder in (typeof FOLDERS)[number]]: string } & { readonly left: readonly string[] };

export async function outputOf(disk: Disk): Promise<Output> {
  const text = new TextDecoder();
  const found = { windows: '', late: '', dead: '' };
  const left: string[] = [];
  for (const folder of FOLDERS) {
    for (const name of await disk.list(`out/${folder}`)) {
      const path = `out/${folder}/${name}`;
      if (name.startsWith('part-'))
        found[folder] += text.decode(await disk.read(path, 0, (await disk.size(path)) ?? 0));
      // A mark says which parts are committed.
      else if (!name.startsWith('.committed-')) left.push(path);
    }
  }
  for (const folder of ['state', 'state/segments']) {
    left.push(...(await disk.list(folder)).filter((name) => name.includes('.tmp-')));
  }
  return { ...found, left };
}

export interface ScenarioOptions {
  readonly store: StoreKind;
  readonly files: MemoryFiles;
  /** What the job writes in all: at no moment may anything else be committed. */
  readonly expected?: Output;
  readonly settings?: Partial<JobSettings>;
}

export function crashScenario({
  store,
  files,
  expected,
  settings,
}: ScenarioOptions): CrashScenario<CrashWorld, CrashPorts> {
  const kernels = newCrashKernels();
  return {
    createWorld: () => newWorld(store),
    connect(world, { wrap, clock }) {
      kernels.reset();
      const disk = wrap<Disk>(world.disk, 'disk');
      const made = storeOf(disk, world.medium);
      return {
        disk,
        clock,
        kernels,
        store: world.medium === undefined ? made : wrap(made, 'store'),
        source: wrap(sourceOf(files, clock), 'source'),
      };
    },
    async start(ports) {
      const run = crashRun(ports, settings);
      await run.start();
      await run.execute();
    },
    crash(world, kind, random: Random) {
      world.disk = kind === 'power loss' ? world.disk.powerLoss(random) : world.disk.crash();
      if (kind === 'power loss') world.medium?.powerLoss(random);
      else world.medium?.crash();
    },
    result: (world) => outputOf(world.disk),
    async violation(world) {
      const unlisted = await unlistedPart(world.disk, storeOf(world.disk, world.medium), SINKS);
      return unlisted ?? (expected === undefined ? undefined : notPrefix(await outputOf(world.disk), expected));
    },
  };
}

/** One process, from its start to its end, with nothing between it and its world. */
export async function process(
  world: CrashWorld,
  files: MemoryFiles,
  disk: Disk = world.disk,
  kernels = newCrashKernels(),
): Promise<Ending> {
  const clock = new VirtualClock();
  const store = storeOf(disk, world.medium);
  const run = crashRun({ disk, clock, kernels, store, source: sourceOf(files, clock) });
  return driveClock(
    run.start().then(() => run.execute()),
    clock,
  );
}

/** What the job writes when nothing happens. */
export async function undisturbedOutput(store: StoreKind, files: MemoryFiles): Promise<Output> {
  const world = newWorld(store);
  const ending = await process(world, files);
  if (ending.end !== 'done') throw ending.end === 'failed' ? ending.error : new Error('the undisturbed run is stuck');
  return outputOf(world.disk);
}

/** Says which folder holds something other than the beginning of what is expected. */
export function notPrefix(output: Output, expected: Output): string | undefined {
  const wrong = FOLDERS.find((folder) => !expected[folder].startsWith(output[folder]));
  return wrong === undefined
    ? undefined
    : `out/${wrong} holds ${output[wrong]}instead of the beginning of ${expected[wrong]}`;
}
