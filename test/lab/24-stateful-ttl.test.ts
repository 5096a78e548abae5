/**
 * The oracle remembers visits in a Map, with the definition of the time to live in its hand: gone when the watermark
 * before a row has passed the last visit by so much. Nothing is ever removed from it.
 */
import { describe } from 'vitest';
import { type Event, type Record, scenario } from '../../src/lab/24-stateful-ttl/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const TTL_MS = 60_000;
const BOUND_MS = 1000;
const RATE_TIMES_TTL = 6000;

type Clock = (event: Event, largestMs: number) => number;

/** What each visit is answered, and how many visits are remembered at each moment. */
function answers(events: readonly Event[], clock: Clock, moments: readonly number[]) {
  const seen = new Map<string, number>();
  const said: string[] = [];
  const entries: number[] = [];
  let largestMs = Number.NEGATIVE_INFINITY;
  let nowMs = Number.NEGATIVE_INFINITY;
  const alive = (writtenMs: number | undefined): boolean => writtenMs !== undefined && writtenMs + TTL_MS > nowMs;
  let moment = 0;
  const count = (untilMs: number): void => {
    for (; (moments[moment] ?? Infinity) < untilMs; moment++) {
      nowMs = largestMs - BOUND_MS - 1;
      entries.push([...seen.values()].filter(alive).length);
    }
  };
  for (const event of events) {
    count(event.arrivedMs);
    nowMs = clock(event, largestMs);
    said.push(alive(seen.get(event.visitor)) ? 'again' : 'first');
    largestMs = Math.max(largestMs, event.happenedMs);
    seen.set(event.visitor, Math.max(nowMs, seen.get(event.visitor) ?? 0, event.happenedMs));
  }
  count(Infinity);
  return { said, entries };
}

const byWatermark: Clock = (_, largestMs) => largestMs - BOUND_MS - 1;

function oracle({ events, played, fast }: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const moments = played.samples.map(({ at }) => at);
  if (pattern === 'off') {
    const known = moments.map((ms) => new Set(events.filter((e) => e.arrivedMs <= ms).map((e) => e.visitor)).size);
    return { peakEntries: Math.max(...known) / RATE_TIMES_TTL };
  }
  const { said, entries } = answers(events, byWatermark, moments);
  const given = (fast.output['answers'] ?? []).map(({ row }) => row['answer']);
  const wrong = said.filter((answer, i) => answer !== given[i]).length;
  return { peakEntries: Math.max(...entries) / RATE_TIMES_TTL, differing: wrong / events.length };
}

describe('state with a time to live', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
