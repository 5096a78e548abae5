/**
 * The oracle knows the two zones from the law: California is eight hours behind UTC, seven from March 8 at 10:00 UTC until
 * November 1 at 09:00 UTC; India is five and a half hours ahead all year.
 */
import { describe, expect, it } from 'vitest';
import {
  CALIFORNIA,
  DAY_MS,
  HOUR_MS,
  INDIA,
  type Record,
  scenario,
  type Week,
} from '../../src/lab/27-unified-time/scenario.ts';
import { labTest } from './lab-test.ts';

function offsetMs(zone: string, instant: number): number {
  if (zone === INDIA) return 5.5 * HOUR_MS;
  const isSummer = instant >= Date.parse('2026-03-08T10:00Z') && instant < Date.parse('2026-11-01T09:00Z');
  return (isSummer ? -7 : -8) * HOUR_MS;
}

const localDay = (zone: string, instant: number): number => Math.floor((instant + offsetMs(zone, instant)) / DAY_MS);

const epochMs = (instant: unknown): number =>
  // A timestamp reads as an instant.
  (instant as { readonly epochMs: number }).epochMs;

function judge({ orders, played }: Week): { readonly days: number; readonly shifted: number; readonly gap: number } {
  const results = played.output['days'] ?? [];
  const days = new Set(orders.map(({ customer, homeZone, madeAt }) => `${customer} ${localDay(homeZone, madeAt)}`));
  let shifted = 0;
  for (const day of days) {
    const spent = orders
      .filter(({ customer, homeZone, madeAt }) => `${customer} ${localDay(homeZone, madeAt)}` === day)
      .reduce((sum, { cents }) => sum + cents, 0);
    const given = results.find(({ row }) => {
      const noon = epochMs(row['windowStart']) + DAY_MS / 2;
      return `${row['customer']} ${localDay(String(row['homeZone']), noon)}` === day;
    });
    if (given === undefined || Number(given.row['spent']) !== spent) shifted++;
  }
  const gap =
    orders.reduce((sum, { cents }) => sum + cents, 0) - results.reduce((sum, { row }) => sum + Number(row['spent']), 0);
  return { days: days.size, shifted, gap };
}

function oracle({ spring, autumn }: Record): { readonly [figure: string]: number } {
  const [a, b] = [judge(spring), judge(autumn)];
  return { shifted: (a.shifted + b.shifted) / (a.days + b.days), sumGap: a.gap + b.gap };
}

const boundsOf = ({ played }: Week, zone: string): string[] => [
  ...new Set(
    (played.output['days'] ?? [])
      .filter(({ row }) => row['homeZone'] === zone)
      .map(({ row }) => `${String(row['windowStart'])} ${String(row['windowEnd'])}`),
  ),
];

describe('unified time', () => {
  labTest(scenario, { seeds: [1, 2, 3], oracle });

  it("cuts days at each zone's own midnights, also where its clocks change", async () => {
    const { spring, autumn } = await scenario.run('on', 4);
    expect(boundsOf(spring, CALIFORNIA)).toContain('2026-03-07T08:00:00.000Z 2026-03-08T08:00:00.000Z');
    expect(boundsOf(spring, CALIFORNIA)).toContain('2026-03-08T08:00:00.000Z 2026-03-09T07:00:00.000Z');
    expect(boundsOf(spring, CALIFORNIA)).toContain('2026-03-09T07:00:00.000Z 2026-03-10T07:00:00.000Z');
    expect(boundsOf(autumn, CALIFORNIA)).toContain('2026-11-01T07:00:00.000Z 2026-11-02T08:00:00.000Z');
    expect(boundsOf(autumn, INDIA)).toContain('2026-10-31T18:30:00.000Z 2026-11-01T18:30:00.000Z');
  });
});
