/**
 * What a page and the worker that runs its job say to each other.
 *
 *   page                          worker
 *     <------------ hello ----------        its version
 *     ------------- start --------->        job module, when it is not the worker's own; options
 *     <----------- started ---------        the job is built, its state restored; rows of its sinks may come before
 *     <-- progress, result, result --       as often as the job has something to say
 *     ------------- ask ----------->        one of the questions that the handle of a job answers, at any time
 *     <----------- answer ----------        of that number: what came back, or why nothing did
 *     ------------- stop ---------->        'suspend' (checkpoint, then end) or 'drain' (end of input, windows fire);
 *                                           also a second one, when a drain lasts too long
 *     <------- ended | failed ------        the last message; the page then ends the worker
 *
 * Invariants
 *  1. Every message is plain data of this file; both unions are closed.
 *  2. Page and worker are of one build: a hello of another version ends the job before it starts.
 *  3. Results of one output arrive in the order in which the job made them; nothing arrives after ended or failed.
 *  4. A question gets one answer, unless the job ends first.
 */
import type { Json } from '../src/base/json.ts';
import type { RunningJob, RunSettings } from '../src/platform.ts';

export const PROTOCOL_VERSION = 3;

/** How a job runs: where its state lies, how often it is saved, how much memory it may take. */
export interface StartOptions extends RunSettings {
  /** Name of its state in IndexedDB, made when it is not there. Without it nothing survives the page. */
  readonly state?: string;
  /** What the job is called when it has no name of its own; otherwise the name of its state. */
  readonly name?: string;
}

/** What a page may ask of a job in a worker, as the handle of a job has it; the state of a function by uid and key. */
export interface Questions
  extends Pick<
    RunningJob,
    | 'alerts'
    | 'deadLetters'
    | 'explainWindow'
    | 'heaviestKeys'
    | 'lag'
    | 'ledger'
    | 'metrics'
    | 'progress'
    | 'token'
    | 'watermarks'
  > {
  state(uid: string, key: { readonly [column: string]: unknown }): unknown;
  processed(...given: unknown[]): Promise<void>;
}

export type StopMode = 'suspend' | 'drain';

export type ToWorker =
  | { readonly kind: 'start'; readonly jobUrl?: string; readonly options: StartOptions }
  | {
      readonly kind: 'ask';
      readonly number: number;
      readonly question: keyof Questions;
      readonly given: readonly unknown[];
    }
  | { readonly kind: 'stop'; readonly mode: StopMode };

export type ToPage =
  | { readonly kind: 'hello'; readonly version: number }
  | { readonly kind: 'started' }
  | { readonly kind: 'progress'; readonly progress: Json }
  | { readonly kind: 'result'; readonly output: string; readonly lines: Uint8Array }
  | { readonly kind: 'answer'; readonly number: number; readonly answer?: unknown; readonly failure?: Failure }
  | { readonly kind: 'ended'; readonly summary: Json }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** An error, as far as it can cross: its code, when it is one of ours, and how a person reads it. */
export interface Failure {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
  readonly retry?: 'never' | 'backoff';
  /** With place and hint, on several lines. */
  readonly formatted: string;
  readonly stack?: string;
}
