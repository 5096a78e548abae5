/**
 * A process with 100 MB of state is killed with SIGKILL and started again: the time from the start of the new process until
 * the job runs, the start of Node included.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { quantile } from './bench.ts';
import { dayJob, fill, readings, runDay, segmentsIn } from './support/large-state.ts';
import { run } from 'millrace/node';

const STATE_BYTES = 100 * 1024 * 1024;
const METERS = 6_000_000;
const KILLS = 10;
const self = fileURLToPath(import.meta.url);

/** A process of the job, started from this very file; `ran` resolves with the time that it took to run. */
function start(
  input: string,
  folder: string,
): { readonly child: ChildProcess; readonly ran: Promise<number>; readonly gone: Promise<void> } {
  const began = performance.now();
  const child = spawn(process.execPath, [self, '--job', input, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise<void>((done) => child.on('close', () => done()));
  const ran = new Promise<number>((done, fail) => {
    child.stdout.once('data', () => done(performance.now() - began));
    child.on('close', () => fail(new Error('the job ended before it ran')));
  });
  return { child, ran, gone };
}

/** Goes on reading with a checkpoint every second until it is killed. */
async function jobProcess(input: string, folder: string): Promise<void> {
  const running = await run(dayJob(input, join(folder, 'out')), {
    state: join(folder, 'state'),
    memory: '1 GB',
    checkpointEvery: '1 s',
    name: 'day',
    throttle: '20 ms',
  });
  if (running.restored.checkpoint === undefined) throw new Error('nothing was restored');
  process.stdout.write('running\n');
  await running.done;
}

async function measure({ short }: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-recovery-'));
  try {
    const input = readings(METERS);
    const filled = await fill(await runDay(input, folder), STATE_BYTES);
    const times: number[] = [];
    for (let kill = 0; kill < (short ? 2 : KILLS); kill++) {
      const { child, ran, gone } = start(input, folder);
      times.push(await ran);
      child.kill('SIGKILL');
      await gone;
    }
    const bytes = segmentsIn(folder).reduce((sum, segment) => sum + segment.bytes, 0);
    return {
      figures: { recoveryS: quantile(times, 0.5) / 1000, slowestS: Math.max(...times) / 1000 },
      spread: { recoveryS: (quantile(times, 0.75) - quantile(times, 0.25)) / 1000 },
      counters: { stateBytes: filled.stateBytes, segmentBytes: bytes, kills: times.length },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  id: 'recovery',
  title: 'from kill -9 to a running job with 100 MB of state, in a process of its own',
  targets: { recoveryS: { atMost: 1 } },
  run: measure,
};

if (process.argv[1] === self && process.argv[2] === '--job')
  await jobProcess(process.argv[3] ?? '', process.argv[4] ?? '');
