/**
 * A node with state as manifests hold it: plain data, so that a later run can tell whether its own is still the same
 * (state-identity.ts). Fields of nodes that stand here may be added, and never change their meaning.
 *
 * Of nodes only their columns are in it, of functions and of what users pass to them nothing.
 */
import type { Json } from '../base/json.ts';
import type { PhysicalOperator } from './physical.ts';

const WITH_STATE: ReadonlySet<string> = new Set([
  'windowAggregate',
  'aggregate',
  'deduplicate',
  'reorder',
  'process',
  'async',
]);

/** Null: it has no state, or only such as does not depend on what it does. */
export const descriptionOf = (node: PhysicalOperator): Json =>
  // What JSON.parse returns is JSON.
  WITH_STATE.has(node.kind) ? (JSON.parse(JSON.stringify(node, plain)) as Json) : null;

function plain(key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (key === 'initial' || typeof value !== 'object' || value === null) return key === 'initial' ? undefined : value;
  if (key !== '' && 'schema' in value) return { schema: value.schema };
  return 'kind' in value && value.kind === 'custom' ? { ...value, trigger: undefined } : value;
}
