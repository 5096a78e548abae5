import { expect, test } from 'vitest';
import { compareCsvWithOracle } from '../support/csv-differential.ts';

test('500,000 random CSV records, valid and broken, mean what RFC 4180 and the rules say', async () => {
  const { rows, syntax, column } = await compareCsvWithOracle(500_000, 2_000_000);
  expect(Math.min(rows, syntax * 5, column * 5)).toBeGreaterThan(100_000);
}, 1_200_000);
