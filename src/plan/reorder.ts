/**
 * What putting rows in order (ReorderNode of logical.ts) asks for, what comes out beside the rows, and how it reads in
 * explanations and derived uids.
 *
 * Not here: the operator (runtime/operators/reorder.ts), what users write (api/reorder.ts).
 */
import { UserError } from '../base/errors.ts';
import { shortDuration } from '../base/time.ts';
import { type Field, indexOfColumn, type TableSchema } from '../data/schema.ts';

export interface ReorderSpec {
  /** The column that numbers the rows of a key; undefined: they are ordered by event time. */
  readonly seq: string | undefined;
  /** The first number of every key; undefined: the smallest that comes while the first rows wait. */
  readonly first: number | undefined;
  /** By event time: how long a row waits for what is missing before it. */
  readonly maxWaitMs: number;
  /** Rows that a key may hold. With one more, the first gap is given up. */
  readonly maxRows: number;
  /** A number so much beyond the next one is not believed. */
  readonly maxAhead: number;
  readonly onGap: 'emit' | 'fail';
  readonly audit: boolean;
  /** A key without rows for so long by event time is new again. Undefined: never. */
  readonly forgetAfterMs?: number | undefined;
}

export const GAPS_PORT = 1;
export const EXTREMES_PORT = 2;
export const AUDIT_PORT = 3;
export const REORDER_PORTS = ['', 'gaps', 'extremes', 'audit'] as const;

const integer = { kind: 'int64', nullable: false } as const;
const instant = { kind: 'timestamp', nullable: false } as const;
const text = { kind: 'utf8', nullable: false } as const;
const bytes = { kind: 'bytes', nullable: false } as const;

/** Behind the columns of the key. */
export const GAP_FIELDS: readonly Field[] = [
  { name: 'from', type: integer },
  { name: 'to', type: integer },
  { name: 'since', type: instant },
  { name: 'givenUpAt', type: instant },
  { name: 'reason', type: text },
];
/** Behind the columns of the row. */
export const EXTREME_FIELDS: readonly Field[] = [{ name: 'reason', type: text }];
/** Behind the columns of the key. */
export const AUDIT_FIELDS: readonly Field[] = [
  { name: 'number', type: integer },
  { name: 'row', type: bytes },
  { name: 'hash', type: text },
];

/** Which setting ended the wait for what a gap lacks. */
export type GapReason = 'maxWait' | 'maxRows' | 'maxAhead';
/**
 * Why a row is not among those in order: its number was given up before it came; had come before; is not believed; or is
 * so far back that it is not known which (by event time: later rows are out).
 */
export type ExtremeReason = 'after its gap' | 'duplicate' | 'too far ahead' | 'too late';

export const keySchema = (input: TableSchema, keys: readonly string[]): TableSchema => ({
  fields: keys.flatMap((key) => input.fields[indexOfColumn(input, key)] ?? []),
});

/** A schema with columns behind it. E1207 when it has one of them already. */
export function withFields(schema: TableSchema, added: readonly Field[], where: string): TableSchema {
  const taken = added.find(({ name }) => indexOfColumn(schema, name) >= 0);
  if (taken !== undefined) throw new UserError('E1207', { column: taken.name, where });
  return { fields: [...schema.fields, ...added] };
}

/** 'by device, in order of seq from 1, waiting 10 s, at most 1000 rows and 100 ahead; gaps fail; audited' */
export function describeReorder(keys: readonly string[], spec: ReorderSpec): string {
  const { seq, first, maxWaitMs, maxRows, maxAhead, onGap, audit, forgetAfterMs } = spec;
  const forgets = forgetAfterMs === undefined ? '' : `; keys forgotten after ${shortDuration(forgetAfterMs)}`;
  const from = first === undefined ? '' : ` from ${first}`;
  const ahead = seq === undefined ? '' : ` and ${maxAhead} ahead`;
  return (
    `by ${keys.join(', ')}, in order of ${seq ?? 'event time'}${from}, waiting ${shortDuration(maxWaitMs)}, `
    + `at most ${maxRows} rows${ahead}${onGap === 'fail' ? '; gaps fail' : ''}${audit ? '; audited' : ''}${forgets}`
  );
}
