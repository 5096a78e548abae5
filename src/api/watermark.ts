/**
 * Watermark strategies as users write them: how far event time has come after each row of a split. Plain specifications
 * (plan/logical.ts) under types that say which rows their functions see.
 *
 * Invariants
 *  1. Functions are asked row by row and never move a watermark back, whatever they return.
 *  2. What a generator remembers is plain data: it stands in checkpoints.
 */
import type { Json } from '../base/json.ts';
import { type Duration, durationMs, positiveDurationMs } from '../base/time.ts';
import type { WatermarkGenerator as PlanGenerator, WatermarkNode, WatermarkStrategy } from '../plan/logical.ts';
import { located } from './call-site.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';
import { type EventTime, eventTimeOf, isEventTime, type ProcessingTime, processingTimeOf } from './time.ts';

declare const sees: unique symbol;

/** How far event time has come; its functions see rows of R. */
export interface Strategy<in R = unknown> {
  readonly strategy: string;
  readonly [sees]: (row: R) => void;
}

/** What a watermark does about splits that are silent, ahead of the others, or wrong about the time. */
export interface WatermarkOptions {
  /** A live split without rows for this long does not hold the others back. Default: one minute. */
  readonly idleAfter?: Duration | 'off';
  /**
   * Rows dated so much ahead of all earlier ones of their split go to `future` and move nothing; eight of them in a row
   * are taken for a jump of time. Default: 31 days.
   */
  readonly futureSkew?: Duration | 'off';
  /**
   * Splits more than `maxDrift` ahead of the slowest of all that name this group wait for it. Only of a watermark right at
   * its source (E1215): behind other steps rows have left what could hold them back.
   */
  readonly align?: { readonly group: string; readonly maxDrift: Duration };
}

/** What `adaptive` aims at, and the longest that it may wait. */
export interface AdaptiveOptions {
  /** The share of rows that may be late: 0.001 is one in a thousand. */
  readonly lateRate: number;
  /** The longest that the watermark waits, and how long it waits before it has seen enough rows. */
  readonly max: Duration;
}

/** A strategy of one's own. `state` makes what it remembers of one split: plain data, changed in place. */
export interface WatermarkGenerator<R, S> {
  state(): S;
  /** The watermark after this row: nothing at or before it follows. Undefined: as before. */
  onRow(row: R, at: EventTime, state: S): EventTime | undefined;
  /** By the clock of the machine: such watermarks are not the same in a replay. */
  onPeriodic?(now: ProcessingTime, state: S): EventTime | undefined;
  /** How often onPeriodic is asked. Default: 200 ms. */
  readonly every?: Duration;
}

class StrategyDeclaration {
  readonly strategy: string;
  readonly spec: WatermarkStrategy;

  constructor(spec: WatermarkStrategy) {
    this.strategy = spec.kind;
    this.spec = spec;
  }
}

// The declaration holds functions without the types of their rows; the strategy that users hold has them.
const declared = <R>(spec: WatermarkStrategy): Strategy<R> => new StrategyDeclaration(spec) as unknown as Strategy<R>;

/** Timestamps of a split never go back. */
export const monotonous = (): Strategy => declared({ kind: 'monotonous' });

/** Rows of a split come at most `max` after a row with a later timestamp; what comes later is late. */
export function boundedOutOfOrderness(max: Duration): Strategy {
  return located(() => {
    const delayMs = durationMs(max, 'the bound of out-of-orderness');
    if (delayMs < 0) throw mistake('the bound of out-of-orderness', 'zero or more', max);
    return declared({ kind: 'bounded', delayMs });
  });
}

/** Waits as long as it takes for all but a share of the rows, by how late the rows of the split have been. */
export function adaptive(options: AdaptiveOptions): Strategy {
  return located(() => {
    requireKnownOptions(options, ['lateRate', 'max'], 'adaptive');
    const { lateRate, max } = options;
    if (typeof lateRate !== 'number' || !(lateRate >= 0.000001 && lateRate <= 0.5))
      throw mistake('lateRate of adaptive', 'a share of the rows, from 0.000001 to 0.5', lateRate);
    return declared({ kind: 'adaptive', lateRate, maxMs: positiveDurationMs(max, 'max of adaptive') });
  });
}

