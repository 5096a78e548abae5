/**
 * Asynchronous functions over rows, as users write them: `mapAsync(async (order, { signal }) => ..., { out, order })`.
 * How they run is the operator's (runtime/operators/async-function.ts).
 */
import { type Duration, durationMs, positiveDurationMs } from '../base/time.ts';
import type { AsyncSpec } from '../plan/logical.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';

/** Tells a request that nobody waits for it any more: it timed out, or the job ended. An AbortSignal in all but name. */
export interface RequestSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What an asynchronous function gets beside its row. */
export interface RequestContext {
  readonly signal: RequestSignal;
}

/** How a request that fails, or is not answered in time, is made again. */
export interface Retry {
  /** Attempts in all, the first included: 3 asks at most three times. */
  readonly attempts: number;
  /** The pause before the second attempt; each further one is twice as long. '100 ms' when left out. */
  readonly backoff?: Duration;
}

/** How an asynchronous function is asked: order, requests at once, time-out, retries, and what a failure does. */
export interface AsyncOptions {
  /** 'input' (the default): results in the order of their rows. 'arrival': as they come, between two watermarks. */
  readonly order?: 'input' | 'arrival';
  /** Requests under way at once: 100 when left out. */
  readonly capacity?: number;
  /** How long a request may take: '30 s' when left out. */
  readonly timeout?: Duration;
  readonly retry?: Retry;
  /** What a request without an answer does: fails the job (the default), or makes its row a dead letter. */
  readonly onFailure?: 'fail' | 'dead letter';
}

const CAPACITY = 100;
const TIMEOUT = '30 s';
const BACKOFF = '100 ms';

export const ASYNC_OPTIONS = ['order', 'capacity', 'timeout', 'retry', 'onFailure'] as const;

/** The specification in a plan, with every option checked. */
export function asyncSpec(
  run: (row: never, context: never) => unknown,
  does: 'mapAsync' | 'flatMapAsync',
  options: AsyncOptions,
): AsyncSpec {
  const { order = 'input', capacity = CAPACITY, timeout = TIMEOUT, onFailure = 'fail' } = options;
  if (order !== 'input' && order !== 'arrival') throw mistake(`the order of ${does}`, "'input' or 'arrival'", order);
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw mistake(`the capacity of ${does}`, 'a whole number of one or more', capacity);
  }
  if (onFailure !== 'fail' && onFailure !== 'dead letter') {
    throw mistake(`onFailure of ${does}`, "'fail' or 'dead letter'", onFailure);
  }
  return {
    run,
    many: does === 'flatMapAsync',
    order,
    capacity,
    timeoutMs: positiveDurationMs(timeout, `the timeout of ${does}`),
    timeoutText: timeout,
    ...retriesOf(options.retry, does),
    onFailure,
  };
}

function retriesOf(retry: Retry | undefined, does: string): Pick<AsyncSpec, 'retries' | 'backoffMs'> {
  if (retry === undefined) return { retries: 0, backoffMs: 0 };
  requireKnownOptions(retry, ['attempts', 'backoff'], `retry of ${does}`);
  const { attempts, backoff = BACKOFF } = retry;
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw mistake(`the attempts of ${does}`, 'a whole number of one or more', attempts);
  }
  const backoffMs = durationMs(backoff, `the backoff of ${does}`);
  if (backoffMs < 0) throw mistake(`the backoff of ${does}`, 'zero or more', backoff);
  return { retries: attempts - 1, backoffMs };
}
