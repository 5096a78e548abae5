/** The handle of a running job: how it ends, what it tells, and that the next run continues. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, type RunningJob, type RunOptions } from '../../node/index.ts';
import { ndjsonFiles, ndjsonSink } from '../../node/sources.ts';
import {
  boundedOutOfOrderness,
  from,
  int32,
  type Job,
  job,
  schema,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { JobFolder, rowLines } from '../support/cli.ts';

const Row = schema({ at: timestamp(), key: utf8(), n: int32() });
/** Small steps with pauses, so that a test meets the job at work. */
const SLOWLY: RunOptions = { batchRows: 4, throttle: '1 ms', checkpointEvery: '5 ms' };

let folder: JobFolder;

beforeEach(() => {
  folder = new JobFolder();
  folder.write('in/a.ndjson', rowLines(20_000));
});

afterEach(() => folder.remove());

const sums = (out: string): Job =>
  from(ndjsonFiles(join(folder.path, 'in/*.ndjson'), Row), { uid: 'rows' })
    .watermark('at', boundedOutOfOrderness('1 s'))
    .keyBy('key')
    .window(tumbling('10 s'))
    .aggregate({ total: sum('n') })
    .to(ndjsonSink(join(folder.path, out)), { uid: 'out' });

const start = (out: string, options: RunOptions = {}): Promise<RunningJob> =>
  run(sums(out), { name: 'sums', state: join(folder.path, `state of ${out}`), ...options });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

async function undisturbed(): Promise<string> {
  const running = await start('undisturbed');
  expect(await running.done).toBe('finished');
  return folder.output('undisturbed');
}

const readSome = async (running: RunningJob): Promise<void> => {
  const before = running.progress().recordsIn;
  await until(() => running.progress().recordsIn > before + 1_000 && running.progress().checkpoints > 0);
};

describe('a job in this process', () => {
  it('is suspended with its windows open, and continues to the same output', async () => {
    const expected = await undisturbed();
    for (let runs = 0; runs < 3; runs++) {
      const running = await start('out', SLOWLY);
      expect(running.restored).toEqual({
        checkpoint: runs === 0 ? undefined : expect.any(Number),
        damaged: [],
        overruled: [],
      });
      await readSome(running);
      await running.suspend();
      expect(running.status).toBe('suspended');
      expect(expected.startsWith(folder.output('out'))).toBe(true);
    }
    const last = await start('out');
    expect(await last.done).toBe('finished');
    expect(folder.output('out')).toBe(expected);
  });

  it('is cancelled without a checkpoint, and continues from the last complete one', async () => {
    const expected = await undisturbed();
    const running = await start('out', SLOWLY);
    await readSome(running);
    await running.cancel();
    expect(running.status).toBe('cancelled');
    await (await start('out')).done;
    expect(folder.output('out')).toBe(expected);
  });

  it('is drained: what was read is given out, open windows included, and the job is finished', async () => {
    const running = await start('out', SLOWLY);
    await readSome(running);
    await running.drain();
    expect(running.status).toBe('finished');
    const read = running.progress().recordsIn;
    expect(read).toBeLessThan(20_000);
    const given = folder
      .output('out')
      .trimEnd()
      .split('\n')
      .reduce((total, line) => total + Number(/"total":(\d+)/.exec(line)?.[1]), 0);
    expect(given).toBe(Array.from({ length: read }, (_, i) => i % 97).reduce((total, n) => total + n, 0));
    const again = await start('out');
    expect(await again.done).toBe('finished');
    expect(again.progress().recordsIn).toBe(read);
  });

  it('is suspended when its handle is disposed, and on SIGTERM', async () => {
    const expected = await undisturbed();
    const disposed = await start('out', SLOWLY);
    await readSome(disposed);
    await disposed[Symbol.asyncDispose]();
    expect(disposed.status).toBe('suspended');
    const signalled = await start('out', SLOWLY);
    await readSome(signalled);
    process.emit('SIGTERM');
    expect(await signalled.done).toBe('suspended');
    expect(process.listenerCount('SIGTERM')).toBe(0);
    const deaf = await start('out', { handleSignals: false });
    expect(process.listenerCount('SIGTERM')).toBe(0);
    await deaf.done;
    expect(folder.output('out')).toBe(expected);
  });

  it('restores a state of many megabytes, read in pieces that cut its frames', async () => {
    folder.write('in/a.ndjson', rowLines(150_000, 150_000, 0));
    const expected = await undisturbed();
    const running = await start('out', { throttle: '1 ms', batchRows: 1_024, checkpointEvery: '1 hour' });
    await until(() => running.progress().stateBytes > 6_000_000 || running.status !== 'running');
    await running.suspend();
    const held = running.progress().stateBytes;
    expect(held).toBeGreaterThan(6_000_000);
    const continued = await start('out', { throttle: '1 ms' });
    expect(continued.progress().stateBytes).toBeGreaterThanOrEqual(held);
    await continued.done;
    expect(folder.output('out')).toBe(expected);
  });
});

