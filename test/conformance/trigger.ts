/**
 * Triggers alone: rows, watermarks and the clock go to the engine's trigger over keyed state, window by window; what it
 * answers, and what it leaves behind, is compared.
 */
import type { Json } from '../../src/base/json.ts';
import { MIN_TIME } from '../../src/base/time.ts';
import type { TriggerSpec, WindowClock } from '../../src/plan/logical.ts';
import type { Answer } from '../../src/runtime/windows/trigger.ts';
import { triggerOf } from '../../src/runtime/windows/trigger-of.ts';
import { TriggerScope } from '../../src/runtime/windows/trigger-scope.ts';
import { decodeWindow, encodeWindow, sameWindow, type Window } from '../../src/runtime/windows/window.ts';
import type { KeyedTable, TimerService } from '../../src/state/keyed-state.ts';
import { MapKeyedState } from '../support/map-keyed-state.ts';
import {
  type ConformanceCase,
  isObject,
  type JsonObject,
  listOf,
  objectOf,
  type Outcome,
  type Step,
  Unsupported,
} from './case.ts';
import { type Mismatch, sameValue, timeOf, Transcript } from './compare.ts';
import { conduct } from './conduct.ts';

/** The plan's trigger for one of a case; undefined: that of the window itself. */
export function triggerSpecOf(spec: Json | undefined): TriggerSpec | undefined {
  if (spec === undefined) return undefined;
  const { type, time, count, intervalMs, inner, early, late, timeoutMs, ...rest } = objectOf(spec, 'trigger');
  switch (type) {
    case 'eventTime':
      return { kind: 'end', clock: 'event time' };
    case 'processingTime':
      return { kind: 'end', clock: 'processing time' };
    case 'afterEndOfWindow':
      if (time === 'processing') return { kind: 'end', clock: 'processing time' };
      if (early === undefined && late === undefined) return { kind: 'end', clock: 'event time' };
      return { kind: 'endOfWindow', early: triggerSpecOf(early), late: triggerSpecOf(late) };
    case 'count':
      return { kind: 'count', rows: Number(count) };
    case 'everyElement':
      return { kind: 'eachRow' };
    case 'processingTimeEvery':
      return { kind: 'every', intervalMs: Number(intervalMs) };
    case 'continuousEventTime':
      return { kind: 'continuous', clock: 'event time', intervalMs: Number(intervalMs) };
    case 'continuousProcessingTime':
      return { kind: 'continuous', clock: 'processing time', intervalMs: Number(intervalMs) };
    case 'purging':
      return { kind: 'purging', inner: innerOf(inner) };
    case 'processingTimeout':
      return {
        kind: 'timeout',
        inner: innerOf(inner),
        timeoutMs: Number(timeoutMs),
        resetByRows: rest['resetTimerOnNewRecord'] === true,
        clearOnTimeout: rest['clearOnTimeout'] === true,
      };
    case 'custom':
      return customOf(rest);
    default:
      throw new Unsupported(`the trigger ${String(type)}`);
  }
}

function innerOf(inner: Json | undefined): TriggerSpec {
  const spec = triggerSpecOf(inner);
  if (spec === undefined) throw new Unsupported('a trigger around nothing');
  return spec;
}

/** A trigger that always answers the same. */
function customOf({ onElement, onEventTimer, onProcessingTimer }: JsonObject): TriggerSpec {
  const answer = (text: Json | undefined) => () => text ?? 'continue';
  const trigger = {
    onRow: answer(onElement),
    onEventTime: answer(onEventTimer),
    onProcessingTime: answer(onProcessingTimer),
    onMerge: () => undefined,
  };
  return { kind: 'custom', name: 'of the case', trigger };
}

/** Timers as the engine keeps them, counted by window. */
class Timers {
  readonly #service: TimerService;
  readonly #registered = new Set<string>();

  constructor(service: TimerService) {
    this.#service = service;
    const { register, delete: remove } = service;
    const nameOf = (time: number, tag: Uint8Array): string => JSON.stringify([time, decodeWindow(tag)]);
    service.register = (time, tag) => {
      this.#registered.add(nameOf(time, tag));
      return register.call(service, time, tag);
    };
    service.delete = (time, tag) => {
      this.#registered.delete(nameOf(time, tag));
      return remove.call(service, time, tag);
    };
  }

  next(until: number): { readonly time: number; readonly window: Window } | undefined {
    const timer = this.#service.next(until);
    if (timer === undefined) return undefined;
    const window = decodeWindow(timer.tag);
    this.#registered.delete(JSON.stringify([timer.time, window]));
    return { time: timer.time, window };
  }

