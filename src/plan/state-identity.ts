/**
 * What the state of an operator is of: what must be equal for one run to go on with the state of another.
 *
 * Something is in it when state that was made by something else would be read wrongly, or counted into what it is not: keys
 * and their types, aggregates in their order with what they read, windows with what decides how long they stay, columns of
 * rows that wait. Not in it: what stands above and below, names of results, functions (nothing is known of them), and
 * options that only new entries feel: times to live, limits, timers, capacity.
 * Imports types alone: pages load it by itself, when a job goes on from a checkpoint.
 */
import type { Json } from '../base/json.ts';
import type { Field, TableSchema } from '../data/schema.ts';
import type { AggregateCall, DeduplicateNode, ProcessNode, WindowAggregateNode } from './logical.ts';
import type { PhysicalOperator } from './physical.ts';
import type { StateSpec } from './process.ts';

/** What of it an operator may have more of than the state has: states by name. */
export const MAY_GROW: ReadonlySet<string> = new Set(['states', 'broadcast']);

/** By name, of a node as descriptionOf wrote it. Undefined stands for what there is not. */
export function stateIdentityOf(description: Json): { readonly [name: string]: unknown } {
  // What descriptionOf wrote; the manifest's checksum was verified. Functions are missing, and nothing here calls one.
  const node = (description ?? { kind: 'union' }) as unknown as PhysicalOperator;
  switch (node.kind) {
    case 'windowAggregate':
      return windowIdentity(node);
    case 'aggregate':
      return {
        keys: columnsOf(node.input.schema, node.keys),
        aggregates: callsOf(node.aggregates, node.input.schema, node.takesBack),
      };
    case 'deduplicate':
      return deduplicationIdentity(node);
    case 'reorder': {
      const { seq = 'event time', maxWaitMs, audit } = node.spec;
      return {
        keys: columnsOf(node.input.schema, node.keys),
        order: seq,
        maxWaitMs,
        audit,
        rows: rowsOf(node.input.schema),
      };
    }
    case 'process':
      return processIdentity(node);
    case 'async':
      return { rows: rowsOf(node.input.schema) };
    default:
      return {};
  }
}

const columnOf = ({ name, type }: Field): string =>
  `${name} ${type.kind}${type.unit === undefined || type.unit === 'ms' ? '' : ` (${type.unit})`}${type.nullable ? ', nullable' : ''}`;

const rowsOf = ({ fields }: TableSchema): string => fields.map(columnOf).join('; ');

const columnsOf = ({ fields }: TableSchema, names: readonly string[]): string =>
  rowsOf({ fields: names.flatMap((name) => fields.find((field) => field.name === name) ?? []) }) || 'none';

/** `takesBack`: their rows may be taken back, so kernels keep floats that are not finite apart. */
const callsOf = (calls: readonly AggregateCall[], schema: TableSchema, takesBack = false): unknown =>
  calls.map(({ fn, column, by, where, options, user }) => ({
    of: `${fn} of ${columnsOf(
      schema,
      [column, by].flatMap((name) => name ?? []),
    )}`,
    where,
    options,
    over: takesBack && user === undefined && isFloat(schema, column) ? 'a changelog' : undefined,
    accumulator: user === undefined ? undefined : rowsOf(user.accumulator),
  }));

const isFloat = ({ fields }: TableSchema, column: string | undefined): boolean =>
  fields.find(({ name }) => name === column)?.type.kind.startsWith('float') === true;

function windowIdentity(node: WindowAggregateNode): { readonly [name: string]: unknown } {
  const { input, keys, window, trigger, evictor, results, allowedLatenessMs, aggregates, process } = node;
  const seesRows = process !== undefined || evictor?.kind === 'delta' || evictor?.kind === 'custom';
  return {
    keys: columnsOf(input.schema, keys),
    ...{ window, trigger, evictor, results, allowedLatenessMs },
    aggregates: process === undefined ? callsOf(aggregates, input.schema) : undefined,
    rows: seesRows ? rowsOf(input.schema) : undefined,
  };
}

function deduplicationIdentity({ keys, keep, order, within, emits, input }: DeduplicateNode): {
  readonly [name: string]: unknown;
} {
  // Of rows that are out for good only the key is kept.
  const keepsRows = emits !== 'final' || order === 'event time';
  const rows = keepsRows ? rowsOf(input.schema) : undefined;
  return { keys: columnsOf(input.schema, keys), keep, order, within: within?.clock, emits, rows };
}

function processIdentity({ inputs, states, broadcast }: ProcessNode): { readonly [name: string]: unknown } {
  const named = (specs: readonly StateSpec[]): unknown =>
    Object.fromEntries(
      specs.map(({ name, kind, type, isColumn, key, expiry }) => [
        name,
        {
          is: `${kind} of ${isColumn ? '' : 'rows of '}${rowsOf(type)}`,
          by: key === undefined ? undefined : columnOf({ name: 'key', type: key }),
          // What expires by the clock of the machine lies elsewhere.
          clock: expiry?.clock === 'processing time' ? expiry.clock : undefined,
        },
      ]),
    );
  const keys = inputs.map(({ node, keys: names }) => (names === undefined ? 'all' : columnsOf(node.schema, names)));
  return { keys: keys.join(' with '), states: named(states), broadcast: named(broadcast) };
}
