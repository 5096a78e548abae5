/**
 * A generated case as a job of the public API, and the engine's answer beside the oracle's.
 *
 * Invariants
 *  1. Everything that a case says reaches the job; what the engine refuses is thrown as the UserError that refused it.
 *  2. Rows are compared cell by cell and in order; only the standard deviation has a tolerance, which follows from the
 *     values that it is over.
 */
import { type CollectSink, collectSink } from '../../src/format/collect-sink.ts';
import {
  avg,
  bool,
  boundedOutOfOrderness,
  type CalendarDuration,
  count,
  cumulating,
  type Duration,
  eventTime,
  float64,
  from,
  hopping,
  int32,
  int64,
  type Job,
  job,
  max,
  min,
  monotonous,
  schema,
  stddev,
  sum,
  timestamp,
  tumbling,
  utf8,
} from '../../src/index.ts';
import { imbalance, type LedgerEntry } from '../../src/metrics/ledger.ts';
import { makeSink } from '../../src/platform.ts';
import type { JobRun } from '../../src/runtime/job-run.ts';
import { memoryFiles, type MemoryFilesOptions } from '../../src/testing/memory-files.ts';
import {
  evaluate,
  type Filter,
  type FiredWindow,
  type OracleAggregate,
  type OracleQuery,
  type WindowSpec,
} from '../oracle/batch-engine.ts';
import { type Cell, compareCells, type Row, sameCell } from '../oracle/cells.ts';
import type { GeneratedCase } from '../oracle/generate.ts';

/** CASE_SCHEMA through the public API. */
export const CASE = schema({
  at: timestamp(),
  name: utf8().nullable(),
  serial: int64().asBigInt().nullable(),
  isOpen: bool().nullable(),
  amount: int64().asBigInt().nullable(),
  level: int32().nullable(),
  weight: float64().nullable(),
  padding: utf8().nullable(),
});

/** The steps of a stream without the columns: which of them a case uses is known at run time only. */
interface LooseStream {
  watermark(column: string, strategy: unknown): LooseStream;
  where(condition: (fields: LooseFields) => unknown): LooseStream;
  keyBy(...columns: string[]): LooseStream;
  window(window: unknown, options: unknown): LooseStream;
  aggregate(aggregates: Readonly<Record<string, unknown>>): LooseStream;
  to(sink: unknown): Job;
  readonly late: LooseStream;
}
type LooseField = Readonly<Record<string, (value: unknown) => unknown>>;
type LooseFields = Readonly<Record<string, LooseField>>;
type LooseAggregate = (column?: string, options?: { readonly where: (fields: LooseFields) => unknown }) => unknown;

export interface CaseOptions extends MemoryFilesOptions {
  /** Without it late rows are counted only, and columns that nothing reads are not made. */
  readonly late: boolean;
}

export interface CaseJob {
  readonly job: Job;
  readonly results: CollectSink;
  readonly late: CollectSink | undefined;
}

export function jobOf(made: GeneratedCase, options: CaseOptions): CaseJob {
  const { query } = made;
  const files = Object.fromEntries(
    made.splits.map(({ name }, i) => [name, made.written[i]?.bytes ?? new Uint8Array(0)]),
  );
  // As LooseStream says.
  const source = from(memoryFiles(files, CASE, options)) as unknown as LooseStream;
  const strategy = query.disorderMs === 0 ? monotonous() : boundedOutOfOrderness(`${query.disorderMs} ms`);
  let rows = source.watermark(query.timestamp, strategy);
  for (const filter of query.where) rows = rows.where((fields) => conditionOf(filter, fields));
  const keyed = query.keys.length === 0 ? rows : rows.keyBy(...query.keys);
  const aggregates = Object.fromEntries(query.aggregates.map((each) => [each.as, aggregateOf(each)]));
  const windowed = keyed.window(windowOf(query.window), latenessOf(query)).aggregate(aggregates);
  const isChangelog = query.results === 'retracting';
  const results = collectSink({ changelog: isChangelog });
  const accepts = isChangelog ? 'inserts, updates and deletes' : 'inserts only';
  const outputs = [windowed.to(makeSink(accepts, results, 'results'))];
  const late = options.late ? collectSink() : undefined;
  if (late !== undefined) outputs.push(windowed.late.to(makeSink('inserts only', late, 'late')));
  return { job: job('case', ...outputs), results, late };
}

const OPERATORS = { '=': 'eq', '<>': 'ne', '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge' } as const;

