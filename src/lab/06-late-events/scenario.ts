/**
 * Row 6: conversions that arrive up to hours after they happened, added up by the hour.
 *
 *   conversions -> parsed (dead letters) -> without tests (filtered) -> totals per campaign and hour -> late
 *
 *   off   a window fires once; what comes later is nobody's
 *   on    a window waits for late rows and corrects its total; what comes later still is an output
 */
import { below, type Random, seededRandom, uniform } from '../../base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  int32,
  type Job,
  job,
  schema,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../index.ts';
import { play, type Played, type PlayOptions, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Raw = schema({ at: timestamp(), campaign: utf8(), cents: utf8() });
const Conversion = schema({ at: timestamp(), campaign: utf8(), cents: int32() });

export const BEGAN_MS = Date.UTC(2026, 2, 2);
export const HOUR_MS = 3_600_000;
const HOURS = 8;
const CAMPAIGNS = 4;
const EVERY_MS = 1000;
const TICK_MS = 10;
/** 99th percentile of the delays, and the z of it in a normal distribution. */
const P99_MS = 1_800_000;
const Z99 = 2.3263;
/** Conversions of this campaign are no conversions. */
export const TEST = 'test';

/** A conversion of a tape: when it happened and when it arrived, ms after the beginning. */
export interface Event {
  readonly happenedMs: number;
  readonly arrivedMs: number;
  readonly campaign: string;
  /** Undefined: what was sent is no number. */
  readonly cents: number | undefined;
}

export interface Record {
  readonly events: readonly Event[];
  readonly played: Played;
}

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));

function eventsOf(random: Random): Event[] {
  return Array.from({ length: (HOURS * HOUR_MS) / EVERY_MS }, (_, i) => {
    const happenedMs = i * EVERY_MS;
    const delayMs = P99_MS * Math.exp(normal(random) - Z99);
    const arrivedMs = Math.ceil((happenedMs + delayMs) / TICK_MS) * TICK_MS;
    const campaign = below(random, 100) === 0 ? TEST : `c${below(random, CAMPAIGNS)}`;
    const cents = below(random, 500) === 0 ? undefined : 1 + below(random, 10_000);
    return { happenedMs, arrivedMs, campaign, cents };
  });
}

function parse(text: string): number {
  const cents = Number(text);
  if (!Number.isSafeInteger(cents)) throw new Error(`'${text}' is not an amount`);
  return cents;
}

function perHour(pattern: Pattern): Job {
  const conversions = from(collection(Raw, []), { uid: 'conversions' })
    .watermark('at', boundedOutOfOrderness('1 minute'), { futureSkew: 'off' })
    .map(({ at, campaign, cents }) => ({ at, campaign, cents: parse(cents) }), {
      out: Conversion,
      onError: 'dead letter',
      uid: 'parsed',
    })
    .where((f) => f.campaign.ne(TEST))
    .keyBy('campaign');
  const results = { uid: 'totals' };
  if (pattern === 'off') {
    const totals = conversions
      .window(tumbling('1 hour'))
      .aggregate({ conversions: count(), cents: sum('cents') }, { uid: 'per-hour' });
    return job('conversions', totals.to(collect(), results));
  }
  const totals = conversions
    .window(tumbling('1 hour'), { allowedLateness: '30 minutes', results: 'retracting' })
    .aggregate({ conversions: count(), cents: sum('cents') }, { uid: 'per-hour' });
  return job(
    'conversions',
    totals.to(collect({ changelog: true }), results),
    totals.late.to(collect(), { uid: 'late' }),
  );
}

/** Plays the events, with restarts at moments of one's own. */
export function playEvents(
  pattern: Pattern,
  events: readonly Event[],
  options: Pick<PlayOptions, 'restartsAtMs'> = {},
): Promise<Played> {
  const rows = events.map(({ happenedMs, arrivedMs, campaign, cents }) => ({
    at: arrivedMs,
    row: { at: eventTime(new Date(BEGAN_MS + happenedMs)), campaign, cents: cents === undefined ? '?' : `${cents}` },
  }));
  return play(perHour(pattern), {
    tapes: { conversions: tape(Raw, rows) },
    tickMs: TICK_MS,
    settings: { checkpointEveryMs: HOUR_MS },
    ...options,
  });
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const events = eventsOf(seededRandom(seed));
  return { events, played: await playEvents(pattern, events) };
}

/** Conversions and cents, to add up. */
interface Total {
  conversions: number;
  cents: number;
}

type Totals = Map<string, Total>;

const placeOf = (campaign: string, ms: number): string => `${campaign} ${Math.floor(ms / HOUR_MS)}`;

function add(totals: Totals, place: string, { conversions, cents }: Total): void {
  const held = totals.get(place) ?? { conversions: 0, cents: 0 };
  totals.set(place, { conversions: held.conversions + conversions, cents: held.cents + cents });
}

const ms = (instant: unknown): number =>
  // A timestamp reads as an instant.
  (instant as { readonly epochMs: number }).epochMs - BEGAN_MS;

