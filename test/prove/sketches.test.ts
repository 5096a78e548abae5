import { test } from 'vitest';
import { checkSketches } from '../support/sketch-check.ts';

test('sketches keep their stated errors, and merging cannot be seen in them, on 1,000 seeds', async () => {
  for (let seed = 1; seed <= 1000; seed++) await checkSketches(seed);
});
