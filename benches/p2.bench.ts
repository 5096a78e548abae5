/**
 * P2: the same as P1 on the uniform file against DuckDB with one thread, which reads the whole file at once and knows no late
 * bids. Its digest is therefore not the engine's: it must be the one that plain JavaScript computes with the late bids folded
 * back in, and the engine's must be that of plain JavaScript as it is. `uniformCpu` is the ratio of the time of all cores.
 */
import { type Bench, type BenchOptions, type BenchResult, compare, quantile } from './bench.ts';
import { BENCH_LINES, bidFile } from './support/bids.ts';
import { expectedDigests } from './support/expected.ts';
import { SideProcess } from './support/sides.ts';

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const lines = short ? 200_000 : BENCH_LINES;
  const { path } = bidFile('uniform', lines);
  const expected = expectedDigests(path);
  using engine = new SideProcess();
  using duckDb = new SideProcess();
  const checked = async (digest: string, wanted: string): Promise<string> => {
    if (digest !== wanted) throw new Error(`wrong answer: ${digest} instead of ${wanted}`);
    return 'right';
  };
  const ours = engine.timed({ side: 'engine', options: { path } });
  const theirs = duckDb.timed({ side: 'duckDb', options: { path } });
  const sides = {
    ours: async () => checked(await ours.side(), expected.exact),
    peer: async () => checked(await theirs.side(), expected.withLate),
  };
  const { ratio, spread, oursMs } = await compare(sides, { rounds: short ? 1 : 9 });
  const cpu = quantile(theirs.cpuMs, 0.5) / quantile(ours.cpuMs, 0.5);
  return {
    figures: { uniform: ratio, uniformCpu: cpu, rowsPerS: Math.round((lines / oursMs) * 1_000) },
    spread: { uniform: spread },
    counters: { ...engine.last?.counters },
  };
}

export const bench: Bench = {
  id: 'p2',
  title: 'NDJSON bids to 10 s windows per channel, against DuckDB with one thread',
  targets: { uniform: { atLeast: 5 } },
  // All lines look alike, and the run ends before a checkpoint is due, but for the last, when state is empty.
  idle: ['generalRows', 'checkpointBytes'],
  run,
};
