/**
 * Row 27: what customers spend by the day, in California and in India, in the weeks in which Californian clocks change.
 *
 *   off   days of UTC
 *   on    days of each customer's own zone: of 23, 24 and 25 hours, from midnight to midnight
 */
import { below, type Random, seededRandom } from '../../base/random.ts';
import { TimeZone } from '../../base/time-zone.ts';
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
import { play, type Played, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Order = schema({ at: timestamp(), customer: utf8(), homeZone: utf8(), cents: int32() });

export const CALIFORNIA = 'America/Los_Angeles';
export const INDIA = 'Asia/Kolkata';
const ZONES = [CALIFORNIA, INDIA] as const;
/** Clocks go forward on March 8 and back on November 1. */
export const WEEKS = { spring: Date.UTC(2026, 2, 4), autumn: Date.UTC(2026, 9, 28) } as const;
export type Season = keyof typeof WEEKS;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const DAYS = 9;
const CUSTOMERS = 6;
const TICK_MS = 1000;
/** Two orders a customer and hour. */
const EVERY_MS = HOUR_MS / 2 / CUSTOMERS;
const DISORDER_MS = 600_000;

/** An order of a tape: when it was made (ms since 1970) and when it arrived (ms after the beginning). */
export interface Order {
  readonly madeAt: number;
  readonly arrivedMs: number;
  readonly customer: string;
  readonly homeZone: string;
  readonly cents: number;
}

export interface Week {
  readonly orders: readonly Order[];
  readonly played: Played;
}

export type Record = { readonly [S in Season]: Week };

function ordersOf(random: Random, beganMs: number): Order[] {
  return Array.from({ length: (DAYS * DAY_MS) / EVERY_MS }, (_, i) => {
    const madeMs = i * EVERY_MS + below(random, EVERY_MS);
    const arrivedMs = Math.ceil((madeMs + below(random, DISORDER_MS)) / TICK_MS) * TICK_MS;
    const customer = below(random, CUSTOMERS);
    const homeZone = ZONES[customer % ZONES.length] ?? CALIFORNIA;
    return {
      madeAt: beganMs + madeMs,
      arrivedMs,
      customer: `u${customer}`,
      homeZone,
      cents: 1 + below(random, 10_000),
    };
  });
}

function perDay(pattern: Pattern): Job {
  const orders = from(collection(Order, []), { uid: 'orders' }).watermark('at', boundedOutOfOrderness('10 minutes'));
  const daysOf = (zone: string) =>
    orders
      .where((f) => f.homeZone.eq(zone))
      .keyBy('customer', 'homeZone')
      .window(pattern === 'off' ? tumbling('1 day') : tumbling('1 day', { zone }))
      .aggregate({ orders: count(), spent: sum('cents') });
  return job('spending', daysOf(CALIFORNIA).union(daysOf(INDIA)).to(collect(), { uid: 'days' }));
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const random = seededRandom(seed);
  const week = async (beganMs: number): Promise<Week> => {
    const orders = ordersOf(random, beganMs);
    const rows = orders.map(({ madeAt, arrivedMs, ...row }) => ({
      at: arrivedMs,
      row: { ...row, at: eventTime(new Date(madeAt)) },
    }));
    const played = await play(perDay(pattern), {
      tapes: { orders: tape(Order, rows) },
      tickMs: TICK_MS,
      settings: { checkpointEveryMs: DAY_MS },
    });
    return { orders, played };
  };
  return { spring: await week(WEEKS.spring), autumn: await week(WEEKS.autumn) };
}

/** A day of a customer, as it came out. */
interface Day {
  readonly customer: string;
  readonly homeZone: string;
  readonly start: number;
  readonly end: number;
  readonly spent: number;
}

function daysOf({ played }: Week): Day[] {
  // A timestamp reads as an instant.
  const ms = (instant: unknown): number => (instant as { readonly epochMs: number }).epochMs;
  return (played.output['days'] ?? []).map(({ row }) => ({
    customer: String(row['customer']),
    homeZone: String(row['homeZone']),
    start: ms(row['windowStart']),
    end: ms(row['windowEnd']),
    spent: Number(row['spent']),
  }));
}

/** The customer's own day that an instant is of. */
const dayOf = (customer: string, homeZone: string, instant: number): string =>
  `${customer} ${Math.floor(TimeZone.of(homeZone).toLocal(instant) / DAY_MS)}`;

interface Comparison {
  readonly days: number;
  readonly shifted: number;
}

/** Totals of days as they came out against those of the customers' own days; a day is known by its noon. */
function compare(week: Week): Comparison {
  const truth = new Map<string, number>();
  for (const { customer, homeZone, madeAt, cents } of week.orders) {
    const day = dayOf(customer, homeZone, madeAt);
    truth.set(day, (truth.get(day) ?? 0) + cents);
  }
  const given = new Map(
    daysOf(week).map(({ customer, homeZone, start, spent }) => [dayOf(customer, homeZone, start + DAY_MS / 2), spent]),
  );
  const shifted = [...truth].filter(([day, spent]) => given.get(day) !== spent).length;
  return { days: truth.size, shifted };
}

/** Days that do not begin where the one before ended. */
function breaksOf(days: readonly Day[]): number {
  const ends = new Map<string, number>();
  let breaks = 0;
  for (const { customer, start, end } of [...days].sort((a, b) => a.start - b.start)) {
    if ((ends.get(customer) ?? start) !== start) breaks++;
    ends.set(customer, end);
  }
  return breaks;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function measure({ spring, autumn }: Record): Measurement {
  const compared = [spring, autumn].map(compare);
  const days = { spring: daysOf(spring), autumn: daysOf(autumn) };
  const all = [...days.spring, ...days.autumn];
  const hours = (list: readonly Day[]): number[] =>
    list.filter(({ homeZone }) => homeZone === CALIFORNIA).map(({ start, end }) => (end - start) / HOUR_MS);
  const offMidnight = all.filter(({ homeZone, start }) => TimeZone.of(homeZone).toLocal(start) % DAY_MS !== 0);
  const cents = total([...spring.orders, ...autumn.orders].map((order) => order.cents));
  const spent = total(all.map((day) => day.spent));
  return {
    figures: {
      shifted: total(compared.map((each) => each.shifted)) / total(compared.map((each) => each.days)),
      offMidnight: offMidnight.length / all.length,
      springDay: Math.min(...hours(days.spring)),
      autumnDay: Math.max(...hours(days.autumn)),
      breaks: breaksOf(days.spring) + breaksOf(days.autumn),
      sumGap: cents - spent,
    },
    evidence: [
      `${spring.orders.length + autumn.orders.length} orders, ${all.length} days of customers, ${spent} of ${cents} cents`,
      ...ZONES.map((zone) => `a day in ${zone}: ${example(days.spring, zone)}`),
    ],
  };
}

/** The day of a zone on which Californian clocks go forward. */
function example(days: readonly Day[], zone: string): string {
  const day = days.filter(({ homeZone, start }) => homeZone === zone && start >= WEEKS.spring + 4 * DAY_MS)[0];
  if (day === undefined) return 'none';
  return `${new Date(day.start).toISOString()} to ${new Date(day.end).toISOString()}`;
}

export const scenario: Scenario<Record> = {
  row: 27,
  name: 'unified-time',
  incident: 'Days are not those of the people they are about, least of all when clocks change',
  pattern: 'Unified Time',
  guide,
  figures: [
    {
      name: 'shifted',
      unit: 'of the days',
      means: "totals that are not those of the customer's day",
      off: { atLeast: 0.95 },
      on: { atMost: 0 },
    },
    {
      name: 'offMidnight',
      unit: 'of the days',
      means: 'that do not begin at midnight where the customer is',
      off: { atLeast: 1 },
      on: { atMost: 0 },
    },
    {
      name: 'springDay',
      unit: 'hours',
      means: 'the shortest Californian day in spring',
      off: { atLeast: 24, atMost: 24 },
      on: { atLeast: 23, atMost: 23 },
    },
    {
      name: 'autumnDay',
      unit: 'hours',
      means: 'the longest Californian day in autumn',
      off: { atLeast: 24, atMost: 24 },
      on: { atLeast: 25, atMost: 25 },
    },
    {
      name: 'breaks',
      unit: 'days',
      means: 'that do not begin where the one before ended',
      off: { atMost: 0 },
      on: { atMost: 0 },
    },
    {
      name: 'sumGap',
      unit: 'cents',
      means: 'spent, but in no day',
      off: { atLeast: 0, atMost: 0 },
      on: { atLeast: 0, atMost: 0 },
    },
  ],
  run,
  measure,
};
