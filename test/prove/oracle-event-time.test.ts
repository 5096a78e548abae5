import { expect, test } from 'vitest';
import { eventTimeReport, newEventTimeTally, runEventTimeCase } from '../support/event-time-cases.ts';

/** MILLRACE_PROVE=long: the count of a release. */
const CASES = process.env['MILLRACE_PROVE'] === 'long' ? 100_000 : Number(process.env['N'] ?? 5_000);
const FIRST_SEED = 200_000;

test('x', {
  timeout: CASES * 400,
}, async () => {
  const tally = newEventTimeTally();
  const failures: string[] = [];
  for (let seed = FIRST_SEED; tally.coverage.cases + failures.length < CASES; seed++) {
    try {
      await runEventTimeCase(seed, tally);
    } catch (e) {
      failures.push(String(e));
    }
  }
  const table = eventTimeReport(tally);
  console.log(table);
  console.log(failures.length + '\n' + failures.slice(0, 12).join('\n'));
});
