/** Which driver runs which kind of case: one line for each kind. A kind without one is unsupported. */
import { alignment } from './alignment.ts';
import { assigner } from './assigner.ts';
import type { Driver } from './case.ts';
import { deduplicate } from './deduplicate.ts';
import { timeZone } from './time-zone.ts';
import { timers } from './timers.ts';
import { trigger } from './trigger.ts';
import { valve } from './valve.ts';
import { watermark } from './watermark.ts';
import { window } from './window.ts';

export const DRIVERS: { readonly [kind: string]: Driver } = {
  alignment,
  assigner,
  deduplicate,
  timeZone,
  timers,
  trigger,
  valve,
  watermark,
  window,
};
