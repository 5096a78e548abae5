import { expect, test } from 'vitest';
import { eventTimeReport, newEventTimeTally, runEventTimeCase } from '../support/event-time-cases.ts';

const CASES = 150;

test('every kind of window gives what the oracle recomputes, whatever the watermarks, the disorder and the restarts', async () => {
  const tally = newEventTimeTally();
  for (let seed = 1; seed <= CASES; seed++) await runEventTimeCase(seed, tally);
  const report = eventTimeReport(tally);
  expect(tally.withLateRows, report).toBeGreaterThan(CASES * 0.3);
  expect(tally.withCorrections, report).toBeGreaterThan(CASES * 0.3);
  expect(Object.keys(tally.restarts), report).toHaveLength(8);
});
