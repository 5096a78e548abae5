/** Values of a changelog that are not finite: when they are taken back, results are as if they had never come. */
import { expect, test } from 'vitest';
import { avg, defineAggregate, type Job, float64, from, int32, job, schema, sum, variance } from '../../src/index.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { rows, simulate } from '../../src/testing/index.ts';

const Reading = schema({ sensor: int32(), value: float64() });
const never = (): never => {
  throw new Error('the sources and sinks of a simulated job are not touched');
};

/** With one that a user defined beside them, what kernels make is kept by another operator. */
const howMany = defineAggregate({
  input: float64(),
  accumulator: int32(),
  result: int32(),
  create: () => 0,
  add: (held) => held + 1,
  merge: (held, other) => held + other,
  retract: (held) => held - 1,
  finish: (held) => held,
});

function jobOf(isMixed: boolean): Job {
  const source = makeSource(
    Reading,
    { schema: tableOf(Reading, 'readings'), live: false, quantum: 1, splits: never, open: never },
    'readings',
  );
  const latest = from(source, { uid: 'readings' })
    .keyBy('sensor')
    .deduplicate({ keep: 'last', order: 'arrival', uid: 'latest' });
  const totals = isMixed
    ? latest.aggregate({ total: sum('value'), mean: avg('value'), spread: variance('value'), n: howMany('value') })
    : latest.aggregate({ total: sum('value'), mean: avg('value'), spread: variance('value') }, { uid: 'totals' });
  return job(
    'totals',
    totals.to(makeSink('inserts, updates and deletes', { accepts: 'changelog', open: never }, 'out'), { uid: 'out' }),
  );
}

for (const isMixed of [false, true]) {
  test(`a sensor that gave no number for a while leaves no trace${isMixed ? ', beside a defined aggregate' : ''}`, async () => {
    const input = {
      readings: rows(Reading, [
        { sensor: 1, value: 2 },
        { sensor: 2, value: Number.NaN },
        { sensor: 3, value: Number.POSITIVE_INFINITY },
        { sensor: 2, value: 4 },
        { sensor: 3, value: 6 },
      ]),
    };
    const calm = await simulate(jobOf(isMixed), { input, seeds: 4, faults: 'none' });
    expect(calm.differences).toEqual([]);
    const crashed = await simulate(jobOf(isMixed), { input, seeds: 1, faults: ['process crash'] });
    expect(crashed.differences).toEqual([]);
    expect(crashed.output).toEqual(calm.output);
    // NaN and infinities are no JSON: they are written as null.
    const results = (calm.output['out'] ?? []).map((line): unknown => JSON.parse(line));
    const n = (count: number): object => (isMixed ? { n: count } : {});
    expect(results.slice(-5)).toEqual([
      { op: '+U', total: null, mean: null, spread: null, ...n(3) },
      { op: '-U', total: null, mean: null, spread: null, ...n(3) },
      { op: '+U', total: 6, mean: 3, spread: 2, ...n(2) },
      { op: '-U', total: 6, mean: 3, spread: 2, ...n(2) },
      { op: '+U', total: 12, mean: 4, spread: 4, ...n(3) },
    ]);
  });
}
