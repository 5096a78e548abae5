/**
 * What a page and the worker that runs its job say to each other.
 *
 *   page                          worker
 *     <------------ hello ----------        its version
 *     ------------- start --------->        job module, when it is not the worker's own; options
 *     <-- progress, result, result --       as often as the job has something to say
 *     ------------- stop ---------->        'suspend' (checkpoint, then end) or 'drain' (end of input, windows fire)
 *     <------- ended | failed ------        the last message; the page then ends the worker
 *
 * Invariants
 *  1. Every message is plain data of this file; both unions are closed.
 *  2. Page and worker are of one build: a hello of another version ends the job before it starts.
 *  3. Results of one output arrive in the order in which the job made them; nothing arrives after ended or failed.
 */
import type { Size } from '../src/base/bytes.ts';
import type { Json } from '../src/base/json.ts';
import type { Duration } from '../src/base/time.ts';

export const PROTOCOL_VERSION = 1;

/** How a job is run; durations and sizes as users write them. */
export interface StartOptions {
  /** Name of its state in this browser. Without it nothing survives the page. */
  readonly state?: string;
  readonly checkpointEvery?: Duration;
  readonly memory?: Size;
  /** Checkpoints kept, 2 unless said otherwise. */
  readonly retained?: number;
}

export type StopMode = 'suspend' | 'drain';

export type ToWorker =
  | { readonly kind: 'start'; readonly jobUrl?: string; readonly options: StartOptions }
  | { readonly kind: 'stop'; readonly mode: StopMode };

export type ToPage =
  | { readonly kind: 'hello'; readonly version: number }
  | { readonly kind: 'progress'; readonly progress: Json }
  | { readonly kind: 'result'; readonly output: string; readonly lines: Uint8Array }
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
