import { describe, expect, test } from 'vitest';
import {
  collect,
  collection,
  count,
  from,
  job,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { physicalPlanOf } from '../../../src/platform.ts';

const S = schema({ at: timestamp(), k: utf8() });
const rows = from(collection(S, []));
const timed = rows.watermark('at', monotonous());
const counts = timed.window(tumbling('1 hour')).aggregate({ n: count() });
const firsts = rows.keyBy('k').deduplicate({ keep: 'first', order: 'arrival' });

describe('a watermark', () => {
  test.each([
    ['a deduplication', () => firsts.watermark('at', monotonous()), 'deduplicate'],
    ['a window', () => counts.watermark('windowEnd', monotonous()), 'windowAggregate'],
    ['late rows', () => counts.late.watermark('at', monotonous()), "the side 'late' of windowAggregate"],
    ['a function', () => rows.mapAsync(async (row) => ({ ...row }), { out: S }).watermark('at', monotonous()), 'async'],
    ['another watermark', () => timed.watermark('at', monotonous()), 'watermark'],
    ['one of both that are united', () => rows.union(firsts).watermark('at', monotonous()), 'deduplicate'],
  ])('is refused below %s, where splits cannot be told apart', (_what, build, step) => {
    expect(build).toThrow(
      expect.objectContaining({ code: 'E1214', message: expect.stringContaining(`cannot come below ${step},`) }),
    );
  });

  test('may come below steps that tell splits apart', () => {
    const { even } = rows.split({ even: ({ k }) => k.eq('even') });
    const mapped = even
      .where(({ k }) => k.ne(''))
      .pick('at', 'k')
      .filter(() => true);
    expect(() => rows.union(mapped.map((row) => ({ ...row }), { out: S })).watermark('at', monotonous())).not.toThrow();
  });
});

describe('align', () => {
  const align = { align: { group: 'g', maxDrift: '1 minute' } } as const;
  const { even } = rows.split({ even: ({ k }) => k.eq('even') });

  test.each([
    ['a condition', () => rows.where(({ k }) => k.ne('')).watermark('at', monotonous(), align), 'filter'],
    ['other columns', () => rows.pick('at').watermark('at', monotonous(), align), 'project'],
    ['a function', () => rows.filter(() => true).watermark('at', monotonous(), align), 'function'],
    ['a union', () => rows.union(from(collection(S, []))).watermark('at', monotonous(), align), 'union'],
    ['a branch', () => even?.watermark('at', monotonous(), align), "the side 'even' of split"],
  ])('is refused below %s, where nobody could be held back', (_what, build, step) => {
    expect(build).toThrow(
      expect.objectContaining({
        code: 'E1215',
        message: `align cannot hold back the rows of ${step}`,
        hint: 'call .watermark(...) next to the source',
      }),
    );
  });

  test('is taken right at a source, whatever comes below', () => {
    const aligned = rows.watermark('at', monotonous(), align);
    expect(() => physicalPlanOf(aligned.where(({ k }) => k.ne('')).to(collect()), 'job')).not.toThrow();
  });

  test('is refused on a second watermark of a source', () => {
    const [one, two] = [1, 2].map(() => rows.watermark('at', monotonous(), align).to(collect()));
    if (one === undefined || two === undefined) throw new Error('two streams');
    expect(() => physicalPlanOf(job('twice', one, two), 'job')).toThrow(
      expect.objectContaining({
        code: 'E1215',
        message: 'align cannot hold back the rows of a source for two watermarks',
      }),
    );
    const plain = rows.watermark('at', monotonous()).to(collect());
    expect(() => physicalPlanOf(job('once', plain, two), 'job')).not.toThrow();
  });
});
