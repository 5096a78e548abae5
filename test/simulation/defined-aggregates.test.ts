/**
 * Aggregates that users define, beside those of the engine in one job: on every kind of window and without one, over rows
 * and over results that take rows back, through crashes at every point.
 */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  countTrigger,
  countWindow,
  cumulating,
  defineAggregate,
  from,
  globalWindow,
  hopping,
  int32,
  int64,
  type Job,
  job,
  joinText,
  keepLast,
  max,
  reduce,
  type Schema,
  schema,
  session,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import type { Aggregates } from '../../src/api/stream.ts';
import { rows, simulate } from '../../src/testing/index.ts';

const Sale = schema({ at: timestamp(), shop: utf8(), item: utf8(), cents: int32(), tip: int32().nullable() });

const total = defineAggregate({
  input: int32(),
  accumulator: schema({ rows: int64(), sum: int64() }),
  result: int64(),
  create: () => ({ rows: 0, sum: 0 }),
  add: ({ rows, sum }, value) => ({ rows: rows + 1, sum: sum + value }),
  merge: (a, b) => ({ rows: a.rows + b.rows, sum: a.sum + b.sum }),
  retract: ({ rows, sum }, value) => ({ rows: rows - 1, sum: sum - value }),
  finish: ({ sum }) => sum,
});
const sumOf = defineAggregate({
  input: int64(),
  accumulator: int64(),
  result: int64(),
  create: () => 0,
  add: (sum, value) => sum + value,
  merge: (a, b) => a + b,
  retract: (sum, value) => sum - value,
  finish: (sum) => sum,
});
const items = defineAggregate({
  input: utf8(),
  accumulator: utf8(),
  result: utf8(),
  create: () => '',
  add: (text, item) => (text === '' ? item : `${text},${item}`),
  merge: (a, b) => `${a},${b}`,
  finish: (text) => text,
});

type SaleColumns = typeof Sale extends Schema<infer C> ? C : never;
/** Gives them the columns of sales, as a stream would. */
const aggregates = <const A extends Aggregates<SaleColumns, 'event time'>>(given: A): A => given;

const sales = () => from(collection(Sale, []), { uid: 'sales' }).watermark('at', boundedOutOfOrderness('15 ms'));

const engine = () =>
  aggregates({
    sum: sum('cents'),
    tips: sum('tip', { where: (f) => f.cents.gt(20) }),
    items: joinText('item', ',', { limit: 1000 }),
    most: max('cents'),
  });
const functions = () =>
  aggregates({
    sum: total('cents'),
    tips: reduce('tip', (a, b) => a + b, { where: (f) => f.cents.gt(20) }),
    items: items('item'),
    most: max('cents'),
  });
const late = { allowedLateness: '40 ms', results: 'retracting' } as const;
const shops = () => sales().keyBy('shop');
const sink = (uid: string) => ({ uid });
const changing = () => shops().aggregate({ n: sum('cents') });

type BothWays = readonly (readonly [name: string, ours: Job, theirs: Job])[];

/** Every pipeline twice: with aggregates of the engine, and with the same by functions. */
const bothWays = (): BothWays => [...inTime(), ...byRows(), ...withoutWindows()];

function inTime(): BothWays {
  return [
    [
      'tumbling',
      shops()
        .window(tumbling('50 ms'), late)
        .aggregate({ ...engine(), n: count() })
        .to(collect({ changelog: true }), sink('tumbling')),
      shops()
        .window(tumbling('50 ms'), late)
        .aggregate({ ...functions(), n: count() })
        .to(collect({ changelog: true }), sink('own')),
    ],
    [
      'session',
      shops()
        .window(session('12 ms'), late)
        .aggregate(engine())
        .to(collect({ changelog: true }), sink('session')),
      shops()
        .window(session('12 ms'), late)
        .aggregate(functions())
        .to(collect({ changelog: true }), sink('own')),
    ],
    [
      'hopping',
      shops()
        .window(hopping('60 ms', '20 ms'))
        .aggregate({ sum: sum('cents') })
        .to(collect({ changelog: true }), sink('hopping')),
      shops()
        .window(hopping('60 ms', '20 ms'))
        .aggregate({ sum: total('cents') })
        .to(collect({ changelog: true }), sink('own')),
    ],
    [
      'cumulating',
      sales()
        .window(cumulating('60 ms', '20 ms'))
        .aggregate({ sum: sum('cents') })
        .to(collect({ changelog: true }), sink('cumulating')),
      sales()
        .window(cumulating('60 ms', '20 ms'))
        .aggregate({ sum: total('cents') })
        .to(collect({ changelog: true }), sink('own')),
    ],
  ];
}

