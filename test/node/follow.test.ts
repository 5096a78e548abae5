/** Jobs over files that grow: what comes is processed as it comes, restarts go on, a drain ends it, silence is idleness. */
import { appendFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, type RunningJob } from '../../node/index.ts';
import { ndjsonFiles, ndjsonSink } from '../../node/sources.ts';
import {
  boundedOutOfOrderness,
  collection,
  from,
  int32,
  type Job,
  schema,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { JobFolder, jobText, rowLines } from '../support/cli.ts';

const Row = schema({ at: timestamp(), key: utf8(), n: int32() });
const FOLLOW = { pollEvery: '5 ms', rotateWait: '5 ms' } as const;

let folder: JobFolder;
let running: RunningJob | undefined;

beforeEach(() => {
  folder = new JobFolder();
  mkdirSync(join(folder.path, 'in'));
});
afterEach(async () => {
  await running?.cancel();
  running = undefined;
  folder.remove();
});

const inFolder = (name: string): string => join(folder.path, name);

const sums = (out: string, follow: boolean): Job =>
  from(ndjsonFiles(inFolder('in/app.log*'), Row, follow ? { follow: FOLLOW } : {}), { uid: 'rows' })
    .watermark('at', boundedOutOfOrderness('1 s'), { idleAfter: '20 ms' })
    .keyBy('key')
    .window(tumbling('10 s'))
    .aggregate({ total: sum('n') })
    .to(ndjsonSink(inFolder(out)), { uid: 'out' });

async function start(): Promise<RunningJob> {
  running = await run(sums('out', true), { name: 'sums', state: inFolder('state'), checkpointEvery: '10 ms' });
  return running;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

const lines = rowLines(3000).split(/(?<=\n)/);
const part = (start: number, end: number): string => lines.slice(start, end).join('');

describe('a job over a growing file', () => {
  it('processes what comes, goes on after a restart and a rotation, and ends by a drain with all results', async () => {
    appendFileSync(inFolder('in/app.log'), part(0, 1000));
    let job = await start();
    await job.processed('rows', part(0, 1000).length);
    appendFileSync(inFolder('in/app.log'), part(1000, 1500));
    await job.processed('rows', part(0, 1500).length, { committed: true });
    expect(job.progress().recordsIn).toBe(1500);
    await job.suspend();
    appendFileSync(inFolder('in/app.log'), part(1500, 2000));
    renameSync(inFolder('in/app.log'), inFolder('in/app.log.1'));
    appendFileSync(inFolder('in/app.log'), part(2000, 2500));
    job = await start();
    expect(job.restored.checkpoint).toBeDefined();
    await job.processed('rows', part(0, 2500).length);
    appendFileSync(inFolder('in/app.log'), part(2500, 3000));
    await job.processed('rows', part(0, 3000).length);
    await job.drain();
    expect(job.status).toBe('finished');
    const bounded = await run(sums('bounded', false), { name: 'sums' });
    expect(await bounded.done).toBe('finished');
    expect(folder.output('out').split('\n').sort()).toEqual(folder.output('bounded').split('\n').sort());
  });

  it('holds nobody back while it is silent, and is not finished', async () => {
    appendFileSync(inFolder('in/app.log'), part(0, 1000));
    appendFileSync(inFolder('in/app.log.old'), part(0, 10));
    const job = await start();
    await until(() => job.watermarks().splits.length === 2 && job.watermarks().splits.every(({ isIdle }) => isIdle));
    expect(job.status).toBe('running');
    appendFileSync(inFolder('in/app.log'), part(1000, 2000));
    const behind = (): number => job.progress().watermark ?? 0;
    const before = behind();
    await until(() => behind() > before);
    expect(job.watermarks().splits.map(({ split, hasEnded }) => [split, hasEnded])).toEqual([
      ['app.log', false],
      ['app.log.old', false],
    ]);
  });

  it('may be asked for by whoever runs the job, when the job has such files', async () => {
    appendFileSync(inFolder('in/app.log'), part(0, 100));
    const text = sums('out', false);
    running = await run(text, { name: 'sums', reading: { follow: FOLLOW } });
    await running.processed('rows', part(0, 100).length);
    expect(running.status).toBe('running');
    await running.drain();
    expect(running.status).toBe('finished');
    const none = from(collection(Row, [])).to(ndjsonSink(inFolder('none')));
    await expect(run(none, { reading: { follow: true } })).rejects.toMatchObject({ code: 'E1508' });
  });

  it('is followed by the command line until Ctrl-C, and goes on when it is called again', async () => {
    folder.write('job.ts', jobText({ input: 'in/app.log' }));
    appendFileSync(inFolder('in/app.log'), part(0, 1000));
    for (const [from, to] of [
      [1000, 1500],
      [1500, 2000],
    ] as const) {
      const started = folder.start(['run', 'job.ts', '--follow', '--checkpoint-every', '20 ms']);
      appendFileSync(inFolder('in/app.log'), part(from, to));
      // The last window of which the watermark says that it is complete.
      const wanted = Math.floor((1_700_000_000_000 + (to - 1) * 100 - 1000) / 10_000) * 10_000 - 10_000;
      await until(() => folder.exists('out') && folder.output('out').includes(new Date(wanted).toISOString()));
      started.child.kill('SIGINT');
      expect((await started.answer).code).toBe(130);
    }
    const whole = await folder.millrace('run', 'job.ts');
    expect(whole.code).toBe(2);
    expect(whole.err).toContain("source 'rows' was followed when its checkpoint was taken");
  });
});
