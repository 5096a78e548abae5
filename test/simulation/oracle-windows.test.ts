import { expect, test } from 'vitest';
import { newTally, report, runCase } from '../support/oracle-windows.ts';

const CASES = 300;

test('windows, late rows and ledger are the oracle’s, however a job is batched, checkpointed and restarted', async () => {
  const tally = newTally();
  for (let seed = 1; seed <= CASES; seed++) await runCase(seed, tally);
  const table = report(tally);
  console.log(table);
  expect(tally.cases, table).toBeGreaterThan(CASES * 0.7);
  expect(tally.restarts, table).toBeGreaterThan(CASES * 0.4);
  expect(tally.checkpoints, table).toBeGreaterThan(CASES * 2);
  expect(tally.lateRows, table).toBeGreaterThan(CASES);
  expect(
    [...tally.refused.keys()].every((what) => what.startsWith('hopping with gaps')),
    table,
  ).toBe(true);
});