function byRows(): BothWays {
  return [
    [
      'counted',
      shops()
        .window(countWindow(5, { slide: 2 }))
        .aggregate(engine())
        .to(collect({ changelog: true }), sink('counted')),
      shops()
        .window(countWindow(5, { slide: 2 }))
        .aggregate(functions())
        .to(collect({ changelog: true }), sink('own')),
    ],
    [
      'evicting',
      shops()
        .window(globalWindow(), { trigger: countTrigger(3), evictor: keepLast(4) })
        .aggregate(engine())
        .to(collect({ changelog: true }), sink('evicting')),
      shops()
        .window(globalWindow(), { trigger: countTrigger(3), evictor: keepLast(4) })
        .aggregate(functions())
        .to(collect({ changelog: true }), sink('own')),
    ],
  ];
}

function withoutWindows(): BothWays {
  return [
    [
      'running',
      shops()
        .aggregate({ ...engine(), n: count() })
        .to(collect({ changelog: true }), sink('running')),
      shops()
        .aggregate({ ...functions(), n: count() })
        .to(collect({ changelog: true }), sink('own')),
    ],
    [
      'taken back',
      changing()
        .keyBy('shop')
        .aggregate({ s: sum('n'), n: count() })
        .to(collect({ changelog: true }), sink('taken')),
      changing()
        .keyBy('shop')
        .aggregate({ s: sumOf('n'), n: count() })
        .to(collect({ changelog: true }), sink('own')),
    ],
    [
      'taken back from all',
      changing()
        .aggregate({ s: sum('n'), n: count() })
        .to(collect({ changelog: true }), sink('all')),
      changing()
        .aggregate({ s: sumOf('n'), n: count() })
        .to(collect({ changelog: true }), sink('own')),
    ],
  ];
}

function tape(seed: number, count: number) {
  const random = seededRandom(seed);
  const given = Array.from({ length: count }, (_, i) => ({
    at: new Date(1000 + i * 6 + below(random, below(random, 4) === 0 ? 60 : 12)),
    shop: `s${below(random, 3)}`,
    item: `i${below(random, 20)}`,
    cents: below(random, 50),
    tip: below(random, 3) === 0 ? null : below(random, 9),
  }));
  return { sales: rows(Sale, given as never) }; // a Date is taken for an instant
}

const LOOSE = ['hopping', 'cumulating', 'tumbling'];

test.each(bothWays().map(([name, ours, theirs]) => ({ name, ours, theirs })))(
  'functions give what the engine gives: $name',
  async ({ name, ours, theirs }) => {
    let results = 0;
    for (const seed of [1, 2, 3]) {
      const input = tape(seed, 60);
      const [engine, own] = [ours, theirs].map((one) => simulate(job('j', one), { input, seeds: 2, faults: 'none' }));
      const [expected, got] = [await engine, await own];
      const lines = Object.values(expected?.output ?? {}).flat();
      const ownLines = Object.values(got?.output ?? {}).flat();
      // Kernels fire the windows of one instant in an order of their own.
      const inOrder = (list: readonly string[]): readonly string[] => (LOOSE.includes(name) ? [...list].sort() : list);
      expect(inOrder(ownLines), `seed ${seed}`).toEqual(inOrder(lines));
      expect(got?.differences, `seed ${seed}`).toEqual([]);
      results += lines.length;
    }
    expect(results).toBeGreaterThan(12);
  },
);

test('crashes at any point leave what functions have kept as it was', { timeout: 120_000 }, async () => {
  const shops = sales().keyBy('shop');
  const perSession = shops
    .window(session('12 ms'), { allowedLateness: '40 ms', results: 'retracting' })
    .aggregate({ sum: total('cents'), items: items('item'), n: count() });
  const running = shops.aggregate({ sum: total('cents'), most: reduce('tip', (a, b) => Math.max(a, b)) });
  const both = job(
    'own',
    perSession.to(collect({ changelog: true }), { uid: 'sessions' }),
    running.to(collect({ changelog: true }), { uid: 'running' }),
  );
  const { differences, crashes, output } = await simulate(both, {
    input: tape(5, 14),
    seeds: 1,
    faults: ['power loss'],
  });
  expect(differences.slice(0, 2)).toEqual([]);
  expect(crashes).toBeGreaterThan(20);
  expect(output['sessions']?.length).toBeGreaterThan(3);
  expect(output['running']?.length).toBeGreaterThan(14);
});
