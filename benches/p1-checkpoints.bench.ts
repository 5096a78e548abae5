/**
 * P1 with checkpoints: the uniform file read again and again with a checkpoint every second, to files, over the same without.
 * The side with checkpoints reads until there are enough of them, however fast the machine is at the moment; the other reads
 * as many laps, and both must agree.
 */
import { type Bench, type BenchOptions, type BenchResult, quantile, roundsWithin, spreadOf } from './bench.ts';
import { bidFile } from './support/bids.ts';
import { SideProcess } from './support/sides.ts';

/** Event time of a bid file: 10 bids are a millisecond. */
const lapMsOf = (lines: number): number => lines / 10;

const CHECKED_LAPS = 2;
/** Half a minute of them; so many have to be completed. */
const CHECKPOINTS = 28;
const CHECKPOINTS_MIN = 20;
const ROUNDS = 3;
const BOX_MS = 200_000;

/** Two laps against plain JavaScript, for the answer; then many, with checkpoints against without. */
async function run({ short }: BenchOptions): Promise<BenchResult> {
  const lines = short ? 200_000 : 2_000_000;
  const { path } = bidFile('uniform', lines);
  const file = { path, lapMs: lapMsOf(lines) };
  using engine = new SideProcess();
  using peer = new SideProcess();
  const began = performance.now();
  await sameAnswer(engine, peer, { ...file, laps: CHECKED_LAPS });
  const ratios: number[] = [];
  const completed: number[] = [];
  let counters: Readonly<Record<string, number>> = {};
  const boxMs = BOX_MS - (performance.now() - began);
  for (const _ of roundsWithin({ rounds: short ? 1 : ROUNDS, atLeast: 1, boxMs, now: () => performance.now() })) {
    const one = await round(engine, { ...file, untilCheckpoints: short ? 1 : CHECKPOINTS });
    ratios.push(one.ratio);
    completed.push(one.counters['checkpoints'] ?? 0);
    counters = one.counters;
  }
  if (!short && Math.min(...completed) < CHECKPOINTS_MIN)
    throw new Error(`only ${completed.join(', ')} checkpoints were completed: they take longer than a second here`);
  return {
    figures: { withCheckpoints: quantile(ratios, 0.5) },
    spread: { withCheckpoints: spreadOf(ratios) },
    counters: { ...counters, rounds: ratios.length, checkpoints: Math.min(...completed) },
  };
}

interface File {
  readonly path: string;
  readonly lapMs: number;
}

async function sameAnswer(
  engine: SideProcess,
  peer: SideProcess,
  options: File & { readonly laps: number },
): Promise<void> {
  const ours = await engine.run({ side: 'engine', options: { ...options, checkpoints: true } });
  const theirs = await peer.run({ side: 'plainJs', options });
  if (ours.digest !== theirs.digest)
    throw new Error(`wrong answer in laps: ${ours.digest} instead of ${theirs.digest}`);
}

async function round(
  engine: SideProcess,
  options: File & { readonly untilCheckpoints: number },
): Promise<{ readonly ratio: number; readonly counters: Readonly<Record<string, number>> }> {
  const began = performance.now();
  const ours = await engine.run({ side: 'engine', options: { ...options, checkpoints: true } });
  const between = performance.now();
  const { path, lapMs } = options;
  const theirs = await engine.run({ side: 'engine', options: { path, lapMs, laps: ours.counters['laps'] ?? 0 } });
  const ended = performance.now();
  if (ours.digest !== theirs.digest)
    throw new Error(`wrong answer with checkpoints: ${ours.digest}, without ${theirs.digest}`);
  return { ratio: (ended - between) / (between - began), counters: ours.counters };
}

export const bench: Bench = {
  id: 'p1-checkpoints',
  title: 'NDJSON bids to 10 s windows per channel with a checkpoint every second, against without',
  targets: { withCheckpoints: { atLeast: 0.9 } },
  run,
};
