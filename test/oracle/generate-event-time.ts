/**
 * Cases for every kind of window and watermark from a seed: splits of rows with their bytes, a query, and how far rows stray.
 *
 * Invariants
 *  1. A case is a function of its seed alone. Dimensions are drawn independently, but for the pairs that cannot be.
 *  2. All lengths of time are counted in units: a second, or three hours where windows are days, so that few rows go over
 *     several windows of any kind. Zones change their clocks in the middle.
 *  3. Sums stay exact, whatever the order.
 */
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { OracleSplit } from './batch-engine.ts';
import type { Row } from './cells.ts';
import type { Choice, Dimensions } from './coverage.ts';
import type { EventTimeQuery, EventTimeWindow } from './event-time.ts';
import type { Arrival } from './live-order.ts';
import { oracleSplit, PLAIN_STYLE, writeNdjson, type WrittenSplit } from './ndjson-writer.ts';

export const EVENT_TIME_DIMENSIONS = {
  source: ['replayed', 'live'],
  window: ['tumbling', 'days', 'hopping', 'cumulating', 'session', 'count', 'sliding count', 'global'],
  strategy: ['monotonous', 'bounded', 'punctuated', 'adaptive'],
  guard: ['by default', 'tight', 'off'],
  disorder: ['none', 'small', 'heavy'],
  lateness: ['none', 'short', 'long'],
  results: ['accumulating', 'discarding', 'retracting', 'final'],
  zone: ['UTC', 'America/Los_Angeles', 'Asia/Kolkata', 'Australia/Lord_Howe'],
  splits: ['1', '2', '3'],
  keys: ['one', 'few'],
  aggregates: ['with a count', 'extremes'],
} as const satisfies Dimensions;

type Choices = { readonly [K in keyof typeof EVENT_TIME_DIMENSIONS]: (typeof EVENT_TIME_DIMENSIONS)[K][number] };

/** Windows that end by rows have no zone and no end at which a result would be final. */
const endsByRows = (window: string | undefined): boolean =>
  window === 'count' || window === 'sliding count' || window === 'global';
const hasNoZone = (window: string | undefined): boolean => window === 'session' || endsByRows(window);

export const isPossibleEventTimePair = (pair: Choice): boolean =>
  !(hasNoZone(pair['window']) && pair['zone'] !== undefined && pair['zone'] !== 'UTC')
  && !(endsByRows(pair['window']) && pair['results'] === 'final');

export interface EventTimeCase {
  readonly seed: number;
  readonly choice: Choices;
  readonly splits: readonly OracleSplit[];
  /** The bytes of each split, in the same order. */
  readonly written: readonly WrittenSplit[];
  /** When rows come, one at a time, where they are live. */
  readonly arrivals: readonly Arrival[];
  readonly query: EventTimeQuery;
  /** How long a watermark waits; the most, when it is adaptive. */
  readonly delayMs: number;
  /** Undefined: no guard. */
  readonly skewMs: number | undefined;
}

export const EVENT_TIME_SCHEMA: TableSchema = {
  fields: [
    { name: 'id', type: { kind: 'int64', nullable: false } },
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'key', type: { kind: 'utf8', nullable: false } },
    { name: 'value', type: { kind: 'int64', nullable: true } },
    { name: 'mark', type: { kind: 'timestamp', nullable: true } },
  ],
};

const DAY_MS = 86_400_000;
const DEFAULT_SKEW_MS = 31 * DAY_MS;
const UNITS_PER_DAY = 8;

