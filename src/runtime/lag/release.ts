/** Which watermark releases a row from a window: that of the end of the first window that it belongs to. */
import { type EventTimeMs, eventTimeMs } from '../../base/time.ts';
import type { WindowClock, WindowSpec, ZoneSpec } from '../../plan/logical.ts';

/**
 * For a row with this event time. Where the end is not known beforehand (sessions, calendars), the row's own instant: the
 * least that it waits for.
 */
export function releaseOf(window: WindowSpec): (event: EventTimeMs) => EventTimeMs {
  switch (window.kind) {
    case 'tumbling':
      return isEven(window) && window.calendar === undefined
        ? endAfter(window.sizeMs, window.sizeMs, window.offsetMs)
        : itself;
    case 'hopping':
      return isEven(window) ? endAfter(window.sizeMs, window.slideMs, window.offsetMs) : itself;
    case 'cumulating':
      return isEven(window) ? endAfter(window.stepMs, window.stepMs, window.offsetMs) : itself;
    default:
      return itself;
  }
}

/** Whether windows are of one length and follow event time. */
const isEven = ({ clock, zone }: { readonly clock: WindowClock; readonly zone: ZoneSpec | undefined }): boolean =>
  clock === 'event time' && zone === undefined;

const itself = (event: EventTimeMs): EventTimeMs => event;

/** Windows of `sizeMs` that begin at every multiple of `slideMs`: the first that holds an instant is the one that ends first. */
function endAfter(sizeMs: number, slideMs: number, offsetMs: number): (event: EventTimeMs) => EventTimeMs {
  return (event) => {
    const start = (Math.floor((event - offsetMs - sizeMs) / slideMs) + 1) * slideMs + offsetMs;
    return eventTimeMs(start + sizeMs - 1);
  };
}
