/** Windows that rows decide on, triggers, evictors and window functions as users write them, run as jobs. */
import { expect, test } from 'vitest';
import { run } from '../../../node/run.ts';
import { collectSink } from '../../../src/format/collect-sink.ts';
import { collectionSource } from '../../../src/format/collection-source.ts';
import {
  countTrigger,
  countWindow,
  defineTrigger,
  type Duration,
  earlyAndLate,
  from,
  globalWindow,
  hopping,
  int32,
  type Job,
  keepLast,
  monotonous,
  processingTumbling,
  purging,
  schema,
  session,
  type Sink,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import type { WindowFunctionContext } from '../../../src/api/window-function.ts';
import { explainPhysical } from '../../../src/plan/explain-physical.ts';
import { makeSink, makeSource, physicalPlanOf, tableOf } from '../../../src/platform.ts';

const Click = schema({ at: timestamp(), user: utf8(), n: int32() });
const clicks = [
  [0, 'a', 1],
  [100, 'a', 2],
  [200, 'b', 4],
  [1500, 'a', 8],
  [1600, 'a', 16],
  [1700, 'b', 32],
].map(([at, user, n]) => ({ at, user, n }));

const source = () => from(makeSource(Click, collectionSource(tableOf(Click, 'a test'), clicks), 'clicks'));
const stream = () => source().watermark('at', monotonous());
const byUser = () => stream().keyBy('user');

async function rowsOf(end: (sink: Sink<'inserts only'>) => Job): Promise<unknown[]> {
  const sink = collectSink();
  const running = await run(end(makeSink('inserts only', sink, 'results')), { handleSignals: false });
  await running.done;
  return sink.rows.map((row) => Object.values(row).map((value) => (typeof value === 'string' ? value : Number(value))));
}

test('a session of each row’s own gap ends that long after its last row', async () => {
  const gap = ({ n }: { readonly n: number }): Duration => (n === 2 ? '2 s' : '500 ms');
  const rows = await rowsOf((sink) =>
    byUser()
      .window(session(gap))
      .aggregate({ total: sum('n') })
      .to(sink),
  );
  expect(rows).toEqual([
    ['b', 200, 700, 4],
    ['a', 0, 2100, 27],
    ['b', 1700, 2200, 32],
  ]);
});

test('a count window gives its number and needs no watermark', async () => {
  const rows = await rowsOf((sink) =>
    source()
      .keyBy('user')
      .window(countWindow(2))
      .aggregate({ total: sum('n') })
      .to(sink),
  );
  expect(rows).toEqual([
    ['a', 0, 3],
    ['a', 1, 24],
    ['b', 0, 36],
  ]);
});

test('a trigger fires early, an evictor keeps the last rows, purging empties the window', async () => {
  const early = { trigger: earlyAndLate({ early: countTrigger(2) }) };
  const day = tumbling('1 day');
  const rows = await rowsOf((sink) =>
    byUser()
      .window(day, early)
      .aggregate({ total: sum('n') })
      .to(sink),
  );
  expect(rows.slice(0, 3)).toEqual([
    ['a', 0, 86_400_000, 3],
    ['a', 0, 86_400_000, 27],
    ['b', 0, 86_400_000, 36],
  ]);
  expect(rows).toHaveLength(5);
  const last = { trigger: countTrigger(2), evictor: keepLast(1) };
  expect(
    await rowsOf((sink) =>
      byUser()
        .window(globalWindow(), last)
        .aggregate({ total: sum('n') })
        .to(sink),
    ),
  ).toEqual([
    ['a', 2],
    ['a', 16],
    ['b', 32],
  ]);
  const pairs = { trigger: purging(countTrigger(2)) };
  expect(
    await rowsOf((sink) =>
      byUser()
        .window(globalWindow(), pairs)
        .aggregate({ total: sum('n') })
        .to(sink),
    ),
  ).toEqual([
    ['a', 3],
    ['a', 24],
    ['b', 36],
  ]);
});

test('a trigger of one’s own sees rows and keeps numbers', async () => {
  const everySecondLarge = defineTrigger<{ readonly n: number }>({
    name: 'every second large row',
    onRow({ n }, { number }) {
      const seen = number('large');
      if (n < 4) return 'continue';
      seen.set((seen.get() ?? 0) + 1);
      return seen.get() === 2 ? 'fireAndPurge' : 'continue';
    },
  });
  const options = { trigger: everySecondLarge };
  const rows = await rowsOf((sink) =>
    byUser()
      .window(globalWindow(), options)
      .aggregate({ total: sum('n') })
      .to(sink),
  );
  expect(rows).toEqual([
    ['a', 27],
    ['b', 36],
  ]);
});

test('a function makes rows of all rows of a window and keeps values for window and key', async () => {
  const Best = schema({ user: utf8(), best: int32(), windows: int32() });
  const rows = await rowsOf((sink) =>
    byUser()
      .window(tumbling('1 s'))
      .process({
        out: Best,
        rows(all, { key }) {
          const windows = Number(key.get() ?? 0) + 1;
          key.set(windows);
          return [{ user: all[0]?.user ?? '', best: Math.max(...all.map(({ n }) => n)), windows }];
        },
      })
      .to(sink),
  );
  expect(rows).toEqual(
    expect.arrayContaining([
      ['a', 2, 1],
      ['b', 4, 1],
      ['a', 16, 2],
      ['b', 32, 2],
    ]),
  );
  expect(rows).toHaveLength(4);
});

test.each<[string, (context: WindowFunctionContext) => Iterable<{ readonly n: number }>, string]>([
  [
    'throws',
    () => {
      throw new Error('no such luck');
    },
    'no such luck',
  ],
  [
    'throws in the middle of a generator',
    function* () {
      yield { n: 1 };
      throw new Error('no such luck');
    },
    'no such luck',
  ],
  [
    'answers with nothing',
    // As JavaScript may.
    () => undefined as unknown as [],
    'it must answer with something iterable, such as an array, but did with undefined',
  ],
  [
    'keeps what JSON cannot hold',
    ({ key }) => {
      key.set(undefined);
      return [];
    },
    'JSON cannot hold what is to be kept: undefined',
  ],
])('a window function that %s fails with the window', async (_what, answer, problem) => {
  const failing = rowsOf((sink) =>
    byUser()
      .window(tumbling('1 s'))
      .process({ out: schema({ n: int32() }), rows: (_rows, context) => answer(context) })
      .to(sink),
  );
  await expect(failing).rejects.toMatchObject({
    code: 'E1213',
    message: `the function of the window from 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z failed: ${problem}`,
  });
});

test('windows that cannot work are refused with what they need', () => {
  const messageOf = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return 'no error';
  };
  expect(messageOf(() => tumbling('0 s'))).toBe("the window size must be greater than zero, but is '0 s'");
  expect(messageOf(() => tumbling('-1 s'))).toBe("the window size must be greater than zero, but is '-1 s'");
  expect(messageOf(() => processingTumbling('0 s'))).toBe("the window size must be greater than zero, but is '0 s'");
  expect(messageOf(() => session('0 s'))).toBe("the session gap must be greater than zero, but is '0 s'");
  expect(messageOf(() => hopping('1 s', '2 s'))).toBe("the slide must be at most the window size '1 s', but is '2 s'");
  expect(messageOf(() => countWindow(0))).toBe('the rows of a count window must be a whole number above 0, but is 0');
  expect(messageOf(() => countWindow(2, { slide: 3 }))).toBe(
    'the slide of a count window must be at most its 2 rows, but is 3',
  );
  expect(messageOf(() => byUser().window(globalWindow()))).toBe(
    'a global window must be given a trigger, because it has no end, but is given none',
  );
  expect(messageOf(() => byUser().window(countWindow(2), { trigger: countTrigger(1) }))).toBe(
    'a count window must be without trigger and evictor, because rows decide when it fires, but is an object',
  );
});

test('an explanation says which operator a window becomes, and why', () => {
  const explained = (job: Job): string => explainPhysical(physicalPlanOf(job, 'test'));
  const sink = (): Sink<'inserts only'> => makeSink('inserts only', collectSink(), 'results');
  const plain = byUser()
    .window(tumbling('1 s'))
    .aggregate({ total: sum('n') })
    .to(sink());
  expect(explained(plain)).toContain('tumbling 1 s; kernel; state: about');
  const early = { trigger: purging(countTrigger(2)), evictor: keepLast(3) };
  const triggered = byUser()
    .window(tumbling('1 s'), early)
    .aggregate({ total: sum('n') })
    .to(sink());
  expect(explained(triggered)).toContain(
    'tumbling 1 s, fires at every 2 rows and is emptied, of the last 3 rows; row by row, because an evictor sees all its rows',
  );
});
