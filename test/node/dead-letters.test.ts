/** Dead letters: looked into, put right, and fed back once, whatever happens meanwhile. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csvFiles, ndjsonFiles, ndjsonSink, run, type RunningJob, type RunOptions } from '../../node/index.ts';
import { boundedOutOfOrderness, from, int32, type Job, job, schema, timestamp, utf8 } from '../../src/index.ts';
import { JobFolder } from '../support/cli.ts';

const Row = schema({ at: timestamp(), n: int32(), text: utf8().nullable() });
const FOLLOW = { pollEvery: '5 ms', rotateWait: '5 ms' } as const;
const ndjson = () => ndjsonFiles(at('in/*.ndjson'), Row, { follow: FOLLOW });
const csv = () => csvFiles(at('in/*.csv'), Row, { follow: FOLLOW });

let folder: JobFolder;
const running: RunningJob[] = [];
beforeEach(() => {
  folder = new JobFolder();
  mkdirSync(join(folder.path, 'in'));
});
afterEach(async () => {
  for (const each of running.splice(0)) await each.cancel().catch(() => undefined);
  folder.remove();
});

const at = (name: string): string => join(folder.path, name);
const line = (n: number): string => `${JSON.stringify({ at: n * 1000, n, text: null })}\n`;

const copying = (source: ReturnType<typeof ndjson>): Job => {
  const rows = from(source, { uid: 'rows' }).watermark('at', boundedOutOfOrderness('1 minute'));
  return job('copied', rows.to(ndjsonSink(at('out')), { uid: 'out' }));
};

async function start(source: ReturnType<typeof ndjson>, options: RunOptions = {}): Promise<RunningJob> {
  const started = await run(copying(source), { state: at('state'), checkpointEvery: '10 ms', ...options });
  running.push(started);
  return started;
}

/** Many more turns than any of this takes, so that rows which never come fail the test and do not hang it. */
const TURNS_MAX = 1_000_000;

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > TURNS_MAX) throw new Error(`not so after ${TURNS_MAX} turns: ${condition.toString()}`);
    await nextTurn();
  }
}

const numbers = (): number[] =>
  folder
    .output('out')
    .split('\n')
    .flatMap((each) => (each === '' ? [] : [Number(JSON.parse(each).n)]));

const part = (number: number, of = 'dead-letters'): string =>
  at(`state/${of}/part-${String(number).padStart(10, '0')}.ndjson`);

/** Puts the records of a part right. */
function repair(number: number, change: (record: string) => string): void {
  mkdirSync(at('state/dead-letters/repaired'), { recursive: true });
  const letters = readFileSync(part(number), 'utf8').trim().split('\n');
  const repaired = letters.map((each) => {
    const letter = JSON.parse(each);
    return JSON.stringify({ ...letter, record: change(letter.record), base64: null });
  });
  writeFileSync(part(number, 'dead-letters/repaired'), `${repaired.join('\n')}\n`);
}

/** Runs until so many rows are out and their checkpoint is, then stops. */
async function runUntil(source: ReturnType<typeof ndjson>, rows: number, options: RunOptions = {}): Promise<void> {
  const started = await start(source, options);
  await until(() => started.progress().recordsIn >= rows);
  await started.suspend();
}

