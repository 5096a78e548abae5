/**
 * P10: a user's filter and map over rows, the whole engine on one thread, against the same functions over an array of plain
 * objects (numeric and repeating: the objects are in memory; unique: JSON.parse of the same lines, which is counted).
 *
 * | figure | the peer |
 * |---|---|
 * | numeric, repeating | rows.filter(keep).map(change) |
 * | numericLoop, repeatingLoop | one loop that keeps nothing, in which no result object is ever made |
 * | unique, uniqueUniform | JSON.parse of each line, then that loop; lines of several forms, lines of one form |
 * | ...Window | that loop, and a Map per window of 10 s |
 *
 * Figures are ratios of the time of all cores: time on the clock (...Clock) says more about who else is on the machine.
 */
import { type Bench, type BenchOptions, type BenchResult, compare, quantile, spreadOf } from './bench.ts';
import type { PeerStyle } from './peers/objects.ts';
import type { ClosurePlan } from './support/closure-run.ts';
import { SideProcess } from './support/sides.ts';

interface Case extends Omit<ClosurePlan, 'rows' | 'laps'> {
  readonly style: PeerStyle;
}

const CASES: { readonly [figure: string]: Case } = {
  numeric: { of: 'numeric', windowed: false, style: 'methods' },
  numericLoop: { of: 'numeric', windowed: false, style: 'loop' },
  numericWindow: { of: 'numeric', windowed: true, style: 'loop' },
  repeating: { of: 'repeating', windowed: false, style: 'methods' },
  repeatingLoop: { of: 'repeating', windowed: false, style: 'loop' },
  repeatingWindow: { of: 'repeating', windowed: true, style: 'loop' },
  unique: { of: 'unique', lines: 'mixed', windowed: false, style: 'loop' },
  uniqueUniform: { of: 'unique', lines: 'uniform', windowed: false, style: 'loop' },
  uniqueWindow: { of: 'unique', lines: 'mixed', windowed: true, style: 'loop' },
};

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = {};
  for (const [figure, { style, ...what }] of Object.entries(CASES)) {
    // Processes of its own for each case: none meets code that another has made general, on either side.
    using engine = new SideProcess();
    using peer = new SideProcess(['--max-old-space-size=4096']);
    const plan = { ...what, rows: short ? 50_000 : 500_000, laps: short || what.of === 'unique' ? 1 : 8 };
    const ours = engine.timed({ side: 'closures', options: plan });
    const theirs = peer.timed({ side: 'objects', options: { ...plan, style } });
    const { ratio } = await compare({ ours: ours.side, peer: theirs.side }, { rounds: short ? 1 : 7 });
    const rounds = ours.cpuMs.map((ms, i) => (theirs.cpuMs[i] ?? Number.NaN) / ms);
    figures[figure] = quantile(rounds, 0.5);
    spread[figure] = spreadOf(rounds);
    figures[`${figure}Clock`] = ratio;
    figures[`${figure}NsPerRow`] = (quantile(ours.cpuMs, 0.5) * 1e6) / (plan.rows * plan.laps);
    for (const [name, value] of Object.entries(engine.last?.counters ?? {})) counters[`${figure}.${name}`] = value;
  }
  return { figures, spread, counters };
}

export const bench: Bench = {
  id: 'p10',
  title: "a user's filter and map over rows, against the same functions over plain objects",
  targets: {
    numeric: { atLeast: 1.5 },
    repeating: { atLeast: 0.7 },
    unique: { atLeast: 0.7 },
    numericWindow: { atLeast: 1 },
    repeatingWindow: { atLeast: 1 },
    uniqueWindow: { atLeast: 1 },
  },
  // All lines of the uniform file look alike.
  idle: ['uniqueUniform.generalRows'],
  run,
};
