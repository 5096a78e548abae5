import { describe, expect, it } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import { slopeOf } from '../../../../src/runtime/growth/slope.ts';

const line = (points: number, perMs: number) =>
  Array.from({ length: points }, (_, i) => ({ atMs: i * 10, value: 5 + i * 10 * perMs }));

describe('the slope of samples', () => {
  it('is that of a line, also at odd moments', () => {
    expect(slopeOf(line(9, 3))).toBeCloseTo(3, 9);
    expect(slopeOf([1, 2, 7, 8, 30].map((atMs) => ({ atMs, value: -2 * atMs })))).toBeCloseTo(-2, 9);
  });

  it('does not follow a quarter of wild samples', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = seededRandom(seed);
      const points = line(40, 2).map((point, i) => (i % 4 === 1 ? { ...point, value: below(random, 1e6) } : point));
      expect(slopeOf(points), `seed ${seed}`).toBeCloseTo(2, 0);
    }
  });

  it('is nothing without two moments', () => {
    expect([
      slopeOf([]),
      slopeOf([{ atMs: 1, value: 1 }]),
      slopeOf([1, 1].map((atMs) => ({ atMs, value: 9 }))),
    ]).toEqual([0, 0, 0]);
  });
});
