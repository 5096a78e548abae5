/**
 * Which windows an instant belongs to, from their definition.
 *
 * Borders are the multiples of a step (from an offset on) of the wall clock of a zone, or the months of its calendar;
 * the instant of a border is the first one at which the clock shows it or more. Windows are [start, end) in instants.
 * Where clocks change, borders may share an instant: empty windows are none, and equal ones are one.
 */
import { instantOf, wallClock } from './zones.ts';

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

/** What borders count: milliseconds of the wall clock behind the offset, or months. */
const wallOf = ({ zone, offsetMs }: WindowSpec, at: number): number =>
  (zone === undefined ? at : wallClock(zone, at)) - offsetMs;

function borderInstant(window: WindowSpec, border: number): number {
  const wall = (window.kind === 'months' ? Date.UTC(1970, border, 1) : border) + window.offsetMs;
  return window.zone === undefined ? wall : instantOf(window.zone, wall);
}

/** How far the clock of a zone may have been set: windows of the wall clock may hold instants of so much before and after. */
const CHANGE_MS = 7_200_000;

/** Windows in borders that may hold the wall-clock time. */
function candidates(window: WindowSpec, wall: number): [number, number][] {
  const slack = window.zone === undefined ? 0 : CHANGE_MS;
  const found: [number, number][] = [];
  if (window.kind === 'months') {
    const date = new Date(wall);
    const month = floorTo((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth(), window.months);
    for (let start = month - window.months; start <= month + window.months; start += window.months)
      found.push([start, start + window.months]);
    return found;
  }
  const { sizeMs } = window;
  const stepMs = window.kind === 'hopping' ? window.slideMs : sizeMs;
  for (let start = floorTo(wall + slack, stepMs); start + sizeMs > wall - slack; start -= stepMs) {
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

export function slicingOf(window: WindowSpec): Slicing {
  const sliceSize = sliceSizeOf(window);
  const sliceOf = (at: number): number => {
    const wall = wallOf(window, at);
    let slice: number;
    if (window.kind === 'months') {
      const date = new Date(wall);
      slice = Math.floor(((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()) / sliceSize);
    } else slice = Math.floor((wall + CHANGE_MS) / sliceSize);
    while (borderInstant(window, slice * sliceSize) > at) slice--;
    while (borderInstant(window, (slice + 1) * sliceSize) <= at) slice++;
    return slice;
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
