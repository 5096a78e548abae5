/** Which driver runs which kind of case: one line for each kind. A kind without one is unsupported. */
import type { Driver } from './case.ts';
import { timers } from './timers.ts';
import { trigger } from './trigger.ts';
import { window } from './window.ts';

export const DRIVERS: { readonly [kind: string]: Driver } = {
  timers,
  trigger,
  window,
};
