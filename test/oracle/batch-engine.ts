/**
 * The oracle: what a windowed aggregation over replayable splits must give, evaluated slowly from the definition.
 * It keeps every row, computes each row's watermark as it is defined, and recomputes every window from its rows.
 *
 * Invariants
 *  1. A turn takes rows of one split, up to the first row whose first byte lies at or beyond
 *     (floor(position / quantum) + 1) * quantum, where position is the offset of its next row when the turn starts.
 *  2. The next turn is of the unfinished split with the lowest maximum timestamp so far (none yet is lowest), ties by
 *     split order. A split is finished as soon as its last row is taken.
 *  3. W of a row: the minimum, over splits not finished just before the row, of (maximum of the split's earlier rows
 *     - disorder - 1), or the beginning of time for a split without earlier rows. All rows count, filtered ones too. Of
 *     the other splits one with a single row counts as one without.
 *  3a. A row more than `skew` later than the maximum of its split is from the future: it is not processed and moves
 *     nothing. The eighth such row on end makes the lowest of them the maximum, and is then judged anew. A split's second
 *     row more than `skew` before the first takes its place as the maximum, and no W comes of the first.
 *  4. A window [start, end) has passed when end - 1 <= W. A row counts into those of its windows that have not passed;
 *     it is late when it has windows and all have passed. Filters come first: a filtered row is neither.
 *  5. Windows come in the order of end, then start; rows of a window in the order of their keys.
 *
 * Not here: values and their order (cells.ts), aggregates (aggregates.ts), lines that cannot be read (it gets rows).
 */