export function generateEventTimeCase(seed: number): EventTimeCase {
  const random = seededRandom(Math.imul(seed, 0x85ebca6b) + 0x7f4a7c15);
  const choice = choose(random);
  const unitMs = choice.window === 'days' ? DAY_MS / UNITS_PER_DAY : 1_000;
  const written: WrittenSplit[] = [];
  const splits: OracleSplit[] = [];
  for (let split = 0; split < Number(choice.splits); split++) {
    const rows = rowsOf(choice, { split, unitMs }, random);
    const bytes = writeNdjson(EVENT_TIME_SCHEMA, rows, PLAIN_STYLE, random);
    written.push(bytes);
    splits.push(oracleSplit(`split-${split}`, rows, bytes.offsets));
  }
  return {
    ...{ seed, choice, splits, written },
    arrivals: choice.source === 'live' ? arrivalsOf(splits, random) : [],
    query: {
      window: windowOf(choice, unitMs, random),
      latenessMs: { none: 0, short: 3, long: 12 }[choice.lateness] * unitMs,
      results: choice.results,
      hasCount: choice.aggregates === 'with a count',
    },
    delayMs: { monotonous: 0, bounded: 1, punctuated: 0, adaptive: 2 }[choice.strategy] * unitMs,
    skewMs: { 'by default': DEFAULT_SKEW_MS, tight: TIGHT_SKEW * unitMs, off: undefined }[choice.guard],
  };
}

function choose(random: Random): Choices {
  const pick = <const T>(values: readonly [T, ...T[]]): T => values[below(random, values.length)] ?? values[0];
  const dimensions = EVENT_TIME_DIMENSIONS;
  // Windows of event time, and what makes rows come late, are where there is most to get wrong.
  const isAny = below(random, 2) === 0;
  const drawn: Choices = {
    source: pick(['replayed', 'replayed', 'replayed', 'live']),
    window: isAny ? pick(dimensions.window) : pick(['tumbling', 'days', 'hopping', 'session']),
    strategy: pick(dimensions.strategy),
    guard: pick(dimensions.guard),
    disorder: pick(['none', 'small', 'small', 'heavy', 'heavy', 'heavy', 'heavy', 'heavy']),
    lateness: pick(['none', 'short', 'short', 'long', 'long']),
    results: pick(['accumulating', 'accumulating', 'discarding', 'discarding', 'retracting', 'retracting', 'final']),
    zone: pick(dimensions.zone),
    splits: pick(dimensions.splits),
    keys: pick(dimensions.keys),
    aggregates: pick(dimensions.aggregates),
  };
  const isFinal = drawn.results === 'final' && endsByRows(drawn.window);
  return {
    ...drawn,
    results: isFinal ? 'accumulating' : drawn.results,
    zone: hasNoZone(drawn.window) ? 'UTC' : drawn.zone,
  };
}

// ---- rows ----

/** Clocks change at this instant; in the others a month ends. */
const MIDDLE: { readonly [Z in Choices['zone']]: number } = {
  UTC: Date.UTC(2020, 2, 1),
  'America/Los_Angeles': Date.UTC(2021, 2, 14, 10),
  'Asia/Kolkata': Date.UTC(2021, 0, 1, -5, -30),
  'Australia/Lord_Howe': Date.UTC(2021, 3, 3, 15),
};
const TIGHT_SKEW = 40;
const ROWS_MIN = 40;
const ROWS_MORE = 50;
/** Hundredths of a unit from row to row, at most. */
const STEP_MOST = 70;

interface Place {
  readonly split: number;
  readonly unitMs: number;
}

function rowsOf(choice: Choices, { split, unitMs }: Place, random: Random): Row[] {
  const count = ROWS_MIN + below(random, ROWS_MORE);
  const units = (hundredths: number): number => Math.floor((below(random, hundredths) / 100) * unitMs);
  const strays = straysOf(choice, count, unitMs, random);
  const rows: Row[] = [];
  let now = MIDDLE[choice.zone] - 15 * unitMs + units(400);
  for (let i = 0; i < count; i++) {
    now += units(STEP_MOST) + (strays.jumps.get(i) ?? 0);
    const at = now - delay(choice, units, random) + (strays.ahead.get(i) ?? 0);
    rows.push({
      id: split * 1_000 + i,
      at,
      key: choice.keys === 'one' ? 'k' : `key-${below(random, 4)}`,
      value: below(random, 6) === 0 ? null : below(random, 41) - 20,
      mark: below(random, 10) < 3 ? at - unitMs : null,
    });
  }
  return rows;
}

