/**
 * When windows fire and which of their rows count, as users write it: options of `window`.
 *
 * Without a trigger a window fires when its end is reached, and again at every row that comes within its allowed
 * lateness. Not here: what triggers do (runtime/windows).
 */
import { type Duration, positiveDurationMs } from '../base/time.ts';
import type { EvictorSpec, ResultMode, TriggerSpec, WindowSpec } from '../plan/logical.ts';
import { located } from './call-site.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';
import { latenessOf, type LateOptions } from './window.ts';
import { neverFires } from './window-needs.ts';

/** Says when a window gives results. Windows without one fire when event time has passed their end. */
export interface Trigger {
  readonly fires: string;
}

/** Takes rows out of a window before or after its function sees them. Made with `keepLast`, `keepWithin`, `deltaEvictor`, `evictRows`. */
export interface Evictor {
  readonly evicts: 'before' | 'after';
}

/** When rows are taken out: before the window's result is made, or after. */
export interface EvictorOptions {
  readonly when?: 'before' | 'after';
}

/** When a window fires, how long it takes late rows, and what becomes of its earlier results. */
export interface WindowOptions<R extends ResultMode> extends LateOptions<R> {
  /** When it fires. */
  readonly trigger?: Trigger;
  /** Which of its rows count. A window with an evictor keeps all its rows. */
  readonly evictor?: Evictor;
}

class TriggerDeclaration implements Trigger {
  readonly fires: string;
  readonly spec: TriggerSpec;

  constructor(spec: TriggerSpec) {
    this.fires = spec.kind;
    this.spec = spec;
  }
}

class EvictorDeclaration implements Evictor {
  readonly evicts: 'before' | 'after';
  readonly spec: EvictorSpec;

  constructor(spec: EvictorSpec) {
    this.evicts = spec.when;
    this.spec = spec;
  }
}

/** On time, and by further triggers before (early) and after (late); without a late one every late row fires. */
export function earlyAndLate(phases: { readonly early?: Trigger; readonly late?: Trigger }): Trigger {
  return located(() => {
    requireKnownOptions(phases, ['early', 'late'], 'earlyAndLate');
    const { early, late } = phases;
    return new TriggerDeclaration({
      kind: 'endOfWindow',
      early: early === undefined ? undefined : specOf(early, 'early of earlyAndLate'),
      late: late === undefined ? undefined : specOf(late, 'late of earlyAndLate'),
    });
  });
}

/** At every `rows`th row of the window. */
export const countTrigger = (rows: number): Trigger =>
  located(() => new TriggerDeclaration({ kind: 'count', rows: countOf(rows, 'the rows of countTrigger') }));

/** At every row. */
export const eachRow = (): Trigger => new TriggerDeclaration({ kind: 'eachRow' });

/** At multiples of an interval of event time, and at the window's end. */
export const continuous = (interval: Duration): Trigger =>
  located(() => {
    const intervalMs = positiveDurationMs(interval, 'the interval of continuous');
    return new TriggerDeclaration({ kind: 'continuous', clock: 'event time', intervalMs });
  });

/** At multiples of an interval of the machine's clock. */
export const continuousProcessing = (interval: Duration): Trigger =>
  located(() => {
    const intervalMs = positiveDurationMs(interval, 'the interval of continuousProcessing');
    return new TriggerDeclaration({ kind: 'continuous', clock: 'processing time', intervalMs });
  });

/** Every so often on the machine's clock, from the window's first row on. */
export const every = (interval: Duration): Trigger =>
  located(() => {
    const intervalMs = positiveDurationMs(interval, 'the interval of every');
    return new TriggerDeclaration({ kind: 'every', intervalMs });
  });

/** As another trigger; each firing empties the window. */
export const purging = (trigger: Trigger): Trigger =>
  located(() => new TriggerDeclaration({ kind: 'purging', inner: specOf(trigger, 'purging') }));

/** As another trigger, and also when so long on the machine's clock has passed without its firing. */
export function timeout(
  trigger: Trigger,
  after: Duration,
  options: { readonly resetByRows?: boolean; readonly clearOnTimeout?: boolean } = {},
): Trigger {
  return located(() => {
    requireKnownOptions(options, ['resetByRows', 'clearOnTimeout'], 'timeout');
    return new TriggerDeclaration({
      kind: 'timeout',
      inner: specOf(trigger, 'timeout'),
      timeoutMs: positiveDurationMs(after, 'the time of timeout'),
      resetByRows: options.resetByRows === true,
      clearOnTimeout: options.clearOnTimeout !== false,
    });
  });
}

export type TriggerAnswer = 'continue' | 'fire' | 'purge' | 'fireAndPurge';

/** A number that a trigger keeps for a key and window. */
export interface TriggerNumber {
  get(): number | undefined;
  set(value: number): void;
  clear(): void;
}

export interface TriggerWork {
  readonly window: { readonly start: number; readonly end: number };
  readonly watermark: number;
  number(name: string): TriggerNumber;
  /** Asks to be told when a clock reaches this time. */
  register(clock: 'event time' | 'processing time', time: number): void;
  unregister(clock: 'event time' | 'processing time', time: number): void;
}