  count(window: Window | undefined): number {
    if (window === undefined) return this.#service.count;
    // Written above.
    return [...this.#registered].filter((name) => sameWindow((JSON.parse(name) as [number, Window])[1], window)).length;
  }
}

const windowOf = (bounds: Json | undefined): Window => {
  const [start, end] = listOf(bounds, 'a window');
  return { start: timeOf(start), end: timeOf(end) };
};

const nameOf = ({ fire, purge }: Answer): string =>
  fire ? (purge ? 'FIRE_AND_PURGE' : 'FIRE') : purge ? 'PURGE' : 'CONTINUE';

/** Times of the clock begin at the smallest 64-bit integer; some cases count from there. */
function clockTime(value: Json): number {
  if (typeof value !== 'string' || !/^-\d+$/.test(value)) return timeOf(value);
  return MIN_TIME + Number(BigInt(value) + 2n ** 63n);
}

export async function trigger(one: ConformanceCase): Promise<Outcome> {
  const spec = triggerSpecOf(one.operator['trigger']);
  if (spec === undefined) throw new Unsupported('a case without a trigger');
  const under = triggerOf(spec);
  const state = new MapKeyedState();
  state.select({ bytes: new Uint8Array(0), hash: 0 });
  const numbers = state.open('trigger');
  const scope = new TriggerScope(state, numbers);
  scope.watermark = MIN_TIME;
  scope.now = MIN_TIME;
  const timers = { 'event time': new Timers(state.eventTimers), 'processing time': new Timers(state.processingTimers) };
  const tell = (clock: WindowClock, until: number): Json[] => {
    const firings: Json[] = [];
    for (let timer = timers[clock].next(until); timer !== undefined; timer = timers[clock].next(until)) {
      scope.window = timer.window;
      const answer = nameOf(under.onTime(clock, timer.time, scope));
      if (answer !== 'CONTINUE') firings.push([[timer.window.start, timer.window.end], answer]);
    }
    return firings;
  };
  const ask = (step: Step): Mismatch | undefined | 'not mine' => {
    const { element, watermark, processingTime, clear, merge } = step;
    if (element !== undefined) {
      scope.window = windowOf(step['window']);
      const time = step['timestamp'] === undefined ? scope.window.start : timeOf(step['timestamp']);
      return differing(step['expect'], nameOf(under.onRow({ time, row: { element } }, scope)));
    }
    if (watermark !== undefined) {
      scope.watermark = timeOf(watermark);
      return firingsDiffer(step, tell('event time', scope.watermark));
    }
    if (processingTime !== undefined) {
      scope.now = clockTime(processingTime);
      return firingsDiffer(step, tell('processing time', scope.now));
    }
    if (clear !== undefined) {
      scope.window = windowOf(clear);
      under.clear(scope);
      return undefined;
    }
    if (merge !== undefined) return mergeWindows(listOf(merge, 'merge').map(windowOf), windowOf(step['into']));
    if (isObject(step['state'])) return stateDiffers(step['state']);
    return 'not mine';
  };
  const mergeWindows = (joined: readonly Window[], into: Window): undefined => {
    scope.window = into;
    scope.joined = joined;
    if (under.onMerge === undefined) throw new Unsupported('a trigger that cannot join windows');
    under.onMerge(scope);
    for (const window of joined) {
      scope.window = window;
      under.clear(scope);
    }
    scope.joined = [];
  };
  const stateDiffers = ({ entries, eventTimers, processingTimers, window: of }: JsonObject): Mismatch | undefined => {
    const window = of === undefined ? undefined : windowOf(of);
    const got: readonly (readonly [Json | undefined, number])[] = [
      [entries, entriesOf(numbers, window)],
      [eventTimers, timers['event time'].count(window)],
      [processingTimers, timers['processing time'].count(window)],
    ];
    // What must be nothing binds; other counts are the layout of another engine.
    const wrong = got.find(([expected, count]) => expected === 0 && count !== 0);
    return wrong === undefined ? undefined : { expected: step(wrong[0]), got: wrong[1] };
  };
  return conduct(one, { transcript: new Transcript(one.kind), ask, act: () => undefined });
}

const step = (value: Json | undefined): Json => value ?? null;

function entriesOf(numbers: KeyedTable, window: Window | undefined): number {
  const all = [...numbers.entries()];
  if (window === undefined) return all.length;
  const tag = Buffer.from(encodeWindow(window));
  return all.filter(({ sub }) => tag.equals(sub.subarray(0, tag.length))).length;
}

const differing = (expected: Json | undefined, got: Json): Mismatch | undefined =>
  expected === undefined || sameValue(expected, got) ? undefined : { expected, got };

function firingsDiffer({ expectFirings, firings }: Step, got: readonly Json[]): Mismatch | undefined {
  if (expectFirings === undefined) return undefined;
  const expected = listOf(expectFirings, 'expectFirings');
  const all = expected.every((one) => got.some((other) => sameValue(one, other)));
  return all && (firings === 'contains' || expected.length === got.length) ? undefined : { expected, got };
}
