/**
 * The handle on a running job, the same in every host.
 *
 * Invariants
 *  1. A job that fails rejects `done`, and `status` is 'failed'. It is never restarted silently.
 *  2. A handle that leaves its scope (`await using`) suspends its job: the next run continues.
 */
import type { Row } from '../format/row-view.ts';
import type { LedgerEntry } from '../metrics/ledger.ts';
import type { MetricsSnapshot } from '../metrics/registry.ts';
import type { DeadLetterRecord } from './dead-letters.ts';
import type { JobRun } from './job-run.ts';
import type { HeavyKeyText, StateAlert } from './growth/state-growth.ts';
import type { ProcessedOptions, Token } from './tokens.ts';
import type { JobLag } from './lag/lag-figures.ts';
import type { JobProgress, JobStatus } from './job-settings.ts';
import type { JobWatermarks } from './job-watermarks.ts';
import type { WindowExplanation } from './window-hold.ts';

/** The handle on a running job: ask it, end it, wait for it. */
export interface RunningJob extends AsyncDisposable {
  readonly name: string;
  readonly status: JobStatus;
  /** Resolves when the job has ended, with how; rejects when it failed. */
  readonly done: Promise<JobStatus>;
  /** The checkpoint that it continues from, what was wrong with newer ones, and what it makes void. */
  readonly restored: {
    readonly checkpoint: number | undefined;
    readonly damaged: readonly { readonly name: string; readonly problem: string }[];
    /** What the job asks of a first start, and the checkpoint overrules. */
    readonly overruled: readonly string[];
  };
  metrics(): MetricsSnapshot;
  ledger(): { readonly [operator: string]: Readonly<LedgerEntry> };
  progress(): JobProgress;
  /**
   * What the function with state of this uid holds for a key, `await job.state('fraud').get({ card: '4711' })`: its only
   * state, or an object of several by name. As of the last row that was taken.
   */
  state(uid: string): { get(key: { readonly [column: string]: unknown }): Promise<unknown> };
  /**
   * Why the window of a key that starts at an instant has not fired (of sessions: the one that has the instant), or that
   * it has: which split holds its watermark, at which row, and what would release it.
   * `job.explainWindow('per-hour', { origin: 'SFO' }, '2001-01-03T10:00Z').text` tells it to people.
   */
  explainWindow(
    uid: string,
    key: { readonly [column: string]: unknown },
    windowStart: string | Date | { readonly epochMs: number },
  ): WindowExplanation;
  /** How far event time has come, from each split of each source to each operator. */
  watermarks(): JobWatermarks;
  /**
   * What all sources have been handed by now. An iterable has handed over what it has yielded; for a row that is still on its way
   * into one, name its number: `{ orders: { rows: 17 } }`.
   */
  token(): Token;
  /**
   * Resolves when the effects of all records up to the token are in state; with `committed`, also visible in sinks that
   * commit, which takes until the next checkpoint. Rejects when the job ends before (E1340), and for what is no token of
   * this job (E1006, E1341).
   */
  processed(token: Token, options?: ProcessedOptions): Promise<void>;
  /** The same for the first `rows` rows that a source gave (bytes, when it reads files). */
  processed(source: string, rows: number, options?: ProcessedOptions): Promise<void>;
  /** Warnings since the start, at most a hundred: state that will reach its budget. */
  alerts(): readonly StateAlert[];
  /** The heaviest keys of a state, by the name that it has in `metrics`. Walks all of it: about a microsecond a key. */
  heaviestKeys(state: string, most?: number): readonly HeavyKeyText[];
  /** How far effects are behind the events that they come from: by sink, in parts that sum to the whole. */
  lag(): JobLag;
  /** The first dead letters since the start, at most a hundred. */
  deadLetters(): readonly DeadLetterRecord[];
  /** Ends all input here: windows fire, sinks commit. Resolves when that is done. */
  drain(): Promise<void>;
  /** Stops after a last checkpoint; the next run continues. */
  suspend(): Promise<void>;
  /**
   * Stops at once, whatever was asked for before; waits neither for readers of sinks nor for answers. The next run continues from
   * the last completed checkpoint.
   */
  cancel(): Promise<void>;
}

/** Executes a started run and gives the handle on it. */
export class JobHandle implements RunningJob {
  readonly #run: JobRun;
  readonly done: Promise<JobStatus>;

  constructor(run: JobRun) {
    this.#run = run;
    this.done = run.execute();
    // Whoever awaits `done` sees the failure; a handle that nobody awaits must not bring the process down.
    this.done.catch(() => undefined);
  }

  get name(): string {
    return this.#run.plan.name;
  }

  get status(): JobStatus {
    return this.#run.status;
  }

  get restored(): RunningJob['restored'] {
    const { restoredFrom, damaged } = this.#run;
    return { checkpoint: restoredFrom?.checkpoint, damaged, overruled: this.#run.overruled() };
  }

  metrics(): MetricsSnapshot {
    return this.#run.metrics();
  }

  ledger(): { readonly [operator: string]: Readonly<LedgerEntry> } {
    return this.#run.ledger();
  }

  progress(): JobProgress {
    return this.#run.progress();
  }

  state(uid: string): ReturnType<RunningJob['state']> {
    // Asynchronous, because state need not lie in this thread; and who asks may be a function in the middle of a call.
    const get = async (key: Row): Promise<unknown> => {
      await undefined;
      return this.#run.lookup(uid, key);
    };
    return { get };
  }

  explainWindow(...[uid, key, windowStart]: Parameters<RunningJob['explainWindow']>): WindowExplanation {
    return this.#run.explainWindow(uid, key, windowStart);
  }

  watermarks(): JobWatermarks {
    return this.#run.watermarks();
  }

  token(): Token {
    return this.#run.token();
  }

  processed(token: Token, options?: ProcessedOptions): Promise<void>;
  processed(source: string, rows: number, options?: ProcessedOptions): Promise<void>;
  processed(of: Token | string, second?: ProcessedOptions | number, third: ProcessedOptions = {}): Promise<void> {
    // What is no number of rows is refused there.
    if (typeof of === 'string') return this.#run.processed(of, second as number, third);
    return this.#run.processedToken(of, typeof second === 'object' ? second : {});
  }

  alerts(): readonly StateAlert[] {
    return this.#run.alerts();
  }

  heaviestKeys(state: string, most = 10): readonly HeavyKeyText[] {
    return this.#run.heaviestKeys(state, most);
  }

  lag(): JobLag {
    return this.#run.lag();
  }

  deadLetters(): readonly DeadLetterRecord[] {
    return this.#run.deployment.deadLetters.sample;
  }

  async drain(): Promise<void> {
    this.#run.drain();
    await this.done;
  }

  async suspend(): Promise<void> {
    this.#run.suspend();
    await this.done;
  }

  async cancel(): Promise<void> {
    this.#run.cancel();
    await this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.status === 'running' || this.status === 'starting') await this.suspend();
  }
}
