/**
 * P1 with checkpoints: the uniform file read for half a minute with a checkpoint every second, to files, over the same
 * without. The file is read often enough for CHECKPOINTS_MIN of them, however fast the machine is at the moment.
 */
import { type Bench, type BenchOptions, type BenchResult, compare } from './bench.ts';
import { bidFile } from './support/bids.ts';
import { SideProcess } from './support/sides.ts';

/** Event time of a bid file: 10 bids are a millisecond. */
const lapMsOf = (lines: number): number => lines / 10;

const LAPS = { checked: 2, pace: 8 };
const RUN_MS = 30_000;
const CHECKPOINTS_MIN = 20;

/** Two laps against plain JavaScript, for the answer; then many, with checkpoints against without. */
async function run({ short }: BenchOptions): Promise<BenchResult> {
  const lines = short ? 200_000 : 2_000_000;
  const { path } = bidFile('uniform', lines);
  const lapMs = lapMsOf(lines);
  using engine = new SideProcess();
  using peer = new SideProcess();
  await sameAnswer(engine, peer, { path, lapMs, laps: LAPS.checked });
  const many = { path, lapMs, laps: short ? LAPS.checked : await lapsFor(engine, { path, lapMs }) };
  const sides = {
    ours: engine.side({ side: 'engine', options: { ...many, checkpoints: true } }),
    peer: engine.side({ side: 'engine', options: many }),
  };
  const checkpoints: number[] = [];
  const counters: Record<string, number> = {};
  const ours = async (): Promise<string> => {
    const digest = await sides.ours();
    Object.assign(counters, engine.last?.counters);
    checkpoints.push(counters['checkpoints'] ?? 0);
    return digest;
  };
  const { ratio, spread } = await compare({ ours, peer: sides.peer }, { rounds: short ? 1 : 3, warmup: 0 });
  if (!short && Math.min(...checkpoints) < CHECKPOINTS_MIN)
    throw new Error(`only ${checkpoints.join(', ')} checkpoints`);
  return {
    figures: { withCheckpoints: ratio },
    spread: { withCheckpoints: spread },
    counters: { ...counters, laps: many.laps, checkpoints: Math.min(...checkpoints) },
  };
}

interface Laps {
  readonly path: string;
  readonly lapMs: number;
  readonly laps: number;
}

async function sameAnswer(engine: SideProcess, peer: SideProcess, options: Laps): Promise<void> {
  const ours = await engine.run({ side: 'engine', options: { ...options, checkpoints: true } });
  const theirs = await peer.run({ side: 'plainJs', options });
  if (ours.digest !== theirs.digest)
    throw new Error(`wrong answer in laps: ${ours.digest} instead of ${theirs.digest}`);
}

/** As many laps as take RUN_MS. */
async function lapsFor(engine: SideProcess, options: Omit<Laps, 'laps'>): Promise<number> {
  const began = performance.now();
  await engine.run({ side: 'engine', options: { ...options, laps: LAPS.pace } });
  return Math.ceil((RUN_MS * LAPS.pace) / (performance.now() - began));
}

export const bench: Bench = {
  id: 'p1-checkpoints',
  title: 'NDJSON bids to 10 s windows per channel with a checkpoint every second, against without',
  targets: { withCheckpoints: { atLeast: 0.9 } },
  run,
};
