import { describe, expect, test } from 'vitest';
import { collection, count, from, monotonous, schema, timestamp, tumbling, utf8 } from '../../../src/index.ts';

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
