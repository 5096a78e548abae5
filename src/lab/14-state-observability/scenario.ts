/**
 * Row 14: one session in a hundred is never cleared.
 *
 *   visits --> per session and minute: windows, which are cleared as they close        a plateau, larger at first
 *          --> checkouts per session without a window, which nothing clears           grows until the budget is reached
 *
 *   off: no alerts; the job dies without a warning     on: an alert well before, with the state and its heaviest keys
 */
import { below, type Random, seededRandom } from '../../base/random.ts';
import {
  boundedOutOfOrderness,
  callback,
  collect,
  collection,
  count,
  eventTime,
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

const Visit = schema({ at: timestamp(), session: utf8(), step: utf8() });

const BEGAN_MS = 1_000_000_000_000;
const LASTS_S = 2.5 * 3600;
const PER_SECOND = 40;
const SECOND_MS = 1000;
const LEAK_SHARE = 0.01;
const BUDGET_BYTES = 6 * 1024 * 1024;
const MINUTE_MS = 60_000;
/** The state that nothing clears. */
export const LEAKING = 'checkouts';

/** A visit: when it arrived, ms after the beginning, in which session; `isOpen`: it is one that nothing clears. */
export interface Event {
  readonly atMs: number;
  readonly session: string;
  readonly isOpen: boolean;
}

export interface Record {
  readonly events: readonly Event[];
  readonly played: Played;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

function token(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += LETTERS[below(random, LETTERS.length)] ?? '';
  return text;
}

/** Sessions that stay open are addresses that hold a whole basket; how long they are differs by seed. */
function eventsOf(seed: number): readonly Event[] {
  const random = seededRandom(seed);
  const lengthMax = 2500 + below(random, 2500);
  return Array.from({ length: LASTS_S * PER_SECOND }, (_, i) => {
    const atMs = Math.floor(i / PER_SECOND) * SECOND_MS;
    const isOpen = below(random, 1000) < LEAK_SHARE * 1000;
    const session = isOpen ? `https://shop/checkout?${token(random, 500 + below(random, lengthMax))}` : `session ${i}`;
    return { atMs, session, isOpen };
  });
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const events = eventsOf(seed);
  const visits = from(collection(Visit, []), { uid: 'visits' }).watermark('at', boundedOutOfOrderness('1 s'));
  const made = job(
    'visits',
    visits
      .keyBy('session')
      .window(tumbling('1 minute'))
      .aggregate({ visits: count() }, { uid: 'perMinute' })
      .to(
        callback(() => undefined),
        { uid: 'minutes' },
      ),
    visits
      .filter(({ step }) => step === 'checkout')
      .keyBy('session')
      .aggregate({ steps: count() }, { uid: LEAKING })
      .to(collect({ changelog: true }), { uid: 'open' }),
  );
  const rows = events.map(({ atMs, session, isOpen }) => ({
    at: atMs,
    row: { at: eventTime(new Date(BEGAN_MS + atMs)), session, step: isOpen ? 'checkout' : 'visit' },
  }));
  const played = await play(made, {
    tapes: { visits: tape(Visit, rows) },
    tickMs: SECOND_MS,
    sampleEveryMs: 5 * MINUTE_MS,
    settings: { stateBytes: BUDGET_BYTES, stateAlertMs: pattern === 'off' ? undefined : 15 * MINUTE_MS },
  });
  return { events, played };
}

const MOST = 5;

/** Whether an alert names the state and, in their order, the keys that were heaviest when it was raised. */
function namesTheRightOnes({ events, played }: Record): boolean {
  const [first] = played.alerts;
  if (first === undefined || first.alert.state !== LEAKING) return false;
  const open = events.filter(({ atMs, isOpen }) => isOpen && atMs <= first.raisedAt).map(({ session }) => session);
  // Key bytes are kept in units of eight.
  const weight = (key: string): number => Math.ceil(key.length / 8);
  const heaviest = open.sort((a, b) => weight(b) - weight(a) || (a < b ? -1 : 1)).slice(0, MOST);
  return JSON.stringify(first.alert.topKeys.map(({ key }) => key)) === JSON.stringify(heaviest);
}

function measure(record: Record): Measurement {
  const { played } = record;
  const [first] = played.alerts;
  const died = played.failure === undefined ? Number.NaN : played.endedAt;
  const left = first === undefined ? Number.NaN : died - first.raisedAt;
  return {
    figures: {
      diedAt: died / MINUTE_MS,
      warned: first === undefined ? 0 : left / MINUTE_MS,
      forecastError: Math.abs((first?.alert.fullInMs ?? Number.NaN) - left) / left,
      named: namesTheRightOnes(record) ? 1 : 0,
    },
    evidence: [
      `the job died after ${Math.round(died / MINUTE_MS)} minutes: ${String(played.failure).slice(0, 160)}`,
      first === undefined
        ? 'no alert'
        : `alert after ${Math.round(first.raisedAt / MINUTE_MS)} minutes: ${first.alert.message.slice(0, 160)}`,
    ],
  };
}

export const scenario: Scenario<Record> = {
  row: 14,
  name: 'state-observability',
  incident: 'State grows unseen until the job dies: one key in a hundred is never cleared',
  pattern: 'State Observability',
  guide,
  figures: [
    {
      name: 'diedAt',
      unit: 'minutes',
      means: 'when the budget is reached and the job dies',
      off: { atLeast: 1, atMost: LASTS_S / 60 },
      on: { atLeast: 1, atMost: LASTS_S / 60 },
    },
    { name: 'warned', unit: 'minutes', means: 'warning before that', off: { atMost: 0 }, on: { atLeast: 10 } },
    {
      name: 'forecastError',
      unit: 'of the time left',
      means: 'how wrong the first forecast was',
      off: undefined,
      on: { atMost: 0.2 },
    },
    {
      name: 'named',
      unit: '(1: yes)',
      means: 'the alert names the state and its five heaviest keys',
      off: { atMost: 0 },
      on: { atLeast: 1 },
    },
  ],
  run,
  measure,
};
