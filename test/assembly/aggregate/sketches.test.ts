import { test } from 'vitest';
import { checkSketches } from '../../support/sketch-check.ts';

test('sketches keep their stated errors, and merging cannot be seen in them, on 25 seeds', async () => {
  for (let seed = 1; seed <= 25; seed++) await checkSketches(seed);
});
