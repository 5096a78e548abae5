import { expect, test } from 'vitest';
import {
  collect,
  eventTime,
  from,
  fromAsyncIterable,
  int32,
  listOf,
  mapOf,
  monotonous,
  schema,
  timestamp,
  utf8,
  value,
} from '../../../src/index.ts';
import { JobHandle, type JobRun } from '../../../src/platform.ts';
import { MemoryMedium } from '../../../src/testing/memory-store.ts';
import { drive } from '../../support/engine.ts';

const Payment = schema({ at: timestamp(), card: utf8(), amount: int32() });

/** Rows that a test pushes one by one. */
function pushed() {
  const rows: { at: ReturnType<typeof eventTime>; card: string; amount: number }[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  return {
    push(card: string, amount: number): number {
      const count = rows.push({ at: eventTime(new Date(rows.length)), card, amount });
      wake();
      return count;
    },
    end(): void {
      ended = true;
      wake();
    },
    async *rows() {
      for (let i = 0; ; i++) {
        while (i >= rows.length) {
          if (ended) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const row = rows[i];
        if (row !== undefined) yield row;
      }
    },
  };
}

test('what was pushed is read back from the running job, once it has been processed', async () => {
  const input = pushed();
  const job = from(
    fromAsyncIterable(Payment, () => input.rows()),
    { uid: 'payments' },
  )
    .watermark('at', monotonous())
    .keyBy('card')
    .process(
      {
        uid: 'sums',
        state: { sum: value(int32(), { initial: 0 }), amounts: listOf(int32()), seen: mapOf(utf8(), int32()) },
        row({ amount, card }, { state }) {
          state.sum.set(state.sum.get() + amount);
          state.amounts.add(amount);
          state.seen.set(card, amount);
        },
      },
      { out: schema({ card: utf8() }) },
    )
    .to(collect());
  const seen: unknown[] = [];
  const errors: unknown[] = [];
  let asked = false;
  const ask = async (run: JobRun): Promise<void> => {
    const get = async (key: { readonly [column: string]: unknown }): Promise<unknown> => run.lookup('sums', key);
    input.push('a', 5);
    input.push('b', 7);
    await run.processed('payments', input.push('a', 3));
    seen.push(await get({ card: 'a' }), await get({ card: 'b' }), await get({ card: 'nobody' }));
    for (const wrong of [{ card: 4 }, { cart: 'a' }, {}]) {
      await get(wrong).catch((error: Error) => errors.push(error.message));
    }
    await run.processed('nothing', 1).catch((error: Error) => errors.push(error.message));
    const never = run.processed('payments', 100).catch((error: Error) => errors.push(error.message));
    input.end();
    await never;
  };
  let asking: Promise<void> = Promise.resolve();
  const { end } = await drive({
    job,
    medium: new MemoryMedium(),
    look: (run) => {
      if (asked) return;
      asked = true;
      asking = ask(run);
    },
  });
  await asking;
  expect(end).toBe('finished');
  expect(seen).toEqual([
    { sum: 8, amounts: [5, 3], seen: new Map([['a', 3]]) },
    { sum: 7, amounts: [7], seen: new Map([['b', 7]]) },
    { sum: 0, amounts: [], seen: new Map() },
  ]);
  expect(errors).toEqual([
    "column 'card' is utf8 and cannot hold 4",
    "unknown column 'cart' in the key of 'sums'",
    "column 'card' is utf8 and cannot hold undefined",
    "the job has no 'nothing' to ask; it has: payments",
    "the job is finished, and 'payments' never came to 100",
  ]);
  expect(typeof JobHandle.prototype.state).toBe('function');
});

test('a function that asks for the state of another key goes on with its own', async () => {
  const input = pushed();
  const cards = ['a', 'b', 'a', 'a', 'b', 'a'];
  let handle: JobHandle | undefined;
  const asked: Promise<unknown>[] = [];
  const Count = schema({ card: utf8(), count: int32() });
  const counts = collect(Count);
  const job = from(
    fromAsyncIterable(Payment, () => input.rows()),
    { uid: 'payments' },
  )
    .watermark('at', monotonous())
    .keyBy('card')
    .process(
      {
        uid: 'counts',
        state: { count: value(int32(), { initial: 0 }) },
        row({ card }, { state, emit }) {
          const count = state.count.get() + 1;
          if (card === 'a') asked.push(handle?.state('counts').get({ card: 'b' }) ?? Promise.resolve());
          state.count.set(count);
          emit({ card, count });
        },
      },
      { out: Count },
    )
    .to(counts);
  await drive({
    job,
    medium: new MemoryMedium(),
    look: (run) => {
      if (handle !== undefined) return;
      handle = new JobHandle(run);
      for (const card of cards) input.push(card, 1);
      input.end();
    },
  });
  expect(asked).toHaveLength(4);
  await Promise.all(asked);
  expect(counts.rows.map(({ card, count }) => card + count)).toEqual(['a1', 'b1', 'a2', 'a3', 'b2', 'a4']);
});
