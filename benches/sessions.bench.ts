/**
 * Session windows through the whole engine, on one thread: ten million rows of a million users, one in ten out of order,
 * sessions with a gap of half an hour; count and sum. Rows in memory to a digest of all sessions, which must be that of the
 * same sessions found by sorting. Bytes per open session are the state's pages over the sessions in it when it was largest.
 */
import { boundedOutOfOrderness, count, from, int64, schema, session, sum, timestamp } from 'millrace';
import { run as runJob } from 'millrace/node';
import { makeSink, makeSource, tableOf } from '../src/platform.ts';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from './bench.ts';
import { columnsOf, sessionSink, type VisitColumns, visitSource, type Watch } from './support/visit-source.ts';
import { emptyDigest, makeVisits, sessionsOf, type VisitPlan } from './support/visits.ts';

const Visit = schema({ user: int64(), at: timestamp(), spent: int64() });
const ROUNDS = 3;

interface Round {
  readonly rate: number;
  readonly digest: string;
  readonly sessions: number;
  readonly openMax: number;
  readonly bytesAtMost: number;
}

async function round(visits: VisitColumns): Promise<Round> {
  const watch: Watch = { look: () => undefined, beganMs: 0, endedMs: 0 };
  const digest = emptyDigest();
  const job = from(makeSource(Visit, visitSource(tableOf(Visit, 'visits'), visits, watch), 'visits'))
    .watermark('at', boundedOutOfOrderness('5 s'))
    .keyBy('user')
    .window(session('30 minutes'))
    .aggregate({ rows: count(), spent: sum('spent') }, { uid: 'sessions' })
    .to(makeSink('inserts only', sessionSink(digest), 'digest'));
  const running = await runJob(job, { memory: '1 GB', checkpointEvery: '1 hour' });
  let [openMax, bytesAtMost] = [0, 0];
  watch.look = () => {
    const open = running.metrics()['sessions']?.['stateEntries']?.value ?? 0;
    if (open <= openMax) return;
    openMax = open;
    bytesAtMost = running.progress().stateBytes;
  };
  await running.done;
  const ms = performance.now() - watch.beganMs;
  return {
    rate: (visits[0]?.length ?? 0) / ms / 1000,
    digest: JSON.stringify(digest),
    sessions: digest.sessions,
    openMax,
    bytesAtMost,
  };
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const rows = short ? 100_000 : 10_000_000;
  const plan: VisitPlan = { rows, users: rows / 10, visitsAtOnce: rows / 100, gapMs: 30 * 60_000 };
  const visits = makeVisits(plan);
  const expected = JSON.stringify(sessionsOf(visits, plan));
  const columns = columnsOf(visits);
  const rounds: Round[] = [];
  for (let i = 0; i < (short ? 1 : ROUNDS); i++) {
    const one = await round(columns);
    if (one.digest !== expected) throw new Error(`sessions differ: ${one.digest}, sorting finds ${expected}`);
    rounds.push(one);
  }
  const rates = rounds.map(({ rate }) => rate);
  const { sessions = 0, openMax = 0, bytesAtMost = 0 } = rounds[0] ?? {};
  return {
    figures: { 'rowsM/s': quantile(rates, 0.5), bytesPerSession: bytesAtMost / openMax },
    spread: { 'rowsM/s': spreadOf(rates) },
    counters: { rows, users: plan.users, sessions, openMax, bytesAtMost },
  };
}

export const bench: Bench = {
  id: 'sessions',
  title: 'session windows over a million keys, a tenth of the rows out of order',
  targets: { 'rowsM/s': { atLeast: 5 } },
  run,
};