/** Rows themselves say how far event time has come: the function gives the watermark after a row, or undefined. */
export function punctuated<R>(watermarkAfter: (row: R) => EventTime | undefined): Strategy<R> {
  return located(() => {
    const run: unknown = watermarkAfter;
    if (typeof run !== 'function') throw mistake('punctuated', 'given a function of a row', run);
    return declared({ kind: 'punctuated', run: (row) => instantOf(watermarkAfter(row), 'punctuated') });
  });
}

const GENERATOR = ['state', 'onRow', 'onPeriodic', 'every'];
const EVERY = '200 ms';

/** A strategy of one's own, one state for each split. */
export function custom<R, S>(generator: WatermarkGenerator<R, S>): Strategy<R> {
  return located(() => {
    requireKnownOptions(generator, GENERATOR, 'custom');
    for (const name of ['state', 'onRow'] as const) requireMethod(generator[name], `${name} of custom`);
    if (generator.onPeriodic !== undefined) requireMethod(generator.onPeriodic, 'onPeriodic of custom');
    else if (generator.every !== undefined)
      throw mistake('every of custom', 'left out where there is no onPeriodic', generator.every);
    return declared({ kind: 'custom', generator: planned(generator) });
  });
}

function planned<R, S>(generator: WatermarkGenerator<R, S>): PlanGenerator {
  const everyMs = positiveDurationMs(generator.every ?? EVERY, 'every of custom');
  return {
    // A generator's state is what its own `state` made, and is written as JSON.
    state: () => generator.state() as Json,
    // As above; rows are those of the stream that the strategy was given to.
    onRow: (row, at, state) => instantOf(generator.onRow(row as R, eventTimeOf(at), state as S), 'onRow of custom'),
    periodic:
      generator.onPeriodic === undefined
        ? undefined
        : {
            everyMs,
            onPeriodic: (now, state) =>
              // As above.
              instantOf(generator.onPeriodic?.(processingTimeOf(now), state as S), 'onPeriodic of custom'),
          },
  };
}

function requireMethod(value: unknown, what: string): void {
  if (typeof value !== 'function') throw mistake(what, 'a function', value);
}

/** What a user's function returned, in milliseconds. */
function instantOf(value: unknown, where: string): number | undefined {
  if (value === undefined) return undefined;
  if (isEventTime(value)) return value.epochMs;
  throw mistake(`what ${where} returns`, 'an instant of event time, or undefined', value);
}

export function strategyOf(value: unknown): WatermarkStrategy {
  if (value instanceof StrategyDeclaration) return value.spec;
  throw mistake('the strategy of watermark', "such as boundedOutOfOrderness('10 s')", value);
}

const OPTIONS = ['idleAfter', 'futureSkew', 'align'];

/** Options of `watermark`, checked. */
export function watermarkOptionsOf(options: unknown): Pick<WatermarkNode, 'idleAfterMs' | 'futureSkewMs' | 'align'> {
  requireKnownOptions(options, OPTIONS, 'watermark');
  if (!isRecord(options)) return { idleAfterMs: undefined };
  const { idleAfter, futureSkew, align } = options;
  return {
    idleAfterMs: durationOrOff(idleAfter, 'idleAfter of watermark'),
    futureSkewMs: durationOrOff(futureSkew, 'futureSkew of watermark'),
    align: align === undefined ? undefined : alignmentOf(align),
  };
}

function durationOrOff(value: unknown, what: string): number | 'off' | undefined {
  if (value === undefined || value === 'off') return value;
  if (typeof value !== 'string') throw mistake(what, "a duration such as '1 day', or 'off'", value);
  return positiveDurationMs(value, what);
}

function alignmentOf(align: unknown): NonNullable<WatermarkNode['align']> {
  requireKnownOptions(align, ['group', 'maxDrift'], 'align');
  const { group, maxDrift } = isRecord(align) ? align : {};
  if (typeof group !== 'string' || group === '') throw mistake('the group of align', 'a name', group);
  if (typeof maxDrift !== 'string') throw mistake('maxDrift of align', "a duration such as '10 minutes'", maxDrift);
  return { group, maxDriftMs: positiveDurationMs(maxDrift, 'maxDrift of align') };
}