import type { TableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import { aggregate, type AggregateKind, type SliceMerge } from './aggregates.ts';
import { type Cell, compareCells, keyTextOf, type Row } from './cells.ts';

export interface OracleRow {
  readonly row: Row;
  /** Uncompressed offset of the first byte of the row's line in its split. */
  readonly offset: number;
}

export interface OracleSplit {
  readonly name: string;
  readonly rows: readonly OracleRow[];
}

export type WindowSpec =
  | { readonly kind: 'tumbling'; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly kind: 'hopping'; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number };

/** A comparison of a column with a constant; not true for null, whatever the comparison. */
export interface Filter {
  readonly column: string;
  readonly comparison: '=' | '<>' | '<' | '<=' | '>' | '>=';
  readonly value: Exclude<Cell, null>;
}

export interface OracleAggregate {
  readonly as: string;
  readonly kind: AggregateKind;
  /** The column; count() has none. */
  readonly column?: string;
  /** Only rows for which all of these hold. */
  readonly where?: readonly Filter[];
}

export interface OracleQuery {
  readonly schema: TableSchema;
  /** Column of timestamps in ms, never null. */
  readonly timestamp: string;
  /** 0 is the monotonous strategy. */
  readonly disorderMs: number;
  readonly window: WindowSpec;
  readonly keys: readonly string[];
  readonly aggregates: readonly OracleAggregate[];
  readonly where: readonly Filter[];
  readonly sliceMerge?: SliceMerge;
  /** Bytes of a turn; 262,144 unless a test needs small ones. */
  readonly quantumBytes?: number;
  /** 31 days unless a test says otherwise; Infinity: no rows are from the future. */
  readonly skewMs?: number;
}

export interface FiredWindow {
  readonly start: number;
  readonly end: number;
  /** One row per key: the key columns, windowStart, windowEnd and the aggregates. */
  readonly rows: readonly Row[];
}

/** A row at its place in the order of processing. */
export interface ProcessedRow {
  readonly split: string;
  /** Number of the row in its split. */
  readonly index: number;
  readonly row: Row;
  readonly timestamp: number;
  /** The combined watermark just before the row; -Infinity is the beginning of time. */
  readonly watermark: number;
  readonly isFuture: boolean;
}

export interface OracleResult {
  readonly windows: readonly FiredWindow[];
  readonly late: readonly ProcessedRow[];
  /** in = filtered + late + outside (in no window) + windowed (in at least one that had not passed). */
  readonly ledger: { in: number; filtered: number; late: number; outside: number; windowed: number };
}

const QUANTUM_BYTES = 262_144;
const SKEW_MS = 31 * 86_400_000;
const AHEAD_ON_END = 8;

export function evaluate(splits: readonly OracleSplit[], query: OracleQuery): OracleResult {
  const ledger = { in: 0, filtered: 0, late: 0, outside: 0, windowed: 0 };
  const late: ProcessedRow[] = [];
  const contents = new Map<number, ProcessedRow[]>();
  for (const processed of processingOrder(splits, query)) {
    if (processed.isFuture) continue;
    ledger.in++;
    if (!passesAll(query.where, processed.row)) {
      ledger.filtered++;
      continue;
    }
    const starts = windowStarts(query.window, processed.timestamp);
    const open = starts.filter((start) => start + query.window.sizeMs - 1 > processed.watermark);
    if (starts.length === 0) ledger.outside++;
    else if (open.length === 0) {
      ledger.late++;
      late.push(processed);
    } else ledger.windowed++;
    for (const start of open) append(contents, start, processed);
  }
  // All windows are equally long, so the order of start is the order of end.
  const windows = [...contents].sort(([a], [b]) => a - b).map(([start, rows]) => fire(start, rows, query));
  return { windows, late, ledger };
}

/** All rows with their watermarks, in the order in which they are processed. */
export function processingOrder(splits: readonly OracleSplit[], query: OracleQuery): ProcessedRow[] {
  const quantum = query.quantumBytes ?? QUANTUM_BYTES;
  const cursors: Cursor[] = splits.map((split) => ({
    split,
    next: 0,
    maxTimestamp: -Infinity,
    accepted: 0,
    ahead: [],
  }));
  const skewMs = query.skewMs ?? SKEW_MS;
  const processed: ProcessedRow[] = [];
  for (let cursor = nextTurn(cursors); cursor !== undefined; cursor = nextTurn(cursors)) {
    const turnEnd = (Math.floor(offsetOfNext(cursor) / quantum) + 1) * quantum;
    while (!isFinished(cursor) && offsetOfNext(cursor) < turnEnd) {
      processed.push(take(cursor, combinedWatermark(cursors, cursor, query, skewMs), query.timestamp, skewMs));
    }
  }
  return processed;
}

interface Cursor {
  readonly split: OracleSplit;
  next: number;
  maxTimestamp: number;
  /** Rows that were not from the future. */
  accepted: number;
  /** Timestamps from the future since the last accepted row. */
  ahead: number[];
}

const isFinished = (cursor: Cursor): boolean => cursor.next >= cursor.split.rows.length;

const offsetOfNext = (cursor: Cursor): number => cursor.split.rows[cursor.next]?.offset ?? Infinity;

function nextTurn(cursors: readonly Cursor[]): Cursor | undefined {
  let lowest: Cursor | undefined;
  for (const cursor of cursors) {
    if (isFinished(cursor)) continue;
    if (lowest === undefined || cursor.maxTimestamp < lowest.maxTimestamp) lowest = cursor;
  }
  return lowest;
}

function combinedWatermark(
  cursors: readonly Cursor[],
  taken: Cursor,
  { disorderMs, timestamp }: OracleQuery,
  skewMs: number,
): number {
  const own = (cursor: Cursor): number => {
    if (cursor !== taken) return cursor.accepted > 1 ? cursor.maxTimestamp : -Infinity;
    const isFirst = cursor.accepted === 1 && isFirstAhead(cursor, timestampOf(cursor, timestamp), skewMs);
    return isFirst ? -Infinity : cursor.maxTimestamp;
  };
  return Math.min(...cursors.filter((cursor) => !isFinished(cursor)).map((cursor) => own(cursor) - disorderMs - 1));
}

/** Whether the only row so far was ahead of its peers, as this one shows. */
const isFirstAhead = ({ accepted, maxTimestamp }: Cursor, timestamp: number, skewMs: number): boolean =>
  accepted === 1 && timestamp < maxTimestamp - skewMs;

function timestampOf({ split, next }: Cursor, column: string): number {
  const timestamp = split.rows[next]?.row[column];
  if (typeof timestamp !== 'number') throw new Error(`oracle: row ${next} of ${split.name} has no timestamp`);
  return timestamp;
}

function take(cursor: Cursor, watermark: number, column: string, skewMs: number): ProcessedRow {
  const index = cursor.next;
  const row = cursor.split.rows[index]?.row ?? {};
  const timestamp = timestampOf(cursor, column);
  cursor.next++;
  const isFuture = isAhead(cursor, timestamp, skewMs);
  if (!isFuture) {
    const isFirst = isFirstAhead(cursor, timestamp, skewMs);
    cursor.maxTimestamp = isFirst ? timestamp : Math.max(cursor.maxTimestamp, timestamp);
    if (!isFirst) cursor.accepted++;
    cursor.ahead = [];
  }
  return { split: cursor.split.name, index, row, timestamp, watermark, isFuture };
}

function isAhead(cursor: Cursor, timestamp: number, skewMs: number): boolean {
  if (cursor.accepted === 0 || timestamp <= cursor.maxTimestamp + skewMs) return false;
  cursor.ahead.push(timestamp);
  if (cursor.ahead.length < AHEAD_ON_END) return true;
  cursor.maxTimestamp = Math.min(...cursor.ahead);
  cursor.accepted = Math.max(cursor.accepted, 2);
  cursor.ahead = [];
  return timestamp > cursor.maxTimestamp + skewMs;
}

/** Starts of all windows that contain the timestamp, earliest first. */
export function windowStarts(window: WindowSpec, timestamp: number): number[] {
  const slideMs = window.kind === 'tumbling' ? window.sizeMs : window.slideMs;
  const starts: number[] = [];
  let start = Math.floor((timestamp - window.offsetMs) / slideMs) * slideMs + window.offsetMs;
  for (; start + window.sizeMs > timestamp; start -= slideMs) starts.unshift(start);
  return starts;
}

export function passesAll(filters: readonly Filter[], row: Row): boolean {
  return filters.every(({ column, comparison, value }) => {
    const cell = row[column] ?? null;
    if (cell === null) return false;
    // Arithmetic order here: -0 = 0, other than among keys and extremes.
    const order = typeof cell === 'number' && typeof value === 'number' ? cell - value : compareCells(cell, value);
    switch (comparison) {
      case '=':
        return order === 0;
      case '<>':
        return order !== 0;
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      case '>=':
        return order >= 0;
    }
  });
}

function fire(start: number, rows: readonly ProcessedRow[], query: OracleQuery): FiredWindow {
  const end = start + query.window.sizeMs;
  const groups = new Map<string, ProcessedRow[]>();
  for (const processed of rows) {
    const key = keyTextOf(keyCells(processed.row, query));
    append(groups, key, processed);
  }
  const results = [...groups.values()].map((group) => groupResult(start, end, group, query));
  return { start, end, rows: results.sort((a, b) => compareKeys(keyCells(a, query), keyCells(b, query))) };
}

const keyCells = (row: Row, query: OracleQuery): Cell[] => query.keys.map((key) => row[key] ?? null);

function compareKeys(a: readonly Cell[], b: readonly Cell[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareCells(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function groupResult(start: number, end: number, group: readonly ProcessedRow[], query: OracleQuery): Row {
  const result: Record<string, Cell> = {};
  const first = group[0]?.row ?? {};
  for (const key of query.keys) result[key] = first[key] ?? null;
  result['windowStart'] = start;
  result['windowEnd'] = end;
  const { sizeMs, offsetMs } = query.window;
  const sliceMs = query.window.kind === 'tumbling' ? sizeMs : greatestCommonDivisor(sizeMs, query.window.slideMs);
  const sliceOf = (timestamp: number): number => Math.floor((timestamp - offsetMs) / sliceMs);
  const fold = { merge: query.sliceMerge ?? 'left', firstSlice: sliceOf(start), slicesPerWindow: sizeMs / sliceMs };
  for (const { as, kind, column, where } of query.aggregates) {
    const values = group
      .filter(({ row }) => passesAll(where ?? [], row))
      .map(({ row, timestamp }) => ({
        slice: sliceOf(timestamp),
        value: column === undefined ? null : (row[column] ?? null),
      }));
    result[as] = aggregate(kind, typeOf(query.schema, column).kind, values, fold);
  }
  return result;
}

function typeOf(schema: TableSchema, column: string | undefined): ColumnType {
  if (column === undefined) return { kind: 'int64', nullable: true };
  const field = schema.fields.find(({ name }) => name === column);
  if (field === undefined) throw new Error(`oracle: there is no column ${column}`);
  return field.type;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
