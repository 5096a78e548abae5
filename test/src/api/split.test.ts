/** Streams split by conditions, and streams whose ways out meet again: every row in one place, and the ledger adds up. */
import { describe, expect, it } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import {
  collect,
  collection,
  count,
  from,
  int32,
  int8,
  job,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { imbalance } from '../../../src/metrics/ledger.ts';
import { explainPhysical, physicalPlanOf } from '../../../src/platform.ts';
import { play, type Played, rows, simulate, tape } from '../../../src/testing/index.ts';
import { mistakeOf } from './stand-ins.ts';

const Bid = schema({ at: timestamp(), item: utf8(), price: int32().nullable(), step: int8() });
const bids = () => from(collection(Bid, []), { uid: 'bids' }).watermark('at', monotonous());
const given = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    at: new Date(1000 * i),
    item: `i${below(random, 3)}`,
    price: below(random, 6) === 0 ? null : below(random, 200),
    step: 1,
  }));
};
const pricesOf = (played: Played, sink: string): unknown[] =>
  (played.output[sink] ?? []).map(({ row }) => row['price']);
const imbalances = ({ ledger }: Played): number[] => Object.values(ledger).map(imbalance);

describe('a split', () => {
  const branches = () =>
    bids().split({ big: (f) => f.price.gt(100), middle: (f) => f.price.gt(50), small: (f) => f.price.le(150) });

  it('gives each row to the first branch that takes it, and what none takes to otherwise', async () => {
    const { big, middle, small, otherwise } = branches();
    const parts = job(
      'parts',
      big.to(collect(), { uid: 'big' }),
      middle.to(collect(), { uid: 'middle' }),
      small.to(collect(), { uid: 'small' }),
      otherwise.to(collect(), { uid: 'otherwise' }),
    );
    for (const seed of [1, 2, 3]) {
      const all = given(seed, 300);
      const bids = tape(Bid, all.map((row, i) => ({ at: i, row })) as never); // a Date is taken for an instant
      const played = await play(parts, { tapes: { bids } });
      expect(played.failure).toBeUndefined();
      const wanted = {
        big: [] as unknown[],
        middle: [] as unknown[],
        small: [] as unknown[],
        otherwise: [] as unknown[],
      };
      for (const { price } of all) {
        const name = price === null ? 'otherwise' : price > 100 ? 'big' : price > 50 ? 'middle' : 'small';
        wanted[name].push(price);
      }
      for (const [name, prices] of Object.entries(wanted))
        expect(pricesOf(played, name), `seed ${seed}`).toEqual(prices);
      expect(imbalances(played).filter((off) => off !== 0)).toEqual([]);
    }
  });

  it('counts rows of streams that nobody reads as filtered', async () => {
    const { middle } = branches();
    const all = given(7, 100);
    const bids = tape(Bid, all.map((row, i) => ({ at: i, row })) as never); // as above
    const played = await play(middle.to(collect(), { uid: 'middle' }), { tapes: { bids } });
    const split = Object.entries(played.ledger).find(([uid]) => uid.startsWith('split'))?.[1];
    const out = all.filter(({ price }) => price !== null && price > 50 && price <= 100).length;
    expect(split).toMatchObject({ in: 100, out, filtered: 100 - out, deadLetters: 0 });
  });

  it('makes a dead letter of a row on which a condition fails, and asks no other about it', async () => {
    const { bad, otherwise } = bids().split({ bad: (f) => f.step.div(f.price.minus(5)).gt(0) });
    const both = job('both', bad.to(collect(), { uid: 'bad' }), otherwise.to(collect(), { uid: 'otherwise' }));
    const given = [3, 5, 7, null].map((price, i) => ({ at: i, row: { at: new Date(i), item: 'a', price, step: 1 } }));
    const played = await play(both, { tapes: { bids: tape(Bid, given as never) } }); // as above
    expect(pricesOf(played, 'bad').length + pricesOf(played, 'otherwise').length + played.deadLetters.length).toBe(4);
    expect(imbalances(played).filter((off) => off !== 0)).toEqual([]);
  });

  it('keeps event time, and is named in plans', async () => {
    const { big, otherwise } = bids().split({ big: (f) => f.price.gt(100) });
    const counted = big.union(otherwise).window(tumbling('10 s')).aggregate({ n: count() });
    const text = explainPhysical(physicalPlanOf(counted.to(collect()), 'test'));
    expect(text).toMatch(/split .*\n +big: .*, otherwise/);
    expect(text).toContain('.big');
    const input = { bids: rows(Bid, given(4, 25) as never) }; // as above
    const { differences, output } = await simulate(counted.to(collect(), { uid: 'n' }), {
      input,
      seeds: 1,
      faults: ['process crash'],
    });
    expect(differences.slice(0, 2)).toEqual([]);
    expect(output['n']?.length).toBe(3);
  });

  it('refuses, from JavaScript, what is no set of conditions', () => {
    const split = (given: unknown): string => mistakeOf(() => Reflect.apply(bids().split, bids(), [given]));
    expect(split(7)).toBe('E1006 split must be given an object of conditions, but is 7');
    expect(split({})).toBe('E1006 split must be given at least one branch, but is given none');
    expect(split({ big: 1 })).toBe("E1006 'big' of split must be a condition, but is 1");
    expect(split({ otherwise: () => true })).toContain('a branch of split must be of another name');
  });
});

describe('ways out of an operator that meet again further down', () => {
  const N = schema({ n: int32() });
  const many = { at: 0, row: { n: 1 } };

  it('wait for each other, however many rows come of each', async () => {
    const source = from(collection(N, []), { uid: 'n' });
    const made = source
      .union(source.where((f) => f.n.gt(0)))
      .flatMap(({ n }) => Array.from({ length: 5000 }, () => ({ n })), { out: N, uid: 'made' })
      .to(collect(), { uid: 'out' });
    const played = await play(made, { tapes: { n: tape(N, [many, many, many]) } });
    expect(played.failure).toBeUndefined();
    expect(played.output['out']?.length).toBe(30_000);
    expect(imbalances(played).filter((off) => off !== 0)).toEqual([]);
  });

  it('keep the order of rows and watermarks on each way', async () => {
    const { big, otherwise } = bids().split({ big: (f) => f.price.gt(100) });
    const spread = big
      .union(otherwise)
      .flatMap((row) => Array.from({ length: 3000 }, () => row), { out: Bid })
      .window(tumbling('5 s'))
      .aggregate({ n: count() })
      .to(collect(), { uid: 'out' });
    const all = given(5, 20).map((row, i) => ({ at: i, row }));
    const played = await play(spread, { tapes: { bids: tape(Bid, all as never) } }); // as above
    expect(played.failure).toBeUndefined();
    expect(played.output['out']?.map(({ row }) => row['n'])).toEqual([15_000, 15_000, 15_000, 15_000]);
    expect(played.ledger).toMatchObject({ out: { in: 4 } });
  });
});
