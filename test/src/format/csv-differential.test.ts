import { expect, test } from 'vitest';
import { compareCsvWithOracle } from '../../support/csv-differential.ts';

test('40,000 random records, valid and broken, mean what RFC 4180 and the rules say', async () => {
  const { rows, syntax, column } = await compareCsvWithOracle(40_000, 1);
  // Enough of each, or the cases show nothing.
  expect(rows).toBeGreaterThan(10_000);
  expect(syntax).toBeGreaterThan(2_000);
  expect(column).toBeGreaterThan(2_000);
}, 120_000);
