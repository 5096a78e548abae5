import { expect, test } from 'vitest';
import { EVENT_TIME_DIMENSIONS } from '../oracle/generate-event-time.ts';
import { eventTimeReport, newEventTimeTally, runEventTimeCase } from '../support/event-time-cases.ts';

/** MILLRACE_PROVE=long: the count of a release. */
const CASES = process.env['MILLRACE_PROVE'] === 'long' ? 100_000 : 5_000;
const FIRST_SEED = 200_000;
const EACH_PAIR = 20;

test('windows of every kind are the oracle’s in thousands of cases, each pair of dimensions often among them', {
  timeout: CASES * 400,
}, async () => {
  const tally = newEventTimeTally();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) await runEventTimeCase(seed, tally);
  const table = eventTimeReport(tally);
  console.log(table);
  expect(tally.coverage.missingPairs(EACH_PAIR), table).toEqual([]);
  expect(tally.withLateRows, table).toBeGreaterThanOrEqual(CASES * 0.3);
  expect(tally.withCorrections, table).toBeGreaterThanOrEqual(CASES * 0.3);
  for (const window of EVENT_TIME_DIMENSIONS.window) {
    expect(tally.continued[window], `${window} went on from checkpoints\n${table}`).toBeGreaterThan(CASES / 50);
  }
});
