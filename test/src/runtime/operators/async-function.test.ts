import { describe, expect, it } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import {
  type AsyncOptions,
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  fromAsyncIterable,
  int32,
  schema,
  sum,
  timestamp,
  tumbling,
  value,
} from '../../../../src/index.ts';
import { run } from '../../../../node/index.ts';
import { play, type Played, rows, simulate, tape } from '../../../../src/testing/index.ts';

const Order = schema({ at: timestamp(), id: int32() });
const Priced = schema({ id: int32(), price: int32() });
const BEGAN = Date.UTC(2024, 0, 1);
const order = (id: number) => ({ at: eventTime(new Date(BEGAN + id * 1000)), id });
const orders = (n: number) =>
  tape(
    Order,
    Array.from({ length: n }, (_, id) => ({ at: id * 10, row: order(id) })),
  );

/** As long as so many turns of the microtask queue: an answer that comes sooner or later, without a clock. */
async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await undefined;
}

type Ask = (row: { readonly id: number }) => Promise<{ readonly id: number; readonly price: number }>;

const priced = (ask: Ask, options: AsyncOptions = {}) =>
  from(collection(Order, []), { uid: 'orders' })
    .watermark('at', boundedOutOfOrderness('0 s'))
    .mapAsync(ask, { out: Priced, ...options })
    .to(collect(), { uid: 'out' });

const idsOf = ({ output }: Played): readonly unknown[] => (output['out'] ?? []).map(({ row }) => row['id']);
const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

