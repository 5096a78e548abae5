/**
 * The oracle knows when state was full from the rows that came out: the death of the job is the first second whose
 * checkouts are not all out. It looks at alerts only for when they were raised and what they foretold.
 */
import { describe } from 'vitest';
import { type Record, scenario } from '../../src/lab/14-state-observability/scenario.ts';
import { labTest } from './lab-test.ts';

const MINUTE_MS = 60_000;

function oracle({ events, played }: Record): { readonly [figure: string]: number } {
  const open = events.filter(({ isOpen }) => isOpen);
  const out = new Set((played.output['open'] ?? []).map(({ row }) => String(row['session'])));
  const lost = open.find(({ session }) => !out.has(session));
  const windowed = new Set(events.map(({ atMs }) => atMs));
  const [first] = played.alerts;
  // The budget may be reached by a window's row as well: the second of the death is one in which rows arrived.
  const died = windowed.has(played.endedAt) && (lost?.atMs ?? 0) >= played.endedAt ? played.endedAt : Number.NaN;
  if (first === undefined) return { diedAt: died / MINUTE_MS, warned: 0, named: 0 };
  const left = died - first.raisedAt;
  const heaviest = open
    .filter(({ atMs }) => atMs <= first.raisedAt)
    .map(({ session }) => ({ session, units: (session.length + 7) >> 3 }))
    .sort((a, b) => (a.units === b.units ? (a.session < b.session ? -1 : 1) : b.units - a.units));
  const isRight = first.alert.topKeys.every(({ key }, i) => key === heaviest[i]?.session);
  return {
    diedAt: died / MINUTE_MS,
    warned: left / MINUTE_MS,
    forecastError: Math.abs(first.alert.fullInMs / left - 1),
    named: first.alert.state === 'checkouts' && first.alert.topKeys.length === 5 && isRight ? 1 : 0,
  };
}

describe('state observability', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
