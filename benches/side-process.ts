/** A process that does one side's work when told to (support/sides.ts), and answers with its digest and counters. */
import { runDuckDb } from './peers/duckdb.ts';
import { runKeyedMap } from './peers/keyed-map.ts';
import { runObjects } from './peers/objects.ts';
import { runPlainJs } from './peers/plain-js.ts';
import { runBids } from './support/bid-run.ts';
import { DISORDER_MS, WINDOW_MS } from './support/bids.ts';
import { runClosures } from './support/closure-run.ts';
import { runKeyed } from './support/keyed-run.ts';
import type { KeyedPlan } from './support/keyed-source.ts';
import type { BidResult } from './support/window-results.ts';

export interface Answer {
  readonly digest: string;
  readonly counters: { readonly [name: string]: number };
  /** Time of all cores, ms: less disturbed by others on the machine than time on the clock. */
  readonly cpuMs?: number;
}

interface Laps {
  readonly path: string;
  readonly laps?: number;
  readonly lapMs?: number;
}

const SIDES = {
  engine: runBids,
  plainJs: async (options: Laps): Promise<Answer> =>
    answerOf(runPlainJs({ ...options, disorderMs: DISORDER_MS, windowMs: WINDOW_MS })),
  closures: runClosures,
  objects: runObjects,
  keyed: runKeyed,
  keyedMap: async (options: KeyedPlan): Promise<Answer> => runKeyedMap(options),
  duckDb: async ({ path }: Laps): Promise<Answer> => answerOf(await runDuckDb({ path, windowMs: WINDOW_MS })),
};

function answerOf({ checksum, late, rows, windows, resultRows }: BidResult): Answer {
  return { digest: `${checksum} late ${late}`, counters: { rows, windows, resultRows } };
}

export type SideName = keyof typeof SIDES;
export interface Task<N extends SideName> {
  readonly side: N;
  readonly options: Parameters<(typeof SIDES)[N]>[0];
}

async function work<N extends SideName>({ side, options }: Task<N>): Promise<Answer> {
  // Side and options belong together by the type of Task; the compiler loses that in the lookup.
  const run = SIDES[side] as (options: Task<N>['options']) => Promise<Answer>;
  const before = process.cpuUsage();
  const answer = await run(options);
  const { user, system } = process.cpuUsage(before);
  return { ...answer, cpuMs: (user + system) / 1_000 };
}

/** Whom the answer was for may be gone. */
function tell(message: Answer | { readonly error: string }): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

process.on('message', (task: Task<SideName>) => {
  work(task).then(tell, (error: unknown) =>
    tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// The bench has ended, or was ended.
process.on('disconnect', () => process.exit());