/** A trigger of one's own. Without `onMerge` it cannot be used on sessions. */
export interface TriggerDefinition<R> {
  /** Names it in explanations and in the uids of windows. */
  readonly name: string;
  onRow(row: R, work: TriggerWork): TriggerAnswer;
  onEventTime?(time: number, work: TriggerWork): TriggerAnswer;
  onProcessingTime?(time: number, work: TriggerWork): TriggerAnswer;
  /** Sessions have become one: `mergeNumber` collects what they kept. */
  onMerge?(
    work: TriggerWork & { mergeNumber(name: string, combine: (a: number, b: number) => number): number | undefined },
  ): void;
  /** The window is gone: takes its timers and numbers back. */
  clear?(work: TriggerWork): void;
}

/** A trigger of one's own: asked for each row and each timer that it registers, per key and window. */
export function defineTrigger<R>(definition: TriggerDefinition<R>): Trigger {
  return located(() => {
    const known = ['name', 'onRow', 'onEventTime', 'onProcessingTime', 'onMerge', 'clear'];
    requireKnownOptions(definition, known, 'defineTrigger');
    const { name, onRow } = definition;
    if (typeof name !== 'string' || name === '') throw mistake('the name of a trigger', 'a text', name);
    if (typeof onRow !== 'function') throw mistake('onRow of a trigger', 'a function of a row', onRow);
    return new TriggerDeclaration({ kind: 'custom', name, trigger: definition });
  });
}

/** Only the last `rows` rows count. */
export const keepLast = (rows: number, options: EvictorOptions = {}): Evictor =>
  located(() => {
    const when = whenOf(options, 'keepLast');
    return new EvictorDeclaration({ kind: 'count', rows: countOf(rows, 'the rows of keepLast'), when });
  });

/** Only rows of the last while before the latest row count. */
export const keepWithin = (time: Duration, options: EvictorOptions = {}): Evictor =>
  located(() => {
    const when = whenOf(options, 'keepWithin');
    return new EvictorDeclaration({ kind: 'time', keepMs: positiveDurationMs(time, 'the time of keepWithin'), when });
  });

/** Only rows whose distance to the last row is below a threshold count. */
export const deltaEvictor = <R>(
  threshold: number,
  delta: (row: R, last: R) => number,
  options: EvictorOptions = {},
): Evictor =>
  located(() => {
    const when = whenOf(options, 'deltaEvictor');
    if (typeof threshold !== 'number' || Number.isNaN(threshold)) {
      throw mistake('the threshold of deltaEvictor', 'a number', threshold);
    }
    if (typeof delta !== 'function') throw mistake('deltaEvictor', 'given a function of two rows', delta);
    return new EvictorDeclaration({ kind: 'delta', threshold, delta, when });
  });

/** Only rows for which a function is true count. */
export const evictRows = <R>(
  keep: (row: R, index: number, count: number) => boolean,
  options: EvictorOptions = {},
): Evictor =>
  located(() => {
    const when = whenOf(options, 'evictRows');
    if (typeof keep !== 'function') throw mistake('evictRows', 'given a function of a row', keep);
    return new EvictorDeclaration({ kind: 'custom', keep, when });
  });

/** What the options of a window come to. */
export interface WindowSettings {
  readonly allowedLatenessMs: number;
  readonly results: ResultMode;
  readonly trigger: TriggerSpec | undefined;
  readonly evictor: EvictorSpec | undefined;
}

/** The options of `window`, checked. */
export function windowOptionsOf(options: WindowOptions<ResultMode>, window: WindowSpec): WindowSettings {
  const late = latenessOf(options);
  const trigger = options.trigger === undefined ? undefined : specOf(options.trigger, 'trigger of window');
  const { evictor } = options;
  if (evictor !== undefined && !(evictor instanceof EvictorDeclaration)) {
    throw mistake('evictor of window', 'such as keepLast(10)', evictor);
  }
  if (window.kind === 'global' && trigger === undefined) throw neverFires();
  if (late.results === 'final' && (window.kind === 'global' || window.kind === 'count')) {
    throw mistake(
      'results of window',
      `accumulating, discarding or retracting, because a ${window.kind} window has no end`,
      'final',
    );
  }
  if (window.kind === 'count' && (trigger ?? evictor) !== undefined) {
    throw mistake(
      'a count window',
      'without trigger and evictor, because rows decide when it fires',
      trigger ?? evictor,
    );
  }
  return { ...late, trigger, evictor: evictor?.spec };
}

function specOf(trigger: unknown, where: string): TriggerSpec {
  if (trigger instanceof TriggerDeclaration) return trigger.spec;
  throw mistake(where, 'given a trigger, such as countTrigger(10)', trigger);
}

function countOf(rows: unknown, what: string): number {
  if (typeof rows === 'number' && Number.isSafeInteger(rows) && rows > 0) return rows;
  throw mistake(what, 'a whole number above 0', rows);
}

function whenOf(options: EvictorOptions, where: string): 'before' | 'after' {
  requireKnownOptions(options, ['when'], where);
  const { when = 'before' } = options;
  if (when === 'before' || when === 'after') return when;
  throw mistake(`when of ${where}`, "'before' or 'after'", when);
}
