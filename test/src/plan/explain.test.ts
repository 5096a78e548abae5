/** The logical plan as text, every kind of node. */
import { describe, expect, it } from 'vitest';
import { shortDuration } from '../../../src/base/time.ts';
import { avg, count, hopping, int32, lit, monotonous, schema } from '../../../src/index.ts';
import { changelogSink, raw, sink } from '../api/stand-ins.ts';

describe('a plan as text', () => {
  it('names what every node does', () => {
    const timed = raw.watermark('scheduled', monotonous(), { idleAfter: '90 s' });
    const short = timed.where((f) => f.origin.in('SFO', "O'Hare").and(f.delayMinutes.orElse(0).ge(1)));
    const both = short.union(timed.filter((r) => r.delayMinutes > 15));
    const windows = both
      .window(hopping('1 hour', '10 minutes', { offset: '90 s' }))
      .aggregate({ mean: avg('delayMinutes') });
    expect(
      windows
        .select((f) => ({ at: f.windowEnd, mean: f.mean, unit: lit('minutes') }))
        .to(sink('out'))
        .explain(),
    ).toBe(
      `job 'unnamed'
  sink out: at timestamp; mean float64; unit utf8
    project at = windowEnd; mean; unit = 'minutes'
      windowAggregate hopping 1 hour every 10 minutes offset 90 s: mean = avg(delayMinutes)
        union scheduled timestamp; origin utf8; destination utf8; delayMinutes int32
          filter (in(origin, 'SFO', 'O''Hare') AND (COALESCE(delayMinutes, 0) >= 1))
            watermark [watermark-85a1240d4068] scheduled monotonous, idle after 90 s
              source flights: scheduled timestamp; origin utf8; destination utf8; delayMinutes int32
          function filter
            watermark watermark-85a1240d4068, as above`,
    );
  });

  it('names the row that is kept of each key', () => {
    const first = { keep: 'first', order: 'event time', within: '1 hour', uid: 'once' } as const;
    expect(
      raw.watermark('scheduled', monotonous()).keyBy('origin').deduplicate(first).to(sink('out')).explain(),
    ).toContain('deduplicate [once] by origin, the first by event time within 1 hour of event time: final');
  });

  it('names functions by what they give, and windows over windows by their last instant', () => {
    const out = schema({ minutes: int32() });
    expect(
      raw
        .map((r) => ({ minutes: r.delayMinutes }), { out, uid: 'minutes' })
        .aggregate({ n: count() })
        .to(changelogSink('c'))
        .explain(),
    ).toBe(
      `job 'unnamed'
  sink c: n int64
    aggregate changelog: n = count()
      function [minutes] map -> minutes int32
        source flights: scheduled timestamp; origin utf8; destination utf8; delayMinutes int32`,
    );
    const hourly = raw
      .watermark('scheduled', monotonous())
      .window(hopping('2 hours', '1 hour'))
      .aggregate({ n: count() });
    expect(hourly.window(hopping('2 days', '1 day')).aggregate({ days: count() }).to(sink('d')).explain()).toContain(
      'windowAggregate hopping 2 days every 1 day: days = count()',
    );
  });
});

describe('a duration as text', () => {
  it('is in the largest unit that divides it', () => {
    const texts = [0, 1, 1500, 1000, 90_000, 60_000, 120_000, 3_600_000, 86_400_000, 172_800_000, -60_000].map(
      shortDuration,
    );
    expect(texts).toEqual([
      '0 ms',
      '1 ms',
      '1500 ms',
      '1 s',
      '90 s',
      '1 minute',
      '2 minutes',
      '1 hour',
      '1 day',
      '2 days',
      '-1 minute',
    ]);
  });
});
