import { expect, it } from 'vitest';
import { formatReport, killCampaign } from '../support/kill-harness.ts';

// Twenty processes: the limit only ends what hangs, also on a machine that is busy.
it('commits the same bytes when its process is killed in segments, manifests, sink commits and recoveries', async () => {
  const seed = 20_010_103;
  const kills = { segment: 3, manifest: 3, 'sink commit': 3, recovery: 3, 'random time': 2 };
  const report = await killCampaign({ seed, kills, rowsPerSplit: 8_000 });
  console.log(formatReport(report));
  expect(report.differences, `seed ${seed}`).toEqual([]);
  expect(report.late).toBeGreaterThan(100);
  expect(report.deadLetters).toBeGreaterThan(10);
  for (const phase of ['segment', 'manifest', 'sink commit', 'recovery'])
    expect(report.byPhase.get(phase) ?? 0, `${phase}, seed ${seed}`).toBeGreaterThanOrEqual(3);
}, 240_000);
