import { expect, it } from 'vitest';
import { formatReport, killCampaign } from '../support/kill-harness.ts';

it('commits the same bytes over two hundred kills, at least 25 in each of segments, manifests, sink commits and recoveries', async () => {
  const seed = 4_711;
  const factor = process.env['MILLRACE_PROVE'] === 'long' ? 5 : 1;
  const on = 30 * factor;
  const kills = { segment: on, manifest: on, 'sink commit': on, recovery: on, 'random time': 85 * factor };
  const report = await killCampaign({ seed, kills, rowsPerSplit: 20_000 });
  console.log(formatReport(report));
  expect(report.differences, `seed ${seed}`).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(200);
  expect(report.late).toBeGreaterThan(500);
  for (const phase of ['segment', 'manifest', 'sink commit', 'recovery'])
    expect(report.byPhase.get(phase) ?? 0, `${phase}, seed ${seed}`).toBeGreaterThanOrEqual(25);
});
