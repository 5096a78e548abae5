/** Which driver runs which kind of case: one line for each kind. A kind without one is unsupported. */
import { assigner } from './assigner.ts';
import type { Driver } from './case.ts';
import { deduplicate } from './deduplicate.ts';
import { timeZone } from './time-zone.ts';

export const DRIVERS: { readonly [kind: string]: Driver } = {
  assigner,
  deduplicate,
  timeZone,
};
