/**
 * Which rows of a window count when it fires: an evictor takes rows out before or after the result is made. What it
 * takes out is gone for later firings too.
 */
import type { Row } from '../../format/row-view.ts';

/** Rows of a window in the order in which they came. */
export interface WindowRows {
  readonly count: number;
  /** NaN: the row has no timestamp. */
  timeOf(index: number): number;
  /** Valid until the next call. */
  row(index: number): Row;
}

/** Takes rows out of a window before or after its function sees them. Made with `keepLast`, `keepWithin`, `deltaEvictor`, `evictRows`. */
export interface Evictor {
  readonly when: 'before' | 'after';
  /** Whether it reads rows, and not only their number and times. */
  readonly readsRows: boolean;
  /** For each row whether it stays. */
  keeps(rows: WindowRows): (index: number) => boolean;
}

/** Keeps the last `rows` rows. */
export const countEvictor = (rows: number, when: Evictor['when']): Evictor => ({
  when,
  readsRows: false,
  keeps:
    ({ count }) =>
    (index) =>
      index >= count - rows,
});

/** Keeps the rows of the last `keepMs` before the latest row; all when rows have no timestamps. */
export const timeEvictor = (keepMs: number, when: Evictor['when']): Evictor => ({
  when,
  readsRows: false,
  keeps(rows) {
    if (rows.count === 0 || Number.isNaN(rows.timeOf(0))) return () => true;
    let latest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < rows.count; i++) latest = Math.max(latest, rows.timeOf(i));
    return (index) => rows.timeOf(index) > latest - keepMs;
  },
});

/** Keeps the rows whose distance to the last row is below the threshold. */
export const deltaEvictor = (
  threshold: number,
  delta: (row: Row, last: Row) => number,
  when: Evictor['when'],
): Evictor => ({
  when,
  readsRows: true,
  keeps(rows) {
    if (rows.count === 0) return () => true;
    const last = { ...rows.row(rows.count - 1) };
    return (index) => delta(rows.row(index), last) < threshold;
  },
});

/** Keeps what a user's function says. */
export const customEvictor = (
  keep: (row: Row, index: number, count: number) => boolean,
  when: Evictor['when'],
): Evictor => ({
  when,
  readsRows: true,
  keeps: (rows) => (index) => keep(rows.row(index), index, rows.count),
});
