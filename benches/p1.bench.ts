/**
 * P1: bids as NDJSON into 10 s windows per channel, the whole engine on one thread, against JSON.parse and a Map in plain
 * JavaScript on the same file. `withCheckpoints` is the uniform file read for half a minute with a checkpoint every second,
 * to files, over the same without. Figures that end in Cpu are ratios of the time of all cores, which others on the machine
 * disturb less.
 */
import { type Bench, type BenchOptions, type BenchResult, compare, quantile } from './bench.ts';
import { BID_SHAPES, bidFile } from './support/bids.ts';
import { SideProcess } from './support/sides.ts';

/** Event time of a bid file: 10 bids are a millisecond. */
const lapMsOf = (lines: number): number => lines / 10;

const LAPS = { checked: 2, timed: 120 };
const CHECKPOINTS_MIN = 20;

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const lines = short ? 200_000 : 2_000_000;
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = {};
  using engine = new SideProcess();
  using peer = new SideProcess();
  for (const shape of BID_SHAPES) {
    const { path } = bidFile(shape, lines);
    const [ours, peers] = [
      engine.timed({ side: 'engine', options: { path } }),
      peer.timed({ side: 'plainJs', options: { path } }),
    ];
    const {
      ratio,
      spread: width,
      oursMs,
    } = await compare({ ours: ours.side, peer: peers.side }, { rounds: short ? 1 : 5 });
    figures[shape] = ratio;
    spread[shape] = width;
    figures[`${shape}Cpu`] = quantile(peers.cpuMs, 0.5) / quantile(ours.cpuMs, 0.5);
    figures[`${shape}RowsPerS`] = Math.round((lines / oursMs) * 1_000);
    for (const [name, value] of Object.entries(engine.last?.counters ?? {})) counters[`${shape}.${name}`] = value;
  }
  await checkpointed(engine, peer, { lines, short, figures, spread, counters });
  return { figures, spread, counters };
}

interface Checkpointed {
  readonly lines: number;
  readonly short: boolean;
  readonly figures: Record<string, number>;
  readonly spread: Record<string, number>;
  readonly counters: Record<string, number>;
}

/** Two laps against plain JavaScript, for the answer; then many, with checkpoints against without. */
async function checkpointed(
  engine: SideProcess,
  peer: SideProcess,
  { lines, short, figures, spread, counters }: Checkpointed,
): Promise<void> {
  const { path } = bidFile('uniform', lines);
  const lapMs = lapMsOf(lines);
  const options = { path, lapMs, laps: LAPS.checked };
  const ours = await engine.run({ side: 'engine', options: { ...options, checkpoints: true } });
  const theirs = await peer.run({ side: 'plainJs', options });
  if (ours.digest !== theirs.digest)
    throw new Error(`wrong answer in laps: ${ours.digest} instead of ${theirs.digest}`);
  const many = { path, lapMs, laps: short ? LAPS.checked : LAPS.timed };
  const sides = {
    ours: engine.side({ side: 'engine', options: { ...many, checkpoints: true } }),
    peer: engine.side({ side: 'engine', options: many }),
  };
  const checkpoints: number[] = [];
  const counted = async (): Promise<string> => {
    const digest = await sides.ours();
    checkpoints.push(engine.last?.counters['checkpoints'] ?? 0);
    counters['laps.checkpointBytes'] = engine.last?.counters['checkpointBytes'] ?? 0;
    return digest;
  };
  const { ratio, spread: width } = await compare(
    { ours: counted, peer: sides.peer },
    { rounds: short ? 1 : 3, warmup: 0 },
  );
  if (!short && Math.min(...checkpoints) < CHECKPOINTS_MIN)
    throw new Error(`only ${checkpoints.join(', ')} checkpoints`);
  figures['withCheckpoints'] = ratio;
  spread['withCheckpoints'] = width;
  counters['laps.checkpoints'] = Math.min(...checkpoints);
}

export const bench: Bench = {
  id: 'p1',
  title: 'NDJSON bids to 10 s windows per channel, against JSON.parse and a Map',
  targets: {
    uniform: { atLeast: 15 },
    mixed: { atLeast: 10 },
    shuffled: { atLeast: 6 },
    withCheckpoints: { atLeast: 0.9 },
  },
  // All lines of the uniform file look alike, and runs of one file end before a checkpoint is due, but for the last.
  idle: ['uniform.generalRows', ...BID_SHAPES.map((shape) => `${shape}.checkpointBytes`)],
  run,
};
