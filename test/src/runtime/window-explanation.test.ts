/** Questions to running jobs about their windows: what holds them, and what would release them. */
import { expect, test } from 'vitest';
import {
  boundedOutOfOrderness,
  collect,
  continuous,
  count,
  countTrigger,
  countWindow,
  cumulating,
  from,
  int32,
  monotonous,
  processingTumbling,
  schema,
  session,
  timestamp,
  tumbling,
  type WatermarkOptions,
} from '../../../src/index.ts';
import { type JobRun, makeSource, type WindowExplanation } from '../../../src/platform.ts';
import { MemoryMedium } from '../../../src/testing/memory-store.ts';
import { drive } from '../../support/engine.ts';
import { type ScriptedSplit, scriptedSource } from '../../support/scripted-source.ts';

const Rows = schema({ at: timestamp(), split: int32() });
const read = (uid: string, splits: readonly ScriptedSplit[], live = true) =>
  from(makeSource(Rows, scriptedSource(splits, { live }), uid), { uid });
/** Seconds after 1970. */
const at = (seconds: number): Date => new Date(seconds * 1000);
const seconds = (...times: readonly number[]): readonly number[] => times.map((time) => time * 1000);
/** A split whose last row never comes. */
const open = (...times: readonly number[]): ScriptedSplit => ({
  times: [...seconds(...times), 9e15],
  arrived: times.length,
});

type Job = Parameters<typeof drive>[0]['job'];

/** Asks when so many rows have been read and nothing more can be done (or `when` says so), and stops the job. */
async function ask<T>(
  job: Job,
  rows: number,
  question: (run: JobRun) => T,
  when: (run: JobRun) => boolean = () => true,
): Promise<T> {
  let answer: { readonly is: T } | undefined;
  await drive({
    job,
    medium: new MemoryMedium(),
    stop: {
      how: 'kill',
      when(run) {
        if (run.progress().recordsIn < rows || !run.deployment.task.quiet || !when(run)) return false;
        answer = { is: question(run) };
        return true;
      },
    },
  });
  if (answer === undefined) throw new Error('the job ended before it could be asked');
  return answer.is;
}

const explain =
  (start: Date | string, key = 0) =>
  (run: JobRun): WindowExplanation =>
    run.explainWindow('per-ten', { split: key }, start);

const perTen = (stream: ReturnType<typeof read>, options: WatermarkOptions = {}) =>
  stream
    .watermark('at', boundedOutOfOrderness('2 s'), options)
    .keyBy('split')
    .window(tumbling('10 s'))
    .aggregate({ n: count() }, { uid: 'per-ten' })
    .to(collect());

test('a window that waits names the split that holds its watermark, its last row, and the row that would release it', async () => {
  const job = perTen(read('clicks', [open(1, 12, 13), open(2, 8)]));
  const found = await ask(job, 5, explain('1970-01-01T00:00:00Z'));
  expect(found).toMatchObject({ state: 'open', rows: 1, start: 0, end: 10_000, firesAt: 9999, watermark: 5999 });
  expect(found.holds).toMatchObject([
    {
      source: 'clicks',
      split: '1',
      lastRow: 8000,
      position: 2,
      watermark: 5999,
      release: [
        { kind: 'row', at: 12_000, isEstimate: false },
        { kind: 'idleness', afterMs: 60_000 },
      ],
    },
  ]);
  expect(found.text).toBe(
    'not fired: the window from 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:10.000Z of split 0 holds 1 row; '
      + "it ends at watermark 1970-01-01T00:00:09.999Z; watermark 1970-01-01T00:00:05.999Z is held by source 'clicks', "
      + "split '1', last row 1970-01-01T00:00:08.000Z at offset 2; "
      + 'released by a row of it at or after 1970-01-01T00:00:12.000Z, or its end, or by 1 minute without a row (idleness)',
  );
});

test('a row at the released instant fires the window, and one before it does not', async () => {
  for (const [last, state] of [
    [11.999, 'open'],
    [12, 'closed'],
  ] as const) {
    const job = perTen(read('clicks', [open(1, 12, 13), open(2, last)]));
    expect((await ask(job, 5, explain(at(0)))).state, `last row at ${last}`).toBe(state);
  }
});

