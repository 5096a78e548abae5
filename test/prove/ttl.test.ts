/**
 * State with a time to live over thirty days of virtual time: it stays as large as rate times time to live say, and the
 * tape played a hundred times as fast gives the same bytes.
 */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  eventTime,
  from,
  int32,
  job,
  mapOf,
  schema,
  timestamp,
  utf8,
  value,
} from '../../src/index.ts';
import { canonicalText, play, type Played, type Tape, tape } from '../../src/testing/index.ts';

const Visit = schema({ at: timestamp(), visitor: utf8(), page: utf8() });
const Answer = schema({ at: timestamp(), visitor: utf8(), seen: int32(), pages: int32() });
const BEGAN_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const DAYS = 30;
const TTL_MS = 24 * HOUR_MS;
const EVERY_MS = 20_000;
const MOST = (1.2 * TTL_MS) / EVERY_MS;
/** Rows arrive in batches of a quarter of an hour, as files do. */
const TICK_MS = HOUR_MS / 4;

/** Of one length, so that bytes of state say nothing but how many entries there are. */
const name = (letter: string, number: number): string => letter + String(number).padStart(6, '0');

/** A new visitor every twenty seconds; one in ten looks at a second page within two days. */
function visits(seed: number): Tape {
  const random = seededRandom(seed);
  const rows = Array.from({ length: (DAYS * 24 * HOUR_MS) / EVERY_MS }, (_, i) => {
    const again = i > 0 && below(random, 10) === 0;
    const back = again ? below(random, Math.min(i, (2 * TTL_MS) / EVERY_MS)) + 1 : 0;
    const happenedMs = i * EVERY_MS - below(random, 60_000);
    const row = { at: eventTime(new Date(BEGAN_MS + happenedMs)), visitor: name('v', i - back), page: name('p', i) };
    return { at: Math.ceil((i * EVERY_MS) / TICK_MS) * TICK_MS, row };
  });
  return tape(Visit, rows);
}

function remembering() {
  const answers = from(collection(Visit, []), { uid: 'visits' })
    .watermark('at', boundedOutOfOrderness('1 minute'))
    .keyBy('visitor')
    .process(
      {
        uid: 'visitors',
        state: {
          written: value(int32(), { ttl: '1 day', initial: 0 }),
          read: value(int32(), { ttl: '1 day', refresh: 'access', initial: 0 }),
          pages: mapOf(utf8(), timestamp(), { ttl: '1 day' }),
        },
        row({ at, visitor, page }, { state, emit }) {
          state.pages.set(page, at);
          emit({
            at,
            visitor,
            seen: state.written.get() * 10 + state.read.get(),
            pages: [...state.pages.keys()].length,
          });
          state.written.set(1);
          state.read.set(1);
        },
      },
      { out: Answer },
    );
  return job('visitors', answers.to(collect(), { uid: 'out' }));
}

const playAt = (seed: number, speed: number): Promise<Played> =>
  play(remembering(), {
    tapes: { visits: visits(seed) },
    speed,
    tickMs: TICK_MS,
    sampleEveryMs: HOUR_MS,
    settings: { checkpointEveryMs: (6 * HOUR_MS) / speed },
  });

const textOf = ({ output }: Played): readonly string[] => (output['out'] ?? []).map(({ row }) => canonicalText(row));

test.each([1, 2])(
  'state stays bounded for thirty days, and a fast replay is equal to the byte (seed %i)',
  async (seed) => {
    const played = await playAt(seed, 1);
    expect(played.failure).toBeUndefined();
    expect(played.samples.length).toBeGreaterThanOrEqual(DAYS * 24 - 1);
    const figures = ['written', 'read', 'pages'].map((state) => {
      const of = (figure: string): number[] =>
        played.samples.map(({ metrics }) => metrics[`visitors/${state}`]?.[figure]?.value ?? Number.NaN);
      const [entries, bytes] = [of('stateEntries'), of('stateBytes')];
      // After the first days nothing is to grow.
      const early = Math.max(...bytes.slice(0, 5 * 24));
      return { state, peak: Math.max(...entries), growth: Math.max(...bytes) / early };
    });
    console.log(`seed ${seed}: at most ${MOST} entries allowed`, JSON.stringify(figures));
    for (const { state, peak, growth } of figures) {
      expect(peak, state).toBeLessThanOrEqual(MOST);
      expect(peak, state).toBeGreaterThan(MOST / 2);
      expect(growth, state).toBeLessThanOrEqual(1.1);
    }
    const text = textOf(played);
    expect(text.length).toBe((DAYS * 24 * HOUR_MS) / EVERY_MS);
    expect(textOf(await playAt(seed, 100))).toEqual(text);
    // Some were forgotten and came again, others were remembered.
    const answers = (played.output['out'] ?? []).map(({ row }) => Number(row['seen']));
    expect(new Set(answers), 'answers').toEqual(new Set([0, 11]));
  },
);
