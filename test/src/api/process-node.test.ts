import { describe, expect, test } from 'vitest';
import {
  collect,
  collection,
  count,
  eventTime,
  float64,
  from,
  int32,
  type Job,
  mapOf,
  monotonous,
  schema,
  timestamp,
  utf8,
  value,
} from '../../../src/index.ts';
import { processHarness } from '../../support/process-harness.ts';

const Payment = schema({ at: timestamp(), card: utf8(), amount: float64() });
const raw = from(collection(Payment, []), { uid: 'payments' });
const payments = raw.watermark('at', monotonous());
const Out = schema({ card: utf8() });
const row = (): void => undefined;

/** As JavaScript calls it: nothing is known of the arguments. */
const untyped = (target: object, method: string, ...given: readonly unknown[]): unknown =>
  Reflect.apply(Reflect.get(target, method), target, given);
const process = (spec: unknown, options: unknown = { out: Out }): unknown =>
  untyped(payments.keyBy('card'), 'process', spec, options);

describe('from JavaScript, process refuses', () => {
  test.each([
    ['what is no object', () => process(7), "process must be an object with a function named 'row', but is 7"],
    ['no function', () => process({}), "'row' of process must be a function, but is undefined"],
    [
      'an option that it does not have',
      () => process({ row, timer: row, state: {}, tiemrs: [] }),
      "unknown option 'tiemrs' of process",
    ],
    ['no out', () => process({ row }, {}), 'out of process must be a schema, but is undefined'],
    [
      'a state that is none',
      () => process({ row, state: { n: 7 } }),
      "'n' of state of process must be a state, but is 7",
    ],
    ...['a/b', 'event timers', 'processing timers'].map((name): [string, () => unknown, string] => [
      `a state called '${name}'`,
      () => process({ row, state: { [name]: value(int32()) } }),
      `a name in state of process must be without '/', other than 'event timers' and 'processing timers', but is '${name}'`,
    ]),
    [
      'timers by one name',
      () => process({ row, timers: ['a', 'a'] }),
      "timers of process must be names that differ, but is 'a'",
    ],
    ['a side that is no schema', () => process({ row, sides: { odd: 1 } }), "side 'odd' must be a schema, but is 1"],
    [
      'an unknown policy',
      () => process({ row, onError: 'ignore' }),
      "onError of process must be 'fail' or 'dead letter', but is 'ignore'",
    ],
    ['a ttl of nothing', () => value(int32(), { ttl: '0 s' }), "ttl of value must be greater than zero, but is '0 s'"],
    [
      'an initial value that does not fit',
      () => untyped({ value }, 'value', int32(), { initial: 'x' }),
      'column \'value\' is int32 and cannot hold "x"',
    ],
    [
      'keys of a map that are floats',
      () => untyped({ mapOf }, 'mapOf', float64(), int32()),
      "the key of mapOf must be a text or an integer, never null, but is 'float64'",
    ],
    [
      'a ttl of event time without event time',
      () => raw.keyBy('card').process({ state: { n: value(int32(), { ttl: '1 s' }) }, row }, { out: Out }),
      "ttl of 'n' needs event time, but no watermark comes before it",
    ],
    [
      'a changelog',
      () => untyped(payments.aggregate({ n: count() }).keyBy('n'), 'process', { row }, { out: Out }),
      'process cannot read results that update and delete rows',
    ],
    [
      'keys of two types in one connection',
      () => payments.keyBy('card').connect(payments.keyBy('amount')).process({ left: row, right: row }, { out: Out }),
      "column 'amount' is float64, but connect needs utf8, the type of 'card' on the left",
    ],
    [
      'a connection with no key',
      () => untyped(payments.keyBy('card'), 'connect', payments),
      'connect must be given a stream by key, or a broadcast one, but is an object',
    ],
    [
      'a broadcast state that expires',
      () => raw.broadcast({ n: mapOf(utf8(), int32(), { ttl: '1 s' }) }),
      "'n' of broadcast must be a state without ttl, but is 'one with'",
    ],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('in a running function', () => {
  const fed = async (spec: unknown): Promise<() => void> => {
    // What process gives has no type when its arguments have none.
    const made = process(spec) as { to(sink: unknown): Job };
    const harness = await processHarness(made.to(collect()));
    return () => harness.rows([{ row: { at: 5, card: 'a card number of 4711', amount: 1 }, timestamp: 5 }]);
  };
  interface Given {
    readonly [name: string]: (...args: readonly unknown[]) => unknown;
  }
  type Context = { readonly timers: Given; readonly now: unknown } & Given;
  const failed = (problem: string): string =>
    'the function of a process failed on the row at 1970-01-01T00:00:00.005Z of key { card: "a card n…" (21 characters) }: '
    + `${problem} (row: { at: 1970-01-01T00:00:00.005Z, card: "a card n…" (21 characters), amount: 1 })`;

  test.each([
    [
      'a function that throws names key, time and row, and shows no text in full',
      () => {
        throw new Error('broken');
      },
      'broken',
    ],
    [
      'an instant of the other clock is no time of a timer',
      (_row: unknown, { timers, now }: Context) => timers['eventTime']?.(now, 't'),
      'a timer of event time must be given an instant of event time, but was given an instant of processing time',
    ],
    [
      'event time is no time of a timer of processing time',
      (_row: unknown, { timers }: Context) => timers['processingTime']?.(eventTime(new Date(0)), 't'),
      'a timer of processing time must be given an instant of processing time, but was given an instant of event time',
    ],
    [
      'nor is a number',
      (_row: unknown, { timers }: Context) => timers['eventTime']?.(7, 't'),
      'a timer of event time must be given an instant of event time, but was given the number 7',
    ],
    [
      'a timer must be declared',
      (_row: unknown, { timers }: Context) => timers['eventTime']?.(eventTime(new Date(0)), 'u'),
      'no timer is named u; declared: t',
    ],
    [
      'a side must be declared',
      (_row: unknown, { side }: Context) => side?.('odd', {}),
      'no side is named odd; declared: none',
    ],
    [
      'what is emitted must fit',
      (_row: unknown, { emit }: Context) => emit?.({ card: 7 }),
      "column 'card' is utf8 and cannot hold 7",
    ],
  ])('%s', async (_what, run, problem) => {
    expect(await fed({ uid: 'mine', timers: ['t'], row: run })).toThrow(
      expect.objectContaining({ message: failed(problem), location: { operator: 'mine' } }),
    );
  });
});

test('explain shows keys, states, timers and sides', () => {
  const job = payments
    .keyBy('card')
    .process(
      {
        uid: 'fraud',
        state: {
          last: value(Payment, { ttl: '1 day' }),
          seen: mapOf(utf8(), int32(), { ttl: '1 hour', refresh: 'access' }),
        },
        timers: ['quiet'],
        sides: { odd: Payment },
        onError: 'dead letter',
        row,
      },
      { out: Out },
    )
    .to(collect());
  expect(job.explain()).toContain(
    'process [fraud] by card; state: last value(at timestamp; card utf8; amount float64) for 1 day of event time after write, '
      + 'seen map(utf8 to int32) for 1 hour of event time after access; timers: quiet; sides: odd; errors: dead letters -> card utf8',
  );
});
