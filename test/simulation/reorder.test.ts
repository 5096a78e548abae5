/** Rows put in order through crashes at every point, and at another speed: order, gaps, extremes and hashes stay the same. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  from,
  int32,
  type Job,
  job,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { rows, simulate } from '../../src/testing/index.ts';

const Step = schema({ at: timestamp(), device: utf8(), seq: int32() });

function orderJob(): Job {
  const steps = from(collection(Step, []), { uid: 'steps' }).watermark('at', boundedOutOfOrderness('5 ms'));
  const ordered = steps
    .keyBy('device')
    .reorder({ seq: 'seq', maxWait: '20 ms', maxRows: 6, maxAhead: 50, audit: true, uid: 'order' });
  const byTime = steps.keyBy('device').reorder({ maxWait: '10 ms', uid: 'byTime' });
  const perTen = ordered.keyBy('device').window(tumbling('10 ms')).aggregate({ n: count() });
  return job(
    'order',
    ordered.to(collect(), { uid: 'out' }),
    ordered.gaps.to(collect(), { uid: 'gaps' }),
    ordered.extremes.to(collect(), { uid: 'extremes' }),
    ordered.audit.to(collect(), { uid: 'audit' }),
    byTime.to(collect(), { uid: 'times' }),
    perTen.to(collect(), { uid: 'counts' }),
    perTen.late.to(collect(), { uid: 'late' }),
  );
}

function tape(seed: number, length: number) {
  const random = seededRandom(seed);
  const made = Array.from({ length }, (_, i) => {
    const device = below(random, 2);
    return { ms: i * 3, arrives: i * 3 + below(random, 18), device };
  });
  const numbers = [0, 0];
  const numbered = made.map(({ ms, arrives, device }, i) => {
    numbers[device] = (numbers[device] ?? 0) + (below(random, 6) === 0 ? 2 : 1);
    const seq = (numbers[device] ?? 0) + (i % 13 === 12 ? 500 : 0);
    const slow = below(random, 8) === 0 ? 60 : 0;
    return { at: new Date(1000 + ms), device: `d${device}`, seq, arrives: arrives + slow };
  });
  return numbered.sort((a, b) => a.arrives - b.arrives).map(({ at, device, seq }) => ({ at, device, seq }));
}

const steps = (seed: number, length: number) => rows(Step, tape(seed, length) as never); // a Date is taken for an instant

test('crashes at any point lose no row that waits, and tell no gap twice', async () => {
  const { differences, crashes, output } = await simulate(orderJob(), {
    input: { steps: steps(3, 14) },
    seeds: 1,
    faults: ['power loss'],
  });
  expect(differences.slice(0, 2)).toEqual([]);
  expect(crashes).toBeGreaterThan(20);
  expect(output['gaps']?.length).toBeGreaterThan(0);
  expect(output['extremes']?.length).toBeGreaterThan(0);
  expect(output['audit']?.length).toBe(output['out']?.length);
});

test('a tape gives the same output, to the last byte, however fast it comes and however it is cut into batches', async () => {
  const { differences, traces, output } = await simulate(orderJob(), {
    input: { steps: steps(5, 120) },
    seeds: 5,
    faults: 'none',
  });
  expect(differences.slice(0, 2)).toEqual([]);
  expect(new Set(traces).size).toBeGreaterThan(1);
  expect((output['out']?.length ?? 0) + (output['extremes']?.length ?? 0)).toBe(120);
});
