/** Putting the rows of a key in order, as users write it. Its plan node is plan/logical.ts's. */
import { UserError } from '../base/errors.ts';
import { type Duration, positiveDurationMs, shortDuration } from '../base/time.ts';
import { requireColumn } from '../data/schema.ts';
import { describeType } from '../data/types.ts';
import type { LogicalNode, ReorderNode } from '../plan/logical.ts';
import { AUDIT_FIELDS, EXTREME_FIELDS, GAP_FIELDS, keySchema, type ReorderSpec, withFields } from '../plan/reorder.ts';
import type { int64, bytes, SequenceName, timestamp, utf8 } from './kind.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions, uidOf } from './options.ts';
import type { Traits } from './traits.ts';

/** How long to wait; what a stream lacks for it, when it lacks something. */
type Waits<F> = 'changelog' extends F
  ? 'no order: these results update and delete rows'
  : 'event time' extends F
    ? Duration
    : 'no watermark: call .watermark(column, strategy) before';

/** By which number rows are put in order, how long what is missing is waited for, and what becomes of gaps. */
export interface ReorderOptions<C, F, A extends boolean> {
  /**
   * The column that numbers the rows of a key one by one. Left out, rows are put in the order of their event time, where
   * nothing can be missing.
   */
  readonly seq?: SequenceName<C>;
  /**
   * How long a row waits for what is missing before it: until event time is so far beyond it. Then the gap is given up
   * and goes to `.gaps`; what comes after that goes to `.extremes`. Event time is so far behind for what follows, where
   * none of the rows in order is late.
   */
  readonly maxWait: Waits<F>;
  /** The number with which each key begins. Left out, the smallest that comes while its first rows wait. */
  readonly first?: number;
  /** Rows that a key may hold; with one more, its first gap is given up at once. 10,000 when left out. */
  readonly maxRows?: number;
  /**
   * A number so much beyond the next one is not believed: the row goes to `.extremes` and nothing is given up for it. When
   * for `maxWait` no other numbers come, the key goes on from there. 100,000 when left out.
   */
  readonly maxAhead?: number;
  /** 'emit' (the default): a gap is a row of `.gaps`. 'fail': it ends the job. */
  readonly onGap?: 'emit' | 'fail';
  /** Whether `.audit` has, for each row in order, a hash over it and all rows of the key before it. */
  readonly audit?: A;
  /**
   * A key of which no row has come for so long by event time is forgotten: what comes of it later is of a new key, which
   * begins its numbers (from `first`, or the smallest that comes) and its audit anew. A row that is older than that when it
   * comes, of a key that is not known, goes to `.extremes`. Longer than `maxWait`. Left out,
   * each key costs about 100 bytes for good; set it where keys come and go.
   */
  readonly forgetAfter?: Duration;
  /** Names the operator's state in checkpoints; derived from its place in the job when left out. */
  readonly uid?: string;
}

/** Numbers of a key that were given up, from `from` to `to`. */
export interface GapColumns {
  from: int64;
  to: int64;
  /** Event time of the earliest row that waited for them. */
  since: timestamp;
  /** Event time at which they were given up. */
  givenUpAt: timestamp;
  /** The setting that ended the wait: 'maxWait', 'maxRows' or 'maxAhead'. */
  reason: utf8;
}

/** Why a row could not be put in order: 'after its gap', 'duplicate', 'too far ahead' or 'too late'. */
export interface ExtremeColumns {
  reason: utf8;
}

/** One for each row in order. */
export interface AuditColumns {
  /** 1 for the first row of the key, then one more for each. */
  number: int64;
  /** The row as it was hashed. */
  row: bytes;
  /** SHA-256, in hexadecimal, of the 32 bytes of the hash before (zeros for the first) and `row`. */
  hash: utf8;
}

/** Options of any stream, as JavaScript hands them in. */
export type AnyReorderOptions = { readonly [P in keyof ReorderOptions<never, never, boolean>]?: unknown };

const KNOWN = ['seq', 'maxWait', 'first', 'maxRows', 'maxAhead', 'onGap', 'audit', 'forgetAfter', 'uid'] as const;
const MAX_ROWS = 10_000;
const MAX_AHEAD = 100_000;
const WHERE = 'reorder';

