/** A window as people read it, in explanations, and as derived uids tell windows apart: it names all that matters. */
import { shortDuration } from '../base/time.ts';
import type { EvictorSpec, ResultMode, TriggerSpec, WindowSpec } from './logical.ts';

/** 'hopping 1 hour every 5 minutes' */
export function describeWindow(window: WindowSpec): string {
  if (window.kind === 'global') return 'global';
  if (window.kind === 'session') {
    const gap = window.gapOf === undefined ? shortDuration(window.gapMs) : "of each row's gap";
    return `session ${gap}${window.clock === 'event time' ? '' : ` of ${window.clock}`}`;
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

/** ', fires at every 10 rows'; empty without a trigger. */
export const describeTrigger = (trigger: TriggerSpec | undefined): string =>
  trigger === undefined ? '' : `, fires ${firing(trigger)}`;

function firing(trigger: TriggerSpec): string {
  switch (trigger.kind) {
    case 'end':
      return trigger.clock === 'event time' ? 'at its end' : `at its end of ${trigger.clock}`;
    case 'endOfWindow':
      return [
        'at its end',
        ...(trigger.early === undefined ? [] : [`before it ${firing(trigger.early)}`]),
        ...(trigger.late === undefined ? [] : [`after it ${firing(trigger.late)}`]),
      ].join(' and ');
    case 'count':
      return `at every ${trigger.rows} rows`;
    case 'eachRow':
      return 'at every row';
    case 'continuous':
      return `at every ${shortDuration(trigger.intervalMs)} of ${trigger.clock}`;
    case 'every':
      return `every ${shortDuration(trigger.intervalMs)} of processing time`;
    case 'purging':
      return `${firing(trigger.inner)} and is emptied`;
    case 'timeout':
      return `${firing(trigger.inner)} or after ${shortDuration(trigger.timeoutMs)}`;
    case 'custom':
      return `as trigger ${trigger.name} says`;
  }
}

/** ', of the last 5 rows'; empty without an evictor. */
export function describeEvictor(evictor: EvictorSpec | undefined): string {
  if (evictor === undefined) return '';
  const when = evictor.when === 'after' ? ' from then on' : '';
  switch (evictor.kind) {
    case 'count':
      return `, of the last ${evictor.rows} rows${when}`;
    case 'time':
      return `, of the rows of the last ${shortDuration(evictor.keepMs)}${when}`;
    case 'delta':
      return `, of rows less than ${evictor.threshold} from the last${when}`;
    case 'custom':
      return `, of rows that a function keeps${when}`;
  }
}
