import { expect, test } from 'vitest';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { MetricsRegistry } from '../../../src/metrics/registry.ts';

test('figures are read when someone asks, and not before', () => {
  const registry = new MetricsRegistry();
  let reads = 0;
  registry.add('sum', 'in', 'records', () => ++reads);
  expect(reads).toBe(0);
  expect(registry.snapshot()).toEqual({ sum: { in: { value: 1, unit: 'records' } } });
  expect(registry.snapshot()).toEqual({ sum: { in: { value: 2, unit: 'records' } } });
});

test('the last figure of a name counts, in its scope alone', () => {
  const registry = new MetricsRegistry();
  registry.add('a', 'in', 'records', () => 1);
  registry.add('b', 'in', 'records', () => 2);
  registry.add('a', 'in', 'bytes', () => 3);
  expect(registry.snapshot()).toEqual({
    a: { in: { value: 3, unit: 'bytes' } },
    b: { in: { value: 2, unit: 'records' } },
  });
});

test('a histogram is its median, its 99th percentile and its largest value', () => {
  const registry = new MetricsRegistry();
  const pauses = new Histogram();
  registry.addHistogram('job', 'pause', 'ms', pauses);
  for (let ms = 1; ms <= 100; ms++) pauses.record(ms);
  const job = registry.snapshot()['job'] ?? {};
  expect(Object.keys(job)).toEqual(['pauseP50', 'pauseP99', 'pauseMax']);
  expect(job['pauseMax']).toEqual({ value: 100, unit: 'ms' });
  expect(job['pauseP50']?.value).toBeGreaterThanOrEqual(50);
  expect(job['pauseP50']?.value).toBeLessThan(56);
});