test('a window without rows of the key, and one that is closed, say so', async () => {
  const job = perTen(read('clicks', [open(1, 12, 13)]));
  const [empty, closed, nobody] = await ask(job, 3, (run) => [
    explain(at(20))(run),
    explain(at(0))(run),
    explain(at(10), 7)(run),
  ]);
  expect(empty).toMatchObject({ state: 'empty', rows: 0, holds: [{ split: '0' }] });
  expect(empty?.text).toMatch(/^nothing is in the window from 1970-01-01T00:00:20.000Z .* of split 0; it ends at /);
  expect(closed).toMatchObject({ state: 'closed', holds: [] });
  expect(closed?.text).toMatch(/^closed: watermark 1970-01-01T00:00:10.999Z has reached it; /);
  expect(nobody).toMatchObject({ state: 'empty', rows: 0 });
});

test('of two sources in a union the one that is behind holds the window, also when it has had no row', async () => {
  const left = read('left', [open(1, 30)]).watermark('at', monotonous(), { idleAfter: 'off' });
  const right = read('right', [open()]).watermark('at', monotonous(), { idleAfter: 'off' });
  const job = left
    .union(right)
    .keyBy('split')
    .window(tumbling('10 s'))
    .aggregate({ n: count() }, { uid: 'per-ten' })
    .to(collect());
  const { holds, watermark, text } = await ask(job, 2, explain(at(0)));
  expect(watermark).toBeUndefined();
  expect(holds).toMatchObject([{ source: 'right', lastRow: undefined, release: [{ kind: 'row', at: 10_000 }] }]);
  expect(text).toContain("no watermark is held by source 'right', split '0', which had no row yet");
});

test('a split that becomes idle holds nothing more; when all are idle, a row of one of them releases', async () => {
  const job = perTen(read('clicks', [open(1, 8), open(2, 9)]), { idleAfter: '5 s' });
  const allIdle = (run: JobRun): boolean => run.watermarks().splits.every(({ isIdle }) => isIdle);
  const { holds, state } = await ask(job, 4, explain(at(0)), allIdle);
  expect(state).toBe('open');
  expect(holds.map(({ split, isIdle }) => [split, isIdle])).toEqual([
    ['0', true],
    ['1', true],
  ]);
  expect(holds[0]?.release).toEqual([{ kind: 'row', at: 12_000, isEstimate: false }]);
  expect(holds[0]?.text).toContain('which is idle as all others');
});

test('a split that alignment holds back names the slower ones that it waits for', async () => {
  const align = { group: 'all', maxDrift: '4 s' } as const;
  const job = perTen(read('clicks', [open(1, 3, 7, 8, 9), open(2)]), { idleAfter: 'off', align });
  const slow = await ask(job, 3, explain(at(0)));
  expect(slow.holds).toMatchObject([{ split: '1' }, { split: '0' }]);
  expect(slow.holds[1]?.release).toEqual([{ kind: 'alignment', group: 'all', slower: ['clicks/1'] }]);
});

test('late rows within the lateness keep a fired window open; final results wait for its end', async () => {
  const jobOf = (results: 'accumulating' | 'final') =>
    read('clicks', [open(1, 12)])
      .watermark('at', monotonous())
      .keyBy('split')
      .window(tumbling('10 s'), { allowedLateness: '5 s', results })
      .aggregate({ n: count() }, { uid: 'per-ten' })
      .to(collect());
  const fired = await ask(jobOf('accumulating'), 2, explain(at(0)));
  expect(fired).toMatchObject({ state: 'fired', watermark: 11_999, firesAt: 9999, rows: 1, holds: [] });
  const final = await ask(jobOf('final'), 2, explain(at(0)));
  expect(final).toMatchObject({ state: 'open', watermark: 11_999, firesAt: 14_999, rows: 1 });
  expect(final.holds[0]?.release[0]).toEqual({ kind: 'row', at: 15_000, isEstimate: false });
});

test('a window behind a window whose results are final waits that much longer', async () => {
  const job = read('clicks', [open(1, 12)])
    .watermark('at', monotonous())
    .keyBy('split')
    .window(tumbling('5 s'), { allowedLateness: '7 s', results: 'final' })
    .aggregate({ n: count() })
    .keyBy('split')
    .window(tumbling('10 s'))
    .aggregate({ n: count() }, { uid: 'per-ten' })
    .to(collect());
  const { holds, rows } = await ask(job, 2, explain(at(0)));
  expect(rows).toBe(1);
  expect(holds).toMatchObject([{ split: '0', release: [{ kind: 'row', at: 17_000 }, { kind: 'idleness' }] }]);
});

