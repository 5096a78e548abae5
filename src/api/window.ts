/**
 * Windows as users write them. Plain specifications (plan/logical.ts) under types that say
 * what each needs of a stream. Intervals are half-open and start at multiples of the size (or slide) plus the offset, by
 * the clocks of UTC or of a zone; their bounds are instants.
 */
import { DAY_MS } from '../base/calendar.ts';
import {
  type CalendarDuration,
  calendarDuration,
  type Duration,
  durationMs,
  positiveDurationMs,
  shortDuration,
} from '../base/time.ts';
import { TimeZone } from '../base/time-zone.ts';
import type { ResultMode, WindowSpec, ZoneSpec } from '../plan/logical.ts';
import { located } from './call-site.ts';
import type { timestamp } from './kind.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';

/** Columns that say which window a result is of: the common ones. */
export interface Bounds {
  windowStart: timestamp;
  windowEnd: timestamp;
}

/**
 * A window assigner; `Needs` is what the stream must have, `B` the columns that say which window a result is of, `Zone`
 * the column that names the zone of each row.
 */
export interface Window<out Needs extends string, out B = Bounds, out Zone extends string = never> {
  readonly needs: Needs;
  readonly bounds?: B;
  readonly zone?: Zone;
}

/** A column of the rows, where something else may stand too. */
export interface ColumnRef<out N extends string> {
  readonly column: N;
}

class ColumnDeclaration<N extends string> implements ColumnRef<N> {
  readonly column: N;

  constructor(column: N) {
    this.column = column;
  }
}

/** A column by its name: `{ zone: column('homeZone') }`. Which there are is known where it is used. */
export const column = <N extends string>(name: NoInfer<N>): ColumnRef<N> => new ColumnDeclaration(name);

/** Where windows begin: shifted, and by the clocks of which zone. */
export interface WindowOffset {
  /** Shifts all windows: '6 hours' makes days from 06:00 to 06:00. */
  readonly offset?: Duration;
  /**
   * Windows start and end by the clocks of this zone ('America/Los_Angeles'): its days have 23 hours or 25 where clocks
   * change. UTC when left out.
   */
  readonly zone?: string;
}

/** The same, with a zone that may be each row's own. */
export interface WindowInZone<Z extends string> {
  readonly offset?: Duration;
  /**
   * As a fixed zone, or a column that names the zone of each row: `column('homeZone')`. Rows with a zone that is not
   * known are dead letters.
   */
  readonly zone?: string | ColumnRef<Z>;
}

export class WindowDeclaration implements Window<'a watermark', Bounds, never> {
  readonly needs = 'a watermark';
  readonly spec: WindowSpec;

  constructor(spec: WindowSpec) {
    this.spec = spec;
  }
}

/** So many windows one row may belong to. */
const WINDOWS_MAX = 1_000_000;

/** Windows of one size, side by side. Days, weeks (from Monday), months, quarters and years are those of the calendar. */
export function tumbling<Z extends string = never>(
  size: Duration | CalendarDuration,
  options: WindowInZone<NoInfer<Z>> = {},
): Window<'a watermark', Bounds, Z> {
  return located(() => {
    const common = { kind: 'tumbling', clock: 'event time', zone: zoneOf(options, 'tumbling') } as const;
    const calendar = calendarDuration(size);
    if (calendar === undefined || (calendar.unit === 'day' && common.zone === undefined)) {
      const sizeMs = positiveDurationMs(size, 'the window size');
      return new WindowDeclaration({
        ...common,
        calendar: undefined,
        sizeMs,
        offsetMs: offsetOf(options, sizeMs, 'tumbling'),
      });
    }
    const sizeMs = NOMINAL_DAYS[calendar.unit] * calendar.count * DAY_MS;
    const offsetMs = options.offset === undefined ? 0 : durationMs(options.offset, 'the offset of tumbling');
    return new WindowDeclaration({ ...common, calendar, sizeMs, offsetMs });
  });
}

/** What explanations and sizes of state go by. */
const NOMINAL_DAYS = { day: 1, week: 7, month: 30, quarter: 91, year: 365 } as const;

/** Windows of one size, a new one every `slide`. */
export function hopping<Z extends string = never>(
  size: Duration,
  slide: Duration,
  options: WindowInZone<NoInfer<Z>> = {},
): Window<'a watermark', Bounds, Z> {
  return located(() => {
    const { sizeMs, slideMs } = sizeAndSlide(size, slide);
    return new WindowDeclaration({
      kind: 'hopping',
      clock: 'event time',
      zone: zoneOf(options, 'hopping'),
      sizeMs,
      slideMs,
      offsetMs: offsetOf(options, slideMs, 'hopping'),
    });
  });
}

