import { describe, expect, test } from 'vitest';
import { type CollectSink, collectSink } from '../../../../src/format/collect-sink.ts';
import {
  count,
  from,
  int32,
  int64,
  type Job,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
  value,
} from '../../../../src/index.ts';
import { makeSink } from '../../../../src/platform.ts';
import { memoryFiles } from '../../../../src/testing/memory-files.ts';
import { MemoryMedium } from '../../../../src/testing/memory-store.ts';
import { drive, type Driven, type Stop, TickingClock } from '../../../support/engine.ts';

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
        'a/b',
      ).to(out);
    await goOn(await suspended(both), (rows, out) => counting(rows, 'a/b').to(out));
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
