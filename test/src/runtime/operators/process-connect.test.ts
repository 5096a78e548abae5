import { describe, expect, test } from 'vitest';
import {
  collect,
  collection,
  from,
  int32,
  mapOf,
  monotonous,
  schema,
  timestamp,
  utf8,
  value,
} from '../../../../src/index.ts';
import { processHarness, type TimedRow } from '../../../support/process-harness.ts';

const Order = schema({ at: timestamp(), id: utf8(), amount: int32() });
const Payment = schema({ paidAt: timestamp(), order: utf8(), paid: int32() });
const Rule = schema({ name: utf8(), limit: int32() });
const Out = schema({ what: utf8() });
const orders = from(collection(Order, [])).watermark('at', monotonous());
const payments = from(collection(Payment, [])).watermark('paidAt', monotonous());

const order = (id: string, amount: number, ms: number, watermark?: number): TimedRow => ({
  row: { at: ms, id, amount },
  timestamp: ms,
  ...(watermark === undefined ? {} : { watermark }),
});
const payment = (id: string, paid: number, ms: number, watermark?: number): TimedRow => ({
  row: { paidAt: ms, order: id, paid },
  timestamp: ms,
  ...(watermark === undefined ? {} : { watermark }),
});

describe('two connected streams', () => {
  const matched = orders
    .keyBy('id')
    .connect(payments.keyBy('order'))
    .process(
      {
        state: { open: value(int32()) },
        timers: ['unpaid'],
        left({ amount, at }, { state, timers }) {
          state.open.set(amount);
          timers.eventTime(at.plus('10 ms'), 'unpaid');
        },
        right({ paid, order: id }, { state, emit, key, watermark }) {
          const left = (state.open.get() ?? 0) - paid;
          emit({ what: `${id === key.id} ${id} ${left} at ${watermark.epochMs}` });
          if (left === 0) state.open.clear();
          else state.open.set(left);
        },
        timer({ state, emit, key }) {
          if (state.open.get() !== undefined) emit({ what: `${key.id} owes ${state.open.get()}` });
        },
      },
      { out: Out },
    )
    .to(collect());

  test('share the state of a key, and time has come as far as the slower one', async () => {
    const harness = await processHarness(matched);
    harness.rows([order('x', 5, 1), order('y', 7, 2)], 0);
    harness.watermark(20, 0);
    harness.rows([payment('x', 5, 3), payment('y', 3, 4)], 1);
    expect(harness.story()).toEqual([
      { what: 'true x 0 at -9007199254740991', t: 3 },
      { what: 'true y 4 at -9007199254740991', t: 4 },
    ]);
    harness.watermark(15, 1);
    expect(harness.story()).toEqual([{ what: 'y owes 4', t: 12 }, 15]);
  });

  test('release timers by the watermark of a row only as far as the other stream allows', async () => {
    const harness = await processHarness(matched);
    harness.rows([order('x', 5, 1)], 0);
    harness.watermark(5, 0);
    harness.rows([payment('z', 1, 100, 99)], 1);
    expect(harness.story()).toEqual([{ what: 'true z -1 at 5', t: 100 }]);
    harness.watermark(99, 0);
    harness.rows([payment('z', 1, 101, 99)], 1);
    expect(harness.story()).toEqual([
      { what: 'x owes 5', t: 11 },
      { what: 'true z -2 at 99', t: 101 },
    ]);
  });

  test('do not wait for one that is idle', async () => {
    const harness = await processHarness(matched);
    harness.rows([order('x', 5, 1)], 0);
    harness.operator.processStatus('idle', 1);
    harness.watermark(50, 0);
    expect(harness.story()).toEqual([{ what: 'x owes 5', t: 11 }, 50]);
    harness.operator.processStatus('active', 1);
    harness.watermark(20, 1);
    expect(harness.story()).toEqual([]);
  });

  test('continue after a restart with the watermarks of both', async () => {
    const harness = await processHarness(matched);
    harness.rows([order('x', 5, 1)], 0);
    harness.watermark(50, 0);
    harness.restart();
    harness.watermark(10, 1);
    harness.watermark(11, 1);
    expect(harness.story()).toEqual([10, { what: 'x owes 5', t: 11 }, 11]);
  });
});

describe('rows that are broadcast', () => {
  const limited = orders
    .keyBy('id')
    .connect(from(collection(Rule, [])).broadcast({ limits: mapOf(utf8(), int32()) }))
    .process(
      {
        state: { seen: value(int32(), { initial: 0 }) },
        row({ id, amount }, { broadcast, state, emit }) {
          state.seen.set(state.seen.get() + 1);
          for (const [name, limit] of broadcast.limits.entries()) {
            if (amount > limit) emit({ what: `${id} ${state.seen.get()} over ${name}` });
          }
        },
        broadcast({ name, limit }, { broadcast, emit }) {
          broadcast.limits.set(name, limit);
          emit({ what: `${name} is ${limit}` });
        },
      },
      { out: Out },
    );
  const rule = (name: string, limit: number): TimedRow => ({ row: { name, limit } });

  test('fill a state that every key reads, and need no event time', async () => {
    const harness = await processHarness(limited.to(collect()));
    harness.rows([order('x', 5, 1)], 0);
    harness.rows([rule('low', 3), rule('high', 10)], 1);
    harness.rows([order('x', 5, 2), order('y', 50, 3)], 0);
    harness.watermark(3, 0);
    expect(harness.story()).toEqual([
      { what: 'low is 3', t: 1 },
      { what: 'high is 10', t: 1 },
      { what: 'x 2 over low', t: 2 },
      { what: 'y 1 over low', t: 3 },
      { what: 'y 1 over high', t: 3 },
      3,
    ]);
    harness.restart();
    harness.rows([order('y', 4, 4)], 0);
    expect(harness.story()).toEqual([{ what: 'y 2 over low', t: 4 }]);
  });

  test('alone may change it: JavaScript that tries it elsewhere is told so', async () => {
    const sneaky = orders
      .keyBy('id')
      .connect(from(collection(Rule, [])).broadcast({ limits: mapOf(utf8(), int32()) }))
      .process(
        {
          row(_row, { broadcast }) {
            Reflect.get(broadcast.limits, 'clear')();
          },
          broadcast() {},
        },
        { out: Out },
      );
    const harness = await processHarness(sneaky.to(collect()));
    expect(() => harness.rows([order('x', 5, 1)], 0)).toThrow(
      "broadcast state 'limits' is read only here: it is written by the broadcast input",
    );
  });
});
