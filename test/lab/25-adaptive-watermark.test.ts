/**
 * The oracle goes through the events in the order of their arrival with the definition of late in its hand; of the
 * record it reads events, results and late rows.
 */
import { describe } from 'vitest';
import { type Event, type Record, scenario } from '../../src/lab/25-adaptive-watermark/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const WINDOW_MS = 1000;

/** What a fixed delay makes late: rows whose second ended at or before the largest timestamp before them, minus the delay. */
function lateByFixedDelay(events: readonly Event[], delayMs: number): Event[] {
  let max = Number.NEGATIVE_INFINITY;
  const late: Event[] = [];
  for (const event of [...events].sort((a, b) => a.arrivedMs - b.arrivedMs)) {
    const end = (Math.floor(event.happenedMs / WINDOW_MS) + 1) * WINDOW_MS;
    if (end - 1 <= max - delayMs - 1) late.push(event);
    max = Math.max(max, event.happenedMs);
  }
  return late;
}

function oracle({ burst, future }: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const honest = future.events.filter(({ sensor }) => sensor !== 'ahead');
  const wrong = future.events.find(({ sensor }) => sensor === 'ahead');
  const following = honest.filter(({ arrivedMs }) => arrivedMs > (wrong?.arrivedMs ?? 0));
  // On: every honest event is in a result, so none was late.
  const counted = (future.played.output['counts'] ?? []).reduce((n, { row }) => n + Number(row['readings']), 0);
  if (pattern === 'on') return { lateAfterFuture: (honest.length - counted) / following.length };
  const late = lateByFixedDelay(burst.events, 5000).map(({ arrivedMs }) => arrivedMs);
  const slow = (ms: number): boolean => ms >= 660_000 && ms < 1_200_000;
  const lateInFuture = lateByFixedDelay(future.events, 5000).filter(({ arrivedMs }) => arrivedMs > 300_000);
  return {
    lateRate: late.filter(slow).length / burst.events.filter(({ arrivedMs }) => slow(arrivedMs)).length,
    lateAfterFuture: lateInFuture.length / following.length,
  };
}

describe('adaptive watermarks', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
