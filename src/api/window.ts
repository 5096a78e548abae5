/**
 * Windows as users write them. Plain specifications (plan/logical.ts) under types that say
 * what each needs of a stream. Intervals are half-open, in UTC, and start at multiples of the size (or slide) plus
 * the offset.
 */
import { type Duration, durationMs, positiveDurationMs } from '../base/time.ts';
import type { WindowSpec } from '../plan/logical.ts';
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

class WindowDeclaration implements Window<'a watermark'> {
  readonly needs = 'a watermark';
  readonly spec: WindowSpec;

  constructor(spec: WindowSpec) {
    this.spec = spec;
  }
}

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

/** Offsets are the same modulo the step between windows: kept in [0, step). */
function offsetOf(options: WindowOffset, stepMs: number, where: string): number {
  requireKnownOptions(options, ['offset'], where);
  if (options.offset === undefined) return 0;
  const offset = durationMs(options.offset, `the offset of ${where}`) % stepMs;
  return offset < 0 ? offset + stepMs : offset;
}

export function windowSpecOf(declared: unknown): WindowSpec {
  if (declared instanceof WindowDeclaration) return declared.spec;
  throw mistake('window', "given a window, such as tumbling('1 hour')", declared);
}
