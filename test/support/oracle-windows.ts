/**
 * Generated cases through the engine, each in its own way: batches, chunks, turns, checkpoints and restarts drawn from the
 * seed. The everyday test and the heavy one differ in their count only.
 */
import { UserError } from '../../src/base/errors.ts';
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
import { type Choice, type Coverage, pairwiseCoverage } from '../oracle/coverage.ts';
import { DIMENSIONS, type GeneratedCase, generateCase, isPossiblePair } from '../oracle/generate.ts';
import { type DriveOptions, driveThrough, TickingClock } from './engine.ts';
import { type CaseJob, compareWithOracle, jobOf } from './oracle-job.ts';

/** How the engine runs a case: none of it may show in the result. */
const RUN_DIMENSIONS = {
  batchRows: ['1', '7', '64', '4096'],
  chunk: ['1', '13', '4096', '1048576'],
  quantum: ['as files', 'small'],
  checkpoints: ['at the end', 'rare', 'often'],
  restart: ['none', 'suspend', 'kill', 'crash in the store', 'several'],
  lateRows: ['taken', 'left'],
} as const;

type RunChoice = { readonly [K in keyof typeof RUN_DIMENSIONS]: (typeof RUN_DIMENSIONS)[K][number] };

/** Small chunks of large inputs would only take long. */
const CHUNKS_MAX = 30_000;
const QUANTUM_BYTES = 262_144;

export interface Tally {
  readonly coverage: Coverage;
  readonly refused: Map<string, number>;
  cases: number;
  restarts: number;
  checkpoints: number;
  lateRows: number;
  results: number;
  /** Cases that ended before the place where they should have been stopped. */
  missedStops: number;
}

export const newTally = (): Tally => ({
  coverage: pairwiseCoverage({ ...DIMENSIONS, ...RUN_DIMENSIONS }, isPossible),
  refused: new Map(),
  cases: 0,
  restarts: 0,
  checkpoints: 0,
  lateRows: 0,
  results: 0,
  missedStops: 0,
});

/** Windows with gaps are refused; the other pairs would be chunks of a byte for inputs of megabytes. */
const isPossible = (pair: Choice): boolean =>
  isPossiblePair(pair)
  && pair['window'] !== 'hopping with gaps'
  && !(pair['size'] === 'quanta' && (pair['chunk'] === '1' || pair['chunk'] === '13'));

/** Runs the case of a seed; throws with the seed and all choices when the engine and the oracle differ. */
export async function runCase(seed: number, tally: Tally): Promise<void> {
  const made = generateCase(seed);
  const random = seededRandom(Math.imul(seed, 0x51ed270b) ^ 0x5bd1e995);
  const choice = chooseRun(made, random);
  try {
    await runChosen(made, choice, random, tally);
  } catch (error) {
    if (isRefusal(error)) {
      const what = `${made.choice['window'] ?? ''}: ${error.message}`;
      tally.refused.set(what, (tally.refused.get(what) ?? 0) + 1);
      return;
    }
    throw new Error(`seed ${seed}: ${String(error)}\n${JSON.stringify({ ...made.choice, ...choice })}`, {
      cause: error,
    });
  }
  tally.cases++;
  tally.coverage.add(seed, { ...made.choice, ...choice });
}

/** What the API refuses to build. */
const isRefusal = (error: unknown): error is UserError => error instanceof UserError && error.code === 'E1006';

async function runChosen(made: GeneratedCase, choice: RunChoice, random: Random, tally: Tally): Promise<void> {
  const tickMs = [0, 0.1, 1][below(random, 3)] ?? 0;
  const clock = new TickingClock(tickMs);
  const quantumBytes = choice.quantum === 'small' ? 300 + below(random, 6_000) : QUANTUM_BYTES;
  const caseJob = jobOf(made, {
    late: choice.lateRows === 'taken',
    clock,
    quantumBytes,
    delayMs: () => below(random, 4),
    chunksPerArrival: 1 + below(random, 64),
  });
  // More than one pass of the loop takes: ticks do not pass for sleepers, so checkpoints without end would let nothing arrive.
  const often = 3 + 10 * tickMs;
  const settings = {
    batchRows: Number(choice.batchRows),
    chunkBytes: Number(choice.chunk),
    checkpointEveryMs: { 'at the end': undefined, rare: 60, often }[choice.checkpoints],
  };
  const stops = stopsOf(choice, random);
  const { run, restarts } = await driveThrough(
    { job: caseJob.job, medium: new MemoryMedium(), clock, settings },
    stops,
  );
  compareWithOracle(made, quantumBytes, caseJob, run);
  count(tally, caseJob, restarts);
  if (restarts < stops.length) tally.missedStops++;
  tally.checkpoints += run.checkpoints.completed;
}

function count(tally: Tally, { results, late }: CaseJob, restarts: number): void {
  tally.restarts += restarts;
  tally.results += results.rows.length;
  tally.lateRows += late?.rows.length ?? 0;
}

function chooseRun(made: GeneratedCase, random: Random): RunChoice {
  const pick = <T>(values: readonly [T, ...T[]]): T => values[below(random, values.length)] ?? values[0];
  const bytes = made.written.reduce((sum, split) => sum + split.bytes.length, 0);
  const { chunk: chunks } = RUN_DIMENSIONS;
  const isFew = (chunk: string): boolean => bytes / Number(chunk) <= CHUNKS_MAX;
  let chunk = pick(chunks);
  while (!isFew(chunk)) chunk = pick(chunks);
  return {
    batchRows: pick(RUN_DIMENSIONS.batchRows),
    chunk,
    quantum: pick(RUN_DIMENSIONS.quantum),
    checkpoints: pick(RUN_DIMENSIONS.checkpoints),
    restart: pick(RUN_DIMENSIONS.restart),
    lateRows: pick(RUN_DIMENSIONS.lateRows),
  };
}

type StopAt = Pick<DriveOptions, 'stop' | 'crashAt'>;

function stopsOf({ restart }: RunChoice, random: Random): StopAt[] {
  /** Early places are where there is most to get wrong, and short runs have no others. */
  const turn = (): number => below(random, 1 << below(random, 8));
  const at = (how: 'suspend' | 'kill'): StopAt => {
    const place = turn();
    return { stop: { how, when: (_run, now) => now >= place } };
  };
  const crash = (): StopAt => ({ crashAt: below(random, 50) });
  switch (restart) {
    case 'none':
      return [];
    case 'suspend':
    case 'kill':
      return [at(restart)];
    case 'crash in the store':
      return [crash()];
    case 'several':
      return Array.from(
        { length: 2 + below(random, 3) },
        () => [at('suspend'), at('kill'), crash()][below(random, 3)] ?? crash(),
      );
  }
}

/** The table for people, and what a run of this many cases must have met. */
export function report(tally: Tally): string {
  const { coverage, refused, ...counts } = tally;
  return [
    JSON.stringify(counts),
    ...[...refused].map(([what, times]) => `refused ${times}: ${what}`),
    coverage.table(),
  ].join('\n');
}
