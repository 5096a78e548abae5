import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/base/json.ts';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import type { DeduplicateNode } from '../../../../src/plan/logical.ts';
import { Deduplicate } from '../../../../src/runtime/operators/deduplicate.ts';
import { ArenaKeyedState } from '../../../../src/state/arena-keyed-state.ts';
import { Harness } from '../../../conformance/harness.ts';
import { type DedupChange, type DedupRow, firstByArrival, firstByTime, last } from '../../../oracle/deduplicate.ts';

const schema: TableSchema = {
  fields: [
    { name: 'key', type: { kind: 'utf8', nullable: false } },
    { name: 'value', type: { kind: 'int64', nullable: false } },
  ],
};

type Asked = Pick<DeduplicateNode, 'keep' | 'order'> & { readonly within?: number };

const open = ({ keep, order, within }: Asked): Promise<Harness> => {
  const node: DeduplicateNode = {
    kind: 'deduplicate',
    uid: 'd',
    schema,
    input: { kind: 'union', schema, inputs: [] },
    keys: ['key'],
    keep,
    order,
    within: within === undefined ? undefined : { ms: within, clock: 'event time' },
    where: undefined,
    emits: keep === 'first' ? 'final' : 'every change',
    updateBefore: true,
    insert: true,
  };
  return Harness.open({
    kind: 'deduplicate',
    inputs: [schema],
    ports: ['main', 'late'],
    make: ({ kernels, arena, outputs: [output, late], now, deadLetter }) => {
      if (output === undefined || late === undefined) throw new TypeError('two outputs');
      const state = new ArenaKeyedState({ kernels, arena, uid: 'd' });
      return new Deduplicate({ uid: 'd', kernels, state, output, late, node, now, deadLetter });
    },
  });
};

/** Rows out of order, some behind the watermark, of few keys and with equal neighbours. */
function generated(random: Random): readonly DedupRow[] {
  let watermark = -1;
  return Array.from({ length: 120 }, (_, i) => {
    if (below(random, 4) === 0) watermark += below(random, 12);
    const time = Math.max(0, watermark - 4 + below(random, 25));
    return { key: `k${below(random, 5)}`, value: below(random, 3) === 0 ? 7 : i, time, watermark };
  });
}

/** Rows in batches of random sizes, with watermarks and restarts between them. */
async function answer(asked: Asked, rows: readonly DedupRow[], random: Random): Promise<readonly DedupChange[]> {
  const harness = await open(asked);
  for (let at = 0; at < rows.length; ) {
    const batch = rows.slice(at, at + 1 + below(random, 9));
    harness.rows(
      batch.map(({ key, value, time, watermark }) => ({ values: [key, value], timestamp: time, watermark })),
    );
    at += batch.length;
    if (below(random, 3) === 0) harness.watermark(batch.at(-1)?.watermark ?? -1);
    if (below(random, 6) === 0) harness.restart();
    expect(imbalance(harness.operator.ledger)).toBe(0);
  }
  harness.end();
  expect(imbalance(harness.operator.ledger)).toBe(0);
  expect(harness.operator.ledger.held).toBe(0);
  expect(harness.arena.verify()).toBe(true);
  return harness.transcript.unseen.flatMap((seen): readonly DedupChange[] => {
    if (!('element' in seen)) return [];
    const [key, value] = seen.element as readonly Json[]; // the list of the row's values
    return [[seen.op as '+I', String(key), Number(value)]]; // one of the kinds
  });
}

const byTimeOf =
  (rows: readonly DedupRow[]) =>
  (change: DedupChange): number =>
    rows.find(({ key, value }) => key === change[1] && value === change[2])?.time ?? -1;

/** Rows that go out at one time come in an order of keys that is nobody's concern. */
const sorted = (changes: readonly DedupChange[]): readonly string[] => changes.map((change) => change.join()).sort();

describe('one row of each key, in any batches and through restarts, equals the oracle', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))('with seed %i', async (seed) => {
    const random = seededRandom(seed);
    const rows = generated(random);
    const within = 5 + below(random, 30);
    const arrival = { keep: 'first', order: 'arrival' } as const;
    expect(await answer(arrival, rows, random)).toEqual(firstByArrival(rows));
    expect(await answer({ ...arrival, within }, rows, random)).toEqual(firstByArrival(rows, within));
    const byTime = { keep: 'first', order: 'event time' } as const;
    expect(sorted(await answer(byTime, rows, random))).toEqual(sorted(firstByTime(rows)));
    expect(sorted(await answer({ ...byTime, within }, rows, random))).toEqual(sorted(firstByTime(rows, within)));
    expect(await answer({ keep: 'last', order: 'arrival' }, rows, random)).toEqual(last(rows, false));
    expect(await answer({ keep: 'last', order: 'event time' }, rows, random)).toEqual(last(rows, true));
  });
});

it('gives first rows in order of their times', async () => {
  const random = seededRandom(99);
  const rows = generated(random).map((row, i) => ({ ...row, value: i }));
  const times = (await answer({ keep: 'first', order: 'event time', within: 9 }, rows, random)).map(byTimeOf(rows));
  expect(times.length).toBeGreaterThan(10);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

it('puts rows that the watermark has passed to the late ones, and counts them', async () => {
  const harness = await open({ keep: 'first', order: 'event time' });
  harness.watermark(10);
  harness.rows([
    { values: ['a', 1], timestamp: 10 },
    { values: ['a', 2], timestamp: 11 },
  ]);
  expect(harness.transcript.check({ late: [{ element: ['a', 1], timestamp: 10 }] })).toBeUndefined();
  expect(harness.metric('lateRecordsDropped')).toBe(1);
  harness.watermark(11);
  expect(harness.transcript.check({ only: 'records', expect: [{ element: ['a', 2], timestamp: 11 }] })).toBeUndefined();
});

it('forgets keys: state does not grow with the keys that have been', async () => {
  const harness = await open({ keep: 'first', order: 'arrival', within: 100 });
  for (let time = 0; time < 3000; time++) {
    harness.rows([{ values: [`k${time}`, 1], timestamp: time, watermark: time - 1 }]);
    if (time % 50 === 0) harness.watermark(time);
  }
  const entries = harness.arena.states().reduce((sum, state) => sum + state.entries, 0);
  expect(entries).toBeLessThan(3 * 160);
});
