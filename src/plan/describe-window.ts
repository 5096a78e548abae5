/** A window as people read it, in explanations, and as derived uids tell windows apart: it names all that matters. */
import { shortDuration } from '../base/time.ts';
import type { ResultMode, WindowSpec } from './logical.ts';

/** 'hopping 1 hour every 5 minutes' */
export function describeWindow(window: WindowSpec): string {
  if (window.kind === 'global') return 'global';
  if (window.kind === 'session') {
    return `session ${shortDuration(window.gapMs)}${window.clock === 'event time' ? '' : ` of ${window.clock}`}`;
  }
  if (window.kind === 'count') return `count ${window.rows} every ${window.slide}`;
  const offset = window.offsetMs === 0 ? '' : ` offset ${shortDuration(window.offsetMs)}`;
  const zone =
    window.zone === undefined
      ? ''
      : ` in ${window.zone.kind === 'fixed' ? window.zone.name : `the zone of ${window.zone.column}`}`;
  const clock = window.clock === 'event time' ? '' : ` of ${window.clock}`;
  return `${window.kind} ${lengthOf(window)}${stepOf(window)}${offset}${zone}${clock}`;
}

function stepOf(window: WindowSpec): string {
  if (window.kind === 'hopping') return ` every ${shortDuration(window.slideMs)}`;
  return window.kind === 'cumulating' ? ` by ${shortDuration(window.stepMs)}` : '';
}

/** The nominal length: '1 day', or '2 months' of a calendar. */
function lengthOf(window: Extract<WindowSpec, { sizeMs: number }>): string {
  if (window.kind !== 'tumbling' || window.calendar === undefined) return shortDuration(window.sizeMs);
  const { unit, count } = window.calendar;
  return `${count} calendar ${unit}${count === 1 ? '' : 's'}`;
}

/** ', late rows for 1 hour: retracting'; empty when late rows change nothing. */
export function describeLateness(allowedLatenessMs: number, results: ResultMode): string {
  return allowedLatenessMs === 0 ? '' : `, late rows for ${shortDuration(allowedLatenessMs)}: ${results}`;
}