function conditionOf({ column, comparison, value }: Filter, fields: LooseFields): unknown {
  const operand = column === 'at' ? eventTime(new Date(Number(value))) : value;
  return fields[column]?.[OPERATORS[comparison]]?.(operand);
}

function aggregateOf({ kind, column, where = [] }: OracleAggregate): unknown {
  if (where.length > 1) throw new Error('a case has one condition for an aggregate at most');
  const [filter] = where;
  const options = filter === undefined ? undefined : { where: (fields: LooseFields) => conditionOf(filter, fields) };
  // As LooseStream says, of the columns that aggregates name.
  if (kind === 'count') return (count as (options: unknown) => unknown)(options);
  const make = { sum, avg, min, max, stddev }[kind] as unknown as LooseAggregate;
  return make(column, options);
}

const MONTHS: Readonly<Record<number, CalendarDuration>> = { 1: '1 month', 3: '1 quarter', 12: '1 year' };
const ms = (value: number): Duration => `${value} ms`;

function latenessOf({ allowedLatenessMs = 0, results }: OracleQuery): unknown {
  return {
    ...(allowedLatenessMs === 0 ? {} : { allowedLateness: ms(allowedLatenessMs) }),
    ...(results === undefined ? {} : { results }),
  };
}

function windowOf(window: WindowSpec): unknown {
  const offset = {
    ...(window.offsetMs === 0 ? {} : { offset: ms(window.offsetMs) }),
    ...(window.zone === undefined ? {} : { zone: window.zone }),
  };
  switch (window.kind) {
    case 'tumbling':
      return tumbling(ms(window.sizeMs), offset);
    case 'hopping':
      return hopping(ms(window.sizeMs), ms(window.slideMs), offset);
    case 'cumulating':
      return cumulating(ms(window.sizeMs), ms(window.stepMs), offset);
    case 'months':
      return tumbling(MONTHS[window.months] ?? `${window.months} months`, offset);
  }
}

/** Throws with the first difference between what the finished job gave and what the oracle says. */
export function compareWithOracle(
  made: GeneratedCase,
  quantumBytes: number,
  { results, late }: CaseJob,
  run: JobRun,
): void {
  const query = { ...made.query, quantumBytes, aggregates: [...made.query.aggregates, ...BOUNDS] };
  const expected = evaluate(made.splits, query);
  compareWindows(expected.windows, results.rows, query);
  if (late !== undefined) {
    const columns = query.schema.fields.map(({ name }) => name);
    compareRows(
      'late row',
      expected.late.map(({ row }) => row),
      cellsOf(late.rows),
      columns,
      () => 0,
    );
  }
  compareLedger(expected.ledger, run.ledger());
}

/** Extremes of the column whose standard deviation is taken, for its tolerance. Only the oracle computes them. */
const BOUNDS: readonly OracleAggregate[] = [
  { as: 'lowest weight', kind: 'min', column: 'weight' },
  { as: 'highest weight', kind: 'max', column: 'weight' },
];
const DEVIATION_TOLERANCE = 1e-9;
/** Part of the largest value that rounding may leave as a deviation of values that are all equal. */
const DEVIATION_ROUNDING = 1e-7;

function compareWindows(all: readonly FiredWindow[], got: readonly unknown[], query: OracleQuery): void {
  const expected = all.filter((fired) => changesSomething(fired, query));
  const columns = [
    ...query.keys,
    'windowStart',
    'windowEnd',
    ...query.aggregates.map(({ as }) => as).filter((as) => !as.includes(' ')),
  ];
  if (query.results === 'retracting') columns.push('op');
  const rows = cellsOf(got);
  // Within one firing rows come in the order of hashes; the firings themselves have one order.
  const sorted = expected.flatMap((fired, i) => {
    const from = expected.slice(0, i).reduce((sum, each) => sum + each.rows.length, 0);
    const given = rows.slice(from, from + fired.rows.length);
    return fired.kinds === undefined ? given.toSorted(byKey(query)) : given;
  });
  const count = sorted.length;
  compareRows('result', expected.flatMap(rowsOf(query)), [...sorted, ...rows.slice(count)], columns, (name, row) => {
    if (name !== 'spread' && !isOrderOpen(query, name)) return 0;
    return Math.max(Math.abs(Number(row['lowest weight'])), Math.abs(Number(row['highest weight'])));
  });
}

/**
 * Where clocks change, windows that overlap may begin or end at one instant under several labels, and by which of them
 * their slices are cut into blocks is not said: the last bits of float sums are open there.
 */
