/**
 * What the browser gives to the engine: clock, randomness, compiled kernels. The same on a page and in a worker.
 */
import { kernelsBase64 } from '#kernels';
import type { AbortSignalLike, Clock } from '../src/base/clock.ts';
import type { Random } from '../src/base/random.ts';
import { processingTimeMs } from '../src/base/time.ts';
import { compileKernels } from '../src/kernel/module.ts';

export const browserClock: Clock = {
  now: () => processingTimeMs(Date.now()),
  monotonicMs: () => performance.now(),
  sleep,
  yield: nextTurn,
};

export const browserRandom: Random = {
  u32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
};

/** The kernels that are built into the package; compile once, post the module to workers. */
export const browserKernels = (): Promise<WebAssembly.Module> => compileKernels(kernelsBase64);

/** About 25 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    let timer: ReturnType<typeof setTimeout>;
    const wait = (left: number): void => {
      // A timer of the host ends at once when it is to last longer.
      timer = left > TIMER_MS_MAX ? setTimeout(() => wait(left - TIMER_MS_MAX), TIMER_MS_MAX) : setTimeout(end, left);
    };
    wait(ms);
    signal?.addEventListener('abort', end);
  });
}

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

/**
 * A message to ourselves comes after what the browser has queued; a timer of 0 would be held back to 4 ms when it
 * nests.
 */
function nextTurn(): Promise<void> {
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(undefined);
  });
}
