import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeClock } from '../../node/platform.ts';
import { Wake } from '../../src/base/wake.ts';
import { browserClock } from '../../web/platform.ts';

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each([
  ['Node', nodeClock],
  ['a browser', browserClock],
] as const)('the clock of %s', (_host, clock) => {
  it('sleeps for as long as it is asked to, also longer than a timer of the host can last', async () => {
    let isAwake = false;
    const sleeping = clock.sleep(60 * DAY_MS).then(() => (isAwake = true));
    await vi.advanceTimersByTimeAsync(60 * DAY_MS - 1);
    expect(isAwake).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isAwake).toBe(true);
    await sleeping;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is woken from such a sleep, and leaves no timer', async () => {
    const wake = new Wake();
    const sleeping = clock.sleep(60 * DAY_MS, wake);
    await vi.advanceTimersByTimeAsync(30 * DAY_MS);
    wake.wake();
    await sleeping;
    expect(vi.getTimerCount()).toBe(0);
  });
});
