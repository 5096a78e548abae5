import { expect, it } from 'vitest';
import {
  type Bench,
  type BenchResult,
  compare,
  geometricMean,
  isReached,
  lastLine,
  quantile,
  roundsWithin,
  runChecked,
} from '../../benches/bench.ts';
import { keep, table } from '../../benches/report.ts';

/** A clock that moves only when a side says what it took. */
function steps(): { now: () => number; side: (name: string, ms: number) => () => string; order: string[] } {
  let time = 0;
  const order: string[] = [];
  return {
    now: () => time,
    order,
    side: (name, ms) => () => {
      time += ms;
      order.push(name);
      return 'same';
    },
  };
}

const result = (counters: BenchResult['counters']): BenchResult => ({
  figures: { uniform: 16 },
  spread: { uniform: 0.5 },
  counters,
});
const bench = (counters: BenchResult['counters'], idle: readonly string[] = []): Bench => ({
  id: 'p1',
  title: 'a title',
  targets: { uniform: { atLeast: 15 } },
  idle,
  run: () => Promise.resolve(result(counters)),
});

it('interleaves the two sides, beginning with each in turn, and leaves the warm-up out', async () => {
  const { now, side, order } = steps();
  let ours = 0;
  const found = await compare(
    { ours: () => side('ours', ours++ === 0 ? 1000 : 10)(), peer: side('peer', 25) },
    { rounds: 3, now },
  );
  expect(order).toEqual(['ours', 'peer', 'peer', 'ours', 'ours', 'peer', 'peer', 'ours']);
  expect(found).toEqual({ ratio: 2.5, spread: 0, oursMs: 10, peerMs: 25 });
});

it('begins no round that would leave the box, but for those that there have to be', () => {
  const { now, side } = steps();
  const run = (rounds: number, atLeast: number, boxMs: number | undefined, ms: readonly number[]): number => {
    let ran = 0;
    for (const round of roundsWithin({ rounds, atLeast, boxMs, now })) {
      side('round', ms[round] ?? 0)();
      ran++;
    }
    return ran;
  };
  expect(run(5, 1, 100, [30, 30, 30, 30, 30])).toBe(3);
  expect(run(5, 1, 100, [60, 10, 10, 10, 10])).toBe(1);
  expect(run(5, 1, 100, [10, 46, 10, 10, 10])).toBe(2);
  expect(run(5, 2, 100, [500, 500, 500])).toBe(2);
  expect(run(3, 1, undefined, [500, 500, 500])).toBe(3);
});

it('refuses a fast wrong answer', async () => {
  await expect(compare({ ours: () => 'a', peer: () => 'b' }, { rounds: 1 })).rejects.toThrow('wrong answer in round 0');
});

it('takes quantiles between neighbours', () => {
  expect([quantile([3, 1, 2], 0.5), quantile([1, 2, 3, 4], 0.25), quantile([7], 0.99)]).toEqual([2, 1.75, 7]);
  expect(geometricMean([1, 100])).toBeCloseTo(10);
});

it('knows both directions of a goal', () => {
  expect([
    isReached({ atLeast: 15 }, 15),
    isReached({ atLeast: 15 }, 14.9),
    isReached({ atMost: 10 }, 10),
    isReached({ atMost: 10 }, 11),
  ]).toEqual([true, false, true, false]);
});

it('refuses a bench that did not do its work', async () => {
  await expect(runChecked(bench({ rows: 5, late: 0 }), { short: true })).rejects.toThrow('late stayed zero');
  await expect(runChecked(bench({}), { short: true })).rejects.toThrow('counts nothing');
  await expect(runChecked(bench({ rows: 5, late: 0 }, ['late']), { short: true })).resolves.toEqual(
    result({ rows: 5, late: 0 }),
  );
  await expect(
    runChecked({ ...bench({ rows: 5 }), targets: { mixed: { atLeast: 1 } } }, { short: true }),
  ).rejects.toThrow('no figure for mixed');
});

it('ends with one line of JSON', () => {
  expect(JSON.parse(lastLine(bench({ rows: 5 }), result({ rows: 5 })))).toEqual({
    id: 'p1',
    checked: true,
    figures: { uniform: 16 },
    targets: { uniform: 15 },
    spread: { uniform: 0.5 },
    counters: { rows: 5 },
  });
});

it('compares with the baseline of the same machine only', () => {
  const outcome = { bench: bench({ rows: 5 }), result: result({ rows: 5 }) };
  const before = { machine: 'this', benches: { p1: { uniform: 8 }, p2: { other: 1 } } };
  expect(table([outcome], before, 'this').split('\n')[2]).toBe(
    'p1     uniform  16.0   ±0.250  >= 15.0  yes      2.00x',
  );
  expect(table([outcome], before, 'that').split('\n')[2]).toBe('p1     uniform  16.0   ±0.250  >= 15.0  yes');
  expect(keep(before, [outcome], 'this').benches).toEqual({ p1: { uniform: 16 }, p2: { other: 1 } });
  expect(keep(before, [outcome], 'that').benches).toEqual({ p1: { uniform: 16 } });
});
