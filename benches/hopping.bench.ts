/**
 * A day that moves by the minute, and what a firing costs when windows have more slices. Count and sum per key, through the
 * public API, every result compared with sums that are kept by adding and taking away.
 *
 *   state   20,000 keys with 120 live slices each in windows of 24 hours: bytes of the state over those of its entries. What
 *           is beyond 1 are the free places of tables and the running parts that windows share.
 *   firing  windows of 100, 400 and 1,440 slices, a row per key and slice: CPU time per result, the slowest over the fastest;
 *           merges, the same of accumulators merged per result, which counts the work. A result costs one merge, and each
 *           slice of a key three in its life at most, so with a row per key and result it is four at most whatever the slices are.
 */
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from './bench.ts';
import { type HoppingPlan, type HoppingResult, runHopping } from './support/hopping-run.ts';

const DAY_MINUTES = 1440;
const SLICES = [100, 400, DAY_MINUTES];
const ROUNDS = 3;

/** Throws when the state does not hold one entry per key and live slice. */
async function measured(plan: HoppingPlan): Promise<HoppingResult> {
  const result = await runHopping(plan);
  const expected = (plan.keys * plan.windowMinutes) / plan.everyMinutes;
  if (result.liveEntries !== expected) throw new Error(`${result.liveEntries} live entries, not ${expected}`);
  return result;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const keys = short ? 200 : 20_000;
  const day = await measured({ keys, windowMinutes: DAY_MINUTES, everyMinutes: 12, minutes: 120, ends: false });
  const costs = new Map<number, number[]>(SLICES.map((slices) => [slices, []]));
  const merges = new Map<number, number>();
  for (let round = 0; round < (short ? 1 : ROUNDS); round++) {
    for (const windowMinutes of round % 2 === 0 ? SLICES : SLICES.toReversed()) {
      // As many minutes as the longest window has slices to build: what that costs belongs to firings.
      const minutes = short ? 100 : DAY_MINUTES;
      const one = await measured({ keys: keys / 10, windowMinutes, everyMinutes: 1, minutes, ends: false });
      costs.get(windowMinutes)?.push((one.firingUs * 1000) / one.firedRows);
      merges.set(windowMinutes, one.merges / one.firedRows);
    }
  }
  const ns = [...costs].map(([slices, all]): [string, number] => [`ns${slices}`, quantile(all, 0.5)]);
  const growth = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);
  return {
    figures: {
      state: day.stateBytes / day.entriesBytes,
      bytesPerEntry: day.entriesBytes / day.liveEntries,
      ...Object.fromEntries(ns),
      firing: growth(ns.map(([, value]) => value)),
      merges: growth([...merges.values()]),
    },
    spread: Object.fromEntries([...costs].map(([slices, all]) => [`ns${slices}`, spreadOf(all)])),
    counters: {
      keys,
      rows: day.rows,
      results: day.results,
      liveEntries: day.liveEntries,
      stateBytes: day.stateBytes,
      mergesPerResultOfTheDay: day.merges / day.firedRows,
      ...Object.fromEntries([...merges].map(([slices, value]) => [`mergesPerResult${slices}`, value])),
    },
  };
}

export const bench: Bench = {
  id: 'hopping',
  title: 'a day that moves by the minute: state per live slice, cost of a firing whatever the slices',
  targets: { state: { atMost: 2 }, firing: { atMost: 1.3 }, merges: { atMost: 1.1 } },
  run,
};
