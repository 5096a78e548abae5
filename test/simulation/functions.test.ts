/**
 * Functions with state through crashes at every point, and at another speed: state, timers and what expires are as if
 * nothing had happened.
 */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  from,
  int32,
  type Job,
  job,
  listOf,
  mapOf,
  reducing,
  schema,
  timestamp,
  utf8,
  value,
} from '../../src/index.ts';
import { rows, simulate } from '../../src/testing/index.ts';

const Payment = schema({ at: timestamp(), card: utf8(), amount: int32() });
const Rule = schema({ at: timestamp(), card: utf8(), limit: int32() });
const Alert = schema({ card: utf8(), what: utf8() });

const paymentsOf = () =>
  from(collection(Payment, []), { uid: 'payments' }).watermark('at', boundedOutOfOrderness('20 ms'));

function cardJob(): Job {
  const processed = paymentsOf()
    .keyBy('card')
    .process(
      {
        uid: 'cards',
        state: {
          last: value(Payment, { ttl: '60 ms' }),
          seen: mapOf(int32(), int32(), { ttl: '40 ms', refresh: 'access' }),
          all: listOf(int32()),
          sum: reducing(int32(), { reduce: (a, b) => a + b }),
        },
        timers: ['quiet', 'soon'],
        sides: { odd: Payment },
        row(payment, { state, timers, emit, side, key, watermark }) {
          const last = state.last.get();
          if (last !== undefined) timers.deleteEventTime(last.at.plus('30 ms'), 'quiet');
          timers.eventTime(payment.at.plus('30 ms'), 'quiet');
          timers.eventTime(payment.at.minus('15 ms'), 'soon');
          state.last.set(payment);
          state.seen.set(payment.amount % 3, (state.seen.get(payment.amount % 3) ?? 0) + 1);
          state.all.add(payment.amount);
          state.sum.add(payment.amount);
          if (payment.amount % 2 === 1) side('odd', payment);
          emit({ card: key.card, what: `${state.sum.get()} ${[...state.seen].join(';')} at ${watermark}` });
        },
        timer({ name, at, state, emit, key }) {
          emit({ card: key.card, what: `${name} ${at.epochMs} ${[...state.all].length} ${state.last.get()?.amount}` });
          if (name === 'quiet') state.all.clear();
        },
        onExpire({ name, at, value: held, state, emit, key }) {
          const what = typeof held === 'number' ? held : held instanceof Object && 'amount' in held ? held.amount : 0;
          emit({ card: key.card, what: `${name} expired ${at.epochMs} ${what} ${state.sum.get()}` });
        },
      },
      { out: Alert },
    );
  return job('cards', processed.to(collect(), { uid: 'alerts' }), processed.side.odd.to(collect(), { uid: 'odd' }));
}

function limitedJob(): Job {
  const rules = from(collection(Rule, []), { uid: 'rules' }).watermark('at', boundedOutOfOrderness('20 ms'));
  const broadcast = paymentsOf()
    .keyBy('card')
    .connect(rules.broadcast({ limits: mapOf(utf8(), int32()) }))
    .process(
      {
        uid: 'limited',
        row({ card, amount }, { broadcast: { limits }, emit }) {
          const limit = limits.get(card);
          if (limit !== undefined && amount > limit) emit({ card, what: `over ${limit}` });
        },
        broadcast({ card, limit }, { broadcast: { limits }, emit }) {
          limits.set(card, limit);
          emit({ card, what: `${[...limits.keys()].length} limits` });
        },
      },
      { out: Alert },
    );
  const both = paymentsOf2()
    .keyBy('card')
    .connect(rules.keyBy('card'))
    .process(
      {
        uid: 'both',
        state: { limit: value(int32()), waiting: listOf(int32()) },
        timers: ['look'],
        left({ amount, at }, { state, timers }) {
          state.waiting.add(amount);
          timers.eventTime(at.plus('25 ms'), 'look');
        },
        right({ limit }, { state }) {
          state.limit.set(limit);
        },
        timer({ state, emit, key, at }) {
          emit({ card: key.card, what: `${[...state.waiting].length} under ${state.limit.get()} at ${at.epochMs}` });
        },
      },
      { out: Alert },
    );
  return job('limited', broadcast.to(collect(), { uid: 'over' }), both.to(collect(), { uid: 'looked' }));
}

const paymentsOf2 = () =>
  from(collection(Payment, []), { uid: 'more' }).watermark('at', boundedOutOfOrderness('20 ms'));

function tape(seed: number, count: number) {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    at: new Date(1000 + i * 4 + below(random, 30)),
    card: `c${below(random, 4)}`,
    amount: below(random, 50),
  }));
}

const payments = (seed: number, count: number) => rows(Payment, tape(seed, count) as never); // a Date is taken for an instant
const rules = (seed: number, count: number) =>
  rows(Rule, tape(seed, count).map(({ at, card, amount }) => ({ at, card, limit: amount })) as never); // as above

test('crashes at any point leave nothing lost, nothing twice and no timer forgotten', async () => {
  const { differences, crashes, output } = await simulate(cardJob(), {
    input: { payments: payments(7, 10) },
    seeds: 1,
    faults: ['power loss'],
  });
  expect(differences.slice(0, 2)).toEqual([]);
  expect(crashes).toBeGreaterThan(20);
  const alerts = output['alerts'] ?? [];
  expect(alerts.filter((line) => line.includes('quiet')).length).toBeGreaterThan(0);
  expect(alerts.filter((line) => line.includes('soon')).length).toBeGreaterThan(5);
  expect(alerts.filter((line) => line.includes('seen expired')).length).toBeGreaterThan(3);
  expect(alerts.filter((line) => line.includes('last expired')).length).toBeGreaterThan(1);
  expect(output['odd']?.length).toBeGreaterThan(0);
});

test('connected and broadcast streams come through crashes too', async () => {
  const { differences, crashes, output } = await simulate(limitedJob(), {
    input: { payments: payments(3, 8), more: payments(4, 8), rules: rules(5, 5) },
    seeds: 1,
    faults: ['process crash'],
  });
  expect(differences.slice(0, 2)).toEqual([]);
  expect(crashes).toBeGreaterThan(15);
  expect(output['over']?.length).toBeGreaterThanOrEqual(5);
  expect(output['looked']?.length).toBe(8);
});

test('a tape gives the same output, to the last byte, however fast it comes and however it is cut into batches', async () => {
  for (const [job, input] of [
    [cardJob(), { payments: payments(11, 60) }],
    [limitedJob(), { payments: payments(3, 30), more: payments(4, 30), rules: rules(5, 12) }],
  ] as const) {
    const { differences, traces } = await simulate(job, { input, seeds: 5, faults: 'none' });
    expect(differences.slice(0, 2)).toEqual([]);
    expect(new Set(traces).size).toBeGreaterThan(1);
  }
});
