/** Jobs from rows of the program to rows of the program, run in Node. */
import { describe, expect, it } from 'vitest';
import { run } from '../../../node/run.ts';
import {
  callback,
  collect,
  collection,
  count,
  eventTime,
  from,
  fromAsyncIterable,
  int32,
  iterate,
  type Job,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { mistakeOf } from './stand-ins.ts';

const Click = schema({ at: timestamp(), user: utf8(), weight: int32().nullable() });
const BEGIN = eventTime('2001-01-01T00:00Z');
const CLICKS = [
  { at: BEGIN, user: 'ann', weight: 2 },
  { at: BEGIN.plus('10 s'), user: 'bob' },
  { at: BEGIN.plus('70 s'), user: 'ann', weight: null },
];

const clicks = from(collection(Click, CLICKS));
const perMinute = clicks
  .watermark('at', monotonous())
  .keyBy('user')
  .window(tumbling('1 minute'))
  .aggregate({ clicks: count() });

async function finish(job: Job): Promise<void> {
  const running = await run(job, { handleSignals: false });
  expect(await running.done).toBe('finished');
}

describe('rows of the program', () => {
  it('go through a job and come back as rows, with instants as instants', async () => {
    const results = collect(perMinute.schema);
    await finish(perMinute.to(results));
    expect(results.rows.map(({ user, windowStart, clicks: n }) => [user, windowStart.toString(), n]).sort()).toEqual([
      ['ann', '2001-01-01T00:00:00.000Z', 1],
      ['ann', '2001-01-01T00:01:00.000Z', 1],
      ['bob', '2001-01-01T00:00:00.000Z', 1],
    ]);
    expect(results.rows[0]?.windowEnd.since(results.rows[0].windowStart)).toBe(60_000);
  });

  it('may leave out what may be null', async () => {
    const results = collect();
    await finish(clicks.pick('user', 'weight').to(results));
    expect(results.rows).toEqual([
      { user: 'ann', weight: 2 },
      { user: 'bob', weight: null },
      { user: 'ann', weight: null },
    ]);
  });

  it('come out of an async iterable, which is asked for at each start', async () => {
    let starts = 0;
    const source = fromAsyncIterable(Click, async function* () {
      starts++;
      yield* CLICKS;
    });
    const results = collect();
    const job = from(source).pick('user').to(results);
    await finish(job);
    expect([starts, results.rows]).toEqual([1, [{ user: 'ann' }, { user: 'bob' }, { user: 'ann' }]]);
  });

  it('are handed to a function, one call after the other, and its promise is waited for', async () => {
    const told: string[] = [];
    let calls = 0;
    const sink = callback(clicks.schema, async (rows) => {
      expect(calls++).toBe(0);
      await Promise.resolve();
      told.push(...rows.map(({ user }) => user));
      calls--;
    });
    await finish(clicks.to(sink));
    expect(told).toEqual(['ann', 'bob', 'ann']);
  });

  it('fail the job when the function throws', async () => {
    const sink = callback(() => {
      throw new Error('not today');
    });
    const running = await run(clicks.to(sink), { handleSignals: false });
    await expect(running.done).rejects.toThrow('not today');
  });

  it('are read with for await', async () => {
    const sink = iterate(clicks.schema);
    const finished = finish(clicks.to(sink)).finally(() => sink.end());
    const users: string[] = [];
    for await (const { user } of sink) users.push(user);
    await finished;
    expect(users).toEqual(['ann', 'bob', 'ann']);
  });

  it('say what they do to the result before on changelogs', async () => {
    const results = collect({ changelog: true });
    await finish(clicks.aggregate({ n: count() }).to(results));
    expect(results.rows.map(({ op, n }) => `${op} ${String(n)}`)).toEqual(['+I 1', '-U 1', '+U 2', '-U 2', '+U 3']);
  });
});

describe('mistakes of JavaScript callers', () => {
  // What TypeScript refuses, as a JavaScript caller passes it.
  const loose = { callback, collect, collection, fromAsyncIterable, iterate } as unknown as {
    readonly [name: string]: (...args: unknown[]) => unknown;
  };

  it.each([
    ['rows that are no array', () => loose['collection']?.(Click, 'ann'), 'E1006'],
    ['rows without a schema', () => loose['collection']?.([], []), 'E1006'],
    ['an iterable in place of a function', () => loose['fromAsyncIterable']?.(Click, []), 'E1006'],
    [
      'an unknown option of an iterable',
      () => loose['fromAsyncIterable']?.(Click, () => [], { replay: true }),
      'E1009',
    ],
    ['an unknown option of a sink', () => loose['collect']?.({ changlog: true }), 'E1009'],
    ['no function', () => loose['callback']?.(Click), 'E1006'],
  ])('%s', (_, act, code) => {
    expect(mistakeOf(act)).toMatch(new RegExp(`^${code} `));
  });

  it('a sink with a schema refuses other columns', () => {
    const narrow: { to(sink: unknown): unknown } = clicks.pick('user') as never;
    expect(mistakeOf(() => narrow.to(collect(Click)))).toMatch(/^E12\d\d .*'at'/);
  });
});
