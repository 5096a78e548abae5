import { expect, test } from 'vitest';
import { compareWithOracle } from '../../support/json-differential.ts';

test('50,000 random lines, valid and broken, mean what JSON.parse and the rules say', async () => {
  await compareWithOracle(50_000, 1);
  expect.assertions(200);
});
