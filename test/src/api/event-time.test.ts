/** Event time travels beside the columns: windows count the same whatever the steps before them keep of a row. */
import { describe, expect, test } from 'vitest';
import { run } from '../../../node/run.ts';
import { collectSink } from '../../../src/format/collect-sink.ts';
import { collectionSource } from '../../../src/format/collection-source.ts';
import {
  type Columns,
  count,
  from,
  int32,
  monotonous,
  schema,
  type Stream,
  timestamp,
  tumbling,
} from '../../../src/index.ts';
import { makeSink, makeSource, tableOf } from '../../../src/platform.ts';

const MINUTE = 60_000;
const Reading = schema({ at: timestamp(), seen: timestamp(), n: int32() });
const N = schema({ n: int32() });

/** One before 1970, two in the first minute, then one each in the second and fourth, and one that is late. */
const readings = [-1, 0, 59_999, 60_000, 3 * MINUTE, 10].map((at, i) => ({ at, seen: 0, n: i }));

const readingsBy = (column: 'at' | 'seen') => {
  const source = collectionSource(tableOf(Reading, 'a test'), readings);
  return from(makeSource(Reading, source, `readings by ${column}`)).watermark(column, monotonous());
};
const stream = readingsBy('at');

/** How many rows each window of so many minutes counts, by the minute in which it starts. */
async function counts<C extends Columns>(input: Stream<C, 'event time'>, minutes = 1): Promise<unknown> {
  const sink = collectSink();
  const results = input.window(tumbling(`${minutes} minutes`)).aggregate({ rows: count() });
  const running = await run(results.to(makeSink('inserts only', sink, 'results')), { handleSignals: false });
  await running.done;
  return sink.rows.map(({ windowStart, rows }) => [Number(windowStart) / MINUTE, Number(rows)]);
}

const COUNTS = [
  [-1, 1],
  [0, 2],
  [1, 1],
  [3, 1],
];

describe('a window counts rows by their event time', () => {
  test('when nothing stands in between', async () => {
    expect(await counts(stream)).toEqual(COUNTS);
  });

  test('when a projection has left the column out', async () => {
    expect(await counts(stream.pick('n'))).toEqual(COUNTS);
    expect(await counts(stream.select((f) => ({ twice: f.n.times(2) })).where((f) => f.twice.ge(0)))).toEqual(COUNTS);
  });

  test('when another column has taken the name of the column', async () => {
    expect(await counts(stream.select((f) => ({ at: f.seen })))).toEqual(COUNTS);
  });

  test('when a function has made other rows', async () => {
    expect(await counts(stream.map(({ n }) => ({ n }), { out: N }))).toEqual(COUNTS);
    expect(await counts(stream.flatMap(({ n }) => [{ n }, { n }], { out: N }).pick('n'))).toEqual(
      COUNTS.map(([minute, rows]) => [minute, 2 * (rows ?? 0)]),
    );
  });

  test('when branches of a union have it from different columns', async () => {
    const early = readingsBy('seen').where((f) => f.n.eq(0));
    // The late row is none here: the other branch has not passed its window when it comes.
    expect(await counts(stream.union(early))).toEqual([[-1, 1], [0, 4], ...COUNTS.slice(2)]);
  });

  test('which is the last instant of a window for its results', async () => {
    const perMinute = stream.window(tumbling('1 minute')).aggregate({ n: count() });
    expect(await counts(perMinute.pick('n'), 2)).toEqual([
      [-2, 1],
      [0, 2],
      [2, 1],
    ]);
  });
});
