import { describe, expect, test } from 'vitest';
import { eventTime } from '../../../../src/api/time.ts';
import { below, seededRandom } from '../../../../src/base/random.ts';
import {
  aggregating,
  bytes,
  collect,
  collection,
  float64,
  from,
  int32,
  json,
  listOf,
  mapOf,
  monotonous,
  reducing,
  schema,
  timestamp,
  utf8,
  value,
} from '../../../../src/index.ts';
import { MapKeyedState } from '../../../support/map-keyed-state.ts';
import { processHarness, type TimedRow } from '../../../support/process-harness.ts';

const Event = schema({ at: timestamp(), key: utf8(), n: int32() });
const Out = schema({ what: json() });
const events = from(collection(Event, [])).watermark('at', monotonous());
const row = (key: string, n: number, ms: number, watermark = ms - 1): TimedRow => ({
  row: { at: ms, key, n },
  timestamp: ms,
  watermark,
});

/** What a function emitted as `what`, in order. */
const emitted = (story: readonly unknown[]): readonly unknown[] =>
  story.flatMap((element) =>
    typeof element === 'object' && element !== null && 'what' in element ? [element.what] : [],
  );

describe('state', () => {
  test('of a map comes in order of insertion, and an entry that is set again keeps its place', async () => {
    const job = events
      .keyBy('key')
      .process(
        {
          state: { seen: mapOf(int32(), utf8()) },
          row({ n }, { state: { seen }, emit }) {
            if (n < 0) seen.delete(-n);
            else seen.set(n, `${n}${seen.has(n) ? '!' : ''}`);
            emit({ what: [...seen.entries()].flat() });
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([5, 3, 5, 9, -3, 3].map((n, i) => row('a', n, i + 1)));
    harness.rows([row('b', 1, 10)]);
    expect(emitted(harness.story())).toEqual([
      [5, '5'],
      [5, '5', 3, '3'],
      [5, '5!', 3, '3'],
      [5, '5!', 3, '3', 9, '9'],
      [5, '5!', 9, '9'],
      [5, '5!', 9, '9', 3, '3'],
      [1, '1'],
    ]);
  });

  test('of a map may be changed while it is walked, and other keys are not met', async () => {
    const job = events
      .keyBy('key')
      .process(
        {
          state: { seen: mapOf(int32(), int32()), last: value(int32()) },
          row({ n }, { state: { seen, last }, emit }) {
            seen.set(n, n);
            const met: number[] = [];
            for (const [key] of seen) {
              met.push(key);
              last.set(key);
              if (key === 1) seen.set(100, 1);
              if (key === 2) seen.delete(100);
            }
            emit({ what: met });
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([row('a', 1, 1), row('b', 3, 2), row('a', 2, 3)]);
    expect(emitted(harness.story())).toEqual([[1, 100], [3], [1, 100, 2]]);
  });

  test('of a list keeps what was added, in order, and begins anew after it is cleared', async () => {
    const job = events
      .keyBy('key')
      .process(
        {
          state: { all: listOf(schema({ n: int32(), at: timestamp() })) },
          row({ n, at }, { state: { all }, emit }) {
            if (n === 0) all.clear();
            else if (n < 0)
              all.set([
                { n, at },
                { n: n * 2, at },
              ]);
            else all.add({ n, at });
            emit({ what: [...all].map((one) => `${one.n}@${one.at.epochMs}`) });
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([1, 2, 0, 3].map((n, i) => row('a', n, i + 1)));
    harness.restart();
    harness.rows([row('a', 4, 9), row('a', -5, 10)]);
    expect(emitted(harness.story())).toEqual([
      ['1@1'],
      ['1@1', '2@2'],
      [],
      ['3@4'],
      ['3@4', '4@9'],
      ['-5@10', '-10@10'],
    ]);
  });

  test('that folds gives what the functions make of all values', async () => {
    const job = events
      .keyBy('key')
      .process(
        {
          state: {
            largest: reducing(int32(), { reduce: (a, b) => Math.max(a, b) }),
            mean: aggregating({
              accumulator: schema({ sum: float64(), count: int32() }),
              create: () => ({ sum: 0, count: 0 }),
              add: ({ sum, count }, n: number) => ({ sum: sum + n, count: count + 1 }),
              finish: ({ sum, count }) => sum / count,
            }),
          },
          row({ n }, { state, emit }) {
            const before = state.mean.get() ?? null;
            state.largest.add(n);
            state.mean.add(n);
            emit({ what: [state.largest.get() ?? null, before, state.mean.get() ?? null] });
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([row('a', 4, 1), row('a', 1, 2), row('b', 7, 3), row('a', 4, 4)]);
    expect(emitted(harness.story())).toEqual([
      [4, null, 4],
      [4, 4, 2.5],
      [7, null, 7],
      [4, 2.5, 3],
    ]);
  });

  test('that is read is frozen, and what was given to it may be changed afterwards', async () => {
    const job = events
      .keyBy('key')
      .process(
        {
          state: { held: value(schema({ list: json() })) },
          row({ n }, { state: { held }, emit }) {
            const mine = { list: [n] };
            if (held.get() === undefined) held.set(mine);
            mine.list.push(99);
            emit({ what: [held.get()?.list ?? null, Object.isFrozen(held.get()), Object.isFrozen(held.get()?.list)] });
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([row('a', 1, 1), row('a', 2, 2)]);
    harness.rows([row('a', 3, 3)]);
    expect(emitted(harness.story())).toEqual([1, 2, 3].map(() => [[1], true, true]));
  });

  test('of bytes is unchanged by a function that changes what it got, however rows are cut into batches', async () => {
    const Held = schema({ data: bytes() });
    const job = events
      .keyBy('key')
      .process(
        {
          state: {
            one: value(bytes(), { initial: new Uint8Array([7]) }),
            row: value(Held, { initial: { data: new Uint8Array([7]) } }),
            sum: reducing(bytes(), {
              reduce: (a, b) => {
                a[0] = 50;
                return b;
              },
            }),
          },
          row({ n }, { state: { one, row: held, sum }, emit }) {
            if (n === 2) {
              one.set(new Uint8Array([20]));
              held.set({ data: new Uint8Array([20]) });
            }
            sum.add(new Uint8Array([n]));
            const got = [one.get(), held.get().data, sum.get() ?? new Uint8Array(1)];
            emit({ what: got.map(([first]) => first ?? null) });
            for (const array of got) array[0] = 99;
          },
        },
        { out: Out },
      )
      .to(collect());
    const rows = [row('a', 1, 1), row('b', 1, 2), row('a', 2, 3), row('a', 3, 4), row('a', 4, 5)];
    const expected = [
      [7, 7, 1],
      [7, 7, 1],
      [20, 20, 2],
      [20, 20, 3],
      [20, 20, 4],
    ];
    const inOne = await processHarness(job);
    inOne.rows(rows);
    expect(emitted(inOne.story())).toEqual(expected);
    const oneByOne = await processHarness(job);
    for (const each of rows) oneByOne.rows([each]);
    expect(emitted(oneByOne.story())).toEqual(expected);
  });
});

describe('state with a ttl', () => {
  const remembered = (refresh: 'write' | 'access') =>
    events
      .keyBy('key')
      .process(
        {
          state: { last: value(int32(), { ttl: '10 ms', refresh }) },
          timers: ['look'],
          row({ n, at }, { state: { last }, emit, timers }) {
            emit({ what: last.get() ?? 'none' });
            if (n > 0) last.set(n);
            if (n > 1) timers.eventTime(at.plus(`${n} ms`), 'look');
          },
          timer({ state, emit }) {
            emit({ what: `timer: ${state.last.get()}` });
          },
        },
        { out: Out },
      )
      .to(collect());

  test('is gone when the watermark has passed its time by so much, and not before', async () => {
    const harness = await processHarness(remembered('write'));
    // Written at 100: read by rows behind watermarks 109 and 110.
    harness.rows([row('a', 1, 100), row('a', 0, 101, 109), row('a', 0, 200, 110)]);
    expect(emitted(harness.story())).toEqual(['none', 1, 'none']);
  });

  test('lives from the event time of the row that wrote it, however far the watermark is behind', async () => {
    const harness = await processHarness(remembered('write'));
    harness.rows([row('a', 1, 100, 50), row('a', 0, 101, 105)]);
    expect(emitted(harness.story())).toEqual(['none', 1]);
  });

  test('lives on when it is read only if that refreshes it', async () => {
    const rows = [row('a', 1, 100), row('a', 0, 108), row('a', 0, 116)];
    for (const [refresh, last] of [
      ['write', 'none'],
      ['access', 1],
    ] as const) {
      const harness = await processHarness(remembered(refresh));
      harness.rows(rows);
      expect(emitted(harness.story()), refresh).toEqual(['none', 1, last]);
    }
  });

  test('of a map or a list lives on by the entries that are read, if that refreshes it', async () => {
    const walked = (refresh: 'write' | 'access') =>
      events
        .keyBy('key')
        .process(
          {
            state: {
              list: listOf(int32(), { ttl: '10 ms', refresh }),
              map: mapOf(int32(), int32(), { ttl: '10 ms', refresh }),
            },
            row({ n }, { state: { list, map }, emit }) {
              if (n > 0) {
                list.add(n);
                map.set(n, n);
              }
              if (n < 0) {
                // Up to the first entry: the others are not met.
                for (const _ of list) break;
                for (const _ of map.values()) break;
              } else emit({ what: [[...list], [...map.keys()]] });
            },
          },
          { out: Out },
        )
        .to(collect());
    // The last element that is added finds its number although only reads have kept the list alive.
    const rows = [row('a', 1, 100), row('a', 2, 101), row('a', 0, 108), row('a', -1, 116), row('a', 0, 120)];
    const more = [row('a', 3, 129)];
    const written = await processHarness(walked('write'));
    written.rows([...rows, ...more]);
    const start = [
      [[1], [1]],
      [
        [1, 2],
        [1, 2],
      ],
      [
        [1, 2],
        [1, 2],
      ],
    ];
    expect(emitted(written.story())).toEqual([...start, [[], []], [[3], [3]]]);
    const read = await processHarness(walked('access'));
    read.rows(rows);
    read.restart();
    read.rows(more);
    const alive = [
      [[1], [1]],
      [
        [1, 3],
        [1, 3],
      ],
    ];
    expect(emitted(read.story())).toEqual([...start, ...alive]);
  });

  test('of a map or a list lives no longer for those who look on', async () => {
    const job = events
      .keyBy('key')
      .process(
        {
          state: {
            list: listOf(int32(), { ttl: '10 ms', refresh: 'access' }),
            map: mapOf(int32(), int32(), { ttl: '10 ms', refresh: 'access' }),
          },
          row({ n }, { state: { list, map }, emit }) {
            if (n > 0) {
              list.add(n);
              map.set(n, n);
            } else if (n === 0) emit({ what: [[...list], [...map.keys()]] });
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([row('a', 1, 100), row('b', -1, 108)]);
    expect(harness.operator.lookup({ key: 'a' })).toEqual({ list: [1], map: new Map([[1, 1]]) });
    harness.rows([row('a', 0, 112)]);
    expect(emitted(harness.story())).toEqual([[[], []]]);
  });

  test('is seen by a timer as it was at the time of the timer, not at that of the watermark that released it', async () => {
    const harness = await processHarness(remembered('write'));
    harness.rows([row('a', 9, 100), row('b', 11, 100)]);
    harness.watermark(1_000);
    expect(emitted(harness.story())).toEqual(['none', 'none', 'timer: 9', 'timer: undefined']);
  });

  test('takes no more room than what is alive', async () => {
    const state = new MapKeyedState();
    const harness = await processHarness(remembered('write'), state);
    for (let at = 0; at < 1_000; at++) {
      harness.rows([row(`key ${at}`, 1, at)]);
      harness.watermark(at);
      expect(state.count('last')).toBeLessThanOrEqual(11);
    }
  });

  test('gives the same output, to the last byte, however rows are cut into batches', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seededRandom(seed);
      let watermark = 0;
      const rows = Array.from({ length: 80 }, (_, i): TimedRow => {
        const at = Math.max(0, i * 2 - below(random, 9));
        const made = row(`k${below(random, 5)}`, below(random, 16), at, watermark);
        watermark = Math.max(watermark, at - 4);
        return made;
      });
      const stories: string[] = [];
      for (const size of [1, 9, 80]) {
        const harness = await processHarness(remembered('access'));
        for (let from = 0; from < rows.length; from += size) {
          harness.rows(rows.slice(from, from + size));
          harness.watermark(rows[from + size]?.watermark ?? watermark);
        }
        harness.watermark(10_000);
        stories.push(JSON.stringify(harness.story().filter((element) => typeof element === 'object')));
      }
      expect(stories[1], `seed ${seed}`).toBe(stories[0]);
      expect(stories[2], `seed ${seed}`).toBe(stories[0]);
    }
  });
});

test('state that was asked to expire by processing time does, whatever event time says', async () => {
  const job = events
    .keyBy('key')
    .process(
      {
        state: { last: value(int32(), { ttl: '10 ms', clock: 'processing time' }), kept: value(int32()) },
        row({ n }, { state: { last, kept }, emit }) {
          emit({ what: [last.get() ?? 'none', kept.get() ?? 'none'] });
          last.set(n);
          kept.set(n);
        },
      },
      { out: Out },
    )
    .to(collect());
  const harness = await processHarness(job);
  harness.now = 1_000;
  harness.rows([row('a', 1, 1), row('a', 2, 5_000)]);
  harness.now = 1_009;
  harness.rows([row('a', 3, 5_001)]);
  harness.now = 1_019;
  harness.rows([row('a', 4, 5_002)]);
  expect(emitted(harness.story())).toEqual([
    ['none', 'none'],
    [1, 1],
    [2, 2],
    ['none', 3],
  ]);
});

test('a function sees times as instants of their clocks', async () => {
  const job = events
    .keyBy('key')
    .process(
      {
        state: { when: value(timestamp()) },
        row({ at }, { state: { when }, emit, now }) {
          when.set(when.get()?.plus('1 s') ?? at);
          emit({ what: [when.get()?.toString() ?? null, when.get()?.clock ?? null, now.clock, now.epochMs] });
        },
      },
      { out: Out },
    )
    .to(collect());
  const harness = await processHarness(job);
  harness.now = 7;
  const first = eventTime('2001-01-03T10:00Z').epochMs;
  harness.rows([row('a', 1, first), row('a', 1, first + 1)]);
  expect(emitted(harness.story())).toEqual([
    ['2001-01-03T10:00:00.000Z', 'event time', 'processing time', 7],
    ['2001-01-03T10:00:01.000Z', 'event time', 'processing time', 7],
  ]);
});
