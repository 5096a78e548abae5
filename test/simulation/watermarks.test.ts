/** Every watermark strategy in a whole job: rows from the future, alignment, restarts at any point, any size of batches. */
import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import {
  adaptive,
  boundedOutOfOrderness,
  count,
  custom,
  eventTime,
  from,
  int32,
  type Job,
  job,
  punctuated,
  schema,
  type Sink,
  type Strategy,
  timestamp,
  tumbling,
} from '../../src/index.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { rows, simulate } from '../../src/testing/index.ts';

const Reading = schema({ at: timestamp(), n: int32() });
interface Read {
  readonly at: { readonly epochMs: number; minus(by: `${number} s`): ReturnType<typeof eventTime> };
  readonly n: number;
}

const never = (): never => {
  throw new Error('the sources and sinks of a simulated job are not touched');
};
const source = (name: string) =>
  makeSource(Reading, { schema: tableOf(Reading, name), live: false, quantum: 1, splits: never, open: never }, name);
const file = (name: string): Sink<'inserts only'> =>
  makeSink('inserts only', { accepts: 'inserts', open: never }, name);

const at = (second: number): ReturnType<typeof eventTime> => eventTime(new Date(Date.UTC(2026, 0, 5, 6, 0, second)));

function readings(seed: number, pace: number) {
  const random = seededRandom(seed);
  return rows(
    Reading,
    Array.from({ length: 24 }, (_, n) => ({
      at: n === 7 ? eventTime('2027-01-05T06:00Z') : at(n * pace + below(random, 12)),
      n: below(random, 4),
    })),
  );
}

function jobOf(strategy: Strategy<Read>): Job {
  const options = { align: { group: 'readings', maxDrift: '20 s' }, futureSkew: '1 day' } as const;
  const [fast, slow] = ['fast', 'slow'].map((uid) => from(source(uid), { uid }).watermark('at', strategy, options));
  if (fast === undefined || slow === undefined) throw new Error('two streams');
  const counts = fast.union(slow).keyBy('n').window(tumbling('10 s')).aggregate({ rows: count() }, { uid: 'counts' });
  return job(
    'readings',
    counts.to(file('counts'), { uid: 'out' }),
    counts.late.to(file('late'), { uid: 'late' }),
    fast.future.to(file('future'), { uid: 'future' }),
  );
}

const STRATEGIES: { readonly [name: string]: () => Strategy<Read> } = {
  bounded: () => boundedOutOfOrderness('5 s'),
  adaptive: () => adaptive({ lateRate: 0.1, max: '8 s' }),
  punctuated: () => punctuated((row: Read) => (row.n === 3 ? row.at.minus('6 s') : undefined)),
  custom: () =>
    custom({
      state: () => ({ seen: 0, max: 0 }),
      onRow(_row: Read, instant, state) {
        state.seen++;
        state.max = Math.max(state.max, instant.epochMs);
        return state.seen % 2 === 0 ? eventTime(new Date(state.max - 4_000)) : undefined;
      },
    }),
};

describe('a job with two aligned sources and rows from the future', () => {
  for (const [name, make] of Object.entries(STRATEGIES)) {
    test(`gives the same output for any batches and after a crash at any point, with ${name} watermarks`, async () => {
      const input = { fast: readings(1, 9), slow: readings(2, 3) };
      const undisturbed = await simulate(jobOf(make()), { input, seeds: 12, faults: 'none' });
      expect(undisturbed.differences).toEqual([]);
      const crashed = await simulate(jobOf(make()), { input, seeds: 1, faults: ['process crash'] });
      expect(crashed.differences).toEqual([]);
      expect(crashed.crashes).toBeGreaterThan(100);
      expect(crashed.output['future']).toHaveLength(1);
      expect(crashed.output).toEqual(undisturbed.output);
      const counted = (crashed.output['out'] ?? []).reduce(
        (sum, line) => sum + Number(/"rows":(\d+)/.exec(line)?.[1]),
        0,
      );
      expect(counted + (crashed.output['late'] ?? []).length).toBe(46);
    });
  }
});
