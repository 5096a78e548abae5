/**
 * Every kind of window recomputed from its rows: what comes out before each row, at each row and at the end. Rows come with
 * the watermark before them (processing-order.ts); every window keeps all of them, and what is due is looked for anew.
 *
 * Invariants
 *  1. A window [start, end) has passed when end - 1 <= W, and is closed when end - 1 + lateness <= W. A row goes into those
 *     of its windows that are not closed; a row all of whose windows are closed is late.
 *  2. A row's session is [timestamp, timestamp + gap); with the sessions of its key that are not closed and overlap or touch
 *     it, it becomes one. A row is late when that one is closed.
 *  3. Before a row, the windows that have passed with it give their results, in the order of their ends. A row that goes
 *     into a window which has passed gives a result at once, windows in the order of end, then start.
 *  4. Accumulating: each result is of all rows; discarding: of those since the result before; retracting: the result takes
 *     the earlier one back, nothing when they are equal; final: one result, when the window is closed. A window without rows
 *     to tell of gives nothing. Sessions that become one with others, or longer, take back what they gave when that happens.
 *  5. Counted windows: number i of a key has its rows from i * slide on; it gives its result when it is full, whatever the
 *     watermark. The one window of a global window gives a result at every so many rows of a key. No row is late for them.
 */
import { type Cell, compareCells } from './cells.ts';
import type { OrderedRow } from './processing-order.ts';
import { type WindowSpec as AlignedWindow, windowsOf } from './windows.ts';

export type EventTimeWindow =
  | AlignedWindow
  | { readonly kind: 'session'; readonly gapMs: number }
  | { readonly kind: 'count'; readonly rows: number; readonly slide: number }
  | { readonly kind: 'global'; readonly everyRows: number };

export interface EventTimeQuery {
  readonly window: EventTimeWindow;
  readonly latenessMs: number;
  readonly results: 'accumulating' | 'discarding' | 'retracting' | 'final';
  /** Without it a row may leave the result as it was. */
  readonly hasCount: boolean;
}

export interface EventTimeResult {
  /** Results in order, as text; those of one group have none among themselves. */
  readonly groups: readonly (readonly string[])[];
  /** The rows, in order. */
  readonly late: readonly OrderedRow[];
  readonly future: readonly OrderedRow[];
  /** Results that a row changed after they had been given out. */
  readonly corrections: number;
}

/** A result as text: what the engine gave is brought into the same form. */
export const resultText = (
  op: string,
  key: Cell,
  bounds: readonly Cell[],
  values: { readonly n: Cell; readonly total: Cell; readonly lowest: Cell; readonly highest: Cell },
): string =>
  [op, key, `[${bounds.join(', ')})`, values.n, values.total, values.lowest, values.highest].map(String).join(' ');

export function recompute(rows: readonly OrderedRow[], query: EventTimeQuery): EventTimeResult {
  const { window } = query;
  const windows = window.kind === 'count' || window.kind === 'global' ? new Counted(query) : new Timed(query);
  const late: OrderedRow[] = [];
  for (const row of rows) {
    if (row.isFuture) continue;
    windows.advance(row.watermark);
    if (!windows.add(row)) late.push(row);
  }
  windows.advance(Infinity);
  return {
    groups: windows.groups,
    late,
    future: rows.filter(({ isFuture }) => isFuture),
    corrections: windows.corrections,
  };
}

/** A window of a key. */
interface Open {
  readonly key: Cell;
  readonly start: number;
  readonly end: number;
  /** In the order in which they came. */
  rows: OrderedRow[];
  /** Rows that the results so far do not have. */
  fresh: OrderedRow[];
  /** Whether its time to give a result by itself is still to come. */
  waits: boolean;
  /** What stands, in the eyes of who reads the results. */
  given: string | undefined;
  hasGiven: boolean;
}

const open = (key: Cell, start: number, end: number): Open => ({
  ...{ key, start, end, rows: [], fresh: [], waits: true, given: undefined, hasGiven: false },
});

/** What all windows have in common: their results. */
class Windows {
  readonly groups: string[][] = [];
  corrections = 0;
  protected readonly query: EventTimeQuery;

  constructor(query: EventTimeQuery) {
    this.query = query;
  }

  /** What a window has to say at this moment. */
  protected resultsOf(window: Open): readonly string[] {
    const { results } = this.query;
    const rows = results === 'discarding' ? window.fresh : window.rows;
    window.fresh = [];
    if (rows.length === 0) return [];
    const text = (op: string, result: string): string => `${op} ${result}`;
    const result = this.#resultOf(window, rows);
    const { given } = window;
    const isCorrection = window.hasGiven && (results === 'discarding' || given !== result);
    if (isCorrection && window.end - 1 < Infinity) this.corrections++;
    Object.assign(window, { given: result, hasGiven: true });
    if (results !== 'retracting' || given === undefined) return [text('+I', result)];
    return given === result ? [] : [text('-U', given), text('+U', result)];
  }

  protected group(results: readonly string[]): void {
    if (results.length > 0) this.groups.push([...results]);
  }

