/**
 * Row 25: how late events are grows by ten for ten minutes, and one event is dated a day ahead.
 *
 *   burst:   delays of p99 2 s, then 20 s, then 2 s, ten minutes each     fixed 5 s       | adaptive
 *   future:  steady delays, one event at 5 minutes dated a day ahead      no guard        | futureSkew
 */
import { below, type Random, seededRandom, uniform } from '../../base/random.ts';
import {
  adaptive,
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  type Job,
  job,
  schema,
  type Strategy,
  timestamp,
  tumbling,
  utf8,
} from '../../index.ts';
import { play, type Played, tape, type TapeEvent } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Reading = schema({ at: timestamp(), sensor: utf8() });

export const BEGAN_MS = Date.UTC(2026, 2, 2);
export const PHASE_MS = 600_000;
/** 99th percentile of the delays of each phase. */
export const P99_MS = [2000, 20_000, 2000] as const;
/** After a step the delay has to be learnt: for twice the new 99.5th percentile, rows are counted apart. */
export const RECOVERY_MS = [120_000, 60_000, 60_000] as const;
const PER_SECOND = 50;
const SENSORS = 20;
/** Arrivals fall on even moments, so that a row is seen exactly when it arrives. */
const TICK_MS = 10;
const DAY_MS = 86_400_000;
export const FUTURE_AT_MS = 300_000;
/** z of the 99th percentile of a normal distribution. */
const Z99 = 2.3263;

/** A reading of a tape: when it happened and when it arrived, ms after the beginning. */
export interface Event {
  readonly happenedMs: number;
  readonly arrivedMs: number;
  readonly sensor: string;
}

export interface Record {
  readonly burst: { readonly events: readonly Event[]; readonly played: Played };
  readonly future: { readonly events: readonly Event[]; readonly played: Played };
}

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));

function eventsOf(random: Random, lastsMs: number, p99Of: (ms: number) => number, mostMs = Infinity): Event[] {
  const step = 1000 / PER_SECOND;
  return Array.from({ length: lastsMs / step }, (_, i) => {
    const happenedMs = i * step;
    const delayMs = Math.min(mostMs, p99Of(happenedMs) * Math.exp(normal(random) - Z99));
    const arrivedMs = Math.ceil((happenedMs + delayMs) / TICK_MS) * TICK_MS;
    return { happenedMs, arrivedMs, sensor: `s${below(random, SENSORS)}` };
  });
}

const tapeEvents = (events: readonly Event[]): TapeEvent<{ at: ReturnType<typeof eventTime>; sensor: string }>[] =>
  events.map(({ happenedMs, arrivedMs, sensor }) => ({
    at: arrivedMs,
    row: { at: eventTime(new Date(BEGAN_MS + happenedMs)), sensor },
  }));

function perSecond(strategy: Strategy, futureSkew: '1 hour' | 'off'): Job {
  const timed = from(collection(Reading, []), { uid: 'readings' }).watermark('at', strategy, { futureSkew });
  const counts = timed.keyBy('sensor').window(tumbling('1 s')).aggregate({ readings: count() });
  return job(
    'readings',
    counts.to(collect(), { uid: 'counts' }),
    counts.late.to(collect(), { uid: 'late' }),
    timed.future.to(collect(), { uid: 'future' }),
  );
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const random = seededRandom(seed);
  const burst = eventsOf(random, PHASE_MS * P99_MS.length, (ms) => P99_MS[Math.floor(ms / PHASE_MS)] ?? 0);
  // No delay is longer than the fixed one, so whoever is late is so by the clock that is ahead.
  const honest = eventsOf(random, PHASE_MS, () => 1000, 4000);
  const wrong: Event = { happenedMs: FUTURE_AT_MS + DAY_MS, arrivedMs: FUTURE_AT_MS, sensor: 'ahead' };
  const future = [...honest, wrong];
  const playOf = (made: Job, events: readonly Event[]): Promise<Played> =>
    play(made, { tapes: { readings: tape(Reading, tapeEvents(events)) }, tickMs: TICK_MS });
  const fixed = boundedOutOfOrderness('5 s');
  const learnt = adaptive({ lateRate: 0.005, max: '2 minutes' });
  return {
    burst: { events: burst, played: await playOf(perSecond(pattern === 'off' ? fixed : learnt, 'off'), burst) },
    future: { events: future, played: await playOf(perSecond(fixed, pattern === 'off' ? 'off' : '1 hour'), future) },
  };
}

