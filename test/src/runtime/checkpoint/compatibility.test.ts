import { describe, expect, test } from 'vitest';
import { type CollectSink, collectSink } from '../../../../src/format/collect-sink.ts';
import {
  boundedOutOfOrderness,
  count,
  countTrigger,
  defineAggregate,
  type Duration,
  from,
  int32,
  int64,
  type Job,
  max,
  monotonous,
  schema,
  type States,
  sum,
  timestamp,
  tumbling,
  utf8,
  value,
  type Window,
  type WindowOptions,
} from '../../../../src/index.ts';
import { Checksum } from '../../../../src/kernel/checksum.ts';
import { makeSink } from '../../../../src/platform.ts';
import { decodeManifest, encodeManifest, isManifestName } from '../../../../src/state/manifest.ts';
import { memoryFiles } from '../../../../src/testing/memory-files.ts';
import { MemoryMedium } from '../../../../src/testing/memory-store.ts';
import { drive, type Driven, sharedKernels, type Stop, TickingClock } from '../../../support/engine.ts';

const S = schema({ at: timestamp(), x: utf8(), y: utf8(), n: int32(), v: int64(), w: int64() });
const lineOf = (i: number): string => JSON.stringify({ at: i * 100, x: 'X', y: 'Y', n: i % 7, v: i, w: 1 });
const FILES = { a: new TextEncoder().encode(Array.from({ length: 200 }, (_, i) => `${lineOf(i)}\n`).join('')) };
const SETTINGS = { batchRows: 8, chunkBytes: 400 };

const read = (clock: TickingClock) => from(memoryFiles(FILES, S, { clock, quantumBytes: 800 }), { uid: 'rows' });
type Rows = ReturnType<typeof read>;
type Steps = (rows: Rows, out: ReturnType<typeof sinkTo>) => Job;

const sinkTo = (results: CollectSink) => makeSink('inserts only', results, 'results');

function driveJob(medium: MemoryMedium, steps: Steps, results: CollectSink, stop?: Stop): Promise<Driven> {
  const clock = new TickingClock();
  const job = steps(read(clock), sinkTo(results));
  return drive({ job, medium, clock, settings: SETTINGS, ...(stop === undefined ? {} : { stop }) });
}

/** The state of a job that was suspended in the middle of its input. */
async function suspended(steps: Steps): Promise<MemoryMedium> {
  const medium = new MemoryMedium();
  const stop: Stop = { how: 'suspend', when: (run) => run.progress().recordsIn > 100 };
  const { end } = await driveJob(medium, steps, collectSink(), stop);
  expect(end).toBe('suspended');
  return medium;
}

/** Goes on with a state by another job: its rows. */
async function goOn(medium: MemoryMedium, steps: Steps): Promise<CollectSink['rows']> {
  const results = collectSink();
  await driveJob(medium, steps, results);
  return results.rows;
}

const Counted = schema({ x: utf8(), c: int32() });
const counting = (rows: Pick<Rows, 'keyBy'>, uid?: string) =>
  rows.keyBy('x').process(
    {
      ...(uid === undefined ? {} : { uid }),
      state: { c: value(int32(), { initial: 0 }) },
      row: (row, { state, emit }) => {
        state.c.set(state.c.get() + 1);
        emit({ x: row.x, c: state.c.get() });
      },
    },
    { out: Counted },
  );
const firsts = (rows: Rows, uid: string) => rows.keyBy('x').deduplicate({ keep: 'first', order: 'arrival', uid });
const hourly = (rows: Rows, uid: string) =>
  rows.watermark('at', monotonous()).keyBy('x').window(tumbling('1 hour')).aggregate({ n: count() }, { uid });

describe('state of an operator that the job no longer has', () => {
  const CASES: readonly (readonly [string, Steps, Steps, string])[] = [
    ['a function', (rows, out) => counting(rows, 'a').to(out), (rows, out) => counting(rows, 'b').to(out), 'a'],
    ['a deduplication', (rows, out) => firsts(rows, 'a').to(out), (rows, out) => firsts(rows, 'b').to(out), 'a'],
    ['a window', (rows, out) => hourly(rows, 'a').to(out), (rows, out) => hourly(rows, 'b').to(out), 'a'],
    [
      'a function without a uid, when a condition comes above it',
      (rows, out) => counting(rows).to(out),
      (rows, out) => counting(rows.where(({ n }) => n.ge(0))).to(out),
      'process-',
    ],
  ];
  test.each(CASES)('is refused and left as it is: %s', async (_of, before, after, uid) => {
    const medium = await suspended(before);
    await expect(goOn(medium, after)).rejects.toMatchObject({ code: 'E1405', message: expect.stringContaining(uid) });
    await goOn(medium, before);
  });

  test('may be gone when there is none', async () => {
    const short = (rows: Rows, uid: string) =>
      rows.watermark('at', monotonous()).keyBy('x').window(tumbling('1 s')).aggregate({ n: count() }, { uid });
    const clear = (rows: Rows, uid: string) =>
      rows
        .keyBy('x')
        .process(
          { uid, state: { c: value(int32(), { initial: 0 }) }, row: (_row, { state }) => state.c.clear() },
          { out: Counted },
        );
    const finished = new MemoryMedium();
    await goOn(finished, (rows, out) => short(rows, 'a').to(out));
    await goOn(finished, (rows, out) => short(rows, 'b').to(out));
    await goOn(await suspended((rows, out) => clear(rows, 'a').to(out)), (rows, out) => clear(rows, 'b').to(out));
  });

  test('is not that of another whose uid begins with the same name', async () => {
    const both: Steps = (rows, out) =>
      counting(
        firsts(
          rows.where(({ n }) => n.lt(0)),
          'a',
        ),
        'a-b',
      ).to(out);
    await goOn(await suspended(both), (rows, out) => counting(rows, 'a-b').to(out));
  });

  test('stays when a condition comes above an operator with a uid', async () => {
    const medium = await suspended((rows, out) => counting(rows, 'a').to(out));
    const rows = await goOn(medium, (all, out) =>
      counting(
        all.where(({ n }) => n.ge(0)),
        'a',
      ).to(out),
    );
    expect(rows.at(-1)).toEqual({ x: 'X', c: 200 });
  });
});

