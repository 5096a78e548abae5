/**
 * A file beside a live stream: when it has ended and the stream is quiet for long, time stands where the stream left it, so
 * rows that come after the pause are as little late, and timers fire no earlier, than after a short one.
 */
import { describe, expect, test } from 'vitest';
import {
  collect,
  collection,
  count,
  eventTime,
  from,
  int32,
  job,
  mapOf,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { play, tape } from '../../src/testing/index.ts';

const Event = schema({ at: timestamp(), key: utf8() });
const Fired = schema({ at: timestamp() });
const event = (at: number) => ({ at, row: { at: eventTime(new Date(at)), key: 'a' } });
const source = (uid: string) => from(collection(Event, []), { uid }).watermark('at', monotonous());

/** Of the live stream, which is idle after a minute: a row a second, and a pause in the middle. */
const timesAround = (pauseMs: number): readonly number[] =>
  [0, 1, 2, 3].flatMap((second) => [second * 1000, 4000 + pauseMs + second * 1000]).sort((a, b) => a - b);
const PAUSES = [30_000, 90_000, 3_600_000];
const TIMER_MS = 10_000;

const tapesOf = (pauseMs: number) => ({
  live: tape(Event, timesAround(pauseMs).map(event)),
  file: tape(Event, [event(0)]),
});

describe.each(PAUSES)('a stream that is quiet for %i ms beside a file that has ended', (pauseMs) => {
  test('has no late rows in a union', async () => {
    const counted = source('live')
      .union(source('file'))
      .keyBy('key')
      .window(tumbling('10 s'))
      .aggregate({ rows: count() });
    const both = job('union', counted.to(collect(), { uid: 'out' }), counted.late.to(collect(), { uid: 'late' }));
    const { output, failure } = await play(both, { tapes: tapesOf(pauseMs) });
    expect(failure).toBeUndefined();
    expect(output['late']).toEqual([]);
    const rows = output['out']?.reduce((sum, { row }) => sum + Number(row['rows']), 0);
    expect(rows).toBe(timesAround(pauseMs).length + 1);
  });

  test.each(['connected', 'broadcast'])('has all of its timers at their times (%s)', async (how) => {
    const timers = ['due'] as const;
    const live = source('live').keyBy('key');
    const fired =
      how === 'connected'
        ? live.connect(source('file').keyBy('key')).process(
            {
              timers,
              left: (row, context) => context.timers.eventTime(row.at.plus('10 s'), 'due'),
              right: () => undefined,
              timer: (timer) => {
                if (timer.clock === 'event time') timer.emit({ at: timer.at });
              },
            },
            { out: Fired },
          )
        : live.connect(source('file').broadcast({ seen: mapOf(utf8(), int32()) })).process(
            {
              timers,
              row: (row, context) => context.timers.eventTime(row.at.plus('10 s'), 'due'),
              broadcast: () => undefined,
              timer: (timer) => {
                if (timer.clock === 'event time') timer.emit({ at: timer.at });
              },
            },
            { out: Fired },
          );
    const { output, failure } = await play(fired.to(collect(), { uid: 'out' }), { tapes: tapesOf(pauseMs) });
    expect(failure).toBeUndefined();
    const times = output['out']?.map(({ row }) => Number(new Date(String(row['at']))));
    expect(times).toEqual(timesAround(pauseMs).map((at) => at + TIMER_MS));
  });
});
