/**
 * A job whose state is as large as wanted: one open window with a pane per key, filled from a generated file and left behind
 * by a suspended run. The file is kept in the cache folder of the benches.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  avg,
  boundedOutOfOrderness,
  count,
  from,
  int64,
  type Job,
  max,
  min,
  schema,
  sum,
  timestamp,
  tumbling,
  utf8,
} from 'millrace';
import { ndjsonFiles, ndjsonSink, run, type RunningJob } from 'millrace/node';

const Reading = schema({ at: timestamp(), meter: utf8(), kilowatts: int64() });
const MIDNIGHT = 1_700_006_400_000;
const LINES_PER_WRITE = 10_000;
/** More than any state here is allowed to take. */
export const BUDGET = '1 GB';

/** A file of readings, each of a meter of its own, all on one day. */
export function readings(meters: number): string {
  const folder = join(tmpdir(), 'millrace-benches');
  const path = join(folder, `readings-v1-${meters}.ndjson`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  const file = openSync(partial, 'w');
  for (let first = 0; first < meters; first += LINES_PER_WRITE) {
    const lines: string[] = [];
    for (let i = first; i < Math.min(meters, first + LINES_PER_WRITE); i++) {
      // Keys in no order: a multiplier that shares no factor with the number of meters visits each once.
      const meter = (i * 1_000_003) % meters;
      lines.push(
        `{"at":${MIDNIGHT + (i % 1000)},"meter":"meter ${String(meter).padStart(12, '0')} of the grid","kilowatts":${i % 9973}}\n`,
      );
    }
    writeSync(file, lines.join(''));
  }
  closeSync(file);
  renameSync(partial, path);
  return path;
}

export const dayJob = (input: string, out: string): Job =>
  from(ndjsonFiles(input, Reading))
    .watermark('at', boundedOutOfOrderness('1 minute'))
    .keyBy('meter')
    .window(tumbling('1 day'))
    .aggregate({
      readings: count(),
      total: sum('kilowatts'),
      least: min('kilowatts'),
      most: max('kilowatts'),
      mean: avg('kilowatts'),
    })
    .to(ndjsonSink(out));

/** Runs the job until its state holds `bytes`, and suspends it. Answers what was held. */
export async function fill(
  running: RunningJob,
  bytes: number,
): Promise<{ readonly stateBytes: number; readonly records: number }> {
  while (running.progress().stateBytes < bytes && running.status === 'running') await nextTurn();
  await running.suspend();
  const { stateBytes, recordsIn } = running.progress();
  if (stateBytes < bytes) throw new Error(`the input is too short: it fills ${stateBytes} bytes of state`);
  return { stateBytes, records: recordsIn };
}

/** Runs the job on a state folder; checkpoints are taken only at the end. */
export const runDay = (input: string, folder: string): Promise<RunningJob> =>
  run(dayJob(input, join(folder, 'out')), {
    state: join(folder, 'state'),
    memory: BUDGET,
    checkpointEvery: '1 hour',
    name: 'day',
    handleSignals: false,
  });

/** Bytes of the segments in a state folder, and their files. */
export function segmentsIn(folder: string): readonly { readonly path: string; readonly bytes: number }[] {
  const segments = join(folder, 'state', 'segments');
  return readdirSync(segments).map((name) => ({
    path: join(segments, name),
    bytes: statSync(join(segments, name)).size,
  }));
}
