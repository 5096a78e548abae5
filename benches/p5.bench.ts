/**
 * P5: 512 MB of keyed state; between two checkpoints, one a second, 1% of the keys are updated, uniformly or by Zipf's law
 * with exponent 1.2. The longest gap between two batches, at the 99.9th percentile from the first row on, so with the first
 * checkpoint in it, which writes everything; the bytes that later checkpoints write; and the rate with checkpoints against
 * without, of as many rows.
 */
import { type Bench, type BenchOptions, type BenchResult, quantile, roundsWithin, spreadOf } from './bench.ts';
import type { Answer } from './side-process.ts';
import type { Skew } from './support/keyed-source.ts';
import { SideProcess } from './support/sides.ts';

/** Of an entry whose values fit int32: key, rows, sum, min, max. */
const ENTRY_BYTES = 28;
const STATE_BYTES_MIN = 512 * 1024 * 1024;
const CHECKPOINTS_MIN = 20;
/** As many rounds as the box has room for. One is a run of each skew with checkpoints and one without, about two minutes. */
const ROUNDS = 3;
const BOX_MS = 200_000;

interface Pair {
  readonly with: Answer;
  readonly ratio: number;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const rounds = short ? 1 : ROUNDS;
  const uniform: Pair[] = [];
  const zipf: Pair[] = [];
  for (const _ of roundsWithin({ rounds, atLeast: 1, boxMs: BOX_MS, now: () => performance.now() })) {
    uniform.push(await pair('uniform', short));
    zipf.push(await pair('zipf', short));
  }
  const of = (pairs: readonly Pair[], figure: (counters: Answer['counters']) => number): readonly number[] =>
    pairs.map((each) => figure(each.with.counters));
  const measured = {
    gapMs: of([...uniform, ...zipf], ({ gapP999Ms = Number.NaN }) => gapP999Ms),
    gapMaxMs: of([...uniform, ...zipf], ({ gapMaxMs = Number.NaN }) => gapMaxMs),
    bytesUniform: of(uniform, ({ steadyBytes = 0, changedKeys = 0 }) => steadyBytes / (changedKeys * ENTRY_BYTES)),
    bytesZipf: of(zipf, ({ steadyBytes = 0, changedBytes = 0 }) => steadyBytes / changedBytes),
    throughput: [...uniform, ...zipf].map(({ ratio }) => ratio),
  };
  const entries = Object.entries(measured);
  return {
    figures: Object.fromEntries(entries.map(([name, values]) => [name, quantile(values, 0.5)])),
    spread: Object.fromEntries(entries.map(([name, values]) => [name, spreadOf(values)])),
    counters: { ...uniform[0]?.with.counters, rounds: uniform.length },
  };
}

/** One run with checkpoints until there are enough, and one without of as many rows. */
async function pair(skew: Skew, short: boolean): Promise<Pair> {
  const keys = short ? 100_000 : 15_500_000;
  const plan = {
    keys,
    skew,
    updatedShare: 0.01,
    epochs: short ? 4 : CHECKPOINTS_MIN + 2,
    rowsMax: Number.MAX_SAFE_INTEGER,
  };
  using engine = new SideProcess();
  const checkpointed = await engine.run({ side: 'keyed', options: { ...plan, checkpoints: true } });
  const { rows = 0, steadyRows = 0, steadyCheckpoints = 0, stateBytes = 0 } = checkpointed.counters;
  if (!short && (steadyCheckpoints < CHECKPOINTS_MIN || stateBytes < STATE_BYTES_MIN))
    throw new Error(
      `only ${steadyCheckpoints} checkpoints of ${stateBytes} bytes of state, not ${CHECKPOINTS_MIN} of ${STATE_BYTES_MIN}`,
    );
  // The same keys by turns, which are new to the caches each time.
  const epochRows = Math.ceil(steadyRows / Math.max(1, steadyCheckpoints));
  using other = new SideProcess();
  const without = await other.run({
    side: 'keyed',
    options: { ...plan, rowsMax: rows, epochRows, checkpoints: false },
  });
  return { with: checkpointed, ratio: rateOf(checkpointed) / rateOf(without) };
}

const rateOf = ({ counters: { steadyRows = 0, steadyMs = 0 } }: Answer): number => steadyRows / steadyMs;

export const bench: Bench = {
  id: 'p5',
  title: '512 MB of keyed state, 1% updated between checkpoints: gaps, bytes written, throughput',
  targets: {
    gapMs: { atMost: 10 },
    bytesUniform: { atMost: 6 },
    bytesZipf: { atMost: 1.5 },
    throughput: { atLeast: 0.9 },
  },
  idle: ['rewrites'],
  run,
};