  #resultOf({ key, start, end }: Open, rows: readonly OrderedRow[]): string {
    const values = rows.flatMap(({ row }) => row['value'] ?? []);
    const integers = values.map((value) => BigInt(value));
    const sorted = values.toSorted(compareCells);
    const { kind } = this.query.window;
    const bounds = kind === 'global' ? [] : kind === 'count' ? [start] : [start, end];
    return resultText('', key, bounds, {
      n: this.query.hasCount ? rows.length : null,
      total: integers.length === 0 ? null : integers.reduce((sum, value) => sum + value),
      lowest: sorted[0] ?? null,
      highest: sorted.at(-1) ?? null,
    }).slice(1);
  }
}

/** Windows that end by event time. */
class Timed extends Windows {
  #open: Open[] = [];
  #watermark = -Infinity;

  advance(watermark: number): void {
    this.#watermark = Math.max(this.#watermark, watermark);
    const wait = this.query.results === 'final' ? this.query.latenessMs : 0;
    const due = this.#open.filter(({ waits, end }) => waits && end - 1 + wait <= this.#watermark);
    for (const end of [...new Set(due.map((window) => window.end))].sort((a, b) => a - b)) {
      const ending = due.filter((window) => window.end === end);
      for (const window of ending) window.waits = false;
      this.group(ending.flatMap((window) => this.resultsOf(window)));
    }
    this.#open = this.#open.filter(({ end }) => !this.#isClosed(end));
  }

  #isClosed = (end: number): boolean => end - 1 + this.query.latenessMs <= this.#watermark;

  /** False when the row is late. */
  add(row: OrderedRow): boolean {
    const windows = this.query.window.kind === 'session' ? this.#sessionOf(row) : this.#alignedOf(row);
    for (const window of windows) {
      window.rows.push(row);
      window.fresh.push(row);
      if (window.end - 1 > this.#watermark || this.query.results === 'final') continue;
      window.waits = false;
      this.group(this.resultsOf(window));
    }
    return windows.length > 0;
  }

  #alignedOf({ row, timestamp }: OrderedRow): readonly Open[] {
    const key = row['key'] ?? null;
    // Its kind is not one of those that have windows of their own.
    const all = windowsOf(this.query.window as AlignedWindow, timestamp);
    return all
      .filter(({ end }) => !this.#isClosed(end))
      .map(({ start, end }) => {
        const known = this.#open.find((each) => each.key === key && each.start === start && each.end === end);
        const window = known ?? open(key, start, end);
        if (known === undefined) this.#open.push(window);
        return window;
      });
  }

  /** The session that the row makes with those that it meets; none when that is closed. */
  #sessionOf({ row, timestamp }: OrderedRow): readonly Open[] {
    const key = row['key'] ?? null;
    const gapMs = this.query.window.kind === 'session' ? this.query.window.gapMs : 0;
    const met = this.#open.filter(
      (each) => each.key === key && each.start <= timestamp + gapMs && each.end >= timestamp,
    );
    const start = Math.min(timestamp, ...met.map((each) => each.start));
    const end = Math.max(timestamp + gapMs, ...met.map((each) => each.end));
    if (this.#isClosed(end)) return [];
    const same = met.find((each) => each.start === start && each.end === end);
    if (same !== undefined && met.length === 1) return [same];
    if (this.query.results === 'retracting') {
      this.group(met.flatMap(({ given }) => (given === undefined ? [] : [`-D ${given}`])));
    }
    this.#open = this.#open.filter((each) => !met.includes(each));
    const session = open(key, start, end);
    session.rows = met.flatMap(({ rows }) => rows);
    session.fresh = met.flatMap(({ fresh }) => fresh);
    session.hasGiven = met.some(({ hasGiven }) => hasGiven);
    this.#open.push(session);
    return [session];
  }
}

/** Windows that end by rows, or never. */
class Counted extends Windows {
  readonly #rows = new Map<Cell, OrderedRow[]>();
  readonly #global = new Map<Cell, Open>();

  advance(): void {}

  add(row: OrderedRow): boolean {
    const key = row.row['key'] ?? null;
    const rows = this.#rows.get(key) ?? [];
    this.#rows.set(key, rows);
    rows.push(row);
    const { window } = this.query;
    if (window.kind === 'global') this.#addGlobal(key, row, rows.length % window.everyRows === 0);
    else if (window.kind === 'count') this.#full(key, rows, window);
    return true;
  }

  #addGlobal(key: Cell, row: OrderedRow, isDue: boolean): void {
    const window = this.#global.get(key) ?? open(key, -Infinity, Infinity);
    this.#global.set(key, window);
    window.rows.push(row);
    window.fresh.push(row);
    if (isDue) this.group(this.resultsOf(window));
  }

  #full(key: Cell, rows: readonly OrderedRow[], window: { readonly rows: number; readonly slide: number }): void {
    const from = rows.length - window.rows;
    if (from < 0 || from % window.slide !== 0) return;
    const full = open(key, from / window.slide, Infinity);
    full.rows = rows.slice(from);
    full.fresh = full.rows;
    this.group(this.resultsOf(full));
  }
}
