/**
 * Row 15: for two minutes upstream holds every event for half a minute, while the engine is idle.
 *
 *   orders --> large ones, each at once ---------------------> `large`
 *          --> counts of ten seconds, committed every 5 s ---> `perShop`
 *
 *   off: lag is what the engine needs for a row      on: lag is what a user sees, in parts
 */
import { below, seededRandom, uniform } from '../../base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  float64,
  from,
  job,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../index.ts';
import { play, type Played, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Order = schema({ at: timestamp(), shop: utf8(), price: float64() });

/** Where the played clock begins, so that event time and the clock have one origin. */
export const BEGAN_MS = 1_000_000_000_000;
const LASTS_MS = 360_000;
const EVERY_MS = 50;
export const HELD_MS = 30_000;
/** How long upstream holds. */
export const HOLD_LASTS_MS = 120_000;
const SAMPLE_EVERY_MS = 5000;
export const PARTS = ['source', 'queue', 'operator', 'watermarkWait', 'sink'] as const;

/** An order: when it happened and when it arrived, ms after the beginning. */
export interface Event {
  readonly happenedMs: number;
  readonly arrivedMs: number;
  readonly shop: string;
  readonly price: number;
}

export interface Record {
  readonly events: readonly Event[];
  /** When upstream began to hold events. */
  readonly holdMs: number;
  readonly played: Played;
}

function eventsOf(seed: number): { readonly events: readonly Event[]; readonly holdMs: number } {
  const random = seededRandom(seed);
  const holdMs = 60_000 + below(random, 60) * 1000;
  const events = Array.from({ length: LASTS_MS / EVERY_MS }, (_, i) => {
    const happenedMs = i * EVERY_MS;
    const isHeld = happenedMs >= holdMs && happenedMs < holdMs + HOLD_LASTS_MS;
    const arrivedMs = happenedMs + (isHeld ? HELD_MS : below(random, 20) * 10);
    return { happenedMs, arrivedMs, shop: `shop ${below(random, 8)}`, price: Math.round(uniform(random) * 200) };
  });
  return { events, holdMs };
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const { events, holdMs } = eventsOf(seed);
  const orders = from(collection(Order, []), { uid: 'orders' }).watermark('at', boundedOutOfOrderness('2 s'));
  const made = job(
    'orders',
    orders.filter(({ price }) => price > 20).to(collect(), { uid: 'large' }),
    orders
      .keyBy('shop')
      .window(tumbling('10 s'))
      .aggregate({ orders: count() }, { uid: 'counts' })
      .to(collect(), { uid: 'perShop' }),
  );
  const rows = events.map(({ happenedMs, arrivedMs, shop, price }) => ({
    at: arrivedMs,
    row: { at: eventTime(new Date(BEGAN_MS + happenedMs)), shop, price },
  }));
  const played = await play(made, {
    tapes: { orders: tape(Order, rows) },
    sampleEveryMs: SAMPLE_EVERY_MS,
    sinks: { perShop: { commits: true } },
    settings: { checkpointEveryMs: 5000, lag: pattern === 'off' ? 'processing' : 'endToEnd' },
  });
  return { events, holdMs, played };
}

/** Samples of the hold in which also the windows and commits that came out last were of events that were held. */
const heldSamples = ({ holdMs, played }: Record): Played['samples'] =>
  played.samples.filter(({ at }) => at > holdMs + HELD_MS + 20_000 && at < holdMs + HOLD_LASTS_MS);

/** The largest distance between the total of a sink and the sum of its parts, of all samples. */
function partsError({ played }: Record): number {
  const errors = played.samples.flatMap(({ lag }) =>
    Object.values(lag.sinks).flatMap((sink) =>
      (['last', 'mean'] as const).map((figure) => {
        const sum = PARTS.reduce((all, part) => all + sink[part][figure], 0);
        return sum === sink.total[figure] ? 0 : Math.abs(sum - sink.total[figure]) / Math.abs(sink.total[figure]);
      }),
    ),
  );
  return Math.max(...errors);
}

function measure(record: Record): Measurement {
  const held = heldSamples(record);
  const of = (sink: string): number[] => held.map(({ lag }) => lag.sinks[sink]?.total.last ?? Number.NaN);
  const shown = Math.min(...of('large'));
  const source = Math.min(...held.map(({ lag }) => lag.sinks['large']?.source.last ?? Number.NaN));
  const last = record.played.lag.sinks['perShop'];
  const parts = PARTS.map((part) => `${part} ${Math.round(last?.[part].mean ?? 0)} ms`);
  return {
    figures: {
      shownLag: shown,
      largestShown: Math.max(...of('large')),
      sourceShare: source / shown,
      windowLag: Math.min(...of('perShop')),
      partsError: partsError(record),
    },
    evidence: [
      `upstream holds events from ${record.holdMs / 1000} s on; the last sample of that time shows ${shown} ms for 'large'`,
      `perShop, mean of all: ${Math.round(last?.total.mean ?? 0)} ms = ${parts.join(' + ')}`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 15,
  name: 'comprehensive-lag',
  incident: 'Results are half a minute old and every figure says that all is well',
  pattern: 'Comprehensive Lag',
  guide,
  figures: [
    {
      name: 'shownLag',
      unit: 'ms',
      means: 'least lag shown for single rows while upstream holds them for 30 s',
      off: { atLeast: 0, atMost: 10 },
      on: { atLeast: HELD_MS },
    },
    {
      name: 'largestShown',
      unit: 'ms',
      means: 'largest lag shown for single rows in that time',
      off: { atMost: 10 },
      on: { atMost: HELD_MS * 1.01 },
    },
    {
      name: 'sourceShare',
      unit: 'of the lag',
      means: 'what is put down to upstream',
      off: undefined,
      on: { atLeast: 0.99, atMost: 1 },
    },
    {
      name: 'windowLag',
      unit: 'ms',
      means: 'least lag shown for counts of ten seconds in that time',
      off: { atMost: 5000 },
      on: { atLeast: HELD_MS },
    },
    {
      name: 'partsError',
      unit: 'of the total',
      means: 'largest distance of the sum of all parts from the total',
      off: { atMost: 0.01 },
      on: { atMost: 0.01 },
    },
  ],
  run,
  measure,
};
