/**
 * Which windows a row belongs to. Windows of wall-clock length are half-open and lie at multiples of their step plus an
 * offset, counted from 1970 in UTC or in a zone.
 *
 * Invariants
 *  1. An assigner of aligned windows gives windows that contain the row's time; when the slide is larger than the size
 *     there may be none.
 *  2. Windows of sessions are those of a single row: [time, time + gap). Which of them are one is decided by
 *     merging-windows.ts.
 */
import { UserError } from '../../base/errors.ts';
import type { Row } from '../../format/row-view.ts';
import type { WindowClock } from '../../plan/logical.ts';
import { GLOBAL_WINDOW, type Window } from './window.ts';

/** What an assigner may look at. */
export interface AssignedRow {
  /** On the assigner's clock. */
  readonly time: number;
  readonly row: Row;
}

export interface Assigner {
  /** Undefined: its windows have no end that a clock could reach. */
  readonly clock: WindowClock | undefined;
  readonly isMerging: boolean;
  /** Whether it looks at columns of rows. */
  readonly readsRows: boolean;
  /** Zones that rows have named so far. */
  zones?(): readonly string[];
  /** Why a row can be in no window; undefined: it can. Asked before `assign`. */
  refusal?(row: Row): string | undefined;
  assign(row: AssignedRow): readonly Window[];
}

/** Milliseconds to add to UTC for the wall clock of a row's zone at an instant. */
export type OffsetOf = (row: AssignedRow, instant: number) => number;

export interface AlignedSpec {
  readonly clock: WindowClock;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
  /** Undefined: UTC. */
  readonly zoneOffset?: OffsetOf | undefined;
}

/** Tumbling (slide = size) and hopping windows. */
export function alignedAssigner({ clock, sizeMs, slideMs, offsetMs, zoneOffset }: AlignedSpec): Assigner {
  return {
    clock,
    isMerging: false,
    readsRows: zoneOffset !== undefined,
    assign(row) {
      const shift = offsetMs - (zoneOffset?.(row, row.time) ?? 0);
      const last = startOf(row.time, slideMs, shift);
      const windows: Window[] = [];
      for (let start = last; start > row.time - sizeMs; start -= slideMs) windows.push({ start, end: start + sizeMs });
      return windows;
    },
  };
}

/** Windows that share their start and grow by a step up to their size. */
export function cumulatingAssigner({ clock, sizeMs, slideMs, offsetMs, zoneOffset }: AlignedSpec): Assigner {
  return {
    clock,
    isMerging: false,
    readsRows: zoneOffset !== undefined,
    assign(row) {
      const shift = offsetMs - (zoneOffset?.(row, row.time) ?? 0);
      const start = startOf(row.time, sizeMs, shift);
      const windows: Window[] = [];
      const first = Math.floor((row.time - start) / slideMs) + 1;
      for (let end = start + first * slideMs; end <= start + sizeMs; end += slideMs) windows.push({ start, end });
      return windows;
    },
  };
}

function startOf(time: number, stepMs: number, shiftMs: number): number {
  return Math.floor((time - shiftMs) / stepMs) * stepMs + shiftMs;
}

/** `gap`: milliseconds, or what a function says of each row; a gap of 0 joins only what it touches. */
export function sessionAssigner(clock: WindowClock, gap: number | ((row: Row) => number)): Assigner {
  return {
    clock,
    isMerging: true,
    readsRows: typeof gap === 'function',
    assign({ time, row }) {
      const gapMs = typeof gap === 'function' ? gap(row) : gap;
      if (!Number.isSafeInteger(gapMs) || gapMs < 0) {
        throw new UserError('E1006', {
          what: 'the gap of a session',
          needs: 'a whole number of milliseconds, not below 0',
          got: String(gapMs),
        });
      }
      return [{ start: time, end: time + gapMs }];
    },
  };
}

export const globalAssigner = (): Assigner => ({
  clock: undefined,
  isMerging: false,
  readsRows: false,
  assign: () => [GLOBAL_WINDOW],
});

/**
 * Windows of `rows` rows of a key, one beginning at every `slide`th; [n, n + 1) is the nth. `position` counts the rows
 * of the key at hand: it answers how many came before, and takes this one.
 */
export function countAssigner(rows: number, slide: number, position: () => number): Assigner {
  return {
    clock: undefined,
    isMerging: false,
    readsRows: false,
    assign() {
      const at = position();
      const windows: Window[] = [];
      for (let id = Math.floor(at / slide); id >= 0 && id * slide + rows > at; id--) {
        windows.push({ start: id, end: id + 1 });
      }
      return windows;
    },
  };
}