function isOrderOpen({ window, aggregates }: OracleQuery, name: string): boolean {
  const found = aggregates.find(({ as }) => as === name);
  const isFloatSum = found?.column === 'weight' && (found.kind === 'sum' || found.kind === 'avg');
  return window.kind === 'hopping' && 'zone' in window && window.zone !== undefined && isFloatSum;
}

/** The oracle is also asked for bounds that tolerances need; a correction of those alone is none of the job's results. */
function changesSomething({ rows, kinds }: FiredWindow, query: OracleQuery): boolean {
  const [before, after] = rows;
  if (kinds?.[0] !== '-U' || kinds[1] !== '+U' || before === undefined || after === undefined) return true;
  const asked = query.aggregates.map(({ as }) => as).filter((as) => !as.includes(' '));
  return asked.some((name) => compareCells(before[name] ?? null, after[name] ?? null) !== 0);
}

const byKey =
  (query: OracleQuery) =>
  (a: Row, b: Row): number =>
    compareLists(
      query.keys.map((key) => a[key] ?? null),
      query.keys.map((key) => b[key] ?? null),
    );

/** The rows of a firing as the sink has them. */
const rowsOf =
  (query: OracleQuery) =>
  ({ rows, kinds }: FiredWindow): readonly Row[] =>
    query.results === 'retracting' ? rows.map((row, i) => ({ op: kinds?.[i] ?? '+I', ...row })) : rows;

function compareLists(a: readonly Cell[], b: readonly Cell[]): number {
  const at = a.findIndex((cell, i) => compareCells(cell, b[i] ?? null) !== 0);
  return at < 0 ? 0 : compareCells(a[at] ?? null, b[at] ?? null);
}

/** The collecting sink reads columns as their types say: all of them are cells. */
const cellsOf = (rows: readonly unknown[]): readonly Row[] => rows as readonly Row[];

function compareRows(
  what: string,
  expected: readonly Row[],
  got: readonly Row[],
  columns: readonly string[],
  magnitude: (column: string, row: Row) => number,
): void {
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    const [want, have] = [expected[i], got[i]];
    if (want === undefined || have === undefined) {
      throw new Error(
        `${got.length} ${what}s instead of ${expected.length}; ${what} ${i}: ${textOf(have)} instead of ${textOf(want)}`,
      );
    }
    const wrong = columns.find((name) => !agrees(want[name] ?? null, have[name] ?? null, magnitude(name, want)));
    if (wrong !== undefined || Object.keys(have).length !== columns.length) {
      throw new Error(`${what} ${i}, column ${String(wrong)}: ${textOf(have)} instead of ${textOf(want)}`);
    }
  }
}

function agrees(want: Cell, have: Cell, magnitude: number): boolean {
  if (magnitude === 0 || typeof want !== 'number' || typeof have !== 'number') return sameCell(want, have);
  return sameCell(want, have, DEVIATION_TOLERANCE) || Math.abs(want - have) <= magnitude * DEVIATION_ROUNDING;
}

const CHARS_SHOWN = 40;

function textOf(row: Row | undefined): string {
  if (row === undefined) return 'nothing';
  return JSON.stringify(row, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'string' && value.length > CHARS_SHOWN)
      return `${value.slice(0, CHARS_SHOWN)}… (${value.length})`;
    return Object.is(value, -0) ? '-0' : value;
  });
}

function compareLedger(
  expected: ReturnType<typeof evaluate>['ledger'],
  got: { readonly [uid: string]: Readonly<LedgerEntry> },
): void {
  for (const [uid, entry] of Object.entries(got)) {
    if (imbalance(entry) !== 0)
      throw new Error(`the ledger of ${uid} is off by ${imbalance(entry)}: ${JSON.stringify(entry)}`);
  }
  const entries = Object.values(got);
  const total = (term: keyof LedgerEntry): number => entries.reduce((sum, entry) => sum + entry[term], 0);
  const source = Object.entries(got).find(([uid]) => uid.startsWith('source') || uid.includes('memoryFiles'))?.[1];
  const found = {
    in: source?.in,
    filtered: total('filtered'),
    late: total('late'),
    windowed: total('released'),
    held: total('held'),
    letters: total('deadLetters'),
  };
  const wanted = {
    in: expected.in,
    filtered: expected.filtered,
    late: expected.late,
    windowed: expected.windowed,
    held: 0,
    letters: 0,
  };
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`the ledger says ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }
}
