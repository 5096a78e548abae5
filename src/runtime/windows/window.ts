/**
 * A window of one key: the interval that names it. Of event time or processing time, or, for windows of counted rows,
 * of row positions; the global window is all of time.
 *
 * Encoded in 16 bytes whose order is that of start, then end, so that timers of one instant fire in order of windows.
 */
import { MAX_TIME, MIN_TIME } from '../../base/time.ts';

export interface Window {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export const WINDOW_BYTES = 16;

export const GLOBAL_WINDOW: Window = { start: MIN_TIME, end: MAX_TIME + 1 };

/** The last millisecond that belongs to it. A session of a single row with no gap ends where it starts. */
export const lastInstant = ({ end }: Window): number => end - 1;

export const sameWindow = (a: Window, b: Window): boolean => a.start === b.start && a.end === b.end;

/** Sessions that overlap or touch are one. */
export const touches = (a: Window, b: Window): boolean => a.start <= b.end && a.end >= b.start;

export function encodeWindow({ start, end }: Window, extraBytes = 0): Uint8Array {
  const bytes = new Uint8Array(WINDOW_BYTES + extraBytes);
  const view = new DataView(bytes.buffer);
  writeOrdered(view, 0, start);
  writeOrdered(view, 8, end);
  return bytes;
}

export function decodeWindow(bytes: Uint8Array): Window {
  const view = new DataView(bytes.buffer, bytes.byteOffset, WINDOW_BYTES);
  return { start: readOrdered(view, 0), end: readOrdered(view, 8) };
}

/** Big-endian with the sign turned: bytes compare as the numbers do. */
function writeOrdered(view: DataView, at: number, value: number): void {
  view.setUint32(at, (Math.floor(value / 2 ** 32) + 2 ** 31) >>> 0);
  view.setUint32(at + 4, value >>> 0);
}

function readOrdered(view: DataView, at: number): number {
  return (view.getUint32(at) - 2 ** 31) * 2 ** 32 + view.getUint32(at + 4);
}
