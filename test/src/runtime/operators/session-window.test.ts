/** Session windows as a user's job: results, late rows, and the same after a crash anywhere. */
import { expect, test } from 'vitest';
import {
  boundedOutOfOrderness,
  count,
  eventTime,
  from,
  int64,
  type Job,
  job,
  max,
  schema,
  session,
  type Sink,
  sum,
  timestamp,
  utf8,
} from '../../../../src/index.ts';
import { makeSink, makeSource, tableOf } from '../../../../src/platform.ts';
import { rows, simulate } from '../../../../src/testing/index.ts';

const Click = schema({ at: timestamp(), user: utf8(), spent: int64() });

const never = (): never => {
  throw new Error('the sources and sinks of a simulated job are not touched');
};
const web = makeSource(
  Click,
  { schema: tableOf(Click, 'clicks'), live: true, quantum: 1, splits: never, open: never },
  'web',
);
const file = (): Sink<'inserts only'> => makeSink('inserts only', { accepts: 'inserts', open: never }, 'file');

function visits(): Job {
  const visited = from(web, { uid: 'clicks' })
    .watermark('at', boundedOutOfOrderness('5 minutes'))
    .keyBy('user')
    .window(session('10 minutes'))
    .aggregate({ clicks: count(), spent: sum('spent'), most: max('spent') }, { uid: 'visits' });
  return job('visits', visited.to(file(), { uid: 'out' }), visited.late.to(file(), { uid: 'late' }));
}

const minute = (n: number): ReturnType<typeof eventTime> => eventTime(new Date(Date.UTC(2026, 0, 5, 6, n)));
const CLICKS = rows(Click, [
  { at: minute(0), user: 'ann with a name of more than sixteen bytes', spent: 1 },
  { at: minute(1), user: 'bob', spent: 10 },
  // 20 minutes are no visit of 0; 10 touches both and makes one of them.
  { at: minute(14), user: 'bob', spent: 20 },
  { at: minute(11), user: 'bob', spent: 30 },
  { at: minute(30), user: 'bob', spent: 40 },
  { at: minute(3), user: 'ann with a name of more than sixteen bytes', spent: 5 },
  { at: minute(31), user: 'ann with a name of more than sixteen bytes', spent: 2 },
]);

test('joins rows that are near or touch, gives late rows to their output, and survives a crash anywhere', async () => {
  const { differences, crashes, output } = await simulate(visits(), { input: { clicks: CLICKS }, seeds: 1 });
  expect(differences).toEqual([]);
  expect(crashes).toBeGreaterThan(250);
  const lines = (uid: string): readonly unknown[] => (output[uid] ?? []).map((line) => JSON.parse(String(line)));
  expect(lines('out')).toMatchObject([
    {
      user: 'ann with a name of more than sixteen bytes',
      clicks: 1,
      spent: 1,
      windowStart: '2026-01-05T06:00:00.000Z',
    },
    { user: 'bob', clicks: 3, spent: 60, most: 30, windowEnd: '2026-01-05T06:24:00.000Z' },
    { user: 'bob', clicks: 1, spent: 40 },
    { user: 'ann with a name of more than sixteen bytes', clicks: 1, spent: 2 },
  ]);
  expect(lines('late')).toMatchObject([{ user: 'ann with a name of more than sixteen bytes', spent: 5 }]);
});
