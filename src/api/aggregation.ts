/** The output columns and calls of an aggregation, checked against its input. */
import { UserError } from '../base/errors.ts';
import { type Field, type TableSchema, tableSchema } from '../data/schema.ts';
import { resultType } from '../plan/aggregates.ts';
import type { AggregateCall } from '../plan/logical.ts';
import { aggregateCall } from './aggregate.ts';
import { isRecord, mistake, nothingGiven } from './mistake.ts';

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
