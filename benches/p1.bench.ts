/**
 * P1: bids as NDJSON into 10 s windows per channel, the whole engine on one thread, against JSON.parse and a Map in plain
 * JavaScript on the same file. Figures that end in Cpu are ratios of the time of all cores, which others on the machine
 * disturb less. Not here: `withCheckpoints` (p1-checkpoints.bench.ts).
 */
import { type Bench, type BenchOptions, type BenchResult, compare, quantile } from './bench.ts';
import { BENCH_LINES, BID_SHAPES, bidFile } from './support/bids.ts';
import { SideProcess } from './support/sides.ts';

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const lines = short ? 200_000 : BENCH_LINES;
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
  return { figures, spread, counters };
}

export const bench: Bench = {
  id: 'p1',
  title: 'NDJSON bids to 10 s windows per channel, against JSON.parse and a Map',
  targets: { uniform: { atLeast: 15 }, mixed: { atLeast: 10 }, shuffled: { atLeast: 6 } },
  // All lines of the uniform file look alike, and runs of one file end before a checkpoint is due, but for the last.
  idle: ['uniform.generalRows', ...BID_SHAPES.map((shape) => `${shape}.checkpointBytes`)],
  run,
};