const happenedMs = (row: { readonly [column: string]: unknown }, column: string): number =>
  // A timestamp reads as an instant.
  (row[column] as { readonly epochMs: number }).epochMs - BEGAN_MS;

/** The phase of a moment, or undefined in the recovery at its beginning. */
export function phaseOf(ms: number): number | undefined {
  const phase = Math.floor(ms / PHASE_MS);
  return ms - phase * PHASE_MS < (RECOVERY_MS[phase] ?? Infinity) ? undefined : phase;
}

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * q) - 1] ?? Number.NaN;

/** The worst phase: late rows of those that arrived in it. */
function lateRate({ events, played }: Record['burst']): number {
  const late = (played.output['late'] ?? []).map(({ at }) => phaseOf(at));
  const all = events.map(({ arrivedMs }) => phaseOf(arrivedMs));
  return Math.max(
    ...P99_MS.map(
      (_, phase) => late.filter((each) => each === phase).length / all.filter((each) => each === phase).length,
    ),
  );
}

/** The worst phase: how long results waited after the end of their window, over the delay that the events needed. */
function delayRatio({ events, played }: Record['burst']): number {
  const results = (played.output['counts'] ?? []).map(({ at, row }) => ({
    phase: phaseOf(at),
    waitedMs: at - happenedMs(row, 'windowEnd'),
  }));
  return Math.max(
    ...P99_MS.map((_, phase) => {
      const needed = events.filter((event) => phaseOf(event.arrivedMs) === phase);
      const delays = needed.map((event) => event.arrivedMs - event.happenedMs);
      const waited = results.filter((result) => result.phase === phase).map((result) => result.waitedMs);
      return quantile(waited, 0.5) / quantile(delays, 0.995);
    }),
  );
}

/** Of the honest events that arrived after the one from the future. */
function lateAfterFuture({ events, played }: Record['future']): number {
  const following = events.filter(({ arrivedMs, sensor }) => arrivedMs > FUTURE_AT_MS && sensor !== 'ahead');
  const late = (played.output['late'] ?? []).filter(({ at }) => at > FUTURE_AT_MS);
  return late.length / following.length;
}

function measure(record: Record): Measurement {
  const figures = {
    lateRate: lateRate(record.burst),
    delayRatio: delayRatio(record.burst),
    lateAfterFuture: lateAfterFuture(record.future),
  };
  const aside = record.future.played.output['future'] ?? [];
  return {
    figures,
    evidence: [
      `burst: ${record.burst.events.length} events, ${record.burst.played.output['late']?.length ?? 0} late`,
      `future: ${record.future.played.output['late']?.length ?? 0} late, ${aside.length} put aside as from the future`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 25,
  name: 'adaptive-watermark',
  incident: 'Event time advances wrongly: a burst of slow deliveries, a clock that is ahead',
  pattern: 'Adaptive Watermark',
  guide,
  figures: [
    {
      name: 'lateRate',
      unit: 'of the events',
      means: 'late events in the worst phase, recovery apart',
      off: { atLeast: 0.1 },
      on: { atMost: 0.005 },
    },
    {
      name: 'delayRatio',
      unit: 'times p99.5 of the delays',
      means: 'wait for a result in the worst phase',
      off: undefined,
      on: { atMost: 1.5 },
    },
    {
      name: 'lateAfterFuture',
      unit: 'of the honest events',
      means: 'late after one event dated a day ahead',
      off: { atLeast: 0.99 },
      on: { atMost: 0 },
    },
  ],
  run,
  measure,
};
