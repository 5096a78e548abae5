/**
 * Parts that are fetched when a plan needs them: for pages, whose bundlers cut files at these imports. In few files, because what
 * several of them share becomes a file of its own for each set that shares it, and many small files compress badly.
 */
import type { LoadParts, PartName, Parts } from './parts.ts';

const overColumns = () => import('./expression-parts.ts');
const overRows = () => import('./row-parts.ts');
const keyed = () => import('./keyed-parts.ts');
const continuing = async () => ({ compatibility: await import('../checkpoint/compatibility.ts') });

const LOADERS: { readonly [P in PartName]: () => Promise<Pick<Parts, P>> } = {
  expressions: overColumns,
  changelogs: overColumns,
  functions: overRows,
  asyncFunctions: overRows,
  sessionWindows: overRows,
  unions: overRows,
  userWatermarks: overRows,
  definedAggregates: keyed,
  generalWindows: keyed,
  processFunctions: keyed,
  rowOrder: keyed,
  compatibility: continuing,
  tokens: keyed,
};

export const partsOnDemand: LoadParts = async (names) => {
  const parts: { [P in PartName]?: Parts[P] } = {};
  const load = async <P extends PartName>(name: P): Promise<void> => {
    parts[name] = (await LOADERS[name]())[name];
  };
  await Promise.all([...names].map(load));
  return parts;
};
