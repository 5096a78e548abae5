import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import { collect, collection, from, int32, monotonous, schema, timestamp, utf8, value } from '../../../../src/index.ts';
import { eventTime } from '../../../../src/api/time.ts';
import { processHarness, type TimedRow } from '../../../support/process-harness.ts';

const Event = schema({ at: timestamp(), key: utf8(), n: int32() });
const Out = schema({ key: utf8(), what: utf8() });
const events = from(collection(Event, [])).watermark('at', monotonous());
const instant = (ms: number) => eventTime(new Date(ms));
const row = (key: string, n: number, ms: number): TimedRow => ({ row: { at: ms, key, n }, timestamp: ms });

describe('a function with state', () => {
  const sums = events
    .keyBy('key')
    .process(
      {
        uid: 'sums',
        state: { sum: value(int32(), { initial: 0 }) },
        row(event, { state, emit, key }) {
          state.sum.set(state.sum.get() + event.n);
          emit({ key: key.key, what: `${state.sum.get()}` });
        },
      },
      { out: Out },
    )
    .to(collect());

  test('keeps a value for each key, and emits at the time and behind the watermark of the row', async () => {
    const harness = await processHarness(sums);
    harness.watermark(5);
    harness.rows([row('a', 1, 10), row('b', 10, 11), row('a', 2, 12)]);
    expect(harness.story()).toEqual([
      5,
      { key: 'a', what: '1', t: 10 },
      { key: 'b', what: '10', t: 11 },
      { key: 'a', what: '3', t: 12 },
    ]);
  });

  test('goes on after a restart', async () => {
    const harness = await processHarness(sums);
    harness.rows([row('a', 1, 10), row('a', 2, 12)]);
    harness.restart();
    harness.rows([row('a', 4, 13)]);
    expect(harness.story().at(-1)).toEqual({ key: 'a', what: '7', t: 13 });
  });

  test('may emit more than a batch for one row', async () => {
    const many = events.keyBy('key').process(
      {
        row(event, { emit }) {
          for (let i = 0; i < event.n; i++) emit({ key: event.key, what: `${i}` });
        },
      },
      { out: Out },
    );
    const harness = await processHarness(many.to(collect()));
    harness.rows([row('a', 10_000, 1), row('b', 1, 2)]);
    harness.watermark(2);
    const story = harness.story();
    expect(story).toHaveLength(10_002);
    expect(story[9_999]).toEqual({ key: 'a', what: '9999', t: 1 });
    expect(story.slice(-2)).toEqual([{ key: 'b', what: '0', t: 2 }, 2]);
  });

  test('has sides, with times and watermarks as the main output', async () => {
    const sided = events.keyBy('key').process(
      {
        sides: { odd: schema({ n: int32() }) },
        row(event, { emit, side }) {
          if (event.n % 2 === 1) side('odd', { n: event.n });
          else emit({ key: event.key, what: 'even' });
        },
      },
      { out: Out },
    );
    const harness = await processHarness(sided.to(collect()));
    harness.rows([row('a', 1, 10), row('a', 2, 11), row('a', 3, 12)]);
    harness.watermark(12);
    expect(harness.story()).toEqual([{ key: 'a', what: 'even', t: 11 }, 12]);
    expect(harness.story(1)).toEqual([{ n: 1, t: 10 }, { n: 3, t: 12 }, 12]);
  });
});

