import { expect, test } from 'vitest';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

test('sleeps resolve in order of due time, each at its own instant', async () => {
  const clock = new VirtualClock(1000);
  const woken: string[] = [];
  for (const ms of [30, 10, 20]) void clock.sleep(ms).then(() => woken.push(`${ms} at ${clock.now()}`));
  await clock.advance(25);
  expect(woken).toEqual(['10 at 1010', '20 at 1020']);
  expect(clock.now()).toBe(1025);
  expect(clock.monotonicMs()).toBe(25);
  await clock.advance(5);
  expect(woken).toHaveLength(3);
});

test('sleeps of one instant resolve in order of their calls', async () => {
  const clock = new VirtualClock();
  const woken: string[] = [];
  for (const name of ['a', 'b', 'c']) void clock.sleep(5).then(() => woken.push(name));
  await clock.advance(5);
  expect(woken).toEqual(['a', 'b', 'c']);
});

test('a sleep that is started by another within the same advance is woken too', async () => {
  const clock = new VirtualClock(0);
  const woken: number[] = [];
  const loop = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(10);
      woken.push(clock.now());
    }
  };
  void loop();
  await clock.advance(35);
  expect(woken).toEqual([10, 20, 30]);
});

test('time stands still and yields wait until somebody moves on', async () => {
  const clock = new VirtualClock();
  let isResumed = false;
  void clock.yield().then(() => {
    isResumed = true;
  });
  for (let i = 0; i < 500; i++) await undefined;
  expect(isResumed).toBe(false);
  expect(clock.wakeNext()).toBe(true);
  await clock.advance(0);
  expect(isResumed).toBe(true);
  expect(clock.monotonicMs()).toBe(0);
  expect(clock.wakeNext()).toBe(false);
});

test('an aborted sleep resolves at once and no longer counts', async () => {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const sleep = clock.sleep(1000, abort.signal);
  expect(clock.sleeperCount).toBe(1);
  abort.abort();
  await sleep;
  expect(clock.sleeperCount).toBe(0);
  await clock.sleep(1000, abort.signal);
  expect(clock.monotonicMs()).toBe(0);
});

test('the sleeps of a dead process never resolve', async () => {
  const clock = new VirtualClock();
  let isWoken = false;
  void clock.sleep(10).then(() => {
    isWoken = true;
  });
  clock.forgetSleepers();
  await clock.advance(100);
  expect(isWoken).toBe(false);
});

test('the time of day is in whole milliseconds, as on every machine, however short the sleeps', async () => {
  const clock = new VirtualClock(1000);
  await clock.advance(2.75);
  expect(clock.now()).toBe(1002);
  expect(clock.monotonicMs()).toBe(2.75);
});
