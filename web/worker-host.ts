/**
 * The worker's side: loads a job module, has it run, and tells the page.
 *
 * Invariants
 *  1. One job for each worker: a second start is a failure.
 *  2. Whatever goes wrong, in the module or in the run, is told to the page as `failed`, never lost in the worker.
 *  3. Questions, and requests to end, that come before the job runs wait for it.
 */
import { ExternalError, MillraceError } from '../src/base/errors.ts';
import type { Json } from '../src/base/json.ts';
import {
  type Failure,
  PROTOCOL_VERSION,
  type Questions,
  type StartOptions,
  type StopMode,
  type ToPage,
  type ToWorker,
} from './protocol.ts';

/** What a running job has to say, and what it is told. */
export interface JobLink {
  readonly options: StartOptions;
  /** Tells the page that the job runs, and who answers its questions and requests from now on. */
  began(job: LinkedJob): void;
  progress(progress: Json): void;
  /** Lines of JSON. They are handed over, not copied: their buffer is gone afterwards. */
  result(output: string, lines: Uint8Array<ArrayBuffer>): void;
}

/** A job that runs, as the page reaches it. */
export interface LinkedJob {
  /** Answers a question of the page, at once or later. */
  answer(question: keyof Questions, given: readonly unknown[]): unknown;
  /** Called for every request of the page to end, however many. */
  stop(mode: StopMode): void;
}

/** Runs the job that a module exports by default, until it ends; answers with its summary. */
export type RunJob = (job: unknown, link: JobLink) => Promise<Json>;

/** The part of a worker's global scope that is used. */
export interface WorkerScope {
  addEventListener(type: 'message', listener: (event: { readonly data: ToWorker }) => void): void;
  postMessage(message: ToPage, transfer: Transferable[]): void;
}

/** Serves one job on this worker. `load` gives the module of the job: by default the one that the page names. */
export function serveJob(
  scope: WorkerScope,
  runJob: RunJob,
  load: (url: string | undefined) => Promise<unknown> = importModule,
): void {
  const say = (message: ToPage, transfer: Transferable[] = []): void => scope.postMessage(message, transfer);
  let hasStarted = false;
  let begin: (job: LinkedJob) => void = () => {};
  const running = new Promise<LinkedJob>((resolve) => {
    begin = resolve;
  });
  scope.addEventListener('message', ({ data }) => {
    switch (data.kind) {
      case 'stop':
        return void running.then((job) => job.stop(data.mode));
      case 'ask': {
        const { number, question, given } = data;
        running
          .then((job) => job.answer(question, given))
          .then((answer) => say({ kind: 'answer', number, answer }))
          // Also what cannot cross to the page, such as a function.
          .catch((error: unknown) => say({ kind: 'answer', number, failure: failureOf(error) }));
        return;
      }
      case 'start': {
        const link: JobLink = {
          options: data.options,
          began: (job) => {
            say({ kind: 'started' });
            begin(job);
          },
          progress: (progress) => say({ kind: 'progress', progress }),
          result: (output, lines) => say({ kind: 'result', output, lines }, [lines.buffer]),
        };
        const run = hasStarted
          ? Promise.reject(new Error('this worker runs a job already'))
          : runModule(data.jobUrl, link, runJob, load);
        hasStarted = true;
        run.then(
          (summary) => say({ kind: 'ended', summary }),
          (error: unknown) => say({ kind: 'failed', failure: failureOf(error) }),
        );
      }
    }
  });
  say({ kind: 'hello', version: PROTOCOL_VERSION });
}

async function runModule(
  url: string | undefined,
  link: JobLink,
  runJob: RunJob,
  load: (url: string | undefined) => Promise<unknown>,
): Promise<Json> {
  let module: unknown;
  try {
    module = await load(url);
  } catch (cause) {
    throw new ExternalError(
      'E1501',
      { path: url ?? 'this worker', problem: `the job cannot be loaded: ${String(cause)}` },
      { cause },
    );
  }
  if (typeof module !== 'object' || module === null || !('default' in module)) {
    throw new ExternalError(
      'E1501',
      { path: url ?? 'this worker', problem: 'it has no default export' },
      { hint: 'write: export default job(…)' },
    );
  }
  return runJob(module.default, link);
}

function importModule(url: string | undefined): Promise<unknown> {
  if (url === undefined) throw new Error('the page names no module, and the worker has none of its own');
  return import(/* @vite-ignore */ url);
}

/** An error as the page can be told of it. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), formatted: String(error) };
  const base = {
    name: error.name,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
  if (!(error instanceof MillraceError)) return { ...base, formatted: `${error.name}: ${error.message}` };
  return {
    ...base,
    code: error.code,
    formatted: error.format(),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error instanceof ExternalError ? { retry: error.retry } : {}),
  };
}