type Step = (rows: Rows) => { to(sink: ReturnType<typeof sinkTo>): Job };
const timed = (rows: Rows) => rows.watermark('at', monotonous());
const hour = tumbling('1 hour');
const sums = (rows: Rows, by: 'x' | 'y' = 'x') =>
  timed(rows)
    .keyBy(by)
    .window(hour)
    .aggregate({ s: sum('v') }, { uid: 'a' });
const windowed =
  (window: Window<'a watermark'>, options?: WindowOptions<'accumulating'>): Step =>
  (rows) =>
    timed(rows).keyBy('x').window(window, options).aggregate({ n: count() }, { uid: 'a' });
const keeping =
  (state: States): Step =>
  (rows) =>
    timed(rows)
      .keyBy('x')
      .process({ uid: 'a', state, row: ({ x }, { emit }) => emit({ x, c: 1 }) }, { out: Counted });
const deduplicated =
  (order: 'event time' | 'arrival', within?: Duration): Step =>
  (rows) =>
    timed(rows)
      .keyBy('x')
      .deduplicate({ keep: 'first', order, uid: 'a', ...(within === undefined ? {} : { within }) });
const ordered =
  (maxWait: Duration, options: { readonly maxRows?: number; readonly onGap?: 'emit' | 'fail' } = {}): Step =>
  (rows) =>
    timed(rows)
      .keyBy('x')
      .reorder({ maxWait, ...options, uid: 'a' });
const doubling = defineAggregate({
  input: int64(),
  accumulator: int64(),
  result: int64(),
  create: () => 0,
  add: (held, more) => held + 2 * more,
  merge: (left, right) => left + right,
  finish: (held) => held,
});

const REFUSED: readonly (readonly [string, Step, Step, string])[] = [
  [
    'an aggregate of another column',
    (rows) => sums(rows),
    (rows) =>
      timed(rows)
        .keyBy('x')
        .window(hour)
        .aggregate({ s: sum('w') }, { uid: 'a' }),
    'aggregates.0.of was sum of v int64 and is sum of w int64',
  ],
  [
    'another aggregate',
    (rows) => sums(rows),
    (rows) =>
      timed(rows)
        .keyBy('x')
        .window(hour)
        .aggregate({ s: max('v') }, { uid: 'a' }),
    'aggregates.0.of was sum of v int64 and is max of v int64',
  ],
  [
    'one aggregate more',
    (rows) => sums(rows),
    (rows) =>
      timed(rows)
        .keyBy('x')
        .window(hour)
        .aggregate({ s: sum('v'), n: count() }, { uid: 'a' }),
    'aggregates.1 was not there and is {"of":"count of none"}',
  ],
  [
    'another condition',
    (rows) =>
      timed(rows)
        .window(hour)
        .aggregate({ n: count({ where: (row) => row.n.gt(1) }) }, { uid: 'a' }),
    (rows) =>
      timed(rows)
        .window(hour)
        .aggregate({ n: count({ where: (row) => row.n.gt(2) }) }, { uid: 'a' }),
    'aggregates.0.where.right.value was 1 and is 2',
  ],
  ['another key', (rows) => sums(rows), (rows) => sums(rows, 'y'), 'keys was x utf8 and is y utf8'],
  [
    'a key of another type',
    (rows) => timed(rows).keyBy('n').window(hour).aggregate({ c: count() }, { uid: 'a' }),
    (rows) =>
      rows
        .add(({ v }) => ({ n: v }))
        .watermark('at', monotonous())
        .keyBy('n')
        .window(hour)
        .aggregate({ c: count() }, { uid: 'a' }),
    'keys was n int32 and is n int64',
  ],
  ['a window of another size', windowed(hour), windowed(tumbling('2 s')), 'window.sizeMs was 3600000 and is 2000'],
  [
    'another lateness',
    windowed(hour),
    windowed(hour, { allowedLateness: '1 s' }),
    'allowedLatenessMs was 0 and is 1000',
  ],
  [
    'a trigger',
    windowed(hour),
    windowed(hour, { trigger: countTrigger(10) }),
    'trigger was not there and is {"kind":"count","rows":10}',
  ],
  [
    'a state of another type',
    keeping({ c: value(int32()) }),
    keeping({ c: value(int64()) }),
    'states.c.is was value of value int32 and is value of value int64',
  ],
  ['a state less', keeping({ c: value(int32()) }), keeping({}), 'and is not there'],
  [
    'a state of another clock',
    keeping({ c: value(int32(), { ttl: '1 day' }) }),
    keeping({ c: value(int32(), { ttl: '1 day', clock: 'processing time' }) }),
    'states.c.clock was not there and is processing time',
  ],
  ['another order', deduplicated('event time'), deduplicated('arrival'), 'order was event time and is arrival'],
  [
    'rows of other columns that wait',
    deduplicated('event time'),
    (rows) =>
      timed(rows)
        .add(({ v }) => ({ z: v }))
        .keyBy('x')
        .deduplicate({ keep: 'first', order: 'event time', uid: 'a' }),
    'w int64; z int64',
  ],
  ['a longer wait', ordered('1 hour'), ordered('2 hours'), 'maxWaitMs was 3600000 and is 7200000'],
  ['another operator', (rows) => sums(rows), keeping({}), 'it was windowAggregate and is process'],
];

