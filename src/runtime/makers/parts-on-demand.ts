/** Parts as modules of their own, fetched when a plan needs them: for pages, whose bundlers cut files at these imports. */
import type { LoadParts, PartName, Parts } from './parts.ts';

const LOADERS: { readonly [P in PartName]: () => Promise<Parts[P]> } = {
  expressions: () => import('./expressions.ts'),
  functions: () => import('./functions.ts'),
  asyncFunctions: () => import('./async-functions.ts'),
  processFunctions: () => import('./process-functions.ts'),
  rowOrder: () => import('./row-order.ts'),
  unions: () => import('./unions.ts'),
  changelogs: () => import('./changelogs.ts'),
  definedAggregates: () => import('./defined-aggregates.ts'),
  generalWindows: () => import('./general-windows.ts'),
  sessionWindows: () => import('./session-windows.ts'),
  userWatermarks: () => import('./user-watermarks.ts'),
};

export const partsOnDemand: LoadParts = async (names) =>
  Object.fromEntries(await Promise.all([...names].map(async (name) => [name, await LOADERS[name]()] as const)));
