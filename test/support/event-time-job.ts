/** A generated case of windows and watermarks as a job of the public API, and what came out of it in the oracle's words. */
import {
  adaptive,
  boundedOutOfOrderness,
  collect,
  type Collected,
  count,
  countTrigger,
  countWindow,
  cumulating,
  type Duration,
  from,
  globalWindow,
  hopping,
  int64,
  type Job,
  job,
  max,
  min,
  monotonous,
  punctuated,
  type Schema,
  schema,
  session,
  type Source,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { makeSource } from '../../src/api/port.ts';
import { isEventTime } from '../../src/api/time.ts';
import type { Clock } from '../../src/base/clock.ts';
import { memoryFiles, type MemoryFilesOptions } from '../../src/testing/memory-files.ts';
import { tapeSource } from '../../src/testing/tape.ts';
import type { Cell } from '../oracle/cells.ts';
import { resultText } from '../oracle/event-time.ts';
import { ARRIVAL_MS, EVENT_TIME_SCHEMA, type EventTimeCase, IDLE_AFTER_MS } from '../oracle/generate-event-time.ts';

/** EVENT_TIME_SCHEMA through the public API. */
const ROWS = schema({
  id: int64(),
  at: timestamp(),
  key: utf8(),
  value: int64().nullable(),
  mark: timestamp().nullable(),
});
type Columns = typeof ROWS extends Schema<infer C> ? C : never;

/** The steps of a stream without its columns: which window a case has is known at run time only. */
interface LooseStream {
  keyBy(...columns: string[]): LooseStream;
  window(window: unknown, options: unknown): LooseStream;
  aggregate(aggregates: Readonly<Record<string, unknown>>): LooseStream;
  to(sink: unknown): Job;
  readonly late: LooseStream;
  readonly future: LooseStream;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

export interface EventTimeJob {
  readonly job: Job;
  /** As `resultText` has them, in order. */
  results(): readonly string[];
  /** Ids, in order. */
  late(): readonly number[];
  future(): readonly number[];
}

const ms = (value: number): Duration => `${value} ms`;

/** How the rows reach the job. */
export interface Reading extends MemoryFilesOptions {
  readonly clock: Clock;
}

function sourceOf({ choice, splits, written, arrivals }: EventTimeCase, reading: Reading): Source<Columns> {
  if (choice.source === 'replayed') {
    const bytes = splits.map(({ name }, i): [string, Uint8Array] => [name, written[i]?.bytes ?? new Uint8Array(0)]);
    return memoryFiles(Object.fromEntries(bytes), ROWS, reading);
  }
  const events = arrivals.map(({ at, split, row }) => ({ at, split: splits[split]?.name ?? '', row }));
  const playing = { clock: reading.clock, beganMs: 0, speed: 1, tickMs: ARRIVAL_MS };
  // The tape is given rows of cells, as its source takes them.
  return makeSource(ROWS, tapeSource({ schema: EVENT_TIME_SCHEMA, events: events }, playing), 'tape');
}

export function eventTimeJob(made: EventTimeCase, reading: Reading): EventTimeJob {
  const { query, choice } = made;
  // As LooseStream says.
  const rows = withWatermarks(made, reading) as unknown as LooseStream;
  const trigger = query.window.kind === 'global' ? { trigger: countTrigger(query.window.everyRows) } : {};
  const lateness = query.latenessMs === 0 ? {} : { allowedLateness: ms(query.latenessMs) };
  const windowed = rows
    .keyBy('key')
    .window(windowOf(made), { ...lateness, results: query.results, ...trigger })
    .aggregate({
      ...(query.hasCount ? { n: count() } : {}),
      ...{ total: sum<Columns, 'value', {}>('value'), lowest: min<Columns, 'value', {}>('value') },
      highest: max<Columns, 'value', {}>('value'),
    });
  const isChangelog = choice.results === 'retracting';
  const results: Collected<object> = isChangelog ? collect({ changelog: true }) : collect();
  const [late, future] = [collect(), collect()];
  return {
    job: job('case', windowed.to(results), windowed.late.to(late), rows.future.to(future)),
    results: () => (results.rows as Rows).map((row) => textOf(row)),
    late: () => late.rows.map(({ id }) => Number(id)),
    future: () => future.rows.map(({ id }) => Number(id)),
  };
}

/** The watermark before each row that is processed, by its id: what an adaptive strategy made of the rows. */
export function watermarksJob(
  made: EventTimeCase,
  reading: Reading,
): { readonly job: Job; watermarks(): ReadonlyMap<number, number> } {
  const out = collect();
  const seen = withWatermarks(made, reading)
    .keyBy('key')
    .process(
      { row: ({ id }, { watermark, emit }) => emit({ id, watermark: watermark.epochMs }) },
      { out: schema({ id: int64(), watermark: int64() }) },
    );
  return {
    job: job('watermarks', seen.to(out)),
    watermarks: () => new Map(out.rows.map(({ id, watermark }) => [Number(id), Number(watermark)])),
  };
}

function withWatermarks(made: EventTimeCase, reading: Reading) {
  const { delayMs, skewMs, choice } = made;
  const guard = {
    ...(choice.guard === 'by default' ? {} : { futureSkew: skewMs === undefined ? ('off' as const) : ms(skewMs) }),
    idleAfter: ms(IDLE_AFTER_MS),
  };
  const source = from(sourceOf(made, reading));
  switch (choice.strategy) {
    case 'monotonous':
      return source.watermark('at', monotonous(), guard);
    case 'bounded':
      return source.watermark('at', boundedOutOfOrderness(ms(delayMs)), guard);
    case 'punctuated':
      return source.watermark(
        'at',
        punctuated(({ mark }) => mark ?? undefined),
        guard,
      );
    case 'adaptive':
      return source.watermark('at', adaptive({ lateRate: 0.2, max: ms(delayMs) }), guard);
  }
}

function windowOf({ query: { window } }: EventTimeCase): unknown {
  switch (window.kind) {
    case 'session':
      return session(ms(window.gapMs));
    case 'count':
      return countWindow(window.rows, { slide: window.slide });
    case 'global':
      return globalWindow();
    case 'months':
      throw new Error('no case has months');
  }
  const offset = {
    ...(window.offsetMs === 0 ? {} : { offset: ms(window.offsetMs) }),
    ...(window.zone === undefined ? {} : { zone: window.zone }),
  };
  switch (window.kind) {
    case 'tumbling':
      return tumbling(window.sizeMs === DAY_MS ? '1 day' : ms(window.sizeMs), offset);
    case 'hopping':
      return hopping(ms(window.sizeMs), ms(window.slideMs), offset);
    case 'cumulating':
      return cumulating(ms(window.sizeMs), ms(window.stepMs), offset);
  }
}

const DAY_MS = 86_400_000;

function textOf(row: Readonly<Record<string, unknown>>): string {
  const cell = (name: string): Cell => {
    const value = row[name] ?? null;
    // What is no instant is a number, a text or null.
    return isEventTime(value) ? value.epochMs : (value as Cell);
  };
  const bounds = ['windowStart', 'windowEnd', 'windowId'].filter((name) => name in row).map(cell);
  const values = { n: cell('n'), total: cell('total'), lowest: cell('lowest'), highest: cell('highest') };
  return resultText(String(row['op'] ?? '+I'), cell('key'), bounds, values);
}
