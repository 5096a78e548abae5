/** Which driver runs which kind of case: one line for each kind. A kind without one is unsupported. */
import type { Driver } from './case.ts';

export const DRIVERS: { readonly [kind: string]: Driver } = {};
