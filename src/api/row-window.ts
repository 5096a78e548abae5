/**
 * Windows that rows decide on, and windows of processing time: sessions, counted rows, one window for everything.
 *
 * A session's gap may be each row's own; sessions that overlap or touch are one.
 */
import { type Duration, positiveDurationMs } from '../base/time.ts';
import { located } from './call-site.ts';
import type { int64 } from './kind.ts';
import { mistake } from '../base/mistake.ts';
import { offsetOf, sizeAndSlide, type Window, WindowDeclaration, type WindowOffset } from './window.ts';

/** Windows of counted rows have numbers, from 0 on for each key. */
export interface NumberedWindow {
  windowId: int64;
}

/** Rows with no more than the gap between them; of rows with gaps of their own, the window of each lasts so long. */
export function session<R>(gap: Duration | ((row: R) => Duration)): Window<'a watermark'> {
  return located(() => sessionOf(gap, 'event time'));
}

/** Sessions by the time at which rows arrive. */
export function processingSession<R>(gap: Duration | ((row: R) => Duration)): Window<never> {
  return located(() => anywhere(sessionOf(gap, 'processing time')));
}

function sessionOf<R>(
  gap: Duration | ((row: R) => Duration),
  clock: 'event time' | 'processing time',
): WindowDeclaration {
  if (typeof gap !== 'function') {
    return new WindowDeclaration({ kind: 'session', clock, gapMs: positiveDurationMs(gap, 'the session gap') });
  }
  const known = new Map<string, number>();
  const gapOf = (row: R): number => {
    const text = gap(row);
    let ms = known.get(text);
    if (ms === undefined) {
      ms = positiveDurationMs(text, 'the session gap of a row');
      if (known.size < GAPS_KNOWN_MAX) known.set(text, ms);
    }
    return ms;
  };
  return new WindowDeclaration({ kind: 'session', clock, gapMs: 0, gapOf });
}

/** Texts of durations that are remembered: rows have few. */
const GAPS_KNOWN_MAX = 1000;

/** Windows of `rows` rows of a key, one beginning at every `slide`th (side by side without it), given out when full. */
export function countWindow(rows: number, options: { readonly slide?: number } = {}): Window<never, NumberedWindow> {
  return located(() => {
    const { slide = rows } = options;
    requireCount(rows, 'the rows of a count window');
    requireCount(slide, 'the slide of a count window');
    if (slide > rows) throw mistake('the slide of a count window', `at most its ${rows} rows`, slide);
    return anywhere<NumberedWindow>(new WindowDeclaration({ kind: 'count', rows, slide }));
  });
}

/** One window for all rows of a key: give it a trigger. */
export function globalWindow(): Window<never, {}> {
  return located(() => anywhere<{}>(new WindowDeclaration({ kind: 'global' })));
}

/** Windows of one size by the time at which rows arrive. */
export function processingTumbling(size: Duration, options: WindowOffset = {}): Window<never> {
  return located(() => {
    const sizeMs = positiveDurationMs(size, 'the window size');
    const offsetMs = offsetOf(options, sizeMs, 'processingTumbling');
    return anywhere(
      new WindowDeclaration({
        kind: 'tumbling',
        clock: 'processing time',
        zone: undefined,
        calendar: undefined,
        sizeMs,
        offsetMs,
      }),
    );
  });
}

/** Windows of one size, a new one every `slide`, by the time at which rows arrive. */
export function processingHopping(size: Duration, slide: Duration, options: WindowOffset = {}): Window<never> {
  return located(() => {
    const { sizeMs, slideMs } = sizeAndSlide(size, slide);
    const offsetMs = offsetOf(options, slideMs, 'processingHopping');
    return anywhere(
      new WindowDeclaration({ kind: 'hopping', clock: 'processing time', zone: undefined, sizeMs, slideMs, offsetMs }),
    );
  });
}

/** A window that needs no watermark. The name of what it needs is for the compiler alone. */
const anywhere = <B = Window<never>['bounds']>(declared: WindowDeclaration): Window<never, B & {}> =>
  // As above: at run time the specification alone is read.
  declared as unknown as Window<never, B & {}>;

function requireCount(count: unknown, what: string): void {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count > 0) return;
  throw mistake(what, 'a whole number above 0', count);
}
