/** The job of the bench of hopping windows, smaller: its own oracle, and what firing and state may take. */
import { expect, test } from 'vitest';
import { runHopping } from '../../benches/support/hopping-run.ts';

const DAY_MINUTES = 1440;

test('a day that moves by the minute gives every result once and right, and keeps one entry per key and live slice', async () => {
  const keys = 200;
  const day = await runHopping({ keys, windowMinutes: DAY_MINUTES, everyMinutes: 12, minutes: 100, ends: true });
  expect(day.results).toBeGreaterThan(keys * DAY_MINUTES);
  expect(day.liveEntries).toBe((keys * DAY_MINUTES) / 12);
  // A narrow entry: key 8, rows 4, sum 8.
  expect(day.entriesBytes).toBe(day.liveEntries * 20);
});

test('a result is one merge, and a slice of a key three in its life, whatever the number of slices in a window', async () => {
  for (const windowMinutes of [100, 400, DAY_MINUTES]) {
    const every = await runHopping({ keys: 40, windowMinutes, everyMinutes: 1, minutes: windowMinutes, ends: false });
    expect(every.merges / every.firedRows, `${windowMinutes} slices`).toBeLessThan(4);
    expect(every.liveEntries).toBe(40 * windowMinutes);
  }
});
