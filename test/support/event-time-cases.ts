/**
 * Generated cases of every kind of window and watermark through the engine and through the oracle. The everyday test and the
 * heavy one differ in their count only.
 *
 * Invariants
 *  1. Restarts are in the middle: some rows have been taken, and some have not. A killed run goes back to its last checkpoint.
 *  2. Results are compared group by group in order, late rows and rows from the future one by one; a changelog must besides
 *     take back only what stands.
 */
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import { imbalance } from '../../src/metrics/ledger.ts';
import type { JobRun } from '../../src/runtime/job-run.ts';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
import { type Coverage, pairwiseCoverage } from '../oracle/coverage.ts';
import { type EventTimeResult, recompute } from '../oracle/event-time.ts';
import {
  EVENT_TIME_DIMENSIONS,
  type EventTimeCase,
  generateEventTimeCase,
  ARRIVAL_MS,
  IDLE_AFTER_MS,
  isPossibleEventTimePair,
} from '../oracle/generate-event-time.ts';
import { liveOrder } from '../oracle/live-order.ts';
import { type OrderedRow, processingOrder, type WatermarkRule } from '../oracle/processing-order.ts';
import { type DriveOptions, driveThrough, TickingClock } from './engine.ts';
import { type EventTimeJob, eventTimeJob, watermarksJob } from './event-time-job.ts';

/** How the engine runs a case: none of it may show in the result. */
const RUN_DIMENSIONS = {
  restarts: ['none', 'one', 'several'],
  batchRows: ['1', '7', '64'],
  quantum: ['as files', 'small'],
} as const;

type RunChoice = { readonly [K in keyof typeof RUN_DIMENSIONS]: (typeof RUN_DIMENSIONS)[K][number] };

export interface EventTimeTally {
  readonly coverage: Coverage;
  /** Cases. */
  withLateRows: number;
  withCorrections: number;
  withFutureRows: number;
  results: number;
  lateRows: number;
  corrections: number;
  /** Runs that went on from a checkpoint in the middle, by kind of window. */
  readonly continued: Record<string, number>;
}

export const newEventTimeTally = (): EventTimeTally => ({
  coverage: pairwiseCoverage({ ...EVENT_TIME_DIMENSIONS, ...RUN_DIMENSIONS }, isPossibleEventTimePair),
  ...{ withLateRows: 0, withCorrections: 0, withFutureRows: 0, results: 0, lateRows: 0, corrections: 0 },
  continued: {},
});

