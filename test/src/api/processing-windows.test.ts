/** Windows by the clock of the machine: which rows they hold, and when they fire. */
import { expect, it } from 'vitest';
import {
  collect,
  collection,
  count,
  from,
  int32,
  processingSession,
  processingTumbling,
  schema,
  utf8,
} from '../../../src/index.ts';
import { play, tape } from '../../../src/testing/index.ts';

const Click = schema({ user: utf8(), n: int32() });
const clicks = () => from(collection(Click, []), { uid: 'clicks' }).keyBy('user');
const clicksAt = (...moments: readonly number[]) =>
  tape(
    Click,
    moments.map((at, n) => ({ at, row: { user: 'ann', n } })),
  );

it('a window of processing time has the rows of its last millisecond, and fires once when that is over', async () => {
  const perSecond = clicks().window(processingTumbling('1 s')).aggregate({ n: count() }).to(collect(), { uid: 'out' });
  const { output, failure } = await play(perSecond, {
    tapes: { clicks: clicksAt(500, 998, 999, 1000, 1999, 2500) },
    tickMs: 1,
  });
  expect(failure).toBeUndefined();
  expect(output['out']?.map(({ at, row }) => [at, Number(row['n'])]).slice(0, 2)).toEqual([
    [1000, 3],
    [2000, 2],
  ]);
});

it('a session of processing time takes a row in the last millisecond of its gap', async () => {
  const sessions = clicks().window(processingSession('100 ms')).aggregate({ n: count() }).to(collect(), { uid: 'out' });
  const { output } = await play(sessions, { tapes: { clicks: clicksAt(100, 199, 400, 1000) }, tickMs: 1 });
  expect(output['out']?.map(({ at, row }) => [at, Number(row['n'])]).slice(0, 2)).toEqual([
    [299, 2],
    [500, 1],
  ]);
});
