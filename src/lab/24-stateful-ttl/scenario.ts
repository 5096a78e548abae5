/**
 * Row 24: a hundred new visitors a second, each to be remembered for a minute; a tenth of them comes again.
 *
 *   visits --> by visitor: 'first', or 'again' when the last visit is remembered
 *
 *   off: remembered for ever, and by the clock of the machine      on: for 60 s of event time
 *
 * The tape is played at its own speed and a hundred times as fast. Off, the first play shows how state grows without a time
 * to live, and two more what a time to live in processing time answers.
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
  type Ttl,
  utf8,
  value,
} from '../../index.ts';
import { canonicalText, play, type Played, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Visit = schema({ at: timestamp(), visitor: utf8() });
const Answer = schema({ at: timestamp(), visitor: utf8(), answer: utf8() });

export const BEGAN_MS = Date.UTC(2026, 2, 2);
const LASTS_MS = 300_000;
const NEW_PER_SECOND = 100;
const RETURNS = 0.1;
/** Who comes again does so within two minutes: some are remembered then, some are not. */
const RETURNS_WITHIN_MS = 120_000;
export const TTL_MS = 60_000;
const LATE_MS = 1000;
const TICK_MS = 50;
export const SAMPLE_EVERY_MS = 5000;
const FAST = 100;
/** Keys that are new within one time to live. */
export const RATE_TIMES_TTL = (NEW_PER_SECOND * TTL_MS) / 1000;

/** A visit: when it happened and when it arrived, ms after the beginning. */
export interface Event {
  readonly happenedMs: number;
  readonly arrivedMs: number;
  readonly visitor: string;
}

export interface Record {
  /** In order of arrival. */
  readonly events: readonly Event[];
  /** At its own speed, with samples. */
  readonly played: Played;
  /** The same job, or off the one that forgets by the machine's clock: at its own speed, and fast. */
  readonly slow: Played;
  readonly fast: Played;
}

function eventsOf(seed: number): Event[] {
  const random = seededRandom(seed);
  const events: Event[] = [];
  const visit = (visitor: string, happenedMs: number): void => {
    const arrivedMs = Math.ceil((happenedMs + below(random, LATE_MS)) / TICK_MS) * TICK_MS;
    events.push({ happenedMs, arrivedMs, visitor });
  };
  for (let i = 0; i < (LASTS_MS * NEW_PER_SECOND) / 1000; i++) {
    const happenedMs = Math.floor((i * 1000) / NEW_PER_SECOND);
    visit(`visitor ${i}`, happenedMs);
    if (uniform(random) < RETURNS) visit(`visitor ${i}`, happenedMs + below(random, RETURNS_WITHIN_MS));
  }
  return events.filter(({ happenedMs }) => happenedMs < LASTS_MS).sort((a, b) => a.arrivedMs - b.arrivedMs);
}

function remembering(ttl: Ttl): Job {
  const answers = from(collection(Visit, []), { uid: 'visits' })
    .watermark('at', boundedOutOfOrderness('1 s'))
    .keyBy('visitor')
    .process(
      {
        uid: 'visitors',
        state: { seen: value(timestamp(), ttl) },
        row({ at, visitor }, { state, emit }) {
          emit({ at, visitor, answer: state.seen.get() === undefined ? 'first' : 'again' });
          state.seen.set(at);
        },
      },
      { out: Answer },
    );
  return job('visitors', answers.to(collect(), { uid: 'answers' }));
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const events = eventsOf(seed);
  const visits = tape(
    Visit,
    events.map(({ happenedMs, arrivedMs, visitor }) => ({
      at: arrivedMs,
      row: { at: eventTime(new Date(BEGAN_MS + happenedMs)), visitor },
    })),
  );
  const playOf = (ttl: Ttl, speed: number): Promise<Played> =>
    play(remembering(ttl), { tapes: { visits }, speed, tickMs: TICK_MS, sampleEveryMs: SAMPLE_EVERY_MS });
  if (pattern === 'on') {
    const played = await playOf({ ttl: '60 s' }, 1);
    return { events, played, slow: played, fast: await playOf({ ttl: '60 s' }, FAST) };
  }
  const byMachine: Ttl = { ttl: '60 s', clock: 'processing time' };
  return { events, played: await playOf({}, 1), slow: await playOf(byMachine, 1), fast: await playOf(byMachine, FAST) };
}

const answersOf = ({ output }: Played): readonly string[] =>
  (output['answers'] ?? []).map(({ row }) => canonicalText(row));

/** Rows of two plays that differ, position by position. */
function differing({ slow, fast }: Record): number {
  const [a, b] = [answersOf(slow), answersOf(fast)];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => a[i] !== b[i]).filter((differs) => differs)
    .length;
}

function measure(record: Record): Measurement {
  const { samples } = record.played;
  const differ = differing(record);
  const of = (figure: string): number[] =>
    samples.map(({ metrics }) => metrics['visitors/seen']?.[figure]?.value ?? Number.NaN);
  const [entries, bytes] = [of('stateEntries'), of('stateBytes')];
  const half = Math.floor(samples.length / 2);
  const growth = (figures: readonly number[]): number => Math.max(...figures) / Math.max(...figures.slice(0, half));
  return {
    figures: {
      peakEntries: Math.max(...entries) / RATE_TIMES_TTL,
      entriesGrowth: growth(entries),
      bytesGrowth: growth(bytes),
      differing: differ / record.events.length,
    },
    evidence: [
      `entries at half time ${entries[half]}, at the end ${entries.at(-1)}; bytes ${bytes[half]} and ${bytes.at(-1)}`,
      `${differ} of ${record.events.length} answers differ when the tape runs ${FAST} times as fast`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 24,
  name: 'stateful-ttl',
  incident: 'State grows for ever, or what it forgets depends on how fast the job runs',
  pattern: 'Stateful TTL',
  guide,
  figures: [
    {
      name: 'peakEntries',
      unit: 'times rate x TTL',
      means: 'entries of state, in any sample',
      off: { atLeast: 4 },
      on: { atMost: 1.2 },
    },
    {
      name: 'entriesGrowth',
      unit: 'times the peak of the first half',
      means: 'peak of the entries of state',
      off: { atLeast: 1.8 },
      on: { atMost: 1.1 },
    },
    {
      name: 'bytesGrowth',
      unit: 'times the peak of the first half',
      means: 'peak of the bytes of state',
      off: { atLeast: 1.8 },
      on: { atMost: 1.1 },
    },
    {
      name: 'differing',
      unit: 'of the answers',
      means: 'answers that are other ones when the tape runs 100 times as fast',
      off: { atLeast: 0.01 },
      on: { atMost: 0 },
    },
  ],
  run,
  measure,
};
