/** Which driver runs which kind of case: one line for each kind. A kind without one is unsupported. */
import { alignment } from './alignment.ts';
import type { Driver } from './case.ts';
import { valve } from './valve.ts';
import { watermark } from './watermark.ts';

export const DRIVERS: { readonly [kind: string]: Driver } = {
  alignment,
  valve,
  watermark,
};