describe('dead letters that are fed back', () => {
  it('become rows once they are put right, each once, however often one asks', async () => {
    writeFileSync(at('in/a.ndjson'), `${line(1)}{"at":2000,"n":"two"}\n${line(3)}{"at":4000,"n":4\n`);
    await runUntil(ndjson(), 4);
    expect(numbers()).toEqual([1, 3]);
    repair(0, (record) => record.replace('"two"', '2').replace('"n":4', '"n":4}'));
    await runUntil(ndjson(), 6, { replayDeadLetters: true });
    expect(numbers()).toEqual([1, 3, 2, 4]);
    appendFileSync(at('in/a.ndjson'), `${line(5)}not a row\n`);
    await runUntil(ndjson(), 8);
    await runUntil(ndjson(), 9, { replayDeadLetters: true });
    expect(numbers()).toEqual([1, 3, 2, 4, 5]);
    const again = await start(ndjson(), { replayDeadLetters: true });
    appendFileSync(at('in/a.ndjson'), line(6));
    // The letter of the letter is one more to be fed back.
    await until(() => again.progress().recordsIn >= 11);
    await again.suspend();
    expect(numbers()).toEqual([1, 3, 2, 4, 5, 6]);
  });

  it('are refused anew when they are as they were, with the split of the first time', async () => {
    writeFileSync(at('in/a.ndjson'), `${line(1)}not a row\n`);
    await runUntil(ndjson(), 2);
    await runUntil(ndjson(), 3, { replayDeadLetters: true });
    const { out } = await folder.millrace('dead-letters', 'state', '--json');
    expect(
      out
        .trim()
        .split('\n')
        .map((each) => JSON.parse(each)),
    ).toMatchObject([
      { part: 'part-0000000000', split: 'a.ndjson', offset: line(1).length, record: 'not a row', whole: true },
      { part: 'part-0000000001', split: 'dead-letters/part-0000000000/a.ndjson', record: 'not a row' },
    ]);
    repair(1, () => line(7).trim());
    await runUntil(ndjson(), 4, { replayDeadLetters: true });
    expect(numbers()).toEqual([1, 7]);
  });

  it('are there once after a crash at any moment of it', async () => {
    const bad = Array.from({ length: 60 }, (_, i) => `${line(i).trim()},\n`).join('');
    writeFileSync(at('in/a.ndjson'), bad);
    await runUntil(ndjson(), 60);
    repair(0, (record) => record.slice(0, -1));
    for (let crash = 0; crash < 8; crash++) {
      const options = {
        replayDeadLetters: crash % 2 === 0,
        batchRows: 1,
        checkpointEvery: '1 ms',
        throttle: '1 ms',
      } as const;
      const started = await start(ndjson(), options);
      await until(() => started.progress().checkpoints > crash % 3);
      await started.cancel();
    }
    await runUntil(ndjson(), 120, { replayDeadLetters: true });
    expect(numbers().sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('of CSV are read by the header of their file, their bytes as they were', async () => {
    writeFileSync(
      at('in/a.csv'),
      Buffer.concat([
        Buffer.from('n,text,at\n1,"a\nb",1970-01-01T00:00:01Z\ntwo,"c\nd",1970-01-01T00:00:02Z\n3,'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(',1970-01-01T00:00:03Z\n'),
      ]),
    );
    await runUntil(csv(), 3);
    const letters = readFileSync(part(0), 'utf8')
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each));
    expect(letters.map(({ record }) => record)).toEqual([
      'two,"c\nd",1970-01-01T00:00:02Z',
      '3,\ufffd\ufffd,1970-01-01T00:00:03Z',
    ]);
    expect(Buffer.from(letters[1].base64, 'base64').includes(Buffer.from([0xff, 0xfe]))).toBe(true);
    repair(0, (record) => record.replace('two', '2').replaceAll('\ufffd', ''));
    await runUntil(csv(), 5, { replayDeadLetters: true });
    expect(numbers()).toEqual([1, 2, 3]);
  });

  it('are not taken by a job that is finished, or that keeps no state', async () => {
    writeFileSync(at('in/a.ndjson'), `${line(1)}not a row\n`);
    const whole = () => ndjsonFiles(at('in/*.ndjson'), Row);
    await (await start(whole())).done;
    await expect(start(whole(), { replayDeadLetters: true })).rejects.toThrow(
      'the job is finished, its windows are closed',
    );
    await expect(run(copying(whole()), { replayDeadLetters: true })).rejects.toMatchObject({ code: 'E1511' });
  });
});

describe('millrace dead-letters', () => {
  it('counts by source and reason, shows samples, and feeds back', async () => {
    folder.write(
      'job.ts',
      `import { from, int32, job, schema, timestamp, boundedOutOfOrderness } from 'millrace';
import { ndjsonFiles, ndjsonSink } from 'millrace/node';
const Row = schema({ at: timestamp(), n: int32() });
export default job('copied', from(ndjsonFiles('in/*.ndjson', Row, { follow: true }), { uid: 'rows' })
  .watermark('at', boundedOutOfOrderness('1 minute')).to(ndjsonSink('out'), { uid: 'out' }));
`,
    );
    writeFileSync(at('in/a.ndjson'), `${line(1)}\u001b[31mred\n{"at":2000,"n":"two"}\nwrong\n`);
    const runOnce = async (until: () => boolean, ...more: readonly string[]): Promise<void> => {
      const started = folder.start(['run', 'job.ts', '--state', 'state', '--checkpoint-every', '10 ms', ...more]);
      // Before that an interrupt ends the process as it ends any.
      if (more.length > 0) await started.printed('continuing from checkpoint');
      let hasEnded = false;
      void started.answer.then(() => (hasEnded = true));
      while (!until() && !hasEnded) await nextTurn();
      started.child.kill('SIGINT');
      expect((await started.answer).code).toBe(130);
    };
    await runOnce(() => folder.exists('state/dead-letters/part-0000000000.ndjson'));
    const { out, code } = await folder.millrace('dead-letters', 'state', '--samples', '1');
    expect(code).toBe(0);
    expect(out).toContain('3 dead letters in 1 parts');
    expect(out).toContain(`part-0000000000  a.ndjson at ${line(1).length}`);
    expect(out).not.toContain('\u001b[31m');
    const filtered = await folder.millrace('dead-letters', 'state', '--reason', 'another type', '--json');
    expect(filtered.out.trim().split('\n')).toHaveLength(1);
    repair(0, (record) => (record.includes('two') ? record.replace('"two"', '2') : line(9).trim()));
    const replayed = folder.start(['dead-letters', 'state', '--replay', 'job.ts']);
    await replayed.printed('continuing from checkpoint');
    replayed.child.kill('SIGINT');
    await replayed.answer;
    await runOnce(() => numbers().length >= 4, '--replay-dead-letters');
    expect(numbers().sort()).toEqual([1, 2, 9, 9]);
    expect((await folder.millrace('dead-letters', 'nowhere')).code).toBe(2);
  });
});
