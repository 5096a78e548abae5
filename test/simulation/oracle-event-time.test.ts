import { expect, test } from 'vitest';
import { EVENT_TIME_DIMENSIONS } from '../oracle/generate-event-time.ts';
import { eventTimeReport, newEventTimeTally, runEventTimeCase } from '../support/event-time-cases.ts';

const CASES = 150;

test('every kind of window gives what the oracle recomputes, whatever its watermarks, its rows and its restarts', async () => {
  const tally = newEventTimeTally();
  for (let seed = 1; seed <= CASES; seed++) await runEventTimeCase(seed, tally);
  const report = eventTimeReport(tally);
  expect(tally.withLateRows, report).toBeGreaterThan(CASES * 0.3);
  expect(tally.withCorrections, report).toBeGreaterThan(CASES * 0.25);
  expect(Object.values(tally.continued).length, report).toBe(EVENT_TIME_DIMENSIONS.window.length);
});
