/** The output columns and calls of an aggregation, checked against its input. */
import { UserError } from '../base/errors.ts';
import { type Field, type TableSchema, tableSchema } from '../data/schema.ts';
import { resultType } from '../plan/aggregates.ts';
import type { AggregateCall } from '../plan/logical.ts';
import type { OnError } from '../plan/process.ts';
import { aggregateCall } from './aggregate.ts';
import { isRecord, mistake, nothingGiven } from '../base/mistake.ts';
import { uidOf } from './options.ts';
import { onErrorOf } from './process-node.ts';
import type { FunctionOptions } from './stream.ts';

/** Calls and output columns of an aggregation: key columns, then `between`, then the results. */
export function aggregation(
  input: TableSchema,
  keys: readonly string[],
  between: readonly Field[],
  aggregates: unknown,
  uid: string | undefined,
): { readonly schema: TableSchema; readonly calls: readonly AggregateCall[] } {
  const where = uid === undefined ? 'aggregate' : `aggregate of '${uid}'`;
  if (!isRecord(aggregates)) {
    throw mistake(where, 'given an object of aggregates', aggregates, 'write { name: count() }');
  }
  const calls = Object.entries(aggregates).map(([name, declared]) => aggregateCall(name, declared, input, where));
  if (calls.length === 0) throw nothingGiven(where, 'aggregate');
  const taken = [...keys.flatMap((key) => input.fields.find(({ name }) => name === key) ?? []), ...between];
  const clash = calls.find(({ name }) => taken.some((field) => field.name === name));
  if (clash !== undefined) throw new UserError('E1207', { column: clash.name, where }, { hint: 'choose another name' });
  const results = calls.map((call) => ({ name: call.name, type: resultType(call, input, where) }));
  return { schema: tableSchema([...taken, ...results]), calls };
}

export const aggregateOptions = (
  options: FunctionOptions | undefined,
): { readonly uid: string | undefined; readonly onError: OnError } => ({
  uid: uidOf(options, 'aggregate', ['uid', 'onError']),
  onError: onErrorOf(options?.onError, 'aggregate'),
});

/**
 * What becomes of rows on which aggregates of the user fail; undefined where none can. A window that keeps its rows for an
 * evictor aggregates them when it fires: by then it is too late to put one aside.
 */
export function failurePolicy(
  onError: OnError,
  calls: readonly AggregateCall[],
  { evictor }: { readonly evictor?: unknown } = {},
): OnError | undefined {
  if (!calls.some(({ user }) => user !== undefined)) return undefined;
  if (onError === 'dead letter' && evictor !== undefined) {
    throw mistake('onError of aggregate', "'fail' in windows with an evictor", onError);
  }
  return onError;
}
