/** What Node brings: its clock and the compiled kernels. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { kernelsBase64 } from '#kernels';
import type { AbortSignalLike, Clock } from '../src/base/clock.ts';
import { processingTimeMs } from '../src/base/time.ts';
import { compileKernels } from '../src/kernel/module.ts';

export const nodeClock: Clock = {
  now: () => processingTimeMs(Date.now()),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, signal),
  yield: () => nextTurn(),
};

/** About 25 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      // A timer of the host ends at once when it is to last longer.
      timer = left > TIMER_MS_MAX ? setTimeout(() => wait(left - TIMER_MS_MAX), TIMER_MS_MAX) : setTimeout(end, left);
    };
    wait(signal?.aborted === true ? 0 : ms);
    signal?.addEventListener('abort', end);
  });
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The kernels, compiled once per process. */
export function kernelModule(): Promise<WebAssembly.Module> {
  compiled ??= compileKernels(kernelsBase64);
  return compiled;
}
