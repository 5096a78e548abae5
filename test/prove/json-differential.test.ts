import { test } from 'vitest';
import { compareWithOracle } from '../support/json-differential.ts';

test('1,200,000 random lines, valid and broken, mean what JSON.parse and the rules say', async () => {
  await compareWithOracle(1_200_000, 1_000_000);
}, 1_200_000);