/** Runs the case of a seed; throws with the seed and all choices when the engine and the oracle differ. */
export async function runEventTimeCase(seed: number, tally: EventTimeTally): Promise<void> {
  const made = generateEventTimeCase(seed);
  const random = seededRandom(Math.imul(seed, 0x51ed270b) ^ 0x1b873593);
  const choice = chooseRun(made, random);
  try {
    await runChosen(made, choice, random, tally);
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}\n${JSON.stringify({ ...made.choice, ...choice, ...made.query })}`, {
      cause: error,
    });
  }
  tally.coverage.add(seed, { ...made.choice, ...choice });
}

function chooseRun({ choice }: EventTimeCase, random: Random): RunChoice {
  const pick = <T>(values: readonly [T, ...T[]]): T => values[below(random, values.length)] ?? values[0];
  // What several live splits had while nobody looked comes split by split: their order is another one after a restart.
  const isFree = choice.source === 'replayed' || choice.splits === '1';
  const restarts = pick(RUN_DIMENSIONS.restarts);
  return {
    restarts: isFree ? restarts : 'none',
    batchRows: pick(RUN_DIMENSIONS.batchRows),
    quantum: pick(RUN_DIMENSIONS.quantum),
  };
}

const QUANTUM_BYTES = 262_144;

async function runChosen(made: EventTimeCase, choice: RunChoice, random: Random, tally: EventTimeTally): Promise<void> {
  const quantumBytes = choice.quantum === 'small' ? 300 + below(random, 2_000) : QUANTUM_BYTES;
  const expected = recompute(await orderOf(made, quantumBytes), made.query);
  const clock = new TickingClock();
  const caseJob = eventTimeJob(made, { clock, quantumBytes, delayMs: () => 1 + below(random, 3) });
  const settings = {
    batchRows: Number(choice.batchRows),
    chunkBytes: 200 + below(random, 800),
    checkpointEveryMs: (5 + below(random, 20)) * (made.choice.source === 'live' ? ARRIVAL_MS : 1),
  };
  const stops = stopsOf(made, choice, random);
  const medium = new MemoryMedium();
  const runs: JobRun[] = [];
  const onRun = (run: JobRun): number => runs.push(run);
  const { run } = await driveThrough({ job: caseJob.job, medium, clock, settings, onRun }, stops);
  compare(expected, caseJob, made, run);
  if (runs.length !== stops.length + 1) throw new Error(`${runs.length - 1} restarts instead of ${stops.length}`);
  const { window } = made.choice;
  const continued = runs.filter(({ restoredFrom }) => restoredFrom !== undefined).length;
  if (continued > 0) tally.continued[window] = (tally.continued[window] ?? 0) + continued;
  count(tally, expected);
}

function count(tally: EventTimeTally, { groups, late, future, corrections }: EventTimeResult): void {
  tally.results += groups.flat().length;
  tally.lateRows += late.length;
  tally.corrections += corrections;
  if (late.length > 0) tally.withLateRows++;
  if (corrections > 0) tally.withCorrections++;
  if (future.length > 0) tally.withFutureRows++;
}

type StopAt = Pick<DriveOptions, 'stop'>;

/** Where more and more of the rows have been taken. */
function stopsOf({ splits }: EventTimeCase, { restarts }: RunChoice, random: Random): readonly StopAt[] {
  const rows = splits.reduce((sum, split) => sum + split.rows.length, 0);
  const times = { none: 0, one: 1, several: 2 + below(random, 2) }[restarts];
  const places = Array.from({ length: times }, () => 1 + below(random, Math.floor(rows * LAST_STOP))).sort(
    (a, b) => a - b,
  );
  return places.map((place): StopAt => {
    const how = below(random, 2) === 0 ? 'suspend' : 'kill';
    return { stop: { how, when: (run) => rowsTaken(run) >= place } };
  });
}

/** Behind it a run may be over before the next look at it. */
const LAST_STOP = 0.6;

const rowsTaken = (run: JobRun): number => Math.max(...Object.values(run.ledger()).map((entry) => entry.in));

// ---- the oracle's side ----

async function orderOf(made: EventTimeCase, quantumBytes: number): Promise<readonly OrderedRow[]> {
  const { splits, skewMs, delayMs, choice, arrivals } = made;
  const by = (rule: WatermarkRule): OrderedRow[] => {
    const query = { timestamp: 'at', rule, skewMs };
    return choice.source === 'live'
      ? liveOrder(splits.length, arrivals, { ...query, idleAfterMs: IDLE_AFTER_MS })
      : processingOrder(splits, { ...query, quantumBytes });
  };
  if (choice.strategy === 'punctuated') return by({ kind: 'announced', column: 'mark' });
  const longest = by({ kind: 'by timestamp', delayMs });
  if (choice.strategy !== 'adaptive') return longest;
  return withGiven(longest, by({ kind: 'by timestamp', delayMs: 0 }), await adaptiveWatermarks(made, quantumBytes));
}

/** How long an adaptive watermark waits is its sketch's affair: it is asked, in one run without restarts. */
async function adaptiveWatermarks(made: EventTimeCase, quantumBytes: number): Promise<ReadonlyMap<number, number>> {
  const clock = new TickingClock();
  const asked = watermarksJob(made, { clock, quantumBytes });
  await driveThrough({ job: asked.job, clock, medium: new MemoryMedium() }, []);
  return asked.watermarks();
}

/** The order with watermarks that were asked for: they lie between those of the longest and the shortest wait, and never go back. */
function withGiven(
  longest: readonly OrderedRow[],
  shortest: readonly OrderedRow[],
  given: ReadonlyMap<number, number>,
): readonly OrderedRow[] {
  let before = -Infinity;
  return longest.map((ordered, i) => {
    if (ordered.isFuture) return ordered;
    const id = Number(ordered.row['id']);
    const said = given.get(id) ?? Number.NaN;
    const watermark = said <= Number.MIN_SAFE_INTEGER ? -Infinity : said;
    const most = shortest[i]?.watermark ?? -Infinity;
    if (!(watermark >= before && watermark >= ordered.watermark && watermark <= most)) {
      throw new Error(`row ${id} has watermark ${watermark} after ${before}, outside ${ordered.watermark} to ${most}`);
    }
    before = watermark;
    return { ...ordered, watermark };
  });
}

// ---- the comparison ----

function compare(expected: EventTimeResult, got: EventTimeJob, made: EventTimeCase, run: JobRun): void {
  const results = got.results();
  let from = 0;
  for (const group of expected.groups) {
    compareLists('result', group.toSorted(), results.slice(from, from + group.length).toSorted(), from);
    from += group.length;
  }
  compareLists('result', [], results.slice(from), from);
  compareLists('late row', expected.late.map(idOf), got.late());
  compareLists('row from the future', expected.future.map(idOf), got.future());
  if (made.query.results === 'retracting') requireChangelog(results);
  requireBalance(run, expected);
}

const idOf = ({ row }: OrderedRow): number => Number(row['id']);

function compareLists<T>(what: string, expected: readonly T[], got: readonly T[], from = 0): void {
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    if (expected[i] === got[i]) continue;
    const text = (value: T | undefined): string => (value === undefined ? 'nothing' : String(value));
    throw new Error(`${what} ${from + i}: ${text(got[i])} instead of ${text(expected[i])}`);
  }
}

/** What is taken back was there, and what is put in was not. */
function requireChangelog(results: readonly string[]): void {
  const standing = new Set<string>();
  for (const [i, result] of results.entries()) {
    const [op, text] = [result.slice(0, 2), result.slice(3)];
    const takesBack = op === '-U' || op === '-D';
    if (standing.has(text) !== takesBack) throw new Error(`result ${i} does not follow from those before: ${result}`);
    if (takesBack) standing.delete(text);
    else standing.add(text);
  }
}

function requireBalance(run: JobRun, { late, future }: EventTimeResult): void {
  const entries = Object.entries(run.ledger());
  for (const [uid, entry] of entries) {
    if (imbalance(entry) !== 0) throw new Error(`the ledger of ${uid} is off: ${JSON.stringify(entry)}`);
  }
  const counted = {
    late: entries.reduce((sum, [, entry]) => sum + entry.late, 0),
    future: entries.reduce((sum, [, entry]) => sum + entry.future, 0),
  };
  if (counted.late === late.length && counted.future === future.length) return;
  throw new Error(`the ledger says ${JSON.stringify(counted)} instead of ${late.length} and ${future.length}`);
}

/** The table for people. */
export function eventTimeReport({ coverage, ...counts }: EventTimeTally): string {
  return `${JSON.stringify(counts)}\n${coverage.table()}`;
}
