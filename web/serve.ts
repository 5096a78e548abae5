/**
 * Has the engine run the job of a worker, and tells the page how it goes.
 *
 * A worker module of one's own, which bundlers see and bundle, is two lines:
 *
 *   import departures from './departures.ts';
 *   serve(departures);
 *
 * Not here: the messages (protocol.ts, worker-host.ts), running (run.ts).
 */
import type { Json } from '../src/base/json.ts';
import type { Job } from '../src/index.ts';
import { browserClock } from './platform.ts';
import type { RunningJob } from '../src/platform.ts';
import { runAttached } from './run.ts';
import { wholeEngine } from './whole-engine.ts';
import type { Questions } from './protocol.ts';
import { type JobLink, serveJob, type WorkerScope } from './worker-host.ts';

const PROGRESS_EVERY_MS = 200;

/** Runs this job when the page that made this worker starts it. The last line of a worker module. */
export function serve(job: Job): void {
  // The global scope of a worker, which the types of a page do not know.
  serveJob(globalThis as unknown as WorkerScope, runLinked, async () => ({ default: job }));
}

/** Runs a job for the page at the other end of `link` until it ends; answers with its last progress. */
export async function runLinked(job: unknown, link: JobLink): Promise<Json> {
  // physicalPlanOf refuses what is no job, with a message of its own.
  const running = await runAttached(job as Job, link.options, {
    engine: wholeEngine,
    post: (output, lines) => link.result(output, lines),
  });
  link.began({
    answer: (question, given) => answerOf(running, question, given),
    // How it ended is told by `done`.
    stop: (mode) => void running[mode]().catch(() => undefined),
  });
  const ended = new AbortController();
  const reporting = report(running, link, ended.signal);
  try {
    const status = await running.done;
    return { status, ...progressOf(running) };
  } finally {
    ended.abort();
    await reporting;
  }
}

function answerOf(running: RunningJob, question: keyof Questions, given: readonly unknown[]): unknown {
  const questions: Questions = {
    alerts: () => running.alerts(),
    deadLetters: () => running.deadLetters(),
    explainWindow: (...of) => running.explainWindow(...of),
    heaviestKeys: (...of) => running.heaviestKeys(...of),
    lag: () => running.lag(),
    ledger: () => running.ledger(),
    metrics: () => running.metrics(),
    progress: () => running.progress(),
    // The page's side has the types of both ways to ask (start.ts).
    processed: (...of) => running.processed(...(of as Parameters<RunningJob['processed']>)),
    state: (uid, key) => running.state(uid).get(key),
    token: () => running.token(),
    watermarks: () => running.watermarks(),
  };
  // What is given has the types of the question: the page's side checked them.
  const ask = questions[question] as ((...given: readonly unknown[]) => unknown) | undefined;
  if (ask === undefined) throw new Error(`a job cannot be asked for '${question}'`);
  return ask(...given);
}

async function report(running: RunningJob, link: JobLink, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    link.progress(progressOf(running));
    await browserClock.sleep(PROGRESS_EVERY_MS, ended);
  }
}

/** Where a job is, as plain data. */
function progressOf(running: RunningJob): { readonly [name: string]: Json } {
  const { watermark, bytesTotal, ...counts } = running.progress();
  return {
    ...counts,
    bytesTotal: bytesTotal ?? null,
    watermark: watermark ?? null,
    restoredFrom: running.restored.checkpoint ?? null,
  };
}
