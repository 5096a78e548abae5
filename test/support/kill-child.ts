/**
 * The program that is killed: one job over three splits with late rows and bad lines, with state and two sinks on watched
 * disks. Bundled and started by kill-harness.ts, with one word of JSON.
 *
 * Its clock lets little happen between two turns, so that a run of a second takes dozens of checkpoints.
 */
import { join } from 'node:path';
import { ndjsonFiles } from '../../node/index.ts';
import { nodeClock, kernelModule } from '../../node/platform.ts';
import { NodeDisk } from '../../node/disk.ts';
import { fileSink } from '../../src/connector/file-sink.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import {
  boundedOutOfOrderness,
  count,
  from,
  int64,
  job,
  max,
  schema,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import {
  DEFAULT_SETTINGS,
  eventTimeHook,
  everyPart,
  JobRun,
  makeSink,
  memoryBytesFor,
  physicalPlanOf,
} from '../../src/platform.ts';
import { DiskCheckpointStore } from '../../src/state/disk-store.ts';
import { type KillPoint, Watch, watchedDisk } from './watched-disk.ts';

export interface ChildTask {
  readonly input: string;
  readonly folder: string;
  /** Undefined: nothing kills it from inside. */
  readonly kill?: KillPoint;
}

const Row = schema({ at: timestamp(), key: utf8(), n: int64() });

// The harness wrote it.
const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const watch = new Watch(task.kill);

function partFiles(folder: string): SinkConnector {
  return fileSink({
    disk: watchedDisk(new NodeDisk(folder), 'sink', watch),
    folder: '',
    location: folder,
    extension: 'ndjson',
    accepts: 'inserts',
    encoder: ({ kernels, schema: columns }) => new NdjsonEncoder(kernels.memory, columns, { changelog: false }),
  });
}

const rows = from(ndjsonFiles(join(task.input, '*.ndjson'), Row))
  .watermark('at', boundedOutOfOrderness('5 s'))
  .keyBy('key')
  .window(tumbling('1 minute'))
  .aggregate({ rows: count(), total: sum('n'), largest: max('n') });
const results = makeSink('inserts only', partFiles(join(task.folder, 'out')), 'results');
const late = makeSink('inserts only', partFiles(join(task.folder, 'late')), 'late');
const plan = physicalPlanOf(job('killed', rows.to(results), rows.late.to(late)), 'killed');

const settings = { ...DEFAULT_SETTINGS, checkpointEveryMs: 1, batchRows: 32, chunkBytes: 16_384, stateBytes: 64 << 20 };
const state = join(task.folder, 'state');
const run = new JobRun(
  plan,
  {
    clock: { ...nodeClock, yield: () => nodeClock.sleep(1) },
    kernels: new KernelInstance(await kernelModule(), memoryBytesFor(settings)),
    store: new DiskCheckpointStore(watchedDisk(new NodeDisk(state), 'state', watch), state),
    loadParts: everyPart,
    timestamp: eventTimeHook,
    deadLetters: partFiles(join(task.folder, 'letters')),
  },
  settings,
);

await run.start();
watch.recovering = false;
watch.tell(`running after ${watch.recoverySteps} steps from ${run.restoredFrom?.checkpoint ?? 'nothing'}`);
const status = await run.execute();
const { recordsIn, late: lateRows, deadLetters, checkpoints } = run.progress();
watch.tell(`ended ${JSON.stringify({ status, recordsIn, lateRows, deadLetters, checkpoints })}`);
