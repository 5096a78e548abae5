/** States by name: numbers that survive a restore, sizes, and messages. */
import { expect, test } from 'vitest';
import { Physical } from '../../src/data/types.ts';
import { ChangelogAggregate } from '../../src/kernel/changelog-aggregate.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { StateArena } from '../../src/state/state-arena.ts';
import { newKernels } from '../support/kernels.ts';

/** A count per key over int64 keys. */
function counter(kernels: KernelInstance, state: number): (keys: readonly bigint[]) => string {
  const aggregate = new ChangelogAggregate(kernels, {
    state, key: Physical.I64, aggregates: [{ name: 'n', fn: 'count', input: undefined, nullable: false }],
  }, 2048);
  const key = { values: kernels.memory.allocate(1024 * 8), validity: 0 };
  return (keys) => {
    kernels.memory.i64.set(keys, key.values >>> 3);
    aggregate.add({ selected: keys.length, selection: 0, key, columns: [undefined], filters: [0] }, 0);
    return aggregate.status;
  };
}

const numbers = (from: number, count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(from + i));

test('gives a state the same number after a restore, whatever is asked for first', async () => {
  const live = await newKernels();
  const before = new StateArena(live, 8 << 20);
  counter(live, before.state('orders/totals'))(numbers(0, 100));
  counter(live, before.state('clicks/totals'))(numbers(0, 7));
  const { names } = before.begin();
  const chunks: Uint8Array[] = [];
  for (let chunk = before.drain(1000); chunk !== undefined; chunk = before.drain(1000)) chunks.push(chunk);

  const after = new StateArena(await newKernels(), 8 << 20);
  after.restoreNames(names);
  for (const chunk of chunks) after.restoreChunk(chunk, 'here');
  after.finishRestore('here');
  expect(after.state('clicks/totals')).toBe(before.state('clicks/totals'));
  expect(after.state('another')).toBe(3);
  expect(after.sizes().map(({ name, entries }) => [name, entries])).toEqual([['orders/totals', 100], ['clicks/totals', 7], ['another', 0]]);
  expect(after.countsHold()).toBe(true);
  after.clear('orders/totals');
  after.clear('clicks/totals');
  expect(after.usedBytes()).toBe(0);
});

test('names the largest states when the budget is used up', async () => {
  const kernels = await newKernels();
  const arena = new StateArena(kernels, 256 * 1024);
  const small = counter(kernels, arena.state('small'));
  const large = counter(kernels, arena.state('large'));
  small([1n]);
  let from = 0;
  while (large(numbers(from, 1000)) === 'done') from += 1000;
  expect(from).toBeGreaterThan(1000);
  const error = arena.budgetError();
  expect(error.code).toBe('E1302');
  expect(error.message).toMatch(/256 KB allowed \(largest: large \d+ KB in \d+ entries, small 12 KB in 1 entries\)/);
  expect(arena.countsHold()).toBe(true);
});

test('says where the pages are that contradict each other', async () => {
  const arena = new StateArena(await newKernels(), 1 << 20);
  expect(() => arena.restoreChunk(Uint8Array.of(1, 2, 3), 'checkpoint 7')).toThrow(/checkpoint 7/);
});
