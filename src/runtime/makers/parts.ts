/**
 * The parts of the engine that only some jobs need: which of them a plan needs, and who brings them. A host that loads over a
 * network brings them on demand, others have all.
 *
 * Invariants
 *  1. Nothing reaches an operator of a part but through that part: what a plan does not need is never loaded.
 *  2. Loading comes before anything is made; making is synchronous. Tokens alone are loaded later: when they are asked for.
 * Not here: aligned windows, watermarks by a delay, sources and sinks, which every job may use.
 */
import { assert } from '../../base/assert.ts';
import type { AggregateNode, WindowAggregateNode } from '../../plan/logical.ts';
import type { PhysicalOperator, PhysicalPlan } from '../../plan/physical.ts';
import { runsAsKernel } from '../../plan/window-choice.ts';
import type { TaskOperator } from '../task.ts';
import { makeAlignedWindow } from './aligned-windows.ts';
import type { NodeKind, Site } from './site.ts';

/** Modules, by name. */
export interface Parts {
  readonly expressions: typeof import('./expressions.ts');
  readonly functions: typeof import('./functions.ts');
  readonly asyncFunctions: typeof import('./async-functions.ts');
  readonly processFunctions: typeof import('./process-functions.ts');
  readonly rowOrder: typeof import('./row-order.ts');
  readonly unions: typeof import('./unions.ts');
  readonly changelogs: typeof import('./changelogs.ts');
  readonly definedAggregates: typeof import('./defined-aggregates.ts');
  readonly generalWindows: typeof import('./general-windows.ts');
  readonly sessionWindows: typeof import('./session-windows.ts');
  readonly userWatermarks: typeof import('./user-watermarks.ts');
  /** Of every job that goes on from a checkpoint. */
  readonly compatibility: typeof import('../checkpoint/compatibility.ts');
  /** Of every job that is asked how far it has come. */
  readonly tokens: typeof import('../tokens.ts');
}

export type PartName = keyof Parts;

/** Brings parts; a host's port. */
export type LoadParts = (names: ReadonlySet<PartName>) => Promise<Partial<Parts>>;

/** What has to be loaded before the operators of a plan can be made, when it goes on from a checkpoint or begins. */
export const partsOf = ({ nodes }: PhysicalPlan, goesOn = false): ReadonlySet<PartName> =>
  new Set([...nodes.flatMap(({ operator }) => neededBy(operator)), ...(goesOn ? (['compatibility'] as const) : [])]);

function neededBy(operator: PhysicalOperator): readonly PartName[] {
  switch (operator.kind) {
    case 'source':
    case 'sink':
      return [];
    case 'watermark': {
      const { kind } = operator.strategy;
      return kind === 'punctuated' || kind === 'custom' ? ['userWatermarks'] : [];
    }
    case 'windowAggregate':
      return windowParts(operator);
    case 'aggregate':
      return [hasOwn(operator) ? 'definedAggregates' : 'changelogs'];
    default:
      return [PART_OF[operator.kind]];
  }
}

const PART_OF: { readonly [K in Exclude<NodeKind, 'windowAggregate' | 'aggregate'>]: PartName } = {
  filter: 'expressions',
  project: 'expressions',
  split: 'expressions',
  function: 'functions',
  async: 'asyncFunctions',
  process: 'processFunctions',
  deduplicate: 'rowOrder',
  reorder: 'rowOrder',
  union: 'unions',
};

function windowParts(node: WindowAggregateNode): readonly PartName[] {
  if (!runsAsKernel(node)) return hasOwn(node) ? ['generalWindows', 'definedAggregates'] : ['generalWindows'];
  const conditions: readonly PartName[] = hasConditions(node) ? ['expressions'] : [];
  return node.window.kind === 'session' ? ['sessionWindows', ...conditions] : conditions;
}

const hasConditions = ({ aggregates }: WindowAggregateNode): boolean =>
  aggregates.some(({ where }) => where !== undefined);

/** Whether some aggregate is one that a user has defined. */
const hasOwn = ({ aggregates }: WindowAggregateNode | AggregateNode): boolean =>
  aggregates.some(({ user }) => user !== undefined);

/** A part that was loaded because the plan needs it. */
export function part<P extends PartName>(parts: Partial<Parts>, name: P): Parts[P] {
  const found = parts[name];
  assert(found !== undefined, `part '${name}' was not loaded`);
  return found;
}

export function makeWindow(site: Site<'windowAggregate'>, parts: Partial<Parts>): TaskOperator {
  const { node } = site;
  if (!runsAsKernel(node)) {
    const entries = hasOwn(node) ? part(parts, 'definedAggregates').makeEntries(site) : undefined;
    return part(parts, 'generalWindows').makeGeneralWindow(site, entries);
  }
  const conditions = hasConditions(node) ? part(parts, 'expressions').makeConditions(site) : undefined;
  return node.window.kind === 'session'
    ? part(parts, 'sessionWindows').makeSessionWindow(site, conditions)
    : makeAlignedWindow(site, conditions);
}

export const makeAggregation = (site: Site<'aggregate'>, parts: Partial<Parts>): TaskOperator =>
  hasOwn(site.node)
    ? part(parts, 'definedAggregates').makeGeneralAggregate(site)
    : part(parts, 'changelogs').makeAggregate(site);
