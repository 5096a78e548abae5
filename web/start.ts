/**
 * The page's side: runs a job module in a module worker of its own.
 *
 * Invariants
 *  1. `done` settles exactly once: with the summary, or with JobFailure. The worker is ended then.
 *  2. When `done` has settled, listeners hear nothing more but the rows that waited for them, and open questions are
 *     rejected.
 *  3. No failure is silent: one before the job runs rejects `start`, a later one `done`, heard or not.
 * Not here: what runs in the worker (worker-host.ts), what is said (protocol.ts).
 */
import type { Json } from '../src/base/json.ts';
import type { ProcessedOptions, Token } from '../src/platform.ts';
import { type ResultRow, rowsOf } from './result-row.ts';
import {
  type Failure,
  PROTOCOL_VERSION,
  type Questions,
  type StartOptions,
  type StopMode,
  type ToPage,
  type ToWorker,
} from './protocol.ts';

/** The part of a Worker that is used. */
export interface JobWorker {
  onmessage: ((event: MessageEvent<ToPage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  postMessage(message: ToWorker): void;
  terminate(): void;
}

/** How a job in a worker runs. */
export interface StartSettings extends StartOptions {
  /** Makes the worker that imports the job module, for tests. */
  readonly worker?: () => JobWorker;
}

type Listener<T> = (value: T) => void;

/** What is given with a question, and what its answer is. */
type Given<Q extends keyof Questions> = Parameters<Questions[Q]>;
type AnswerTo<Q extends keyof Questions> = Awaited<ReturnType<Questions[Q]>>;

interface Asked {
  answer(value: unknown): void;
  fail(failure: JobFailure): void;
}

/** Why a job in a worker failed: the worker's error, with its code and hint. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.formatted);
    this.failure = failure;
  }

  get code(): string | undefined {
    return this.failure.code;
  }
}

/**
 * Starts a job in a worker. Resolves when its state is restored and it runs; rejects with JobFailure when it cannot: E1404,
 * E1413, a job that is refused, a worker that is not found.
 *
 * `job` makes a worker whose module ends with `serve(job)`, in the form that bundlers follow:
 *   start(() => new Worker(new URL('./departures.worker.ts', import.meta.url), { type: 'module' }), { state: 'departures' })
 * or it is the URL of a module that exports the job by default. That module and this package must then be served as they
 * are, sharing modules (a development server, or no bundler at all): a bundle of it would hold an engine of its own.
 */
export async function start(job: URL | string | (() => JobWorker), settings: StartSettings = {}): Promise<WorkerJob> {
  const { worker: makeWorker = packagedWorker, ...options } = settings;
  const started =
    typeof job === 'function'
      ? new WorkerJob(job(), { kind: 'start', options })
      : new WorkerJob(makeWorker(), { kind: 'start', jobUrl: new URL(job, globalThis.location?.href).href, options });
  await started.started;
  return started;
}

/** The worker of this package. Bundlers follow exactly this expression. */
function packagedWorker(): JobWorker {
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}

/** The handle on a job in a worker. */
export class WorkerJob {
  /** Resolves when the job runs: it is built, and its state restored. */
  readonly started: Promise<void>;
  /** The summary of the job when it ended. A failure that nobody waits for is an unhandled rejection of the page. */
  readonly done: Promise<Json>;
  readonly #worker: JobWorker;
  readonly #progress = new Set<Listener<Json>>();
  readonly #results = new Map<string, Set<Listener<readonly ResultRow[]>>>();
  /** Lines of outputs that have had no listener yet. */
  readonly #kept = new Map<string, Uint8Array[]>();
  /** Open questions by number. */
  readonly #asked = new Map<number, Asked>();
  #questions = 0;
  #status: 'starting' | 'running' | 'ended' | 'failed' = 'starting';
  #begin = (): void => {};
  #end: (summary: Json) => void = () => {};
  #fail: (failure: JobFailure) => void = () => {};

  constructor(worker: JobWorker, order: ToWorker) {
    this.#worker = worker;
    const done = new Promise<Json>((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    // A promise of its own: `started` reads the other, which must not count as having heard of a failure.
    this.done = done.then((summary) => summary);
    const isUp = new Promise<void>((resolve) => {
      this.#begin = resolve;
    });
    this.started = Promise.race([isUp, done.then(() => {})]);
    // `start` hears of it; questions wait on it too.
    this.started.catch(() => {});
    worker.onmessage = ({ data }) => this.#receive(data, order);
    worker.onerror = (event) =>
      this.#failed(plainFailure('WorkerError', event.message || 'the worker of the job cannot be loaded'));
    worker.onmessageerror = () => this.#failed(plainFailure('WorkerError', 'a message of the worker cannot be read'));
  }

  get status(): 'starting' | 'running' | 'ended' | 'failed' {
    return this.#status;
  }

  /** Calls `listener` with each report of the engine; the result ends it. */
  onProgress(listener: Listener<Json>): () => void {
    this.#progress.add(listener);
    return () => this.#progress.delete(listener);
  }

  /**
   * Calls `listener` with rows of `pageSink(output)` as they come; the result ends it. Rows from before wait in the page's
   * memory for the first listener of their output, who gets them before it gets others.
   */
  onResult(output: string, listener: Listener<readonly ResultRow[]>): () => void {
    const listeners = this.#results.get(output) ?? new Set();
    this.#results.set(output, listeners);
    listeners.add(listener);
    const kept = this.#kept.get(output);
    this.#kept.delete(output);
    // Later, so that the caller has what ends it; still before the next message.
    if (kept !== undefined) queueMicrotask(() => kept.forEach((lines) => this.#hand(output, lines)));
    return () => listeners.delete(listener);
  }

  // As the handle of a job in this thread has them (RunningJob), but answered by the worker.

  /** What the function with state of this uid holds for a key. */
  state(uid: string): { get(key: { readonly [column: string]: unknown }): Promise<unknown> } {
    return { get: (key) => this.#ask('state', uid, key) };
  }

  /** Why the window of a key that starts at an instant has not fired, or that it has. */
  explainWindow(...asked: Given<'explainWindow'>): Promise<AnswerTo<'explainWindow'>> {
    return this.#ask('explainWindow', ...asked);
  }

  /** What all sources have been handed by now. */
  token(): Promise<Token> {
    return this.#ask('token');
  }

  /** Resolves when the effects of all records up to the token, or of the first rows of a source, are in state. */
  processed(token: Token, options?: ProcessedOptions): Promise<void>;
  processed(source: string, rows: number, options?: ProcessedOptions): Promise<void>;
  processed(...asked: unknown[]): Promise<void> {
    return this.#ask('processed', ...asked);
  }

  /** How far event time has come, from each split of each source to each operator. */
  watermarks(): Promise<AnswerTo<'watermarks'>> {
    return this.#ask('watermarks');
  }

  progress(): Promise<AnswerTo<'progress'>> {
    return this.#ask('progress');
  }

  metrics(): Promise<AnswerTo<'metrics'>> {
    return this.#ask('metrics');
  }

  ledger(): Promise<AnswerTo<'ledger'>> {
    return this.#ask('ledger');
  }

  /** How far effects are behind the events that they come from. */
  lag(): Promise<AnswerTo<'lag'>> {
    return this.#ask('lag');
  }

  /** Warnings since the start, at most a hundred. */
  alerts(): Promise<AnswerTo<'alerts'>> {
    return this.#ask('alerts');
  }

  /** The heaviest keys of a state, by the name that it has in `metrics`. */
  heaviestKeys(state: string, most?: number): Promise<AnswerTo<'heaviestKeys'>> {
    return this.#ask('heaviestKeys', state, most);
  }

  /** The first dead letters since the start, at most a hundred. */
  deadLetters(): Promise<AnswerTo<'deadLetters'>> {
    return this.#ask('deadLetters');
  }

  /** Takes a checkpoint and ends; the next start goes on from there. */
  suspend(): Promise<Json> {
    return this.#stop('suspend');
  }

  /** Ends the input: windows fire, sinks commit. */
  drain(): Promise<Json> {
    return this.#stop('drain');
  }

  /** Ends the worker at once, as a crash would: the next start goes on from the last checkpoint. */
  terminate(): void {
    this.#failed(plainFailure('Terminated', 'the job was terminated'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver()) return;
    await this.suspend();
  }

  #ask<Q extends keyof Questions>(question: Q, ...given: Given<Q>): Promise<AnswerTo<Q>> {
    return new Promise((resolve, reject) => {
      if (this.#isOver()) return reject(hasEnded());
      const number = this.#questions++;
      // The worker answers a question with what Questions says (serve.ts).
      this.#asked.set(number, { answer: (value) => resolve(value as AnswerTo<Q>), fail: reject });
      void this.started.then(
        () => this.#worker.postMessage({ kind: 'ask', number, question, given }),
        () => undefined,
      );
    });
  }

  #answered(number: number, answer: unknown, failure: Failure | undefined): void {
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    if (failure === undefined) asked?.answer(answer);
    else asked?.fail(new JobFailure(failure));
  }

  #stop(mode: StopMode): Promise<Json> {
    if (!this.#isOver()) this.#worker.postMessage({ kind: 'stop', mode });
    return this.done;
  }

  #receive(message: ToPage, order: ToWorker): void {
    if (this.#isOver()) return;
    switch (message.kind) {
      case 'hello':
        if (message.version !== PROTOCOL_VERSION) {
          const found = `the worker speaks version ${message.version} of the protocol, the page ${PROTOCOL_VERSION}`;
          return this.#failed(plainFailure('WorkerError', `${found}: they are of different builds`));
        }
        return this.#worker.postMessage(order);
      case 'started':
        this.#status = 'running';
        return this.#begin();
      case 'progress':
        return this.#progress.forEach((listener) => listener(message.progress));
      case 'result':
        return this.#hand(message.output, message.lines);
      case 'answer':
        return this.#answered(message.number, message.answer, message.failure);
      case 'ended':
        this.#status = 'ended';
        this.#close();
        return this.#end(message.summary);
      case 'failed':
        return this.#failed(message.failure);
    }
  }

  #hand(output: string, lines: Uint8Array): void {
    const listeners = this.#results.get(output);
    if (listeners === undefined) {
      const kept = this.#kept.get(output);
      if (kept === undefined) this.#kept.set(output, [lines]);
      else kept.push(lines);
      return;
    }
    if (listeners.size === 0) return;
    const rows = rowsOf(new TextDecoder().decode(lines));
    for (const listener of listeners) listener(rows);
  }

  #failed(failure: Failure): void {
    if (this.#isOver()) return;
    // What `start` rejects with, and what the page itself did, is no news.
    if (this.#status === 'starting' || failure.name === 'Terminated') this.done.catch(() => {});
    this.#status = 'failed';
    this.#close();
    this.#fail(new JobFailure(failure));
  }

  #close(): void {
    this.#worker.terminate();
    for (const { fail } of this.#asked.values()) fail(hasEnded());
    this.#asked.clear();
  }

  #isOver(): boolean {
    return this.#status === 'ended' || this.#status === 'failed';
  }
}

const hasEnded = (): JobFailure => new JobFailure(plainFailure('JobEnded', 'the job has ended'));

const plainFailure = (name: string, message: string): Failure => ({ name, message, formatted: `${name}: ${message}` });
