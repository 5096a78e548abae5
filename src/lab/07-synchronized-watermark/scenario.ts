/**
 * Row 07: payments are read ten times as fast as orders, and one of the two splits of orders falls silent.
 *
 *   payments, 400 s within 40          -----------+--> join by order: paid, or alone when nobody came
 *   orders   north  ............................ |
 *            south  ....... (silent) .......... .+
 *
 *   off: no alignment, no idleness     on: at most 30 s apart, silent for 10 s is idle
 *
 * Both streams have the same rate, so a buffer of rate times distance is what alignment can promise.
 */
import { below, seededRandom, uniform } from '../../base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  eventTime,
  from,
  type Job,
  job,
  schema,
  timestamp,
  utf8,
  value,
  type WatermarkOptions,
} from '../../index.ts';
import { play, type Played, type Sample, type Tape, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Order = schema({ at: timestamp(), order: utf8() });
const Payment = schema({ at: timestamp(), order: utf8() });
const Result = schema({ order: utf8(), what: utf8(), due: timestamp() });

export const BEGAN_MS = Date.UTC(2026, 2, 2);
export const LASTS_MS = 400_000;
const PER_SECOND = 20;
const STEP_MS = 1000 / PER_SECOND;
/** How much faster payments are read than orders. */
const FASTER = 10;
export const SILENT_FROM_MS = 60_000;
/** Orders arrive up to half a second late, payments follow their orders by up to two. */
const LATE_MS = 500;
const PAID_WITHIN_MS = 2000;
const UNPAID = 0.05;
const UNORDERED = 0.01;
/** What the strategies of both streams wait for. */
export const BOUND_MS = 1000;
/** An order waits so long for its payment. */
export const PATIENCE_MS = 5000;
export const MAX_DRIFT_MS = 30_000;
export const IDLE_AFTER_MS = 10_000;
export const SAMPLE_EVERY_MS = 1000;
const TICK_MS = 10;

/** A row of a tape: when it happened and when it can be read, ms after the beginning. */
export interface Event {
  readonly split: 'north' | 'south' | 'payments';
  readonly happenedMs: number;
  readonly arrivedMs: number;
  readonly order: string;
}

export interface Record {
  readonly events: readonly Event[];
  readonly played: Played;
}

const onTick = (ms: number): number => Math.ceil(ms / TICK_MS) * TICK_MS;

function eventsOf(seed: number): Event[] {
  const random = seededRandom(seed);
  const events: Event[] = [];
  const pay = (order: string, happenedMs: number): void => {
    events.push({ split: 'payments', happenedMs, arrivedMs: onTick(happenedMs / FASTER), order });
  };
  for (let happenedMs = 0; happenedMs <= LASTS_MS; happenedMs += STEP_MS) {
    const order = `order ${events.length}`;
    // South comes back with the last order of all.
    const isSouth = happenedMs < SILENT_FROM_MS ? below(random, 2) === 0 : happenedMs === LASTS_MS;
    const arrivedMs = onTick(happenedMs + below(random, LATE_MS));
    events.push({ split: isSouth ? 'south' : 'north', happenedMs, arrivedMs, order });
    const paidMs = happenedMs + below(random, PAID_WITHIN_MS);
    if (uniform(random) >= UNPAID) pay(order, paidMs);
    if (uniform(random) < UNORDERED) pay(`none ${events.length}`, paidMs);
  }
  return events.sort((a, b) => a.arrivedMs - b.arrivedMs || a.happenedMs - b.happenedMs);
}

function joined(settings: WatermarkOptions): Job {
  const timed = (stream: typeof Order, uid: string) =>
    from(collection(stream, []), { uid })
      .watermark('at', boundedOutOfOrderness('1 s'), { futureSkew: 'off', ...settings })
      .keyBy('order');
  const results = timed(Order, 'orders')
    .connect(timed(Payment, 'payments'))
    .process(
      {
        uid: 'join',
        state: { order: value(timestamp()), payment: value(timestamp()) },
        timers: ['alone'],
        left({ at, order }, { state, timers, emit }) {
          const paid = state.payment.get();
          if (paid === undefined) {
            state.order.set(at);
            timers.eventTime(at.plus('5 s'), 'alone');
          } else {
            state.payment.clear();
            timers.deleteEventTime(paid, 'alone');
            emit({ order, what: 'paid', due: paid });
          }
        },
        right({ at, order }, { state, timers, emit }) {
          const ordered = state.order.get();
          if (ordered === undefined) {
            state.payment.set(at);
            timers.eventTime(at, 'alone');
          } else {
            state.order.clear();
            timers.deleteEventTime(ordered.plus('5 s'), 'alone');
            emit({ order, what: 'paid', due: at });
          }
        },
        timer({ key, at, clock, state, emit }) {
          const what = state.order.get() === undefined ? 'unordered' : 'unpaid';
          state.order.clear();
          state.payment.clear();
          if (clock === 'event time') emit({ order: key.order, what, due: at });
        },
      },
      { out: Result },
    );
  return job('shop', results.to(collect(), { uid: 'results' }));
}

const tapeOf = (events: readonly Event[], isOf: (event: Event) => boolean): Tape =>
  tape(
    Order,
    events.filter(isOf).map(({ split, happenedMs, arrivedMs, order }) => ({
      at: arrivedMs,
      split,
      row: { at: eventTime(new Date(BEGAN_MS + happenedMs)), order },
    })),
  );

const SETTINGS: { readonly [pattern in Pattern]: WatermarkOptions } = {
  off: { idleAfter: 'off' },
  on: { idleAfter: '10 s', align: { group: 'shop', maxDrift: '30 s' } },
};

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const events = eventsOf(seed);
  const played = await play(joined(SETTINGS[pattern]), {
    tapes: {
      orders: tapeOf(events, ({ split }) => split !== 'payments'),
      payments: tapeOf(events, ({ split }) => split === 'payments'),
    },
    tickMs: TICK_MS,
    sampleEveryMs: SAMPLE_EVERY_MS,
  });
  return { events, played };
}