describe('what a job tells', () => {
  it('counts every record once in its ledger, its progress and its metrics', async () => {
    folder.write('in/b.ndjson', `${rowLines(100)}not json\n`);
    const running = await start('out');
    await running.done;
    const progress = running.progress();
    expect(progress).toMatchObject({ recordsIn: 20_101, deadLetters: 1, bytesTotal: progress.bytesRead });
    expect(progress.watermark).toBeGreaterThan(1_700_000_000_000);
    expect(progress.checkpoints).toBeGreaterThan(0);
    expect(running.ledger()['rows']).toMatchObject({ in: 20_101, deadLetters: 1, out: 20_100 });
    expect(JSON.stringify(running.metrics())).toContain('20101');
    expect(running.deadLetters()).toHaveLength(1);
    expect(folder.output('state of out/dead-letters')).toContain('not json');
  });

  it('fails with the error in done, and the handle says failed', async () => {
    folder.write('in/a.ndjson', rowLines(60_000, 60_000, 0));
    const running = await start('out', { memory: '256 KB' });
    await expect(running.done).rejects.toMatchObject({ code: 'E1302' });
    expect(running.status).toBe('failed');
    await running[Symbol.asyncDispose]();
    expect(readdirSync(join(folder.path, 'out')).filter((name) => name.startsWith('part-'))).toEqual([]);
  });

  it('refuses options that cannot be meant', async () => {
    // Texts that the types refuse, as they come from JavaScript.
    await expect(start('out', { checkpointEvery: 'soon' as '1 s' })).rejects.toMatchObject({ code: 'E1001' });
    await expect(start('out', { memory: 'lots' as '1 MB' })).rejects.toMatchObject({ code: 'E1002' });
    await expect(start('out', { throttle: '0 s' })).rejects.toMatchObject({ code: 'E1003' });
    await expect(start('out', { batchRows: 0 })).rejects.toMatchObject({ code: 'E1006' });
    await expect(start('out', { chunks: '1 KB' } as RunOptions)).rejects.toMatchObject({ code: 'E1009' });
    expect(folder.exists('out')).toBe(false);
  });

  it('refuses two sinks that would write to one folder, before it touches it', async () => {
    const rows = from(ndjsonFiles(join(folder.path, 'in/*.ndjson'), Row));
    const [a, b] = [join(folder.path, 'out'), join(folder.path, 'in/../out')];
    const both = job('both', rows.to(ndjsonSink(a), { uid: 'a' }), rows.to(ndjsonSink(b), { uid: 'b' }));
    await expect(run(both)).rejects.toMatchObject({
      code: 'E1503',
      message: `the output folder ${b} cannot be used: 'a' and 'b' would both write to it`,
      hint: 'give each sink a folder of its own',
    });
    const state = join(folder.path, 'state');
    const letters = rows.to(ndjsonSink(join(state, 'dead-letters')), { uid: 'a' });
    await expect(run(letters, { state })).rejects.toThrow(
      "the dead letters of this job and 'a' would both write to it",
    );
    expect([folder.exists('out'), folder.exists('state')]).toEqual([false, false]);
  });

  it('starts again after its committed output was taken away, and says which files came after its end', async () => {
    expect(await (await start('out')).done).toBe('finished');
    for (const name of readdirSync(join(folder.path, 'out'))) {
      if (name.startsWith('part-')) rmSync(join(folder.path, 'out', name));
    }
    expect(await (await start('out')).done).toBe('finished');
    folder.write('in/b.ndjson', rowLines(5));
    await expect(start('out')).rejects.toMatchObject({
      code: 'E1407',
      message: "the job is finished, and 'rows' has input that came after its end: b.ndjson",
    });
  });

  it('says of more files than memory has room for how many that is', async () => {
    for (let i = 0; i < 900; i++) folder.write(`in/${i}.ndjson`, rowLines(1));
    await expect(start('out', { memory: '1 MB' })).rejects.toMatchObject({
      code: 'E1501',
      message: expect.stringMatching(
        /^cannot read .*: all of its 901 files are read side by side, and memory has room for [4-8]\d\d$/,
      ),
      hint: "allow more memory (such as '1 GB'), or put files that belong together into one",
    });
  });
});
