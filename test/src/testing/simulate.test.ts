/** The door for tests of one's own jobs: rows in, every crash point of every seed, lines out. */
import { describe, expect, test } from 'vitest';
import {
  boundedOutOfOrderness,
  count,
  eventTime,
  from,
  int64,
  type Job,
  job,
  schema,
  type Sink,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { makeSink, makeSource, tableOf } from '../../../src/platform.ts';
import { rows, simulate } from '../../../src/testing/index.ts';

const Flight = schema({ scheduled: timestamp(), origin: utf8(), seats: int64() });

const never = (): never => {
  throw new Error('the sources and sinks of a simulated job are not touched');
};
const web = makeSource(
  Flight,
  { schema: tableOf(Flight, 'flights'), live: true, quantum: 1, splits: never, open: never },
  'web',
);
const file = (): Sink<'inserts only'> => makeSink('inserts only', { accepts: 'inserts', open: never }, 'file');

/** Departures by hour; `see` is a user's function on the way. */
function departures(see: (seats: number) => boolean = () => true): Job {
  const perHour = from(web, { uid: 'flights' })
    .filter((row) => see(row.seats), { uid: 'seen' })
    .watermark('scheduled', boundedOutOfOrderness('5 minutes'))
    .keyBy('origin')
    .window(tumbling('1 hour'))
    .aggregate({ flights: count(), seats: sum('seats') }, { uid: 'hourly' });
  return job('departures', perHour.to(file(), { uid: 'hours' }), perHour.late.to(file(), { uid: 'late' }));
}

const at = (minute: number): ReturnType<typeof eventTime> => eventTime(new Date(Date.UTC(2026, 0, 5, 6, minute)));
const FLIGHTS = rows(Flight, [
  { scheduled: at(1), origin: 'ZRH', seats: 100 },
  { scheduled: at(20), origin: 'ZRH', seats: 50 },
  { scheduled: at(15), origin: 'GVA', seats: 120 },
  { scheduled: at(70), origin: 'ZRH', seats: 90 },
  { scheduled: at(59), origin: 'GVA', seats: 7 },
  { scheduled: at(130), origin: 'GVA', seats: 8 },
]);

describe('simulate', () => {
  test('gives the output of the job, and no difference at any crash point of any seed', async () => {
    const { differences, crashes, output } = await simulate(departures(), { input: { flights: FLIGHTS }, seeds: 2 });
    expect(differences).toEqual([]);
    expect(crashes).toBeGreaterThan(500);
    expect(output).toEqual({
      hours: [
        '{"origin":"GVA","windowStart":"2026-01-05T06:00:00.000Z","windowEnd":"2026-01-05T07:00:00.000Z","flights":1,"seats":120}',
        '{"origin":"ZRH","windowStart":"2026-01-05T06:00:00.000Z","windowEnd":"2026-01-05T07:00:00.000Z","flights":2,"seats":150}',
        '{"origin":"ZRH","windowStart":"2026-01-05T07:00:00.000Z","windowEnd":"2026-01-05T08:00:00.000Z","flights":1,"seats":90}',
        '{"origin":"GVA","windowStart":"2026-01-05T08:00:00.000Z","windowEnd":"2026-01-05T09:00:00.000Z","flights":1,"seats":8}',
      ],
      late: ['{"scheduled":"2026-01-05T06:59:00.000Z","origin":"GVA","seats":7}'],
    });
  });

  test('gives the same traces for the same seeds, different ones for different seeds, and crashes nothing when told so', async () => {
    const options = { input: { flights: FLIGHTS }, seeds: 8, faults: 'none' } as const;
    const [once, again] = [await simulate(departures(), options), await simulate(departures(), options)];
    expect(once.differences).toEqual([]);
    expect(once.crashes).toBe(0);
    expect(again.traces).toEqual(once.traces);
    expect(new Set(once.traces).size).toBe(8);
  });

  test('finds a function that remembers what it saw: a restart does not repeat it', async () => {
    let seen = 0;
    const remembering = departures(() => seen++ % 5 !== 0);
    const { differences } = await simulate(remembering, {
      input: { flights: FLIGHTS },
      seeds: 1,
      faults: ['process crash'],
    });
    expect(differences.length).toBeGreaterThan(0);
  });

  test('finds a function that throws', async () => {
    const throwing = departures((seats) => {
      if (seats === 90) throw new RangeError('ninety');
      return true;
    });
    const { differences } = await simulate(throwing, { input: { flights: FLIGHTS }, seeds: 1 });
    expect(differences[0]?.kind).toBe('error');
    expect(differences[0]?.actual).toContain('ninety');
  });

  test.each([
    [
      'rows for a source that the job does not have',
      { flights: FLIGHTS, trains: FLIGHTS },
      'for a source of the job (flights)',
    ],
    ['a source without rows', {}, 'rows(schema, [...])'],
    [
      'rows of another schema',
      { flights: rows(schema({ origin: utf8() }), [{ origin: 'ZRH' }]) },
      'scheduled timestamp',
    ],
    ['something that rows did not make', { flights: { rows: 3 } }, 'made with rows(schema, [...])'],
  ])('refuses %s', async (_name, input, message) => {
    await expect(simulate(departures(), { input, seeds: 1 })).rejects.toThrow(message);
  });

  test('refuses seeds that would try nothing', async () => {
    // The last is what JavaScript may hand in.
    for (const seeds of [0, -1, 1.5, Number.NaN, undefined as never])
      await expect(simulate(departures(), { input: { flights: FLIGHTS }, seeds })).rejects.toThrow('seeds of simulate');
  });
});