export function reorderNode(
  input: LogicalNode,
  traits: Traits,
  keys: readonly string[],
  options: AnyReorderOptions,
): ReorderNode {
  requireKnownOptions(options, KNOWN, WHERE);
  if (traits.isChangelog) throw new UserError('E1211', { where: WHERE });
  if (!traits.hasEventTime) {
    throw new UserError('E1205', { where: WHERE }, { hint: 'call .watermark(column, strategy) before' });
  }
  const spec = specOf(input, options);
  const key = keySchema(input.schema, keys);
  withFields(key, GAP_FIELDS, `gaps of ${WHERE}`);
  withFields(input.schema, EXTREME_FIELDS, `extremes of ${WHERE}`);
  if (spec.audit) withFields(key, AUDIT_FIELDS, `audit of ${WHERE}`);
  const { uid } = options;
  // uidOf checks that it is a name.
  const named = uidOf(uid === undefined ? {} : { uid: uid as string }, WHERE);
  return { kind: 'reorder', schema: input.schema, uid: named, input, keys, spec };
}

function specOf(input: LogicalNode, options: AnyReorderOptions): ReorderSpec {
  const { seq, maxWait, first, maxRows = MAX_ROWS, maxAhead = MAX_AHEAD, onGap = 'emit', audit = false } = options;
  if (typeof maxWait !== 'string') throw mistake(`maxWait of ${WHERE}`, "a duration such as '10 s'", maxWait);
  if (seq === undefined) {
    const idle = (['first', 'maxAhead', 'onGap'] as const).find((name) => options[name] !== undefined);
    if (idle !== undefined) throw mistake(`${idle} of ${WHERE}`, 'left out when there is no seq', options[idle]);
  }
  if (onGap !== 'emit' && onGap !== 'fail') throw mistake(`onGap of ${WHERE}`, "'emit' or 'fail'", onGap);
  if (typeof audit !== 'boolean') throw mistake(`audit of ${WHERE}`, 'true or false', audit);
  if (first !== undefined && !isWhole(first)) throw mistake(`first of ${WHERE}`, 'a whole number', first);
  const maxWaitMs = positiveDurationMs(maxWait, `maxWait of ${WHERE}`);
  return {
    seq: seq === undefined ? undefined : sequenceOf(input, seq),
    first,
    maxWaitMs,
    ...forgetOf(options.forgetAfter, maxWaitMs),
    maxRows: countOf('maxRows', maxRows),
    maxAhead: countOf('maxAhead', maxAhead),
    onGap,
    audit,
  };
}

/** A key must not be forgotten while rows of it wait. */
function forgetOf(given: unknown, maxWaitMs: number): Pick<ReorderSpec, 'forgetAfterMs'> {
  if (given === undefined) return {};
  if (typeof given !== 'string') throw mistake(`forgetAfter of ${WHERE}`, "a duration such as '1 day'", given);
  const forgetAfterMs = positiveDurationMs(given, `forgetAfter of ${WHERE}`);
  if (forgetAfterMs <= maxWaitMs) {
    throw mistake(`forgetAfter of ${WHERE}`, `longer than maxWait, '${shortDuration(maxWaitMs)}'`, given);
  }
  return { forgetAfterMs };
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

function countOf(name: string, value: unknown): number {
  if (!isWhole(value) || value < 1) throw mistake(`${name} of ${WHERE}`, 'a whole number above zero', value);
  return value;
}

function sequenceOf(input: LogicalNode, seq: unknown): string {
  if (typeof seq !== 'string') throw mistake(`seq of ${WHERE}`, 'the name of a column', seq);
  const field = input.schema.fields[requireColumn(input.schema, seq, WHERE)];
  const isInteger = field !== undefined && ['int8', 'int16', 'int32', 'int64'].includes(field.type.kind);
  if (isInteger && !field.type.nullable) return seq;
  const type = field === undefined ? '' : describeType(field.type);
  throw new UserError('E1204', { column: seq, type, where: WHERE, needs: 'an integer, never null' });
}