/** Length and step of windows that overlap: a step beyond the length would drop the rows between them unseen. */
export function sizeAndSlide(size: Duration, slide: Duration): { readonly sizeMs: number; readonly slideMs: number } {
  const sizeMs = positiveDurationMs(size, 'the window size');
  const slideMs = positiveDurationMs(slide, 'the slide');
  if (slideMs > sizeMs) throw mistake('the slide', `at most the window size '${size}'`, slide);
  if (sizeMs / slideMs > WINDOWS_MAX) throw mistake('the slide', `at least a millionth of '${size}'`, slide);
  return { sizeMs, slideMs };
}

/** Windows that share their start and grow by `step`, up to `max`; then the next start. */
export function cumulating<Z extends string = never>(
  max: Duration,
  step: Duration,
  options: WindowInZone<NoInfer<Z>> = {},
): Window<'a watermark', Bounds, Z> {
  return located(() => {
    const sizeMs = positiveDurationMs(max, 'the window size');
    const stepMs = positiveDurationMs(step, 'the step');
    if (sizeMs % stepMs !== 0) throw mistake('the step', `a part of the window size '${max}' that divides it`, step);
    return new WindowDeclaration({
      kind: 'cumulating',
      clock: 'event time',
      zone: zoneOf(options, 'cumulating'),
      sizeMs,
      stepMs,
      offsetMs: offsetOf(options, sizeMs, 'cumulating'),
    });
  });
}

/** What becomes of rows that come after their window fired. */
export interface LateOptions<R extends ResultMode> {
  /** So long after its end a window still takes rows. None when left out. */
  readonly allowedLateness?: Duration;
  /**
   * What a late row gives: 'accumulating' (the default), the whole result again; 'discarding', what came since;
   * 'retracting', a changelog that takes the earlier result back; 'final', one result when nothing can change it.
   */
  readonly results?: R;
}

const RESULT_MODES: readonly string[] = ['accumulating', 'discarding', 'retracting', 'final'] satisfies ResultMode[];
const isResultMode = (mode: unknown): mode is ResultMode => typeof mode === 'string' && RESULT_MODES.includes(mode);

/** Lateness and result mode of the options of window(). */
export function latenessOf(options: LateOptions<ResultMode>): {
  readonly allowedLatenessMs: number;
  readonly results: ResultMode;
} {
  requireKnownOptions(options, ['allowedLateness', 'results', 'trigger', 'evictor'], 'window');
  const { allowedLateness, results = 'accumulating' } = options;
  if (!isResultMode(results)) throw mistake('results of window', `one of ${RESULT_MODES.join(', ')}`, results);
  if (allowedLateness === undefined) return { allowedLatenessMs: 0, results };
  const allowedLatenessMs = durationMs(allowedLateness, 'allowedLateness of window');
  if (allowedLatenessMs < 0) throw mistake('allowedLateness of window', 'zero or more', allowedLateness);
  return { allowedLatenessMs, results };
}

/** The zone of the options, which are checked; its name as the platform knows it (E1021). */
function zoneOf(options: WindowInZone<string>, where: string): ZoneSpec | undefined {
  requireKnownOptions(options, ['offset', 'zone'], where);
  const zone: unknown = options.zone;
  if (zone === undefined) return undefined;
  if (zone instanceof ColumnDeclaration) return { kind: 'column', column: String(zone.column) };
  if (typeof zone !== 'string') throw mistake(`the zone of ${where}`, "a name such as 'Europe/Berlin'", zone);
  return { kind: 'fixed', name: TimeZone.of(zone).name };
}

/** Kept in [0, step): a shift back is the same as one forward. Whole steps shift nothing, so they are a mistake. */
export function offsetOf(options: Pick<WindowOffset, 'offset'>, stepMs: number, where: string): number {
  if (options.offset === undefined) return 0;
  const what = `the offset of ${where}`;
  const offset = durationMs(options.offset, what);
  if (Math.abs(offset) >= stepMs) throw mistake(what, `shorter than '${shortDuration(stepMs)}'`, options.offset);
  return offset < 0 ? offset + stepMs : offset;
}

export function windowSpecOf(declared: unknown): WindowSpec {
  if (declared instanceof WindowDeclaration) return declared.spec;
  throw mistake('window', "given a window, such as tumbling('1 hour')", declared);
}
