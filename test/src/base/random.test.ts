import { expect, it } from 'vitest';
import { below, seededRandom, uniform } from '../../../src/base/random.ts';

it('gives the same sequence for the same seed, and another for another', () => {
  const take = (seed: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 100 }, () => random.u32());
  };
  expect(take(7)).toEqual(take(7));
  expect(take(7)).not.toEqual(take(8));
  expect(new Set(take(0)).size).toBe(100);
});

it('keeps to unsigned 32 bits, the unit interval and the bound', () => {
  const random = seededRandom(1);
  const outside: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    const [word, unit, seventh] = [random.u32(), uniform(random), below(random, 7)];
    if (!Number.isInteger(word) || word < 0 || word >= 2 ** 32) outside.push(word);
    if (unit < 0 || unit >= 1) outside.push(unit);
    if (![0, 1, 2, 3, 4, 5, 6].includes(seventh)) outside.push(seventh);
  }
  expect(outside).toEqual([]);
});

it('reaches every value below a small bound about equally often', () => {
  const random = seededRandom(2);
  const counts = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) counts[below(random, 6)]! += 1;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
