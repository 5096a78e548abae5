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

function sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal?.aborted === true ? 0 : ms);
    signal?.addEventListener('abort', end);
  });
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The kernels, compiled once per process. */
export function kernelModule(): Promise<WebAssembly.Module> {
  compiled ??= compileKernels(kernelsBase64);
  return compiled;
}