describe('timers of event time', () => {
  /** n: a timer so many ms later; 0 deletes the one at 100. */
  const timed = events
    .keyBy('key')
    .process(
      {
        timers: ['one', 'two'],
        row(event, { timers, emit, watermark }) {
          if (event.n === 0) timers.deleteEventTime(instant(100), 'one');
          else timers.eventTime(event.at.plus(`${event.n} ms`), event.n % 2 === 0 ? 'two' : 'one');
          emit({ key: event.key, what: `row at ${watermark.epochMs}` });
        },
        timer({ name, at, emit, key, watermark }) {
          emit({ key: key.key, what: `${name} ${at.epochMs} at ${watermark.epochMs}` });
        },
      },
      { out: Out },
    )
    .to(collect());

  const fired = (story: readonly unknown[]): readonly unknown[] =>
    story.filter((element) => typeof element === 'number' || !JSON.stringify(element).includes('row at'));

  test('fire before the watermark is passed on, in order of time, with their own time', async () => {
    const harness = await processHarness(timed);
    harness.rows([row('a', 7, 10), row('b', 3, 11), row('a', 2, 12)]);
    harness.watermark(14);
    harness.watermark(100);
    // Of timers at one time the lower hash of the key is first: the frozen hash of 'b' is below that of 'a'.
    expect(fired(harness.story())).toEqual([
      { key: 'b', what: 'one 14 at 14', t: 14 },
      { key: 'a', what: 'two 14 at 14', t: 14 },
      14,
      { key: 'a', what: 'one 17 at 17', t: 17 },
      100,
    ]);
  });

  test('set twice fire once; deleted do not fire', async () => {
    const harness = await processHarness(timed);
    harness.rows([row('a', 9, 1), row('a', 9, 1), row('b', 99, 1), row('b', 0, 2), row('c', 99, 1)]);
    harness.watermark(200);
    expect(fired(harness.story())).toEqual([
      { key: 'a', what: 'one 10 at 10', t: 10 },
      { key: 'c', what: 'one 100 at 100', t: 100 },
      200,
    ]);
  });

  test('in the past fire when the watermark moves next, at their own time', async () => {
    const harness = await processHarness(timed);
    harness.watermark(50);
    harness.rows([row('a', 5, 10)]);
    expect(fired(harness.story())).toEqual([50]);
    harness.watermark(51);
    expect(fired(harness.story())).toEqual([{ key: 'a', what: 'one 15 at 50', t: 15 }, 51]);
  });

  test('fire between the rows of a batch, where the watermark of a row releases them', async () => {
    const harness = await processHarness(timed);
    harness.rows([
      { ...row('a', 5, 10), watermark: 0 },
      { ...row('b', 500, 21), watermark: 20 },
    ]);
    expect(harness.story()).toEqual([
      { key: 'a', what: 'row at 0', t: 10 },
      { key: 'a', what: 'one 15 at 15', t: 15 },
      { key: 'b', what: 'row at 20', t: 21 },
    ]);
  });

  test('survive a restart', async () => {
    const harness = await processHarness(timed);
    harness.rows([row('a', 5, 10)]);
    harness.restart();
    harness.watermark(15);
    expect(fired(harness.story())).toEqual([{ key: 'a', what: 'one 15 at 15', t: 15 }, 15]);
  });

  test('give the same, to the last byte, however rows are cut into batches', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seededRandom(seed);
      let watermark = 0;
      const rows = Array.from({ length: 60 }, (_, i): TimedRow => {
        const at = Math.max(0, i * 3 - below(random, 12));
        const made = { ...row(`k${below(random, 4)}`, below(random, 40), at), watermark };
        watermark = Math.max(watermark, at - 5);
        return made;
      });
      const stories: string[] = [];
      for (const size of [1, 7, 60]) {
        const harness = await processHarness(timed);
        for (let from = 0; from < rows.length; from += size) {
          harness.rows(rows.slice(from, from + size));
          const next = rows[from + size]?.watermark ?? watermark;
          harness.watermark(next);
          if (below(random, 3) === 0) harness.restart();
        }
        harness.watermark(10_000);
        stories.push(JSON.stringify(harness.story().filter((element) => typeof element === 'object')));
      }
      expect(stories[1], `seed ${seed}`).toBe(stories[0]);
      expect(stories[2], `seed ${seed}`).toBe(stories[0]);
    }
  });
});

describe('a function that is async', () => {
  const rows = [row('a', 1, 10)];
  const refusal = 'it is async, and nobody waits for it here: let mapAsync wait for answers, above this step';

  test('is refused, because what it does later would fall on another row', async () => {
    const late = events.keyBy('key').process(
      {
        async row(event, { emit }) {
          await undefined;
          emit({ key: event.key, what: 'late' });
        },
      },
      { out: Out },
    );
    const harness = await processHarness(late.to(collect()));
    expect(() => harness.rows(rows)).toThrow(`at 1970-01-01T00:00:00.010Z of key { key: "a" }: ${refusal}`);
    expect(harness.story()).toEqual([]);
  });

  test('is refused of a timer', async () => {
    const late = events.keyBy('key').process(
      {
        timers: ['due'],
        row: (_event, { timers }) => timers.eventTime(instant(20), 'due'),
        async timer() {},
      },
      { out: Out },
    );
    const harness = await processHarness(late.to(collect()));
    harness.rows(rows);
    expect(() => harness.watermark(30)).toThrow(refusal);
  });
});

describe('more calls at once than a turn makes', () => {
  test.each([
    ['timers', (n: number) => n],
    ['timers of which the first say nothing', (n: number) => (n < 9_000 ? 0 : n)],
  ])('all come before the watermark that releases them: %s', async (_what, say) => {
    const KEYS = 10_000;
    const due = events.keyBy('key').process(
      {
        timers: ['due'],
        row: ({ key }, { timers }) => timers.eventTime(instant(say(Number(key)) > 0 ? 500 : 400), 'due'),
        timer({ key, emit }) {
          const n = say(Number(key.key));
          if (n > 0) emit({ key: key.key, what: 'due' });
        },
      },
      { out: Out },
    );
    const harness = await processHarness(due.to(collect()));
    const rows = Array.from({ length: KEYS }, (_, n) => row(String(n), n, 10));
    for (let at = 0; at < KEYS; at += 4_000) harness.rows(rows.slice(at, at + 4_000));
    harness.watermark(1_000);
    const story = harness.story();
    expect(story.at(-1)).toBe(1_000);
    const told = Array.from({ length: KEYS }, (_, n) => n).filter((n) => say(n) > 0);
    expect(story.filter((element) => typeof element === 'object')).toHaveLength(told.length);
  });
});