interface Standing {
  readonly totals: Totals;
  /** Totals that took an earlier one's place. */
  readonly corrections: number;
  /** Changes that took back what did not stand there, or put something where something stood. */
  readonly brokenChanges: number;
}

/** What stands after all changes. */
function standingOf({ output }: Played): Standing {
  const totals: Totals = new Map();
  let corrections = 0;
  let brokenChanges = 0;
  for (const { op, row } of output['totals'] ?? []) {
    const place = placeOf(String(row['campaign']), ms(row['windowStart']));
    const total = { conversions: Number(row['conversions']), cents: Number(row['cents']) };
    const before = totals.get(place);
    if (op === '-U' || op === '-D') {
      if (before?.conversions !== total.conversions || before.cents !== total.cents) brokenChanges++;
      totals.delete(place);
      continue;
    }
    if (before !== undefined) brokenChanges++;
    if (op === '+U') corrections++;
    totals.set(place, total);
  }
  return { totals, corrections, brokenChanges };
}

/** The changelog's totals, with the rows of the late stream added to the hours that they are of. */
function withLate(totals: Totals, { output }: Played): Totals {
  const all: Totals = new Map(totals);
  for (const { row } of output['late'] ?? []) {
    add(all, placeOf(String(row['campaign']), ms(row['at'])), { conversions: 1, cents: Number(row['cents']) });
  }
  return all;
}

function truthOf(events: readonly Event[]): Totals {
  const totals: Totals = new Map();
  for (const { happenedMs, campaign, cents } of events) {
    if (campaign === TEST || cents === undefined) continue;
    add(totals, placeOf(campaign, happenedMs), { conversions: 1, cents });
  }
  return totals;
}

const conversionsIn = (totals: Totals): number => [...totals.values()].reduce((n, each) => n + each.conversions, 0);

/** Where the ledger says that every record went. */
function ledgerOf({ ledger }: Played): { readonly [term in 'in' | 'applied' | 'late' | 'filtered' | 'dead']: number } {
  const all = Object.values(ledger);
  return {
    in: ledger['conversions']?.out ?? 0,
    applied: (ledger['per-hour']?.released ?? 0) + (ledger['per-hour']?.held ?? 0),
    late: all.reduce((n, { late }) => n + late, 0),
    filtered: all.reduce((n, { filtered }) => n + filtered, 0),
    dead: all.reduce((n, { deadLetters }) => n + deadLetters, 0),
  };
}

function measure({ events, played }: Record): Measurement {
  const { totals, corrections, brokenChanges } = standingOf(played);
  const accounted = withLate(totals, played);
  const truth = truthOf(events);
  const ledger = ledgerOf(played);
  const wrong = [...truth].filter(([place, { conversions, cents }]) => {
    const got = accounted.get(place);
    return got?.conversions !== conversions || got.cents !== cents;
  });
  const late = played.output['late']?.length ?? 0;
  return {
    figures: {
      missing: conversionsIn(truth) - conversionsIn(accounted),
      wrongTotals: wrong.length,
      corrections,
      brokenChanges,
      ledgerGap: ledger.in - ledger.applied - ledger.late - ledger.filtered - ledger.dead,
      outputGap: Math.abs(ledger.applied - conversionsIn(totals)) + Math.abs(ledger.late - late),
    },
    evidence: [
      `${events.length} events: ${conversionsIn(totals)} in totals, ${late} in the late stream`,
      `ledger: in ${ledger.in} = applied ${ledger.applied} + late ${ledger.late} + filtered ${ledger.filtered}`
        + ` + dead letters ${ledger.dead}`,
      `${wrong.length} of ${truth.size} totals are wrong, ${corrections} corrections`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 6,
  name: 'late-events',
  incident: 'Events that arrive late are missing in results, and nothing says so',
  pattern: 'Adaptive Watermark',
  guide,
  figures: [
    {
      name: 'missing',
      unit: 'conversions',
      means: 'neither in a total nor in an output of late ones',
      off: { atLeast: 500 },
      on: { atMost: 0, atLeast: 0 },
    },
    {
      name: 'wrongTotals',
      unit: 'totals',
      means: 'that differ from what happened, late output added',
      off: { atLeast: 20 },
      on: { atMost: 0 },
    },
    {
      name: 'corrections',
      unit: 'totals',
      means: 'that took the place of an earlier one',
      off: { atMost: 0 },
      on: { atLeast: 500 },
    },
    {
      name: 'brokenChanges',
      unit: 'changes',
      means: 'that take back what did not stand',
      off: undefined,
      on: { atMost: 0 },
    },
    {
      name: 'ledgerGap',
      unit: 'records',
      means: 'in, less applied, late, filtered and dead letters',
      off: undefined,
      on: { atLeast: 0, atMost: 0 },
    },
    {
      name: 'outputGap',
      unit: 'records',
      means: 'by which the ledger and the outputs differ',
      off: { atLeast: 500 },
      on: { atMost: 0 },
    },
  ],
  run,
  measure,
};