const TAKEN: readonly (readonly [string, Step, Step])[] = [
  [
    'another watermark, a condition above, and other names',
    (rows) => sums(rows),
    (rows) =>
      rows
        .where(({ n }) => n.ge(0))
        .watermark('at', boundedOutOfOrderness('5 s'), { idleAfter: '1 s' })
        .keyBy('x')
        .window(hour)
        .aggregate({ total: sum('v') }, { uid: 'a' }),
  ],
  ['a state more', keeping({ c: value(int32()) }), keeping({ c: value(int32()), d: value(int64()) })],
  [
    'another time to live',
    keeping({ c: value(int32(), { ttl: '1 day' }) }),
    keeping({ c: value(int32(), { ttl: '2 days', refresh: 'access' }) }),
  ],
  [
    'another time within which rows are duplicates',
    deduplicated('event time', '1 hour'),
    deduplicated('event time', '2 hours'),
  ],
  ['other limits', ordered('1 hour'), ordered('1 hour', { maxRows: 2000 })],
  [
    'other columns of rows that do not wait',
    (rows) => firsts(rows, 'a'),
    (rows) =>
      firsts(
        rows.add(({ v }) => ({ w: v })),
        'a',
      ),
  ],
  [
    'other functions of an aggregate',
    (rows) =>
      timed(rows)
        .window(hour)
        .aggregate({ d: doubling('v') }, { uid: 'a' }),
    (rows) =>
      timed(rows)
        .window(hour)
        .aggregate({ e: doubling('v') }, { uid: 'a' }),
  ],
];

describe('an operator', () => {
  test.each(REFUSED)('does not go on with the state of something else: %s', async (_what, before, after, message) => {
    const medium = await suspended((rows, out) => before(rows).to(out));
    await expect(goOn(medium, (rows, out) => after(rows).to(out))).rejects.toMatchObject({
      code: 'E1406',
      message: expect.stringContaining(message),
      location: { operator: 'a' },
    });
    await goOn(medium, (rows, out) => before(rows).to(out));
  });

  test.each(TAKEN)('goes on with its state: %s', async (_what, before, after) => {
    const medium = await suspended((rows, out) => before(rows).to(out));
    await goOn(medium, (rows, out) => after(rows).to(out));
  });

  test('goes on with the state of a manifest that does not say what it is of', async () => {
    const medium = await suspended((rows, out) => sums(rows).to(out));
    const checksum = new Checksum(await sharedKernels());
    const sum = (bytes: Uint8Array): string => checksum.ofBytes(bytes);
    for (const [name, { bytes }] of medium.blobs) {
      if (!isManifestName(name)) continue;
      const told = { ...decodeManifest(bytes, sum, name), states: {} };
      medium.blobs.set(name, { bytes: encodeManifest(told, sum), isDurable: true });
    }
    const rows = await goOn(medium, (all, out) => sums(all).to(out));
    expect(rows).toMatchObject([{ x: 'X', s: (199 * 200) / 2 }]);
  });

  test('does not go on with groups of another key', async () => {
    const changes = makeSink('inserts, updates and deletes', collectSink({ changelog: true }), 'changes');
    const counted =
      (by: 'x' | 'n'): Steps =>
      (rows) =>
        rows.keyBy(by).aggregate({ c: count() }, { uid: 'a' }).to(changes);
    await expect(goOn(await suspended(counted('x')), counted('n'))).rejects.toThrow('keys was x utf8 and is n int32');
  });

  test('may be of something else when no checkpoint was taken', async () => {
    const medium = new MemoryMedium();
    const stop: Stop = { how: 'cancel', when: () => true };
    await driveJob(medium, (rows, out) => sums(rows).to(out), collectSink(), stop);
    await goOn(medium, (rows, out) => keeping({})(rows).to(out));
  });
});
