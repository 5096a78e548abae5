/**
 * What a bench is, and how two sides are compared. A bench module ends in `.bench.ts` and exports `bench`.
 *
 * Invariants
 *  1. A figure that is a ratio comes from rounds that interleave the two sides on one machine: A B, B A, A B, …; it is the median
 *     of the rounds' ratios, and its spread is the distance between their quartiles.
 *  2. Both sides answer with a digest of their whole result, and the digests must agree in every round.
 *  3. Every counter must have moved, except those named in `idle`.
 * Not here: finding and running benches, the baseline (run.ts).
 */
import { performance } from 'node:perf_hooks';

export type Figures = { readonly [name: string]: number };
export type Target = { readonly atLeast: number } | { readonly atMost: number };

export interface BenchOptions {
  /** A quick pass, for checking that it works; its figures mean little. */
  readonly short: boolean;
}

export interface BenchResult {
  readonly figures: Figures;
  /** Of the figures that are ratios, under the same names. */
  readonly spread: Figures;
  /** Work done: rows, bytes, keys, windows fired, … */
  readonly counters: Figures;
}

export interface Bench {
  readonly id: string;
  readonly title: string;
  /** By the name of the figure. */
  readonly targets: { readonly [figure: string]: Target };
  /** Counters that may stay zero. */
  readonly idle?: readonly string[];
  run(options: BenchOptions): Promise<BenchResult>;
}

/** One way to do the work. The digest covers every byte of the result. */
export type Side = () => Promise<string> | string;

export interface Comparison {
  /** Time of the peer over ours: 2 means twice as fast as the peer. */
  readonly ratio: number;
  readonly spread: number;
  readonly oursMs: number;
  readonly peerMs: number;
}

export interface CompareOptions {
  readonly rounds: number;
  /** ms: a round that would not end within them is left out, but for the first that counts. */
  readonly boxMs?: number;
  /** Rounds before that are not counted. One unless said otherwise. */
  readonly warmup?: number;
  readonly now?: () => number;
}

export async function compare(
  sides: { readonly ours: Side; readonly peer: Side },
  options: CompareOptions,
): Promise<Comparison> {
  const now = options.now ?? ((): number => performance.now());
  const warmup = options.warmup ?? 1;
  const rounds: { ours: number; peer: number }[] = [];
  const boxed = { rounds: warmup + options.rounds, atLeast: warmup + 1, boxMs: options.boxMs, now };
  for (const round of roundsWithin(boxed)) {
    const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const);
    const ms = { ours: 0, peer: 0 };
    const digest = { ours: '', peer: '' };
    for (const side of order) {
      const start = now();
      digest[side] = await sides[side]();
      ms[side] = now() - start;
    }
    if (digest.ours !== digest.peer)
      throw new Error(`wrong answer in round ${round}: ${digest.ours}, but the peer has ${digest.peer}`);
    if (round >= warmup) rounds.push(ms);
  }
  const ratios = rounds.map(({ ours, peer }) => peer / ours);
  return {
    ratio: quantile(ratios, 0.5),
    spread: spreadOf(ratios),
    oursMs: quantile(
      rounds.map(({ ours }) => ours),
      0.5,
    ),
    peerMs: quantile(
      rounds.map(({ peer }) => peer),
      0.5,
    ),
  };
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly atLeast: number;
  readonly boxMs: number | undefined;
  readonly now: () => number;
}

/** Numbers of rounds from 0: none begins, beyond those that there have to be, that would leave the box were it as long as the longest. */
export function* roundsWithin({ rounds, atLeast, boxMs = Infinity, now }: RoundsOptions): Generator<number> {
  const began = now();
  let longest = 0;
  for (let round = 0; round < rounds; round++) {
    const start = now();
    if (round >= atLeast && start - began + longest > boxMs) return;
    yield round;
    longest = Math.max(longest, now() - start);
  }
}

/** Linear between neighbours. NaN for no values. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * p;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** The distance between the quartiles. */
export const spreadOf = (values: readonly number[]): number => quantile(values, 0.75) - quantile(values, 0.25);

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

export const goalOf = (target: Target): number => ('atLeast' in target ? target.atLeast : target.atMost);

export const isReached = (target: Target, figure: number): boolean =>
  'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost;

/** Runs a bench and refuses a result that cannot be believed. */
export async function runChecked(bench: Bench, options: BenchOptions): Promise<BenchResult> {
  const result = await bench.run(options);
  const missing = Object.keys(bench.targets).filter((name) => !Number.isFinite(result.figures[name]));
  if (missing.length > 0) throw new Error(`${bench.id} has no figure for ${missing.join(', ')}`);
  const still = Object.keys(result.counters).filter(
    (name) => result.counters[name] === 0 && bench.idle?.includes(name) !== true,
  );
  if (still.length > 0) throw new Error(`${bench.id} did not do its work: ${still.join(', ')} stayed zero`);
  if (Object.keys(result.counters).length === 0) throw new Error(`${bench.id} counts nothing`);
  return result;
}

/** The last line of stdout: one JSON object. */
export function lastLine(bench: Bench, { figures, spread, counters }: BenchResult): string {
  const targets = Object.fromEntries(Object.entries(bench.targets).map(([name, target]) => [name, goalOf(target)]));
  return JSON.stringify({ id: bench.id, checked: true, figures, targets, spread, counters });
}
