/**
 * Windows and watermark strategies as users write them. Plain specifications (plan/logical.ts) under types that say
 * what each needs of a stream. Intervals are half-open, in UTC, and start at multiples of the size (or slide) plus
 * the offset.
 */
import { type Duration, durationMs, positiveDurationMs, shortDuration } from '../base/time.ts';
import type { ResultMode, WatermarkStrategy, WindowSpec } from '../plan/logical.ts';
import { located } from './call-site.ts';
import { mistake } from './mistake.ts';
import { requireKnownOptions } from './options.ts';

/** A window assigner; `Needs` is what the stream must have. */
export interface Window<out Needs extends string> {
  readonly needs: Needs;
}

export interface WindowOffset {
  /** Shifts all windows: '6 hours' makes days from 06:00 to 06:00 UTC. */
  readonly offset?: Duration;
}

/** How far event time has come. */
export interface Strategy {
  readonly strategy: string;
}

export interface WatermarkOptions {
  /** A live split without rows for this long does not hold the others back. */
  readonly idleAfter?: Duration;
}

class WindowDeclaration implements Window<'a watermark'> {
  readonly needs = 'a watermark';
  readonly spec: WindowSpec;

  constructor(spec: WindowSpec) {
    this.spec = spec;
  }
}

class StrategyDeclaration implements Strategy {
  readonly strategy: string;
  readonly spec: WatermarkStrategy;

  constructor(spec: WatermarkStrategy) {
    this.strategy = spec.kind;
    this.spec = spec;
  }
}

/** So many windows one row may belong to. */
const WINDOWS_MAX = 1_000_000;

/** Windows of one size, side by side. */
export function tumbling(size: Duration, options: WindowOffset = {}): Window<'a watermark'> {
  return located(() => {
    const sizeMs = positiveDurationMs(size, 'the window size');
    return new WindowDeclaration({
      kind: 'tumbling',
      clock: 'event time',
      zone: undefined,
      calendar: undefined,
      sizeMs,
      offsetMs: offsetOf(options, sizeMs, 'tumbling'),
    });
  });
}

/** Windows of one size, a new one every `slide`. */
export function hopping(size: Duration, slide: Duration, options: WindowOffset = {}): Window<'a watermark'> {
  return located(() => {
    const sizeMs = positiveDurationMs(size, 'the window size');
    const slideMs = positiveDurationMs(slide, 'the slide');
    if (slideMs > sizeMs) throw mistake('the slide', `at most the window size '${size}'`, slide);
    if (sizeMs / slideMs > WINDOWS_MAX) throw mistake('the slide', `at least a millionth of '${size}'`, slide);
    return new WindowDeclaration({
      kind: 'hopping',
      clock: 'event time',
      zone: undefined,
      sizeMs,
      slideMs,
      offsetMs: offsetOf(options, slideMs, 'hopping'),
    });
  });
}

/** Windows that share their start and grow by `step`, up to `max`; then the next start. */
export function cumulating(max: Duration, step: Duration, options: WindowOffset = {}): Window<'a watermark'> {
  return located(() => {
    const sizeMs = positiveDurationMs(max, 'the window size');
    const stepMs = positiveDurationMs(step, 'the step');
    if (sizeMs % stepMs !== 0) throw mistake('the step', `a part of the window size '${max}' that divides it`, step);
    return new WindowDeclaration({
      kind: 'cumulating',
      clock: 'event time',
      zone: undefined,
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
  requireKnownOptions(options, ['allowedLateness', 'results'], 'window');
  const { allowedLateness, results = 'accumulating' } = options;
  if (!isResultMode(results)) throw mistake('results of window', `one of ${RESULT_MODES.join(', ')}`, results);
  if (allowedLateness === undefined) return { allowedLatenessMs: 0, results };
  const allowedLatenessMs = durationMs(allowedLateness, 'allowedLateness of window');
  if (allowedLatenessMs < 0) throw mistake('allowedLateness of window', 'zero or more', allowedLateness);
  return { allowedLatenessMs, results };
}

/** Kept in [0, step): a shift back is the same as one forward. Whole steps shift nothing, so they are a mistake. */
function offsetOf(options: WindowOffset, stepMs: number, where: string): number {
  requireKnownOptions(options, ['offset'], where);
  if (options.offset === undefined) return 0;
  const what = `the offset of ${where}`;
  const offset = durationMs(options.offset, what);
  if (Math.abs(offset) >= stepMs) throw mistake(what, `shorter than '${shortDuration(stepMs)}'`, options.offset);
  return offset < 0 ? offset + stepMs : offset;
}

/** Timestamps of a split never go back. */
export const monotonous = (): Strategy => new StrategyDeclaration({ kind: 'monotonous' });

/** Rows of a split come at most `max` after a row with a later timestamp; what comes later is late. */
export function boundedOutOfOrderness(max: Duration): Strategy {
  return located(() => {
    const delayMs = durationMs(max, 'the bound of out-of-orderness');
    if (delayMs < 0) throw mistake('the bound of out-of-orderness', 'zero or more', max);
    return new StrategyDeclaration({ kind: 'bounded', delayMs });
  });
}

export function windowSpecOf(declared: unknown): WindowSpec {
  if (declared instanceof WindowDeclaration) return declared.spec;
  throw mistake('window', "given a window, such as tumbling('1 hour')", declared);
}

export function strategyOf(declared: unknown): WatermarkStrategy {
  if (declared instanceof StrategyDeclaration) return declared.spec;
  throw mistake('the strategy of watermark', "such as boundedOutOfOrderness('10 s')", declared);
}
