/**
 * The oracle goes through the conversions in the order of their arrival with the definition of late in its hand, and
 * recomputes what must have been corrected and what must be in the late output, row by row.
 */
import { describe, expect, it } from 'vitest';
import {
  BEGAN_MS,
  type Event,
  HOUR_MS,
  playEvents,
  type Record,
  scenario,
  TEST,
} from '../../src/lab/06-late-events/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const DELAY_MS = 60_000;
const LATENESS_MS = HOUR_MS / 2;

interface Judged {
  /** Came after their hour had fired. */
  readonly behind: readonly Event[];
  /** Those of them that came when nothing waited for them any more. */
  readonly late: readonly Event[];
  readonly valid: readonly Event[];
  readonly tests: number;
  readonly broken: number;
}

function judge(events: readonly Event[], latenessMs: number): Judged {
  let max = Number.NEGATIVE_INFINITY;
  const behind: Event[] = [];
  const late: Event[] = [];
  const valid: Event[] = [];
  let tests = 0;
  let broken = 0;
  for (const event of [...events].sort((a, b) => a.arrivedMs - b.arrivedMs)) {
    const watermark = max - DELAY_MS - 1;
    max = Math.max(max, event.happenedMs);
    const last = (Math.floor(event.happenedMs / HOUR_MS) + 1) * HOUR_MS - 1;
    if (event.cents === undefined) broken++;
    else if (event.campaign === TEST) tests++;
    else {
      valid.push(event);
      if (last <= watermark) behind.push(event);
      if (last + latenessMs <= watermark) late.push(event);
    }
  }
  return { behind, late, valid, tests, broken };
}

const hourOf = ({ campaign, happenedMs }: Event): string => `${campaign} ${Math.floor(happenedMs / HOUR_MS)}`;

function oracle({ events }: Record, pattern: Pattern): { readonly [figure: string]: number } {
  if (pattern === 'off') {
    const { late } = judge(events, 0);
    return { missing: late.length, wrongTotals: new Set(late.map(hourOf)).size, outputGap: late.length, ledgerGap: 0 };
  }
  const { behind, late } = judge(events, LATENESS_MS);
  return { missing: 0, corrections: behind.length - late.length };
}

describe('late events', () => {
  labTest(scenario, { seeds: [1, 2, 3], oracle });

  it('hands out exactly the rows that came later than the lateness, and puts every other record into its term', async () => {
    const { events, played } = await scenario.run('on', 4);
    const { late, valid, tests, broken } = judge(events, LATENESS_MS);
    const line = (ms: number, campaign: unknown, cents: unknown): string => `${ms} ${campaign} ${cents}`;
    const expected = late.map(({ happenedMs, campaign, cents }) => line(happenedMs, campaign, cents));
    const given = (played.output['late'] ?? []).map(({ row }) => {
      // A timestamp reads as an instant.
      const { epochMs } = row['at'] as { readonly epochMs: number };
      return line(epochMs - BEGAN_MS, row['campaign'], row['cents']);
    });
    expect(late.length).toBeGreaterThan(0);
    expect(given).toEqual(expected);
    expect(played.ledger['per-hour']).toMatchObject({
      in: valid.length,
      late: late.length,
      released: valid.length - late.length,
      held: 0,
    });
    expect(played.ledger['parsed']).toMatchObject({ in: events.length, deadLetters: broken });
    const filtered = Object.values(played.ledger).reduce((n, each) => n + each.filtered, 0);
    expect(filtered).toBe(tests);
    expect(late.length + (valid.length - late.length) + tests + broken).toBe(events.length);
  });

  it('keeps its books over restarts', async () => {
    const { events, played } = await scenario.run('on', 5);
    const restarted = await playEvents('on', events, { restartsAtMs: [2.1 * HOUR_MS, 2.4 * HOUR_MS, 6.3 * HOUR_MS] });
    expect(restarted.failure).toBeUndefined();
    expect(restarted.ledger).toEqual(played.ledger);
    expect(restarted.output['late']?.length).toBeGreaterThanOrEqual(played.output['late']?.length ?? Infinity);
  });
});
