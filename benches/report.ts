/** The table that `npm run bench` prints, and the baseline that it keeps. */
import { type Bench, type BenchResult, type Figures, goalOf, isReached } from './bench.ts';

export interface Baseline {
  /** The machine that the figures are of; figures of two machines are not compared. */
  readonly machine: string;
  /** Load average of the machine over five minutes when the benches ended: how much the figures were disturbed. */
  readonly load?: number;
  readonly benches: { readonly [id: string]: Figures };
}

export interface Outcome {
  readonly bench: Pick<Bench, 'id' | 'title' | 'targets'>;
  readonly result: BenchResult;
}

/** Figures, goals, and how they stand to the baseline when that is of the same machine. */
export function table(outcomes: readonly Outcome[], baseline: Baseline, machine: string): string {
  const rows = [['bench', 'figure', 'value', 'spread', 'goal', 'reached', 'to baseline']];
  for (const { bench, result } of outcomes) {
    for (const [name, value] of Object.entries(result.figures)) {
      const target = bench.targets[name];
      const before = baseline.machine === machine ? baseline.benches[bench.id]?.[name] : undefined;
      rows.push([
        bench.id,
        name,
        format(value),
        name in result.spread ? `±${format((result.spread[name] ?? 0) / 2)}` : '',
        target === undefined ? '' : `${'atLeast' in target ? '>=' : '<='} ${format(goalOf(target))}`,
        target === undefined ? '' : isReached(target, value) ? 'yes' : 'no',
        before === undefined ? '' : `${format(value / before)}x`,
      ]);
    }
  }
  return `${machine}\n${aligned(rows)}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const format = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** The baseline with these figures in it. Another machine begins a baseline of its own. */
export function keep(baseline: Baseline, outcomes: readonly Outcome[], machine: string, load?: number): Baseline {
  const benches = baseline.machine === machine ? { ...baseline.benches } : {};
  for (const { bench, result } of outcomes) benches[bench.id] = result.figures;
  const sorted = Object.fromEntries(Object.entries(benches).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { machine, ...(load === undefined ? {} : { load }), benches: sorted };
}
