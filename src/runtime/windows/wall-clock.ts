/**
 * Windows by the wall clock of a place: of fixed lengths on its local time, or of calendar units.
 *
 *   instant --reached--> local time --grid--> local borders --reaches--> instants
 *
 * Invariants
 *  1. A window has an instant exactly when its local borders have the local time that clocks had reached by then: where
 *     clocks go back, what they repeat belongs to the later window; where they skip time, what lies in it is empty.
 *  2. Windows are those of the kernels (assembly/window/time.ts), also where clocks change.
 */
import { type Calendar, calendarNext, calendarStart, floorTime } from '../../base/calendar.ts';
import { InternalError, UserError } from '../../base/errors.ts';
import { TimeZone } from '../../base/time-zone.ts';
import type { Row } from '../../format/row-view.ts';
import type { WindowSpec } from '../../plan/logical.ts';
import type { Assigner } from './assigner.ts';
import { sameWindow, type Window } from './window.ts';

/** Local time, which never goes back here (base/time-zone.ts). */
export interface WallClock {
  /** The latest local time until an instant. */
  reached(epoch: number): number;
  /** The first instant at which local time is `local` or later. */
  reaches(local: number): number;
}

export const UTC: WallClock = { reached: (epoch) => epoch, reaches: (local) => local };

export type Aligned = Extract<WindowSpec, { readonly kind: 'tumbling' | 'hopping' | 'cumulating' }>;
/** The windows, in local time, that have a local time. */
type Grid = (local: number) => Window[];

export const isAligned = (window: WindowSpec): window is Aligned =>
  window.kind === 'tumbling' || window.kind === 'hopping' || window.kind === 'cumulating';

/** Windows by the clocks of the zone of their specification. */
export function zonedAssigner(window: WindowSpec): Assigner {
  if (!isAligned(window)) throw new InternalError(`a ${window.kind} window has no borders on a clock`);
  const { zone } = window;
  if (zone?.kind === 'column') return zoneOfEachRow(window, zone.column);
  const clock = zone === undefined ? UTC : TimeZone.of(zone.name);
  return wallClockAssigner(window, () => clock, { readsRows: false });
}

/** Names of zones that are remembered, known or not: rows have few. */
const NAMES_KNOWN_MAX = 1000;

/** Windows in the zone that a column names; rows whose zone nobody knows are refused. */
function zoneOfEachRow(window: Aligned, column: string): Assigner {
  const known = new Map<unknown, TimeZone | string>();
  const zoneOf = (row: Row): TimeZone | string => {
    const name = row[column];
    const found = known.get(name) ?? zoneNamed(name, column);
    if (known.size < NAMES_KNOWN_MAX) known.set(name, found);
    return found;
  };
  const clockOf = (row: Row): WallClock => {
    const zone = zoneOf(row);
    if (typeof zone === 'string') throw new InternalError(`a row that was refused: ${zone}`);
    return zone;
  };
  const refusal = (row: Row): string | undefined => {
    const zone = zoneOf(row);
    return typeof zone === 'string' ? zone : undefined;
  };
  const zones = (): readonly string[] =>
    [...known.values()].flatMap((zone) => (typeof zone === 'string' ? [] : zone.name));
  return { ...wallClockAssigner(window, clockOf, { readsRows: true }), refusal, zones };
}

/** The zone, or why it is none. */
function zoneNamed(name: unknown, column: string): TimeZone | string {
  if (typeof name !== 'string') return `the zone in column '${column}' is null`;
  try {
    return TimeZone.of(name);
  } catch (error) {
    if (error instanceof UserError) return `column '${column}': ${error.message}`;
    throw error;
  }
}

/** `clockOf`: the clock of each row; `readsRows` when it looks at rows. */
export function wallClockAssigner(
  window: Aligned,
  clockOf: (row: Row) => WallClock,
  options: { readonly readsRows: boolean },
): Assigner {
  const windowsAt = gridOf(window);
  return {
    clock: window.clock,
    isMerging: false,
    readsRows: options.readsRows,
    assign({ time, row }) {
      const clock = clockOf(row);
      const windows = windowsAt(clock.reached(time)).map(({ start, end }) => ({
        start: clock.reaches(start),
        end: clock.reaches(end),
      }));
      // Borders in time that clocks skip are one instant, so several windows may be the same.
      return windows.filter((each, i) => !windows.slice(0, i).some((earlier) => sameWindow(earlier, each)));
    },
  };
}

function gridOf(window: Aligned): Grid {
  const { sizeMs, offsetMs } = window;
  if (window.kind === 'hopping') return hoppingGrid(sizeMs, window.slideMs, offsetMs);
  if (window.kind === 'cumulating') return cumulatingGrid(sizeMs, window.stepMs, offsetMs);
  if (window.calendar === undefined) return hoppingGrid(sizeMs, sizeMs, offsetMs);
  const calendar: Calendar = { ...window.calendar, offsetMs };
  return (local) => {
    const start = calendarStart(calendar, local);
    return [{ start, end: calendarNext(calendar, start) }];
  };
}

function hoppingGrid(sizeMs: number, slideMs: number, offsetMs: number): Grid {
  return (local) => {
    const windows: Window[] = [];
    for (let start = floorTime(local, slideMs, offsetMs); start > local - sizeMs; start -= slideMs) {
      windows.push({ start, end: start + sizeMs });
    }
    return windows;
  };
}

function cumulatingGrid(sizeMs: number, stepMs: number, offsetMs: number): Grid {
  return (local) => {
    const start = floorTime(local, sizeMs, offsetMs);
    const windows: Window[] = [];
    for (let end = floorTime(local, stepMs, start) + stepMs; end <= start + sizeMs; end += stepMs) {
      windows.push({ start, end });
    }
    return windows;
  };
}
