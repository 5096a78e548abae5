/** Jobs: outputs, names and the plan as text. */
import { describe, expect, it } from 'vitest';
import { boundedOutOfOrderness, count, job, max, tumbling } from '../../../src/index.ts';
import { planOf } from '../../../src/platform.ts';
import { changelogSink, mistakeOf, raw, sink } from './stand-ins.ts';

const perHour = raw
  .watermark('scheduled', boundedOutOfOrderness('30 minutes'))
  .keyBy('origin')
  .window(tumbling('1 hour'))
  .aggregate(
    { departures: count(), worst: max('delayMinutes', { where: (f) => f.destination.ne('SFO') }) },
    { uid: 'per-hour' },
  );

describe('a job', () => {
  it('has the outputs in order, and a name when it was given one', () => {
    const outputs = [perHour.to(sink('a')), perHour.late.to(sink('b'))] as const;
    expect(planOf(job('departures', ...outputs), 'file').name).toBe('departures');
    expect(planOf(job(...outputs), 'file').name).toBe('file');
    expect(job(...outputs).name).toBeUndefined();
    expect(planOf(job(job(...outputs), raw.to(sink('c'))), 'file').sinks.map(({ label }) => label)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('explains its plan, printing what is read twice once', () => {
    const made = job(
      'departures',
      perHour.to(sink('ndjsonSink(out)')),
      perHour.late.to(sink('ndjsonSink(late)')),
      raw
        .where((f) => f.delayMinutes.gt(15))
        .select((f) => ({ origin: f.origin, hours: f.delayMinutes.div(60) }))
        .keyBy('origin')
        .aggregate({ n: count() })
        .to(changelogSink('console')),
    );
    expect(made.explain()).toBe(`job 'departures'
  sink ndjsonSink(out): origin utf8; windowStart timestamp; windowEnd timestamp; departures int64; worst int32, nullable
    windowAggregate [per-hour] by origin, tumbling 1 hour: departures = count(); worst = max(delayMinutes) where (destination <> 'SFO')
      watermark scheduled out of order by at most 30 minutes
        source [source-c8a18e98e81a] flights: scheduled timestamp; origin utf8; destination utf8; delayMinutes int32
  sink ndjsonSink(late): scheduled timestamp; origin utf8; destination utf8; delayMinutes int32
    side late
      windowAggregate per-hour, as above
  sink console: origin utf8; n int64
    aggregate by origin, changelog: n = count()
      project origin; hours = (delayMinutes / 60)
        filter (delayMinutes > 15)
          source source-c8a18e98e81a, as above`);
  });

  it('refuses what is no output', () => {
    // As JavaScript calls it.
    const loose = (...values: readonly unknown[]): unknown => job(...(values as Parameters<typeof job>));
    expect(mistakeOf(() => loose('departures'))).toBe('E1006 job must be given at least one output, but is given none');
    expect(mistakeOf(() => loose('departures', perHour))).toBe(
      'E1006 an output of job must be made with .to(sink), but is an object',
    );
    expect(mistakeOf(() => loose('', perHour.to(sink('a'))))).toBe("E1006 the name of job must be text, but is ''");
  });

  it('refuses two operators with one uid', () => {
    const other = raw.aggregate({ n: count() }, { uid: 'per-hour' });
    expect(mistakeOf(() => job(perHour.to(sink('a')), other.to(changelogSink('b'))))).toBe(
      "E1209 the uid 'per-hour' stands on two operators | give each operator a uid of its own",
    );
    expect(mistakeOf(() => job(perHour.to(sink('a')), perHour.to(sink('b'))))).toBe('no mistake');
  });
});
