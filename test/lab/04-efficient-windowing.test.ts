/**
 * The oracle asks for each window which payments lie in it, and for each payment in the order of arrival which windows
 * had fired before it; of the record it reads payments and results.
 */
import { describe } from 'vitest';
import {
  BEGAN_MS,
  MINUTE_MS,
  type Payment,
  type Record,
  scenario,
  SIZE,
} from '../../src/lab/04-efficient-windowing/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const DISORDER_MS = 10_000;
const LATENESS_MS = 10 * MINUTE_MS;

interface Arrived extends Payment {
  /** The watermark before it. */
  readonly watermark: number;
}

function arrivals(payments: readonly Payment[]): Arrived[] {
  let max = Number.NEGATIVE_INFINITY;
  return [...payments]
    .sort((a, b) => a.arrivedMs - b.arrivedMs)
    .map((payment) => {
      const watermark = max - DISORDER_MS - 1;
      max = Math.max(max, payment.madeMs);
      return { ...payment, watermark };
    });
}

interface Windows {
  /** 'account minute count total', of all that are not empty. */
  readonly lines: ReadonlySet<string>;
  /** Results beyond the first of a window. */
  readonly again: number;
}

function windowsOf(payments: readonly Payment[]): Windows {
  const lines = new Set<string>();
  let again = 0;
  const all = arrivals(payments);
  const last = Math.max(...payments.map(({ madeMs }) => Math.floor(madeMs / MINUTE_MS)));
  for (const account of new Set(payments.map((payment) => payment.account))) {
    const own = all.filter((payment) => payment.account === account);
    for (let minute = 1 - SIZE; minute <= last; minute++) {
      const end = (minute + SIZE) * MINUTE_MS;
      const inside = own.filter(({ madeMs }) => madeMs >= minute * MINUTE_MS && madeMs < end);
      if (inside.length === 0) continue;
      lines.add(`${account} ${minute} ${inside.length} ${inside.reduce((sum, { amount }) => sum + amount, 0)}`);
      const fired = inside.filter(({ watermark }) => end - 1 <= watermark);
      if (fired.some(({ watermark }) => end - 1 + LATENESS_MS <= watermark)) throw new Error('later than the lateness');
      again += fired.length - (fired.length === inside.length ? 1 : 0);
    }
  }
  return { lines, again };
}

function oracle({ payments, played }: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const { lines, again } = windowsOf(payments);
  const standing = new Map<string, string>();
  for (const { row } of played.output['results'] ?? []) {
    // A timestamp reads as an instant.
    const { epochMs } = row['windowStart'] as { readonly epochMs: number };
    const place = `${row['account']} ${(epochMs - BEGAN_MS) / MINUTE_MS}`;
    standing.set(place, `${place} ${row['payments']} ${row['total']}`);
  }
  const given = new Set(standing.values());
  const wrong =
    [...given].filter((line) => !lines.has(line)).length
    + lines.size
    - new Set([...given].filter((line) => lines.has(line))).size;
  const perMinute = new Set(payments.map(({ account, madeMs }) => `${account} ${Math.floor(madeMs / MINUTE_MS)}`));
  if (perMinute.size !== payments.length) throw new Error('an account pays once in each minute');
  // Off: each payment is in as many windows as begin within the window's length before it.
  return pattern === 'on' ? { wrong, corrections: again, places: 1 } : { wrong, corrections: again, places: SIZE };
}

describe('efficient windowing', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
