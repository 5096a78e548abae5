/** Functions that are told of state that expires: what, when, in which order, and that none is told twice or missed. */
import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  int32,
  json,
  listOf,
  mapOf,
  monotonous,
  reducing,
  schema,
  timestamp,
  tumbling,
  UserError,
  utf8,
  value,
} from '../../../../src/index.ts';
import { play, tape } from '../../../../src/testing/index.ts';
import { MapKeyedState } from '../../../support/map-keyed-state.ts';
import { processHarness, type TimedRow } from '../../../support/process-harness.ts';

const Event = schema({ at: timestamp(), key: utf8(), n: int32() });
const Out = schema({ what: json() });
const events = () => from(collection(Event, []), { uid: 'events' }).watermark('at', monotonous());
const row = (key: string, n: number, ms: number, watermark = ms - 1): TimedRow => ({
  row: { at: ms, key, n },
  timestamp: ms,
  watermark,
});
const told = (story: readonly unknown[]): readonly unknown[] =>
  story.flatMap((element) => (typeof element === 'object' && element !== null && 'what' in element ? [element] : []));

const remembering = () =>
  events()
    .keyBy('key')
    .process(
      {
        uid: 'remember',
        state: {
          last: value(int32(), { ttl: '10 ms' }),
          seen: mapOf(int32(), utf8(), { ttl: '7 ms', refresh: 'access' }),
          all: listOf(int32(), { ttl: '20 ms' }),
          sum: reducing(int32(), { reduce: (a, b) => a + b, ttl: '5 ms' }),
          told: value(int32(), { initial: 0 }),
        },
        timers: ['tick'],
        row({ n, at }, { state, timers }) {
          if (n % 3 === 0) state.last.set(n);
          if (n % 3 === 1) state.seen.set(n % 5, `n${n}`);
          if (n % 3 === 2) state.all.add(n);
          if (n % 4 === 0) state.seen.get(n % 5);
          if (n % 2 === 0) state.sum.add(n);
          timers.eventTime(at.plus('10 ms'), 'tick');
        },
        timer({ at, key, emit }) {
          emit({ what: `tick ${key.key} ${at.epochMs}` });
        },
        onExpire(expired) {
          const { name, at, key, state, emit, watermark } = expired;
          const entry = expired.name === 'seen' ? `${expired.entry}:` : '';
          state.told.set(state.told.get() + 1);
          // Behind its end it is gone for the function too.
          const left = name === 'last' ? state.last.get() : undefined;
          emit({ what: `${name} ${key.key} ${entry}${expired.value} ${at.epochMs} ${left} ${watermark.epochMs}` });
        },
      },
      { out: Out },
    )
    .to(collect());

