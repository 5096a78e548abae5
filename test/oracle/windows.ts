/**
 * Which windows an instant belongs to, from their definition.
 *
 * Borders are the multiples of a step (from an offset on) of the wall clock of a zone, or the months of its calendar;
 * the instant of a border is the first one at which the clock shows it or more. Windows are [start, end) in instants.
 * Where clocks change, borders may share an instant: empty windows are none, and equal ones are one.
 */
import { instantOf, reached } from './zones.ts';

interface Zoned {
  /** Undefined: UTC. */
  readonly zone?: string;
  readonly offsetMs: number;
}

export type WindowSpec =
  | (Zoned & { readonly kind: 'tumbling'; readonly sizeMs: number })
  | (Zoned & { readonly kind: 'hopping'; readonly sizeMs: number; readonly slideMs: number })
  /** Windows from each multiple of the size, ending after each step up to the size. */
  | (Zoned & { readonly kind: 'cumulating'; readonly sizeMs: number; readonly stepMs: number })
  /** Tumbling over so many months, counted from January 1970. */
  | (Zoned & { readonly kind: 'months'; readonly months: number });

export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** The month of a wall-clock time, and the start of a month; months count from January 1970. */
function monthOf(wall: number): number {
  const date = new Date(wall);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}
const startOfMonth = (month: number): number => Date.UTC(1970, month, 1);

const floorTo = (value: number, step: number): number => Math.floor(value / step) * step;

/** All windows that hold the instant, in the order of their ends, then starts. */
export function windowsOf(window: WindowSpec, at: number): Interval[] {
  const found = new Map<string, Interval>();
  for (const [from, to] of candidates(window, wallOf(window, at))) {
    const [start, end] = [borderInstant(window, from), borderInstant(window, to)];
    if (start <= at && at < end) found.set(`${start} ${end}`, { start, end });
  }
  return [...found.values()].sort((a, b) => a.end - b.end || a.start - b.start);
}

/** Wall-clock time behind the offset: borders up to it have come. */
const wallOf = ({ zone, offsetMs }: WindowSpec, at: number): number =>
  (zone === undefined ? at : reached(zone, at)) - offsetMs;

function borderInstant(window: WindowSpec, border: number): number {
  const wall = (window.kind === 'months' ? startOfMonth(border) : border) + window.offsetMs;
  return window.zone === undefined ? wall : instantOf(window.zone, wall);
}

/** Windows in borders that may hold the wall-clock time. */
function candidates(window: WindowSpec, wall: number): [number, number][] {
  const found: [number, number][] = [];
  if (window.kind === 'months') {
    const month = floorTo(monthOf(wall), window.months);
    return [[month, month + window.months]];
  }
  const { sizeMs } = window;
  const stepMs = window.kind === 'hopping' ? window.slideMs : sizeMs;
  for (let start = floorTo(wall, stepMs); start + sizeMs > wall; start -= stepMs) {
    if (window.kind !== 'cumulating') found.push([start, start + sizeMs]);
    else for (let end = start + window.stepMs; end <= start + sizeMs; end += window.stepMs) found.push([start, end]);
  }
  return found;
}

/** Slices: the pieces that the borders of all windows cut time into, numbered from the epoch of the wall clock. */
export interface Slicing {
  sliceOf(at: number): number;
  /** The longest window, in slices. */
  readonly slicesPerWindow: number;
}

/** Slices count from the offset; that of hopping windows is taken between 0 and the slide. */
export function slicingOf(window: WindowSpec): Slicing {
  const sliceSize = sliceSizeOf(window);
  const shift = window.kind === 'hopping' ? floorTo(window.offsetMs, window.slideMs) : 0;
  const sliceOf = (at: number): number => {
    const wall = wallOf(window, at) + shift;
    return Math.floor((window.kind === 'months' ? monthOf(wall) : wall) / sliceSize);
  };
  return { sliceOf, slicesPerWindow: window.kind === 'months' ? 1 : window.sizeMs / sliceSize };
}

function sliceSizeOf(window: WindowSpec): number {
  switch (window.kind) {
    case 'months':
      return window.months;
    case 'tumbling':
      return window.sizeMs;
    case 'hopping':
      return greatestCommonDivisor(window.sizeMs, window.slideMs);
    case 'cumulating':
      return window.stepMs;
  }
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
