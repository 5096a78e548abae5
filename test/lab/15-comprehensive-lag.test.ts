/**
 * The oracle follows every row by itself: when it happened, arrived and came out. Rows that are held leave as they
 * arrive, so each figure of a single row has one right value.
 */
import { describe } from 'vitest';
import type { Pattern } from '../../src/lab/index.ts';
import { type Record, scenario } from '../../src/lab/15-comprehensive-lag/scenario.ts';
import { labTest } from './lab-test.ts';

const BEGAN_MS = 1_000_000_000_000;

/** Milliseconds after the beginning. */
function happenedMs(row: { readonly [column: string]: unknown }, column: string): number {
  // A timestamp reads as an instant.
  return (row[column] as { readonly epochMs: number }).epochMs - BEGAN_MS;
}

function oracle({ events, holdMs, played }: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const arrivals = new Map(events.map((event) => [event.happenedMs, event.arrivedMs]));
  const inHold = (ms: number): boolean => ms >= holdMs + 1000 && ms < holdMs + 89_000;
  const rows = (played.output['large'] ?? []).map(({ at, row }) => ({ at, happened: happenedMs(row, 'at') }));
  const held = rows.filter(({ happened }) => inHold(happened));
  const lags = held.map(({ at, happened }) => at - (pattern === 'on' ? happened : (arrivals.get(happened) ?? 0)));
  const sources = held.map(({ happened }) => (arrivals.get(happened) ?? 0) - happened);
  const figures = { shownLag: Math.min(...lags), largestShown: Math.max(...lags), partsError: 0 };
  return pattern === 'off' ? figures : { ...figures, sourceShare: Math.min(...sources) / Math.min(...lags) };
}

describe('comprehensive lag', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