test('sessions are asked by an instant that they have, in kernels and out of them', async () => {
  for (const options of [{}, { trigger: countTrigger(9) }]) {
    const job = read('clicks', [open(1, 3, 5, 30, 33)])
      .watermark('at', boundedOutOfOrderness('40 s'))
      .keyBy('split')
      .window(session('4 s'), options)
      .aggregate({ n: count() }, { uid: 'per-ten' })
      .to(collect());
    const [first, second, none] = await ask(job, 5, (run) => [3, 30, 20].map((time) => explain(at(time))(run)));
    expect(first).toMatchObject({ start: 1000, end: 9000, rows: 3, state: 'open' });
    expect(second).toMatchObject({ start: 30_000, end: 37_000, rows: 2, state: 'open' });
    expect(none).toMatchObject({ start: 20_000, end: 24_000, rows: 0, state: 'empty' });
  }
});

test('windows with a trigger tell it; of windows that share a start the first open one answers', async () => {
  const jobOf = (window: ReturnType<typeof tumbling>, trigger?: ReturnType<typeof continuous>) =>
    read('clicks', [open(1, 12, 23)])
      .watermark('at', monotonous())
      .keyBy('split')
      .window(window, trigger === undefined ? {} : { trigger })
      .aggregate({ n: count() }, { uid: 'per-ten' })
      .to(collect());
  const triggered = await ask(jobOf(tumbling('1 minute'), continuous('5 s')), 3, explain(at(0)));
  expect(triggered).toMatchObject({ rows: 3, state: 'open' });
  expect(triggered.text).toContain('holds 3 rows, fires at every 5 s of event time; it may have fired by that');
  for (const trigger of [undefined, continuous('1 minute')]) {
    const growing = await ask(jobOf(cumulating('1 minute', '10 s'), trigger), 3, explain(at(0)));
    expect(growing).toMatchObject({ start: 0, end: 30_000, rows: 3, state: 'open' });
  }
});

test('windows of processing time wait for the clock of the machine', async () => {
  const job = read('clicks', [open(1, 2)])
    .keyBy('split')
    .window(processingTumbling('10 s'))
    .aggregate({ n: count() }, { uid: 'per-ten' })
    .to(collect());
  const { text, rows } = await ask(job, 2, explain(new Date(1_000_000_000_000)));
  expect(rows).toBe(2);
  expect(text).toContain('is of processing time: it fires when the clock of the machine reaches its end');
});

test('a wrong uid, key or start is refused with what there is', async () => {
  const job = perTen(read('clicks', [open(1)]));
  const wrong: readonly (readonly [uid: string, key: Record<string, unknown>, start: string])[] = [
    ['per-hour', { split: 0 }, '1970-01-01T00:00Z'],
    ['per-ten', { spilt: 0 }, '1970-01-01T00:00Z'],
    ['per-ten', { split: 'a' }, '1970-01-01T00:00Z'],
    ['per-ten', {}, '1970-01-01T00:00Z'],
    ['per-ten', { split: 0 }, '1970-01-01 00:00'],
    ['per-ten', { split: 0 }, '1970-01-01T00:00:03Z'],
  ];
  const problem = (run: JobRun, [uid, key, start]: (typeof wrong)[number]): string => {
    try {
      return run.explainWindow(uid, key, start).text;
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  expect(await ask(job, 1, (run) => wrong.map((each) => problem(run, each)))).toEqual([
    "the job has no 'per-hour' to ask; it has: per-ten",
    "unknown column 'spilt' in the key of 'per-ten'",
    'column \'split\' is int32 and cannot hold "a"',
    "column 'split' is int32 and cannot hold undefined",
    "'1970-01-01 00:00' is not an instant; write it with its zone, such as '2001-01-03T10:00Z'",
    "'per-ten' has no window that starts at 1970-01-01T00:00:03.000Z: none starts then; "
      + 'those that have this instant start at 1970-01-01T00:00:00.000Z',
  ]);
  const counted = read('clicks', [open(1)])
    .keyBy('split')
    .window(countWindow(5))
    .aggregate({ n: count() }, { uid: 'per-ten' })
    .to(collect());
  expect(await ask(counted, 1, (run) => problem(run, ['per-ten', { split: 0 }, '1970-01-01T00:00Z']))).toBe(
    "'per-ten' has no window that starts at 1970-01-01T00:00:00.000Z: its windows are of counted rows",
  );
});
