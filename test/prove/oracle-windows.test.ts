import { expect, test } from 'vitest';
import { newTally, report, runCase } from '../support/oracle-windows.ts';

/** MILLRACE_PROVE=long: the count of a release. */
const CASES = process.env['MILLRACE_PROVE'] === 'long' ? 100_000 : 5_000;
const FIRST_SEED = 100_000;

test('windows, late rows and ledger are the oracle’s in thousands of cases, all pairs of dimensions among them', {
  timeout: CASES * 200,
}, async () => {
  const tally = newTally();
  for (let seed = FIRST_SEED; tally.cases < CASES; seed++) await runCase(seed, tally);
  const table = report(tally);
  console.log(table);
  expect(tally.coverage.missingPairs(), table).toEqual([]);
  expect(tally.restarts, table).toBeGreaterThan(CASES / 2);
  expect(
    [...tally.refused.keys()].every((what) => what.startsWith('hopping with gaps')),
    table,
  ).toBe(true);
});
