import { describe, expect, test } from 'vitest';
import { seededRandom, uniform } from '../../../src/base/random.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

describe('a histogram', () => {
  test('answers quantiles within its relative error, never below them and never above the largest value', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const values = Array.from({ length: 500 }, () => 10 ** (uniform(random) * 9 - 2));
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = [...values].sort((a, b) => a - b);
      for (const q of [0.01, 0.5, 0.9, 0.99, 1]) {
        const exact = sorted[Math.ceil(q * values.length) - 1] ?? 0;
        const found = histogram.quantile(q);
        expect(found, `seed ${seed}, q ${q}`).toBeGreaterThanOrEqual(exact);
        expect(found, `seed ${seed}, q ${q}`).toBeLessThanOrEqual(
          Math.min(exact * 2 ** (1 / 8) * 1.000_001, histogram.max),
        );
      }
    }
  });

  test('counts, sums and remembers the largest value', () => {
    const histogram = new Histogram();
    for (const value of [3, 0, 8, 1]) histogram.record(value);
    expect([histogram.count, histogram.sum, histogram.max]).toEqual([4, 12, 8]);
  });

  test('is zero while nothing was recorded', () => {
    const histogram = new Histogram();
    expect([histogram.count, histogram.sum, histogram.max, histogram.quantile(0.5)]).toEqual([0, 0, 0, 0]);
  });

  test('takes values beyond its range into its outermost buckets', () => {
    const histogram = new Histogram();
    for (const value of [0, 2 ** 60]) histogram.record(value);
    expect(histogram.count).toBe(2);
    expect(histogram.quantile(1)).toBeGreaterThanOrEqual(2 ** 41);
    expect(histogram.quantile(0.5)).toBeLessThanOrEqual(2 ** -9);
  });
});