describe('an asynchronous function', () => {
  it('gives its results in the order of its rows, whatever the order of the answers', async () => {
    const random = seededRandom(7);
    const ask: Ask = async ({ id }) => {
      await turns(1 + below(random, 200));
      return { id, price: id * 2 };
    };
    const played = await play(priced(ask), { tapes: { orders: orders(300) }, tickMs: 500 });
    expect(played.failure).toBeUndefined();
    expect(idsOf(played)).toEqual(upTo(300));
    expect(played.output['out']?.every(({ row }) => row['price'] === Number(row['id']) * 2)).toBe(true);
  });

  it.each(['input', 'arrival'] as const)('goes on when its input wakes after it was idle (%s)', async (given) => {
    const tapes = {
      orders: tape(
        Order,
        [0, 1, 2, 3].map((id) => ({ at: id * 100_000, row: order(id) })),
      ),
    };
    const played = await play(
      priced(async ({ id }) => ({ id, price: 1 }), { order: given }),
      { tapes },
    );
    expect(played.failure).toBeUndefined();
    expect(idsOf(played)).toEqual(upTo(4));
  });

  it('is told when its job ends, and asks no more', async () => {
    const told: boolean[] = [];
    const signals: { readonly aborted: boolean }[] = [];
    const asking = from(
      fromAsyncIterable(Order, async function* () {
        yield* [order(0), order(1)];
      }),
    )
      .mapAsync(
        ({ id }, { signal }) => {
          signals.push(signal);
          signal.addEventListener('abort', () => told.push(true));
          return id === 1 ? Promise.reject<never>(new Error('busy')) : new Promise<never>(() => undefined);
        },
        { out: Priced, timeout: '1 hour', retry: { attempts: 5, backoff: '1 hour' } },
      )
      .to(collect());
    const running = await run(asking, { handleSignals: false });
    await expect.poll(() => signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    await running.cancel();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(told).toHaveLength(2);
    await turns(100);
    expect(signals).toHaveLength(2);
  });

  it('of a process that died is heard no more', async () => {
    const LAST = 15;
    let first: (() => void) | undefined;
    // A client that sends requests in pairs: one is answered with the next, whichever process asks.
    const ask: Ask = async ({ id }) => {
      const before = first;
      before?.();
      if (id < LAST) await new Promise<void>((resolve) => (first = resolve));
      return { id, price: id };
    };
    const counted = from(collection(Order, []), { uid: 'orders' })
      .mapAsync(ask, { out: Priced, timeout: '1 hour', capacity: 4 })
      .keyBy('id')
      .process(
        {
          state: { times: value(int32(), { initial: 0 }) },
          row({ id }, { state: { times }, emit }) {
            times.set(times.get() + 1);
            emit({ id, price: times.get() });
          },
        },
        { out: Priced },
      )
      .to(collect(), { uid: 'out' });
    const input = { orders: rows(Order, upTo(LAST + 1).map(order)) };
    const { differences, crashes } = await simulate(counted, { input, seeds: 1, faults: ['process crash'] });
    expect(differences).toEqual([]);
    expect(crashes).toBeGreaterThan(50);
  });

  it('gives them as they come when asked to, and lets none overtake a watermark', async () => {
    const ask: Ask = async ({ id }) => {
      await turns(id % 7 === 0 ? 200 : 1);
      return { id, price: 1 };
    };
    const plain = (async: boolean) => {
      const stream = from(collection(Order, []), { uid: 'orders' }).watermark('at', boundedOutOfOrderness('0 s'));
      const made = async
        ? stream.mapAsync(ask, { out: Priced, order: 'arrival' })
        : stream.map(({ id }) => ({ id, price: 1 }), { out: Priced });
      return made
        .window(tumbling('10 s'))
        .aggregate({ n: count(), ids: sum('id') })
        .to(collect(), { uid: 'out' });
    };
    const options = { tapes: { orders: orders(200) }, tickMs: 300 };
    const [asked, known] = [await play(plain(true), options), await play(plain(false), options)];
    expect(asked.failure).toBeUndefined();
    const results = ({ output }: Played): string => JSON.stringify(output['out']?.map(({ row }) => row));
    expect(results(asked)).toBe(results(known));

    const arrived = await play(priced(ask, { order: 'arrival' }), options);
    expect(idsOf(arrived)).not.toEqual(upTo(200));
    expect([...idsOf(arrived)].sort((a, b) => Number(a) - Number(b))).toEqual(upTo(200));
  });

  it('has at most so many requests under way', async () => {
    let [now, most] = [0, 0];
    const ask: Ask = async ({ id }) => {
      most = Math.max(most, ++now);
      await turns(50);
      now--;
      return { id, price: 0 };
    };
    const played = await play(priced(ask, { capacity: 5 }), { tapes: { orders: orders(100) }, tickMs: 1000 });
    expect(idsOf(played)).toEqual(upTo(100));
    expect(most).toBe(5);
  });

  it('fails the job when an answer does not come, with the row and its time', async () => {
    const ask: Ask = ({ id }) => (id === 3 ? new Promise(() => undefined) : Promise.resolve({ id, price: 0 }));
    const played = await play(priced(ask, { timeout: '2 s' }), { tapes: { orders: orders(5) } });
    expect(String(played.failure)).toContain('no answer within 2 s');
    expect(String(played.failure)).toContain('"id":3');
    expect(String(played.failure)).toContain('2024-01-01T00:00:03.000Z');
  });

  it('makes dead letters of what is not answered when asked to, and goes on', async () => {
    const ask: Ask = async ({ id }) => {
      if (id % 10 === 3) throw new Error(`no price for ${id}`);
      return { id, price: 0 };
    };
    const played = await play(priced(ask, { onFailure: 'dead letter' }), { tapes: { orders: orders(50) } });
    expect(played.failure).toBeUndefined();
    expect(idsOf(played)).toHaveLength(45);
    expect(played.deadLetters.map(({ reason }) => reason)).toEqual(
      [3, 13, 23, 33, 43].map((id) => `no price for ${id}`),
    );
  });

  it('asks again after pauses that grow, as often as it may', async () => {
    const attempts = new Map<number, number>();
    const ask: Ask = async ({ id }) => {
      const attempt = (attempts.get(id) ?? 0) + 1;
      attempts.set(id, attempt);
      if (attempt < 3) throw new Error('busy');
      return { id, price: attempt };
    };
    const retry = { attempts: 3, backoff: '1 s' } as const;
    const played = await play(priced(ask, { retry }), { tapes: { orders: orders(1) } });
    expect(played.failure).toBeUndefined();
    // One second, then two.
    expect(played.output['out']?.map(({ at }) => at)).toEqual([3000]);
    const twice = await play(priced(ask, { retry: { attempts: 2, backoff: '1 s' } }), {
      tapes: { orders: tape(Order, [{ at: 0, row: order(77) }]) },
    });
    expect(String(twice.failure)).toContain('busy');
  });

  it('asks again for what was under way at a checkpoint, so that a crash anywhere changes nothing', async () => {
    const ask: Ask = async ({ id }) => {
      await turns(id % 3 === 0 ? 40 : 3);
      return { id, price: id };
    };
    const { differences, crashes } = await simulate(priced(ask, { capacity: 3 }), {
      input: { orders: rows(Order, upTo(5).map(order)) },
      seeds: 2,
      faults: ['process crash'],
    });
    expect(differences).toEqual([]);
    expect(crashes).toBeGreaterThan(30);
  });

  it('refuses options that mean nothing', () => {
    const ask: Ask = async ({ id }) => ({ id, price: 0 });
    expect(() => priced(ask, { capacity: 0 })).toThrow(
      'the capacity of mapAsync must be a whole number of one or more, but is 0',
    );
    expect(() => priced(ask, { timeout: '0 s' })).toThrow('the timeout of mapAsync must be greater than zero');
    expect(() => priced(ask, { retry: { attempts: 0 } })).toThrow(
      'the attempts of mapAsync must be a whole number of one or more',
    );
  });
});
