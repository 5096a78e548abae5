import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import { eventTimeMs, MAX_TIME, MIN_TIME } from '../../../../src/base/time.ts';
import { WatermarkTracker } from '../../../../src/runtime/progress/watermark-tracker.ts';

interface Input {
  watermark: number;
  idle: boolean;
  ended: boolean;
  /** Woke behind the output and has not reached it. */
  behind: boolean;
}

/** What the combined watermark would be by definition, before it is kept from going back. */
function least(inputs: readonly Input[]): number | undefined {
  if (inputs.every(({ ended }) => ended)) return MAX_TIME;
  const counting = inputs
    .filter(({ idle, ended, behind }) => !idle && !ended && !behind)
    .map(({ watermark }) => watermark);
  return counting.length === 0 ? undefined : Math.min(...counting);
}

describe('the watermark of several inputs', () => {
  test('is the smallest of those that are active and have caught up, and never goes back', () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = seededRandom(seed);
      const count = 1 + below(random, 4);
      let tracker = new WatermarkTracker(count);
      const inputs = Array.from(
        { length: count },
        (): Input => ({ watermark: MIN_TIME, idle: false, ended: false, behind: false }),
      );
      let expected: number = MIN_TIME;
      for (let step = 0; step < 60; step++) {
        const i = below(random, count);
        const input = inputs[i] ?? { watermark: 0, idle: false, ended: false, behind: false };
        const before = expected;
        let moved: boolean;
        const kind = below(random, 20);
        if (kind === 0) {
          input.ended = true;
          moved = tracker.end(i);
        } else if (kind < 5) {
          const idle = kind % 2 === 0;
          if (!input.ended && idle !== input.idle) {
            Object.assign(input, { idle, behind: !idle && input.watermark < expected });
            // The one that held it back is the last to fall silent: the highest goes out.
            if (idle && input.watermark === expected && inputs.every((each) => each.idle || each.ended))
              expected = Math.max(...inputs.filter(({ ended }) => !ended).map((each) => each.watermark));
          }
          moved = tracker.setIdle(i, idle);
        } else {
          const watermark = below(random, 1000) + step * 10;
          if (!input.idle) input.watermark = Math.max(input.watermark, watermark);
          if (input.watermark >= expected) input.behind = false;
          moved = tracker.advance(i, eventTimeMs(watermark));
        }
        expected = Math.max(expected, least(inputs) ?? expected);
        const what = `seed ${seed}, step ${step}`;
        expect(tracker.watermark, what).toBe(expected);
        expect(moved, what).toBe(expected > before);
        expect(tracker.ended, what).toBe(inputs.every(({ ended }) => ended));
        expect(tracker.idle, what).toBe(!tracker.ended && inputs.every(({ idle, ended }) => idle || ended));
        if (below(random, 10) === 0) {
          const state = JSON.parse(JSON.stringify(tracker.snapshot()));
          tracker = new WatermarkTracker(count);
          tracker.restore(state);
        }
      }
    }
  });

  test('of the inputs other than one leaves out that one, idle and ended ones', () => {
    const tracker = new WatermarkTracker(4);
    [40, 10, 20, 30].forEach((watermark, i) => tracker.advance(i, eventTimeMs(watermark)));
    expect(tracker.others(0)).toBe(10);
    expect(tracker.others(1)).toBe(20);
    tracker.setIdle(2, true);
    expect(tracker.others(1)).toBe(30);
    tracker.end(3);
    expect(tracker.others(1)).toBe(40);
    tracker.end(0);
    expect(tracker.others(1)).toBe(MAX_TIME);
    expect(tracker.of(1)).toBe(10);
  });

  test('moves on when an input that was ahead wakes and no other counts', () => {
    const tracker = new WatermarkTracker(3);
    tracker.advance(1, eventTimeMs(50));
    tracker.advance(2, eventTimeMs(70));
    tracker.setIdle(0, true);
    tracker.setIdle(2, true);
    expect(tracker.watermark).toBe(50);
    // Wakes behind, and does not count.
    tracker.setIdle(0, false);
    tracker.setIdle(1, true);
    expect(tracker.watermark).toBe(50);
    // Its rows go by the watermark, which is passed on behind them.
    expect(tracker.setIdle(2, false)).toBe(false);
    expect(tracker.watermark).toBe(70);
    expect(tracker.advance(2, eventTimeMs(70))).toBe(true);
    expect(tracker.advance(2, eventTimeMs(70))).toBe(false);
  });

  test('starts after a restore where each input was, not at the beginning of time', () => {
    const before = new WatermarkTracker(2);
    before.advance(0, eventTimeMs(100));
    before.advance(1, eventTimeMs(200));
    const after = new WatermarkTracker(2);
    after.restore(before.snapshot());
    expect(after.watermark).toBe(100);
    expect(after.advance(0, eventTimeMs(150))).toBe(true);
    expect(after.watermark).toBe(150);
  });

  test('refuses an input that is not there', () => {
    expect(() => new WatermarkTracker(2).advance(2, eventTimeMs(1))).toThrow('input 2 of 2');
  });
});
