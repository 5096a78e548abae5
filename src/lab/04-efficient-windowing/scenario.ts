/**
 * Row 4: windows that slide over a long time in small steps. A row belongs to 100 of them, and every tenth comes after
 * some of those have fired.
 *
 *   off   a function over all rows of a window      each row is kept once per window
 *   on    aggregates                                each row goes into one slice, which the windows share
 */
import { below, type Random, seededRandom } from '../../base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  hopping,
  int32,
  int64,
  type Job,
  job,
  schema,
  sum,
  timestamp,
  utf8,
} from '../../index.ts';
import { play, type Played, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Payment = schema({ at: timestamp(), account: int32(), amount: int32(), reference: utf8() });
const Total = schema({
  account: int32(),
  windowStart: timestamp(),
  windowEnd: timestamp(),
  payments: int64(),
  total: int64(),
});

export const BEGAN_MS = Date.UTC(2026, 2, 2);
export const MINUTE_MS = 60_000;
/** Of a window, in minutes; it moves by one. */
export const SIZE = 100;
/** Three windows long, so that there is something to see after the second. */
const MINUTES = 3 * SIZE;
const ACCOUNTS = 8;
/** What else a payment carries, which no total needs. */
const REFERENCE = 'Invoice of the month, see the agreement of last year; number ';
/** Arrivals fall on even moments. */
const TICK_MS = 1000;
const DISORDER_MS = 10_000;
/** Minutes by which a late payment is late at most, and those that windows wait for them. */
const LATE_MINUTES = 8;
const LATENESS_MINUTES = 10;
/** Key, rows and sum, eight bytes each. */
const ENTRY_BYTES = 24;
/** A table has a page for its directory and at least one for its entries. */
const TABLE_BYTES = 2 * 4096;
/** Beside the slices: their list, and what windows may keep to fire faster. */
const BESIDE_BYTES = 16 * 4096;
/** Slices that something may still change: those of a window, of the lateness, and one that is open at either end. */
const LIVE_SLICES = SIZE + LATENESS_MINUTES + 2;

/** A payment of a tape: when it was made and when it arrived, ms after the beginning. */
export interface Payment {
  readonly madeMs: number;
  readonly arrivedMs: number;
  readonly account: number;
  readonly amount: number;
}

export interface Record {
  readonly payments: readonly Payment[];
  readonly played: Played;
}

/** Each account pays once a minute; every tenth payment is minutes late. */
function paymentsOf(random: Random): Payment[] {
  return Array.from({ length: MINUTES * ACCOUNTS }, (_, i) => {
    const madeMs = Math.floor(i / ACCOUNTS) * MINUTE_MS + below(random, MINUTE_MS);
    const isLate = below(random, 10) === 0;
    const delayMs = isLate ? MINUTE_MS * (1 + below(random, LATE_MINUTES - 1)) : below(random, DISORDER_MS - TICK_MS);
    const arrivedMs = Math.ceil((madeMs + delayMs) / TICK_MS) * TICK_MS;
    return { madeMs, arrivedMs, account: i % ACCOUNTS, amount: 1 + below(random, 1000) };
  });
}

function totals(pattern: Pattern): Job {
  const windows = from(collection(Payment, []), { uid: 'payments' })
    .watermark('at', boundedOutOfOrderness('10 s'))
    .keyBy('account')
    .window(hopping('100 minutes', '1 minute'), { allowedLateness: '10 minutes' });
  if (pattern === 'on') {
    const sums = windows.aggregate({ payments: count(), total: sum('amount') }, { uid: 'totals' });
    return job('totals', sums.to(collect(), { uid: 'results' }));
  }
  const sums = windows.process({
    rows: (rows, { start, end }) => [
      {
        account: rows[0]?.account ?? 0,
        windowStart: eventTime(new Date(start)),
        windowEnd: eventTime(new Date(end)),
        payments: rows.length,
        total: rows.reduce((total, { amount }) => total + amount, 0),
      },
    ],
    out: Total,
    uid: 'totals',
  });
  return job('totals', sums.to(collect(), { uid: 'results' }));
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const payments = paymentsOf(seededRandom(seed));
  const events = payments.map(({ madeMs, arrivedMs, account, amount }) => ({
    at: arrivedMs,
    row: { at: eventTime(new Date(BEGAN_MS + madeMs)), account, amount, reference: `${REFERENCE}${madeMs}` },
  }));
  const played = await play(totals(pattern), {
    tapes: { payments: tape(Payment, events) },
    tickMs: TICK_MS,
    sampleEveryMs: 5 * MINUTE_MS,
    settings: { checkpointEveryMs: 30 * MINUTE_MS },
  });
  return { payments, played };
}

/** Account, first minute of the window, and what it came to. */
const answer = (account: number, minute: number, count: number, total: number): string =>
  `${account} ${minute} ${count} ${total}`;

/** What stands after all corrections: the last result of each account and window. */
function resultsOf({ output }: Played): ReadonlySet<string> {
  const last = new Map<string, string>();
  for (const { row } of output['results'] ?? []) {
    // A timestamp reads as an instant.
    const minute = ((row['windowStart'] as { readonly epochMs: number }).epochMs - BEGAN_MS) / MINUTE_MS;
    const account = Number(row['account']);
    last.set(`${account} ${minute}`, answer(account, minute, Number(row['payments']), Number(row['total'])));
  }
  return new Set(last.values());
}

/** The same from the tape, each payment added to all its windows. */
function truthOf(payments: readonly Payment[]): ReadonlySet<string> {
  const sums = new Map<string, { account: number; minute: number; count: number; total: number }>();
  for (const { madeMs, account, amount } of payments) {
    const last = Math.floor(madeMs / MINUTE_MS);
    for (let minute = last - SIZE + 1; minute <= last; minute++) {
      const place = `${account} ${minute}`;
      const held = sums.get(place) ?? { account, minute, count: 0, total: 0 };
      held.count++;
      held.total += amount;
      sums.set(place, held);
    }
  }
  return new Set([...sums.values()].map((each) => answer(each.account, each.minute, each.count, each.total)));
}

/** Of all states of the job. */
const entriesOf = (metrics: Played['metrics']): number =>
  Object.values(metrics).reduce((entries, scope) => entries + (scope['stateEntries']?.value ?? 0), 0);

function measure({ payments, played }: Record): Measurement {
  const results = resultsOf(played);
  const truth = truthOf(payments);
  const { samples, output } = played;
  const bytes = samples.map(({ at, progress }) => ({ at, bytes: progress.stateBytes }));
  const peak = (from: number, to: number): number =>
    Math.max(...bytes.filter(({ at }) => at > from * MINUTE_MS && at <= to * MINUTE_MS).map((each) => each.bytes));
  const { in: taken = 0, expanded = 0 } = played.ledger['totals'] ?? {};
  const most = peak(0, Infinity);
  const bound = LIVE_SLICES * (ACCOUNTS * ENTRY_BYTES + TABLE_BYTES) + BESIDE_BYTES;
  const again = (output['results']?.length ?? 0) - results.size;
  const settled = samples.filter(({ at }) => at > SIZE * MINUTE_MS);
  const fewest = Math.min(...settled.map(({ metrics }) => entriesOf(metrics)));
  return {
    figures: {
      places: (taken + expanded) / taken,
      state: most / bound,
      entries: fewest / ACCOUNTS,
      growth: peak(2 * SIZE, MINUTES) / peak(SIZE, 2 * SIZE),
      corrections: again,
      wrong:
        [...results].filter((each) => !truth.has(each)).length + [...truth].filter((each) => !results.has(each)).length,
    },
    evidence: [
      `${payments.length} payments of ${ACCOUNTS} accounts: ${results.size} windows, ${again} results given again`,
      `state: at most ${most} bytes, ${bound} for ${ACCOUNTS} x ${LIVE_SLICES} accumulators in tables`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 4,
  name: 'efficient-windowing',
  incident: 'State of long sliding windows grows with rows times windows',
  pattern: 'Efficient Windowing',
  guide,
  figures: [
    {
      name: 'places',
      unit: 'places in state',
      means: 'where one row goes',
      off: { atLeast: SIZE, atMost: SIZE },
      on: { atLeast: 1, atMost: 1 },
    },
    {
      name: 'state',
      unit: 'of keys x live slices x accumulators, and tables',
      means: 'most state at any time',
      off: { atLeast: 5 },
      on: { atMost: 1 },
    },
    {
      name: 'entries',
      unit: 'entries of a key',
      means: 'in state, a slice each when windows share them; the fewest after the first window',
      off: { atLeast: 2 * LIVE_SLICES },
      on: { atLeast: 100, atMost: LIVE_SLICES },
    },
    {
      name: 'growth',
      unit: 'times the state before',
      means: 'most state after two windows',
      off: undefined,
      on: { atMost: 1.05 },
    },
    {
      name: 'corrections',
      unit: 'results',
      means: 'given again for rows that were late',
      off: { atLeast: 1 },
      on: { atLeast: 1 },
    },
    {
      name: 'wrong',
      unit: 'results',
      means: 'different from a batch over the same rows',
      off: { atMost: 0 },
      on: { atMost: 0 },
    },
  ],
  run,
  measure,
};
