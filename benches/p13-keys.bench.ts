/**
 * Growth in keys: 10 M rows on keys at random, of a thousand to ten million that all have state already; count, sum and max in
 * one long window. The cost per row is the engine's; rows are made in memory, and the time that this takes (sourceNs) is not
 * in it. The growth (keys) is the dearest over the cheapest of those numbers of keys whose state fits the core's own cache, of
 * level 2; `keysShared` those that fit half of the largest, which others share. What comes behind is explained in the README.
 * `newNs…` is what a row costs that is the first of its key.
 */
import { type Bench, type BenchOptions, type BenchResult, quantile, roundsWithin, spreadOf } from './bench.ts';
import { cacheBytes } from './support/caches.ts';
import { expectedSteady, runSteady, type SteadyRun } from './support/steady-run.ts';
import type { SteadyPlan } from './support/steady-source.ts';

const KEYS = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const ROWS = 10_000_000;
const ROUNDS = 5;
const BOX_MS = 150_000;
const WINDOW_MS = 365 * 86_400_000;

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const counts = short ? [1_000, 10_000, 100_000] : KEYS;
  const plans = new Map(counts.map((keys) => [keys, planOf(keys, short ? 200_000 : ROWS)]));
  const expected = new Map([...plans].map(([keys, plan]) => [keys, expectedSteady(plan, WINDOW_MS)]));
  const runs = new Map<number, SteadyRun[]>(counts.map((keys) => [keys, []]));
  await runSteady(planOf(10_000, short ? 200_000 : ROWS / 2), WINDOW_MS);
  const boxed = { rounds: short ? 1 : ROUNDS, atLeast: 2, boxMs: BOX_MS, now: () => performance.now() };
  for (const round of roundsWithin(boxed)) {
    for (const [keys, plan] of round % 2 === 0 ? plans : [...plans].toReversed()) {
      globalThis.gc?.();
      const one = await runSteady(plan, WINDOW_MS);
      if (one.digest !== expected.get(keys))
        throw new Error(`wrong answer over ${keys} keys: ${one.digest} instead of ${expected.get(keys)}`);
      runs.get(keys)?.push(one);
    }
  }
  return resultOf(runs);
}

const planOf = (keys: number, rows: number): SteadyPlan => ({ keys, rows, fillsKeys: true, rowsPerMs: 100 });

function resultOf(runs: ReadonlyMap<number, readonly SteadyRun[]>): BenchResult {
  const caches = cacheBytes();
  // Where the system does not tell its caches, all have to be flat.
  const own = caches.get(2) ?? Number.POSITIVE_INFINITY;
  const shared = caches.size === 0 ? own : Math.max(...caches.values()) / 2;
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = {};
  const growth = (bytes: number): number => {
    const costs = [...runs].filter(([, all]) => (all[0]?.counters['stateBytes'] ?? 0) <= bytes);
    const ns = costs.map(([keys]) => figures[`ns${keys}`] ?? Number.NaN);
    return Math.max(...ns) / Math.min(...ns);
  };
  for (const [keys, all] of runs) {
    const costs = all.map(({ nsPerRow }) => nsPerRow);
    const stateBytes = all[0]?.counters['stateBytes'] ?? 0;
    figures[`ns${keys}`] = quantile(costs, 0.5);
    spread[`ns${keys}`] = spreadOf(costs);
    figures[`newNs${keys}`] = quantile(
      all.map(({ nsPerNewKey }) => nsPerNewKey),
      0.5,
    );
    counters[`stateBytes${keys}`] = stateBytes;
    for (const name of ['rows', 'results']) counters[`${name}${keys}`] = all[0]?.counters[name] ?? 0;
  }
  figures['sourceNs'] = quantile(
    [...runs.values()].flat().map(({ nsOfSource }) => nsOfSource),
    0.5,
  );
  figures['keys'] = growth(own);
  figures['keysShared'] = growth(shared);
  for (const [level, bytes] of caches) counters[`cacheBytesL${level}`] = bytes;
  return { figures, spread, counters };
}

export const bench: Bench = {
  id: 'p13-keys',
  title: '1 K to 10 M keys, the cost of a row',
  targets: { keys: { atMost: 1.3 } },
  run,
};
