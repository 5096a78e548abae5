import { expect, test } from 'vitest';
import departures from '../../../node/demo/departures.ts';
import { explainPlan, planOf } from '../../../src/platform.ts';

test('the main job counts departures per airport and hour, and keeps flights that are later than an hour apart', () => {
  const lines = explainPlan(planOf(departures, 'unnamed')).split('\n').map((line) => line.trim());
  expect(lines[0]).toBe("job 'departures'");
  expect(lines).toContainEqual(expect.stringContaining('scheduled out of order by at most 1 hour'));
  expect(lines).toContainEqual(expect.stringMatching(/^windowAggregate.* by origin, tumbling 1 hour: departures = count\(\); worst = max\(delayMinutes\); mean = avg\(delayMinutes\)$/));
  expect(lines.filter((line) => line.startsWith('sink'))).toEqual([expect.stringContaining("'out/departures'"), expect.stringContaining("'out/late'")]);
});