/** How far the first split is ahead of the last of those that are waited for. */
function driftOf({ watermarks }: Sample): number {
  const awaited = watermarks.splits.filter(({ isIdle, hasEnded }) => !isIdle && !hasEnded);
  const maxOf = ({ max = Number.NEGATIVE_INFINITY }: { readonly max: number | undefined }): number => max;
  return Math.max(...watermarks.splits.map(maxOf)) - Math.min(...awaited.map(maxOf));
}

const heldIn = ({ metrics }: Sample): number =>
  ['join/order', 'join/payment'].reduce((sum, state) => sum + (metrics[state]?.['stateEntries']?.value ?? 0), 0);

/** Orders whose result is missing, is there twice, or says something else than the events. */
function wrongResults({ events, played }: Record): number {
  const expected = new Map<string, string>();
  for (const { order, split } of events) {
    const here = split === 'payments' ? 'unordered' : 'unpaid';
    expected.set(order, expected.has(order) ? 'paid' : here);
  }
  let wrong = 0;
  for (const { row } of played.output['results'] ?? []) {
    const order = String(row['order']);
    if (expected.get(order) !== row['what']) wrong++;
    expected.delete(order);
  }
  return wrong + expected.size;
}

/** When all splits that were not silent had come so far that nothing up to `ms` was to follow. */
function knownAt(splits: ReadonlyMap<string, readonly Event[]>, ms: number): number {
  const moments = [...splits].map(([split, events]) => {
    const enough = events.find(({ happenedMs }) => happenedMs > ms + BOUND_MS);
    const isSilent = split === 'south' && (enough?.arrivedMs ?? Infinity) > SILENT_FROM_MS + LATE_MS;
    return isSilent ? 0 : (enough ?? events.at(-1))?.arrivedMs;
  });
  return Math.max(...moments.map((moment) => moment ?? 0));
}

/** How long results of those that stayed alone came after they were known. */
function stallsOf({ events, played }: Record): number[] {
  const splits = new Map(
    (['north', 'south', 'payments'] as const).map((name) => [name, events.filter(({ split }) => split === name)]),
  );
  const alone = (played.output['results'] ?? []).filter(({ row }) => row['what'] !== 'paid');
  return alone.map(({ at, row }) => {
    // A timestamp reads as an instant.
    const dueMs = (row['due'] as { readonly epochMs: number }).epochMs - BEGAN_MS;
    return at - knownAt(splits, dueMs);
  });
}

function measure(record: Record): Measurement {
  const { samples, output } = record.played;
  const held = samples.map(heldIn);
  const peak = Math.max(...held);
  const stalls = stallsOf(record);
  return {
    figures: {
      driftMs: Math.max(...samples.map(driftOf)),
      peakHeld: peak,
      wrongResults: wrongResults(record),
      stallMs: Math.max(...stalls),
    },
    evidence: [
      `${output['results']?.length ?? 0} results of ${record.events.length} events, ${stalls.length} of them alone`,
      `most rows held at ${samples[held.indexOf(peak)]?.at ?? 0} ms: ${peak}`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 7,
  name: 'synchronized-watermark',
  incident: 'Two inputs are apart in event time: state grows with the distance, a silent split stops all results',
  pattern: 'Synchronized Watermark',
  guide,
  figures: [
    {
      name: 'driftMs',
      unit: 'ms',
      means: 'the first split ahead of the slowest that is waited for, in any sample',
      off: { atLeast: MAX_DRIFT_MS * 10 },
      on: { atMost: MAX_DRIFT_MS },
    },
    {
      name: 'peakHeld',
      unit: 'rows',
      means: 'rows that wait in the join for their partner, in any sample',
      off: { atLeast: (PER_SECOND * MAX_DRIFT_MS * 10) / 1000 },
      on: { atMost: (PER_SECOND * MAX_DRIFT_MS) / 1000 },
    },
    {
      name: 'wrongResults',
      unit: 'orders',
      means: 'results that are missing or are not what the events say',
      off: { atMost: 0 },
      on: { atMost: 0 },
    },
    {
      name: 'stallMs',
      unit: 'ms',
      means: 'the longest that a result waited for the silent split',
      off: { atLeast: IDLE_AFTER_MS * 10 },
      on: { atMost: IDLE_AFTER_MS },
    },
  ],
  run,
  measure,
};