describe('a function that is told of state that expires', () => {
  test('hears of it at its time, in order of time, before timers of that time', async () => {
    const harness = await processHarness(remembering());
    harness.rows([row('a', 3, 100), row('b', 9, 100), row('a', 1, 103), row('a', 6, 105), row('b', 5, 106)]);
    expect(told(harness.story())).toEqual([]);
    harness.rows([row('a', 2, 120)]);
    const texts = told(harness.story()).map((element) => Object.values(element as object).join(' @')); // checked above
    expect(texts.filter((text) => text.includes(' a ') || text.startsWith('tick a'))).toEqual([
      'seen a 1:n1 110 undefined 110 @110',
      'sum a 6 110 undefined 110 @110',
      'tick a 110 @110',
      'tick a 113 @113',
      'last a 6 115 undefined 115 @115',
      'tick a 115 @115',
    ]);
  });

  test('hears the same however rows are batched, over maps and over the arena, and across restarts', async () => {
    let heard = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const random = seededRandom(seed);
      let clock = 100;
      let watermark = 0;
      const rows = Array.from({ length: 60 }, () => {
        clock += below(random, 6);
        const made = row('abc'[below(random, 3)] ?? '', below(random, 30), clock - below(random, 4), watermark);
        if (below(random, 2) === 0) watermark = Math.max(watermark, clock - 4);
        return made;
      });
      const stories: unknown[] = [];
      for (const batch of [1, 7, 60]) {
        for (const over of [undefined, new MapKeyedState()]) {
          const harness = await processHarness(remembering(), over);
          for (let at = 0; at < rows.length; at += batch) {
            harness.rows(rows.slice(at, at + batch));
            if (batch === 7 && at % 21 === 0 && over === undefined) harness.restart();
          }
          harness.watermark(Number.MAX_SAFE_INTEGER);
          stories.push(told(harness.story()));
        }
      }
      for (const story of stories.slice(1)) expect(story, `seed ${seed}`).toEqual(stories[0]);
      heard += told(stories[0] as readonly unknown[]).length;
    }
    expect(heard).toBeGreaterThan(1000);
  });

  test('hears of each value once, when it was written last and not again for its time', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      let ms = 0;
      const writes = Array.from({ length: 50 }, (_, i) => ({
        key: 'ab'[below(random, 2)] ?? '',
        n: i,
        ms: (ms += below(random, 9)),
      }));
      const job = events()
        .keyBy('key')
        .process(
          {
            state: { last: value(int32(), { ttl: '12 ms' }) },
            row: ({ n }, { state }) => state.last.set(n),
            onExpire: ({ key, value: n, at, emit }) => emit({ what: [key.key, n, at.epochMs] }),
          },
          { out: Out },
        )
        .to(collect());
      const harness = await processHarness(job);
      harness.rows(writes.map(({ key, n, ms }) => row(key, n, ms)));
      harness.watermark(10_000);
      const wanted = writes.flatMap(({ key, n, ms: at }, i) => {
        const next = writes.slice(i + 1).find((later) => later.key === key);
        // A row's watermark is the millisecond before it.
        return next !== undefined && next.ms - 1 < at + 12 ? [] : [[key, n, at + 12]];
      });
      const got = told(harness.story()).map((element) => (element as { what: unknown }).what); // checked in told
      expect([...got].map(String).sort(), `seed ${seed}`).toEqual(wanted.map(String).sort());
    }
  });

  test('may write what it is told of again, and is told again', async () => {
    const job = events()
      .keyBy('key')
      .process(
        {
          state: { left: value(int32(), { ttl: '10 ms' }) },
          row: ({ n }, { state }) => state.left.set(n),
          onExpire({ value: left, at, state, emit }) {
            emit({ what: [left, at.epochMs] });
            if (left > 0) state.left.set(left - 1);
          },
        },
        { out: Out },
      )
      .to(collect());
    const harness = await processHarness(job);
    harness.rows([row('a', 2, 100)]);
    harness.watermark(125);
    expect(told(harness.story())).toEqual([
      { what: [2, 110], t: 110 },
      { what: [1, 120], t: 120 },
    ]);
    harness.restart();
    harness.watermark(1000);
    expect(told(harness.story())).toEqual([{ what: [0, 130], t: 130 }]);
  });

  test('that throws ends the job with the state, the key and the time', async () => {
    const job = events()
      .keyBy('key')
      .process(
        {
          uid: 'forget',
          state: { last: value(int32(), { ttl: '10 ms' }) },
          row: ({ n }, { state }) => state.last.set(n),
          onExpire() {
            throw new Error('not now');
          },
        },
        { out: Out },
      )
      .to(collect());
    const { failure } = await play(job, {
      tapes: { events: tape(Event, [{ at: 0, row: { at: eventTime(new Date(1000)), key: 'ann', n: 1 } }]) },
    });
    expect(failure instanceof UserError ? failure.format() : failure).toBe(
      'error[E1316] onExpire failed for state \'last\' of key { key: "ann" }, which expired at 1970-01-01T00:00:01.010Z: '
        + 'not now\n  in operator forget',
    );
  });

  test('is refused without a state that expires, and by the clock of the machine', () => {
    const refused = (state: object): unknown => {
      const stream = events().keyBy('key');
      const spec = { state, row: () => undefined, onExpire: () => undefined };
      try {
        return Reflect.apply(stream.process, stream, [spec, { out: Out }]);
      } catch (error) {
        return error instanceof UserError ? error.message : error;
      }
    };
    expect(refused({ n: value(int32()) })).toBe(
      "onExpire of process must be given with a state that has a ttl, but is 'without one'",
    );
    expect(refused({ n: value(int32(), { ttl: '1 s', clock: 'processing time' }) })).toBe(
      "clock of 'n' must be 'event time' where there is an onExpire, but is 'processing time'",
    );
  });
});

test('what timers and expiries of one instant emit belongs to it: none is late in a window that ends there', async () => {
  const counted = from(collection(Event, []), { uid: 'events' })
    .watermark('at', boundedOutOfOrderness('1 ms'))
    .keyBy('key')
    .process(
      {
        state: { last: value(int32(), { ttl: '59999 ms' }) },
        timers: ['end'],
        row({ n }, { state, timers }) {
          state.last.set(n);
          timers.eventTime(eventTime(new Date(59_999)), 'end');
        },
        timer: ({ emit }) => emit({ what: 'timer' }),
        onExpire: ({ emit }) => emit({ what: 'expiry' }),
      },
      { out: Out },
    )
    .window(tumbling('1 minute'))
    .aggregate({ n: count() }, { uid: 'counted' })
    .to(collect(), { uid: 'out' });
  const rows = ['a', 'b', 'c', 'd'].map((key, i) => ({ at: i, row: { at: eventTime(new Date(0)), key, n: i } }));
  const played = await play(counted, { tapes: { events: tape(Event, rows) } });
  expect(played.failure).toBeUndefined();
  expect(played.ledger['counted']).toMatchObject({ in: 8, late: 0, results: 1 });
  expect(played.output['out']?.map(({ row }) => row['n'])).toEqual([8]);
});
