/**
 * Growth in events: 1, 10 and 100 M rows through the same job, 10,000 keys in 10 s windows of 250,000 rows each, with rows
 * out of order and late ones. The cost per row is the engine's, results and their digest included; rows are made in memory,
 * and the time that this takes (sourceNs) is not in it. The growth (events) is the dearest over the cheapest.
 */
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from './bench.ts';
import { expectedSteady, runSteady } from './support/steady-run.ts';
import type { SteadyPlan } from './support/steady-source.ts';

/** Short runs are repeated: each is disturbed as much by what else goes on as a long one. */
const RUNS = new Map([
  [1, 10],
  [10, 4],
  [100, 1],
]);
const ROUNDS = 3;
const WINDOW_MS = 10_000;

const planOf = (rows: number): SteadyPlan => ({ keys: 10_000, rows, fillsKeys: false, rowsPerMs: 25 });

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const sizes = short ? [1, 2] : [...RUNS.keys()];
  const expected = new Map(sizes.map((millions) => [millions, expectedSteady(planOf(millions * 1e6), WINDOW_MS)]));
  const costs = new Map<number, number[]>(sizes.map((millions) => [millions, []]));
  const sources: number[] = [];
  const counters: Record<string, number> = {};
  await runSteady(planOf((sizes[1] ?? 0) * 1e6), WINDOW_MS);
  for (let round = 0; round < (short ? 1 : ROUNDS); round++) {
    const order = sizes.flatMap((millions) => Array.from({ length: RUNS.get(millions) ?? 1 }, () => millions));
    for (const millions of round % 2 === 0 ? order : order.toReversed()) {
      const one = await runSteady(planOf(millions * 1e6), WINDOW_MS);
      if (one.digest !== expected.get(millions))
        throw new Error(`wrong answer of ${millions} M rows: ${one.digest} instead of ${expected.get(millions)}`);
      costs.get(millions)?.push(one.nsPerRow);
      sources.push(one.nsOfSource);
      for (const [name, value] of Object.entries(one.counters)) counters[`${name}${millions}M`] = value;
      globalThis.gc?.();
    }
  }
  const middle = [...costs].map(([millions, all]): [string, number] => [`ns${millions}M`, quantile(all, 0.5)]);
  const all = middle.map(([, ns]) => ns);
  return {
    figures: {
      events: Math.max(...all) / Math.min(...all),
      ...Object.fromEntries(middle),
      sourceNs: quantile(sources, 0.5),
    },
    spread: Object.fromEntries([...costs].map(([millions, all]) => [`ns${millions}M`, spreadOf(all)])),
    counters,
  };
}

export const bench: Bench = {
  id: 'p13-events',
  title: '1 to 100 M rows, the cost of each',
  targets: { events: { atMost: 1.3 } },
  run,
};