function delay(choice: Choices, units: (hundredths: number) => number, random: Random): number {
  switch (choice.disorder) {
    case 'none':
      return 0;
    case 'small':
      return units(180);
    case 'heavy':
      return below(random, 3) === 0 ? units(1_400) : units(180);
  }
}

/** Rows dated ahead, by number, and by how much; and jumps of time itself. */
function straysOf(
  { guard }: Choices,
  count: number,
  unitMs: number,
  random: Random,
): { readonly ahead: ReadonlyMap<number, number>; readonly jumps: ReadonlyMap<number, number> } {
  const ahead = new Map<number, number>();
  const jumps = new Map<number, number>();
  const far = (): number =>
    guard === 'by default' ? (400 + below(random, 300)) * DAY_MS : (60 + below(random, 500)) * unitMs;
  if (guard === 'off') {
    // Nothing keeps it from making all that follows late.
    if (below(random, 4) === 0) ahead.set(below(random, count), far());
    return { ahead, jumps };
  }
  for (let times = below(random, 4); times > 0; times--) ahead.set(1 + below(random, count - 1), far());
  if (below(random, 8) === 0) ahead.set(0, far());
  // Fewer rows on end than a jump of time needs, or as many, or time does jump.
  const from = 1 + below(random, count - 1);
  const more = below(random, 6);
  if (more === 0) {
    const streak = 5 + below(random, 5);
    for (let i = 0; i < streak; i++) ahead.set(from + i, far());
  } else if (more === 1) {
    jumps.set(from, guard === 'tight' ? far() : 35 * DAY_MS);
  }
  return { ahead, jumps };
}

// ---- arrivals ----

export const ARRIVAL_MS = 100;
/** Half way between two arrivals: no split becomes idle when a row comes. */
export const IDLE_AFTER_MS = 550;

/** Rows in stretches of one split, while the others are silent, and now and then silence of all. */
function arrivalsOf(splits: readonly OracleSplit[], random: Random): Arrival[] {
  const left = splits.map(({ rows }) => rows.map(({ row }) => row));
  const arrivals: Arrival[] = [];
  for (let at = ARRIVAL_MS; left.some((rows) => rows.length > 0); ) {
    const split = below(random, splits.length);
    const stretch = left[split]?.splice(0, below(random, 3) === 0 ? 4 + below(random, 9) : 1 + below(random, 3)) ?? [];
    if (below(random, 12) === 0) at += ARRIVAL_MS * (5 + below(random, 8));
    for (const row of stretch) {
      arrivals.push({ at, split, row });
      at += ARRIVAL_MS;
    }
  }
  return arrivals;
}

// ---- query ----

function windowOf({ window, zone: name }: Choices, unitMs: number, random: Random): EventTimeWindow {
  const zone = name === 'UTC' ? {} : { zone: name };
  const offsetMs = below(random, 3) === 0 ? Math.floor(unitMs / 4) : 0;
  switch (window) {
    case 'tumbling':
      return { kind: 'tumbling', sizeMs: (2 + below(random, 5)) * unitMs, offsetMs, ...zone };
    case 'days':
      return { kind: 'tumbling', sizeMs: DAY_MS, offsetMs, ...zone };
    case 'hopping':
      return {
        kind: 'hopping',
        sizeMs: (3 + below(random, 9)) * unitMs,
        slideMs: (1 + below(random, 3)) * unitMs,
        offsetMs,
        ...zone,
      };
    case 'cumulating':
      return { kind: 'cumulating', sizeMs: (2 + below(random, 4)) * 2 * unitMs, stepMs: 2 * unitMs, offsetMs, ...zone };
    case 'session':
      return { kind: 'session', gapMs: Math.floor(unitMs * (0.3 + below(random, 200) / 100)) };
    case 'count':
      return countOf(1 + below(random, 9), 0);
    case 'sliding count':
      return countOf(4 + below(random, 9), 1 + below(random, 4));
    case 'global':
      return { kind: 'global', everyRows: 1 + below(random, 9) };
  }
}

const countOf = (rows: number, slide: number): EventTimeWindow => ({
  kind: 'count',
  rows,
  slide: slide === 0 ? rows : slide,
});
