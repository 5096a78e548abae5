/**
 * Aligned windows of a plan as the kernels take them: sizes in one unit, and the zone as stretches of one offset.
 *
 * The clocks of a zone are known to the kernels from 1960 to 2060; before and after, the nearest offset stands.
 */
import { DAY_MS } from '../base/calendar.ts';
import { UserError } from '../base/errors.ts';
import { TimeZone } from '../base/time-zone.ts';
import type { WindowAggregateSpec, ZoneStretch } from '../kernel/window-aggregate.ts';
import type { CalendarUnit, WindowSpec, ZoneSpec } from '../plan/logical.ts';

type Bounds = Pick<WindowAggregateSpec, 'sizeMs' | 'slideMs' | 'offsetMs' | 'cumulating' | 'unit' | 'zone'>;

const KNOWN_FROM = Date.UTC(1960);
const KNOWN_TO = Date.UTC(2060);
/** Monday 1969-12-29, where weeks count from. */
const MONDAY_MS = -3 * DAY_MS;
const MONTHS = { month: 1, quarter: 3, year: 12 } as const;

export function alignedWindow(window: WindowSpec): Bounds {
  if (window.kind !== 'tumbling' && window.kind !== 'hopping' && window.kind !== 'cumulating') {
    throw new UserError('E1212', { what: `a ${window.kind} window` });
  }
  const { sizeMs, offsetMs } = window;
  const zone = stretchesOf(window.zone);
  if (window.kind === 'hopping') return { sizeMs, slideMs: window.slideMs, offsetMs, zone };
  if (window.kind === 'cumulating') return { sizeMs, slideMs: window.stepMs, offsetMs, cumulating: true, zone };
  if (window.calendar === undefined) return { sizeMs, slideMs: sizeMs, offsetMs, zone };
  return { ...calendarBounds(window.calendar.unit, window.calendar.count, offsetMs), zone };
}

function calendarBounds(unit: CalendarUnit, count: number, offsetMs: number): Bounds {
  if (unit === 'day' || unit === 'week') {
    const sizeMs = count * (unit === 'day' ? 1 : 7) * DAY_MS;
    return { sizeMs, slideMs: sizeMs, offsetMs: offsetMs + (unit === 'week' ? MONDAY_MS : 0) };
  }
  const months = MONTHS[unit] * count;
  return { unit: 'months', sizeMs: months, slideMs: months, offsetMs };
}

/** Undefined for UTC. */
function stretchesOf(spec: ZoneSpec | undefined): readonly ZoneStretch[] | undefined {
  if (spec === undefined) return undefined;
  if (spec.kind === 'column') throw new UserError('E1212', { what: 'a window in the zone of each key' });
  const zone = TimeZone.of(spec.name);
  const first = zone.offsetAt(KNOWN_FROM);
  const changes = zone.changes(KNOWN_FROM, KNOWN_TO).map(([start, , offsetMs]) => ({ start, offsetMs }));
  if (changes.length === 0 && first === 0) return undefined;
  return [{ start: KNOWN_FROM, offsetMs: first }, ...changes];
}
