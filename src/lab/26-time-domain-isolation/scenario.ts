/**
 * Row 26: the same tape, once at its own speed and once a hundred times as fast.
 *
 *   readings --> by sensor, second by second: how many     `totals`
 *            --> by sensor: old or in time; due again      `marks`
 *
 *   off: windows, timers and the age of a reading by the clock of the machine      on: by the clock of the events
 */
import { below, seededRandom, uniform } from '../../base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  type Job,
  job,
  processingTumbling,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../index.ts';
import { canonicalText, play, type Played, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';
import { MIXES, type Tried, tryMix } from './mixes.ts';

const Reading = schema({ at: timestamp(), sensor: utf8() });
const Mark = schema({ at: timestamp(), sensor: utf8(), mark: utf8() });

/** Where the played clock begins, so that event time and the clock have one origin. */
export const BEGAN_MS = 1_000_000_000_000;
const LASTS_MS = 300_000;
const PER_SECOND = 10;
const SENSORS = 4;
/** Less than the watermark waits: no reading is late. */
const LATE_MS = 1700;
/** Whole milliseconds of the machine's clock at both speeds. */
const TICK_MS = 200;
const FAST = 100;
/** A reading is old when it is so much behind its clock. */
export const OLD_MS = 1000;
/** A reading: when it happened and when it arrived, ms after the beginning. */
export interface Event {
  readonly happenedMs: number;
  readonly arrivedMs: number;
  readonly sensor: string;
}

export interface Record {
  /** In order of arrival. */
  readonly events: readonly Event[];
  readonly slow: Played;
  readonly fast: Played;
  readonly tried: readonly Tried[];
}

function eventsOf(seed: number): Event[] {
  const random = seededRandom(seed);
  const events: Event[] = [];
  for (let i = 0; i < (LASTS_MS * PER_SECOND) / 1000; i++) {
    const happenedMs = Math.floor(((i + uniform(random)) * 1000) / PER_SECOND);
    const sensor = `sensor ${below(random, SENSORS)}`;
    const arrivedMs = Math.ceil((happenedMs + below(random, LATE_MS)) / TICK_MS) * TICK_MS;
    events.push({ happenedMs, arrivedMs, sensor });
  }
  return events.sort((a, b) => a.arrivedMs - b.arrivedMs);
}

function observing(pattern: Pattern): Job {
  const byEvents = pattern === 'on';
  const sensors = from(collection(Reading, []), { uid: 'readings' })
    .watermark('at', boundedOutOfOrderness('2 s'))
    .keyBy('sensor');
  const marks = sensors.process(
    {
      uid: 'watch',
      timers: ['due'],
      row({ at, sensor }, { now, watermark, timers, emit }) {
        const behindMs = byEvents ? watermark.plus('2 s').since(at) : now.epochMs - at.epochMs;
        emit({ at, sensor, mark: behindMs > OLD_MS ? 'old' : 'in time' });
        if (byEvents) timers.eventTime(at.plus('5 s'), 'due');
        else timers.processingTime(now.plus('5 s'), 'due');
      },
      timer({ at, key, emit }) {
        emit({ at: eventTime(new Date(at.epochMs)), sensor: key.sensor, mark: 'due' });
      },
    },
    { out: Mark },
  );
  const perSecond = byEvents
    ? sensors.window(tumbling('1 s')).aggregate({ readings: count() }, { uid: 'perSecond' })
    : sensors.window(processingTumbling('1 s')).aggregate({ readings: count() }, { uid: 'perSecond' });
  return job('sensors', perSecond.to(collect(), { uid: 'totals' }), marks.to(collect(), { uid: 'marks' }));
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const events = eventsOf(seed);
  const readings = tape(
    Reading,
    events.map(({ happenedMs, arrivedMs, sensor }) => ({
      at: arrivedMs,
      row: { at: eventTime(new Date(BEGAN_MS + happenedMs)), sensor },
    })),
  );
  const playAt = async (speed: number): Promise<Played> => {
    const played = await play(observing(pattern), { tapes: { readings }, speed, tickMs: TICK_MS });
    if (played.failure !== undefined) throw played.failure;
    return played;
  };
  const tried: Tried[] = [];
  for (const mix of MIXES) tried.push(await tryMix(mix));
  return { events, slow: await playAt(1), fast: await playAt(FAST), tried };
}

const SINKS = ['totals', 'marks'] as const;

const textsOf = ({ output }: Played, sink: string): readonly string[] =>
  (output[sink] ?? []).map(({ row }) => canonicalText(row));

/** Rows of a sink that came in one of the plays only, of all that came in the longer one. */
function differing({ slow, fast }: Record, sink: string): number {
  const [longer, shorter] = [textsOf(slow, sink), textsOf(fast, sink)].sort((a, b) => b.length - a.length);
  const left = new Map<string, number>();
  for (const text of shorter ?? []) left.set(text, (left.get(text) ?? 0) + 1);
  const alone = (longer ?? []).filter((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
  return alone.length / (longer?.length ?? 0);
}

function measure(record: Record): Measurement {
  const { slow, fast, tried } = record;
  const isSame = (sink: string): boolean => textsOf(slow, sink).join('\n') === textsOf(fast, sink).join('\n');
  const shares = SINKS.map((sink) => differing(record, sink));
  return {
    figures: {
      totalsDiffer: shares[0] ?? Number.NaN,
      marksDiffer: shares[1] ?? Number.NaN,
      sameBytes: SINKS.filter(isSame).length,
      mixesPassed: tried.filter(({ refusal }) => refusal === undefined).length,
    },
    evidence: [
      ...SINKS.map((sink, i) => {
        const [atOne, atMany] = [textsOf(slow, sink).length, textsOf(fast, sink).length];
        return `${sink}: ${atOne} rows, ${atMany} at ${FAST} times the speed; ${((shares[i] ?? 0) * 100).toFixed(1)} % differ`;
      }),
      ...tried.map(({ mix, refusal = 'passed' }) => `${mix}: ${refusal}`),
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 26,
  name: 'time-domain-isolation',
  incident: 'The same events give other results when they are read faster',
  pattern: 'Time Domain Isolation',
  guide,
  figures: [
    {
      name: 'totalsDiffer',
      unit: 'of the results',
      means: 'results of windows that differ when the tape runs 100 times as fast',
      off: { atLeast: 0.5 },
      on: { atMost: 0 },
    },
    {
      name: 'marksDiffer',
      unit: 'of the rows',
      means: 'what a function with timers says that differs when the tape runs 100 times as fast',
      off: { atLeast: 0.1 },
      on: { atMost: 0 },
    },
    {
      name: 'sameBytes',
      unit: 'of 2 outputs',
      means: 'outputs that are equal to the byte at 1 and 100 times the speed',
      off: { atMost: 0 },
      on: { atLeast: 2 },
    },
    {
      name: 'mixesPassed',
      unit: 'ways',
      means: 'ways of mixing the two clocks in JavaScript that are not refused',
      off: undefined,
      on: { atMost: 0 },
    },
  ],
  run,
  measure,
};
