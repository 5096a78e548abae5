/** Windows in the zone that each row names, run as jobs: against windows by definition, with what cannot be placed. */
import { expect, test } from 'vitest';
import type { Bounds, Window } from '../../../src/api/window.ts';
import { run } from '../../../node/run.ts';
import { below, seededRandom } from '../../../src/base/random.ts';
import { collectSink } from '../../../src/format/collect-sink.ts';
import { collectionSource } from '../../../src/format/collection-source.ts';
import {
  boundedOutOfOrderness,
  column,
  type ColumnRef,
  count,
  countTrigger,
  cumulating,
  from,
  hopping,
  int32,
  type Job,
  monotonous,
  schema,
  type Sink,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { explainPhysical } from '../../../src/plan/explain-physical.ts';
import { makeSink, makeSource, physicalPlanOf, tableOf } from '../../../src/platform.ts';
import { type WindowSpec as OracleWindow, windowsOf } from '../../oracle/windows.ts';

const Order = schema({ at: timestamp(), customer: utf8(), homeZone: utf8().nullable(), amount: int32() });
type OrderRow = {
  readonly at: number;
  readonly customer: string;
  readonly homeZone: string | null;
  readonly amount: number;
};

const HOUR = 3_600_000;
const ZONES = ['America/Los_Angeles', 'Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kolkata'];

const ordersOf = (rows: readonly OrderRow[]) =>
  from(makeSource(Order, collectionSource(tableOf(Order, 'a test'), rows), 'orders'), { uid: 'orders' });

async function resultsOf(end: (sink: Sink<'inserts only'>) => Job) {
  const sink = collectSink();
  await using running = await run(end(makeSink('inserts only', sink, 'results')), { handleSignals: false });
  await running.done;
  const texts = sink.rows.map(
    ({ customer, windowStart, windowEnd, n }) =>
      `${String(customer)} ${Number(windowStart)} ${Number(windowEnd)} ${String(n)}`,
  );
  return { texts, ledger: running.ledger(), deadLetters: running.deadLetters() };
}

/** Some days around the March changes of clocks of 2021, then around those of November. */
function randomOrders(seed: number): readonly OrderRow[] {
  const random = seededRandom(seed);
  const starts = ['2021-03-12T00:00Z', '2021-11-05T00:00Z'].map(Date.parse);
  return Array.from({ length: 400 }, (_, i) => ({
    at: (starts[i < 200 ? 0 : 1] ?? 0) + (i % 200) * 25 * 60_000 + below(random, 20 * 60_000),
    customer: 'abc'[below(random, 3)] ?? '',
    homeZone: ZONES[below(random, ZONES.length)] ?? null,
    amount: 1,
  }));
}

const CASES: readonly (readonly [string, Window<'a watermark', Bounds, 'homeZone'>, OracleWindow])[] = [
  ['days', tumbling('1 day', { zone: column('homeZone') }), { kind: 'tumbling', sizeMs: 24 * HOUR, offsetMs: 0 }],
  ['months', tumbling('1 month', { zone: column('homeZone') }), { kind: 'months', months: 1, offsetMs: 0 }],
  [
    'quarters of a day',
    tumbling('6 hours', { zone: column('homeZone'), offset: '1 hour' }),
    { kind: 'tumbling', sizeMs: 6 * HOUR, offsetMs: HOUR },
  ],
  [
    'hopping',
    hopping('12 hours', '3 hours', { zone: column('homeZone') }),
    { kind: 'hopping', sizeMs: 12 * HOUR, slideMs: 3 * HOUR, offsetMs: 0 },
  ],
  [
    'cumulating',
    cumulating('1 day', '1 hour', { zone: column('homeZone') }),
    { kind: 'cumulating', sizeMs: 24 * HOUR, stepMs: HOUR, offsetMs: 0 },
  ],
];

test.each(CASES)('%s of each row’s own zone hold its rows, also where clocks change', async (_name, window, oracle) => {
  for (const seed of [1, 2]) {
    const rows = randomOrders(seed);
    const expected = new Map<string, number>();
    for (const { at, customer, homeZone } of rows) {
      for (const { start, end } of windowsOf({ ...oracle, zone: homeZone ?? '' }, at)) {
        const place = `${customer} ${start} ${end}`;
        expected.set(place, (expected.get(place) ?? 0) + 1);
      }
    }
    const { texts } = await resultsOf((sink) =>
      ordersOf(rows)
        .watermark('at', boundedOutOfOrderness('1 hour'), { futureSkew: 'off' })
        .keyBy('customer')
        .window(window)
        .aggregate({ n: count() })
        .to(sink),
    );
    const wanted = [...expected].map(([place, n]) => `${place} ${n}`);
    expect([...texts].sort(), `seed ${seed}`).toEqual(wanted.sort());
  }
});

test('a row whose zone is null or not known is a counted dead letter with the reason, and the job goes on', async () => {
  const at = Date.parse('2021-03-14T12:00Z');
  const rows = ['Europe/Berlin', 'Europe/Berlim', null, 'Europe/Berlin'].map((homeZone, i) => ({
    at: at + i,
    customer: 'a',
    homeZone,
    amount: i,
  }));
  const { texts, ledger, deadLetters } = await resultsOf((sink) =>
    ordersOf(rows)
      .watermark('at', monotonous())
      .keyBy('customer')
      .window(tumbling('1 day', { zone: column('homeZone') }))
      .aggregate({ n: count() }, { uid: 'per-day' })
      .to(sink),
  );
  expect(texts).toEqual([`a ${Date.parse('2021-03-13T23:00Z')} ${Date.parse('2021-03-14T23:00Z')} 2`]);
  expect(ledger['per-day']).toMatchObject({ in: 4, deadLetters: 2, late: 0, results: 1 });
  expect(deadLetters.map(({ reason }) => reason)).toEqual([
    "column 'homeZone': 'Europe/Berlim' is not a time zone that is known here",
    "the zone in column 'homeZone' is null",
  ]);
});

test('a day in a zone stays one when a trigger fires it', async () => {
  const rows = ['2021-03-14T07:59Z', '2021-03-14T08:00Z', '2021-03-15T06:59Z'].map((text) => ({
    at: Date.parse(text),
    customer: 'a',
    homeZone: 'America/Los_Angeles',
    amount: 1,
  }));
  const zones: readonly (string | ColumnRef<'homeZone'>)[] = ['America/Los_Angeles', column('homeZone')];
  for (const named of zones) {
    const { texts } = await resultsOf((sink) =>
      ordersOf(rows)
        .watermark('at', monotonous())
        .keyBy('customer')
        .window(tumbling('1 day', { zone: named }), { trigger: countTrigger(2) })
        .aggregate({ n: count() })
        .to(sink),
    );
    expect(texts).toEqual([`a ${Date.parse('2021-03-14T08:00Z')} ${Date.parse('2021-03-15T07:00Z')} 2`]);
  }
});

test('the column is explained, and one that is missing or no text is refused before anything runs', () => {
  // As JavaScript calls it, without types.
  const refused = (name: string): string => {
    try {
      ordersOf([])
        .watermark('at', monotonous())
        .keyBy('customer')
        .window(tumbling('1 day', { zone: column(name as never) }));
      return 'no mistake';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  expect(refused('zone')).toBe("unknown column 'zone' in the zone of window");
  expect(refused('amount')).toBe("column 'amount' is int32, but the zone of window needs text");
  const job = ordersOf([])
    .watermark('at', monotonous())
    .keyBy('customer')
    .window(tumbling('1 day', { zone: column('homeZone') }))
    .aggregate({ n: count() })
    .to(makeSink('inserts only', collectSink(), 'results'));
  expect(explainPhysical(physicalPlanOf(job, 'test'))).toContain('tumbling 1 calendar day in the zone of homeZone');
});
