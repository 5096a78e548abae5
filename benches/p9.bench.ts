/**
 * P9: 10 M keys with count, sum, min and max: resident memory of the engine against a Map of objects, each in a process of its
 * own, as growth from before the job to the last row; and the engine's longest pause, between two batches, while all keys are
 * new and tables grow.
 */
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { quantile, spreadOf } from './bench.ts';
import { SideProcess } from './support/sides.ts';

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const keys = short ? 200_000 : 10_000_000;
  const plan = { keys, skew: 'uniform', updatedShare: 0.01, epochs: 1, rowsMax: keys * 2 } as const;
  const ratios: number[] = [];
  const pauses: number[] = [];
  const counters: Record<string, number> = {};
  for (let round = 0; round < (short ? 1 : 3); round++) {
    // A fresh process each: what an earlier run left behind would hide what this one takes.
    using engine = new SideProcess();
    using peer = new SideProcess(['--max-old-space-size=8192']);
    const ours = await engine.run({ side: 'keyed', options: { ...plan, checkpoints: false } });
    const theirs = await peer.run({ side: 'keyedMap', options: plan });
    if (ours.digest !== theirs.digest) throw new Error(`wrong answer: ${ours.digest}, the peer has ${theirs.digest}`);
    const [bytes = 0, peerBytes = 0] = [ours, theirs].map((answer) => answer.counters['rssBytes']);
    ratios.push(bytes / peerBytes);
    pauses.push(ours.counters['gapMaxMs'] ?? Number.NaN);
    Object.assign(counters, ours.counters, { peerRssBytes: peerBytes, keys });
  }
  return {
    figures: { memory: quantile(ratios, 0.5), pauseMs: quantile(pauses, 0.5), pauseP999Ms: counters['gapP999Ms'] ?? 0 },
    spread: {
      memory: spreadOf(ratios), pauseMs: spreadOf(pauses),
    },
    counters,
  };
}

export const bench: Bench = {
  id: 'p9',
  title: '10 M keys with count, sum, min, max: memory against a Map of objects, and the longest pause',
  targets: { memory: { atMost: 0.4 }, pauseMs: { atMost: 5 } },
  // Without a state folder there is nothing to checkpoint until the end.
  idle: ['checkpoints', 'steadyCheckpoints'],
  run,
};
