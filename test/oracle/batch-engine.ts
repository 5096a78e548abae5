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
 *  4. A window [start, end) has passed when end - 1 <= W, and is closed when end - 1 + allowed lateness <= W. A row counts
 *     into those of its windows that are not closed; it is late when it has windows and all are closed. Filters come
 *     first: a filtered row is neither.
 *  5. Before a row, the windows that have passed give their results, in the order of end, then start; rows of a window in
 *     the order of their keys. With final results they do so when they are closed instead.
 *  6. A row then gives a result for each of its windows that has given out its results and is not closed, in the order of
 *     end, then start: accumulating, the result of all rows of its key in the window; discarding, that of those which came
 *     since its key last gave a result; retracting, the earlier result as -U and the one with the row as +U, nothing when
 *     the two are equal, +I when there was none.
 *
 * Not here: values and their order (cells.ts), aggregates (aggregates.ts), which windows a row has (windows.ts), lines
 * that cannot be read (it gets rows).
 */
import type { TableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import { aggregate, type AggregateKind, type SliceMerge } from './aggregates.ts';
import { type Cell, compareCells, keyTextOf, type Row, sameCell } from './cells.ts';
import { type Interval, type Slicing, slicingOf, type WindowSpec, windowsOf } from './windows.ts';

export type { WindowSpec } from './windows.ts';

export interface OracleRow {
  readonly row: Row;
  /** Uncompressed offset of the first byte of the row's line in its split. */
  readonly offset: number;
}

export interface OracleSplit {
  readonly name: string;
  readonly rows: readonly OracleRow[];
}

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
  /** None when left out. */
  readonly allowedLatenessMs?: number;
  /** Accumulating when left out. */
  readonly results?: 'accumulating' | 'discarding' | 'retracting' | 'final';
  readonly sliceMerge?: SliceMerge;
  /** Bytes of a turn; 262,144 unless a test needs small ones. */
  readonly quantumBytes?: number;
  /** 31 days unless a test says otherwise; Infinity: no rows are from the future. */
  readonly skewMs?: number;
}

/** What a window gives at once: for all keys when it fires, for one when a late row makes it fire again. */
export interface FiredWindow {
  readonly start: number;
  readonly end: number;
  /** One row per key: the key columns, windowStart, windowEnd and the aggregates. */
  readonly rows: readonly Row[];
  /** Row kinds of all rows; undefined: '+I'. */
  readonly kinds?: readonly ('+I' | '-U' | '+U')[];
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
  const contents = new Contents(query);
  for (const processed of processingOrder(splits, query)) {
    if (processed.isFuture) continue;
    ledger.in++;
    contents.advance(processed.watermark);
    if (!passesAll(query.where, processed.row)) {
      ledger.filtered++;
      continue;
    }
    const windows = windowsOf(query.window, processed.timestamp);
    const open = windows.filter(({ end }) => end - 1 + (query.allowedLatenessMs ?? 0) > processed.watermark);
    if (windows.length === 0) ledger.outside++;
    else if (open.length === 0) {
      ledger.late++;
      late.push(processed);
    } else ledger.windowed++;
    for (const window of open) contents.add(window, processed);
  }
  contents.advance(Infinity);
  return { windows: contents.fired, late, ledger };
}

interface Content extends Interval {
  hasFired: boolean;
  /** Rows by key. */
  readonly groups: Map<string, ProcessedRow[]>;
}

/** The windows that have rows, and what they gave. */
class Contents {
  readonly fired: FiredWindow[] = [];
  readonly #query: OracleQuery;
  readonly #windows = new Map<string, Content>();
  readonly #slicing: Slicing;
  /** No window fires or is closed below this watermark. */
  #next = Infinity;

  constructor(query: OracleQuery) {
    this.#query = query;
    this.#slicing = slicingOf(query.window);
  }

  /** Gives out the results of all windows that fire at this watermark. */
  advance(watermark: number): void {
    if (watermark < this.#next) return;
    const { results, allowedLatenessMs = 0 } = this.#query;
    const wait = results === 'final' ? allowedLatenessMs : 0;
    const due = [...this.#windows.values()].filter(({ hasFired, end }) => !hasFired && end - 1 + wait <= watermark);
    due.sort((a, b) => a.end - b.end || a.start - b.start);
    for (const window of due) {
      window.hasFired = true;
      const rows = [...window.groups.values()].map((group) => this.#resultOf(window, group));
      rows.sort((a, b) => compareKeys(keyCells(a, this.#query), keyCells(b, this.#query)));
      this.fired.push({ start: window.start, end: window.end, rows });
      if (results === 'discarding') window.groups.clear();
    }
    // A closed window gets no more rows; without it the next search is shorter.
    this.#next = Infinity;
    for (const [name, { hasFired, end }] of this.#windows) {
      const next = end - 1 + (hasFired ? allowedLatenessMs : wait);
      if (hasFired && next <= watermark) this.#windows.delete(name);
      else this.#next = Math.min(this.#next, next);
    }
  }

  add({ start, end }: Interval, processed: ProcessedRow): void {
    const name = `${start} ${end}`;
    // A window without rows has nothing to give when it passes: it fires for the first time with the late row.
    const hasPassed = this.#query.results !== 'final' && end - 1 <= processed.watermark;
    const window = this.#windows.get(name) ?? { start, end, hasFired: hasPassed, groups: new Map() };
    this.#windows.set(name, window);
    this.#next = Math.min(this.#next, end - 1);
    const key = keyTextOf(keyCells(processed.row, this.#query));
    const before = window.groups.get(key) ?? [];
    const group = [...before, processed];
    window.groups.set(key, group);
    if (window.hasFired) this.#fireAgain(window, key, before, group);
  }

  #fireAgain(window: Content, key: string, before: readonly ProcessedRow[], group: readonly ProcessedRow[]): void {
    const { start, end } = window;
    const result = this.#resultOf(window, group);
    if (this.#query.results === 'discarding') window.groups.delete(key);
    if (this.#query.results !== 'retracting' || before.length === 0) {
      this.fired.push({ start, end, rows: [result] });
      return;
    }
    const earlier = this.#resultOf(window, before);
    if (Object.keys(result).every((name) => sameCell(earlier[name] ?? null, result[name] ?? null))) return;
    this.fired.push({ start, end, rows: [earlier, result], kinds: ['-U', '+U'] });
  }

  #resultOf(window: Interval, group: readonly ProcessedRow[]): Row {
    return groupResult(window, group, this.#query, this.#slicing);
  }
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

const keyCells = (row: Row, query: OracleQuery): Cell[] => query.keys.map((key) => row[key] ?? null);

function compareKeys(a: readonly Cell[], b: readonly Cell[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareCells(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function groupResult(
  { start, end }: Interval,
  group: readonly ProcessedRow[],
  query: OracleQuery,
  { sliceOf, slicesPerWindow }: Slicing,
): Row {
  const result: Record<string, Cell> = {};
  const first = group[0]?.row ?? {};
  for (const key of query.keys) result[key] = first[key] ?? null;
  result['windowStart'] = start;
  result['windowEnd'] = end;
  const fold = { merge: query.sliceMerge ?? 'blocks', firstSlice: sliceOf(start), slicesPerWindow };
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
