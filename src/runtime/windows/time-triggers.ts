/**
 * Triggers by time: at the end of the window on one of the clocks, and again and again while it is open.
 *
 * Rule of the end in event time: a row that comes when the watermark has passed the end (inside the allowed lateness)
 * fires the window at once, every time.
 */
import { MAX_TIME } from '../../base/time.ts';
import type { WindowClock } from '../../plan/logical.ts';
import { CONTINUE, FIRE, type Trigger, type TriggerContext } from './trigger.ts';
import { lastInstant } from './window.ts';

const EVENT: WindowClock = 'event time';
const PROCESSING: WindowClock = 'processing time';

/** Fires when the watermark reaches the window's last instant. */
export const eventTimeTrigger = (): Trigger => ({
  usesClock: false,
  onRow(_row, context) {
    const last = lastInstant(context.window);
    if (last <= context.watermark) return FIRE;
    context.register(EVENT, last);
    return CONTINUE;
  },
  onTime: (clock, time, { window }) => (clock === EVENT && time === lastInstant(window) ? FIRE : CONTINUE),
  onMerge(context) {
    const last = lastInstant(context.window);
    if (last > context.watermark) context.register(EVENT, last);
  },
  clear: (context) => context.unregister(EVENT, lastInstant(context.window)),
});

/** Fires when the machine's clock reaches the window's last instant, and at any other timer that a trigger around it sets. */
export const processingTimeTrigger = (): Trigger => ({
  usesClock: true,
  onRow(_row, context) {
    context.register(PROCESSING, lastInstant(context.window));
    return CONTINUE;
  },
  onTime: (clock) => (clock === PROCESSING ? FIRE : CONTINUE),
  onMerge(context) {
    const last = lastInstant(context.window);
    if (last > context.now) context.register(PROCESSING, last);
  },
  clear: (context) => context.unregister(PROCESSING, lastInstant(context.window)),
});

const NEXT = 'next';

/** At the end of time a window without an end fires once more, and not at every interval of eternity. */
function registerNext(clock: WindowClock, time: number, context: TriggerContext): void {
  const last = lastInstant(context.window);
  const isEternal = clock === EVENT && last >= MAX_TIME && context.watermark >= MAX_TIME;
  const next = isEternal ? last : Math.min(time, last);
  context.number(NEXT).set(next);
  context.register(clock, next);
}

function clearNext(clock: WindowClock, context: TriggerContext): void {
  const next = context.number(NEXT);
  const time = next.get();
  if (time === undefined) return;
  context.unregister(clock, time);
  next.clear();
}

/** Fires at every multiple of the interval at which the window has a row, and in event time also at its end. */
export function continuousTrigger(clock: WindowClock, intervalMs: number): Trigger {
  const isEvent = clock === EVENT;
  return {
    usesClock: !isEvent,
    onRow({ time }, context) {
      const last = lastInstant(context.window);
      if (isEvent && last <= context.watermark) return FIRE;
      if (isEvent) context.register(EVENT, last);
      const from = isEvent ? time : context.now;
      if (context.number(NEXT).get() === undefined) {
        registerNext(clock, Math.floor(from / intervalMs) * intervalMs + intervalMs, context);
      }
      return CONTINUE;
    },
    onTime(told, time, context) {
      if (told !== clock) return CONTINUE;
      if (isEvent && time === lastInstant(context.window)) return FIRE;
      if (context.number(NEXT).get() !== time) return CONTINUE;
      registerNext(clock, time + intervalMs, context);
      return FIRE;
    },
    onMerge(context) {
      const next = context.mergeNumber(NEXT, Math.min);
      if (next !== undefined) context.register(clock, next);
      const last = lastInstant(context.window);
      if (isEvent && last > context.watermark) context.register(EVENT, last);
    },
    clear(context) {
      clearNext(clock, context);
      if (isEvent) context.unregister(EVENT, lastInstant(context.window));
    },
  };
}

/** Fires every so often on the machine's clock, from the window's first row on. */
export const everyTrigger = (intervalMs: number): Trigger => ({
  usesClock: true,
  onRow(_row, context) {
    const next = context.number('every');
    if (next.get() !== undefined) return CONTINUE;
    next.set(context.now + intervalMs);
    context.register(PROCESSING, context.now + intervalMs);
    return CONTINUE;
  },
  onTime(clock, time, context) {
    const next = context.number('every');
    if (clock !== PROCESSING || next.get() !== time) return CONTINUE;
    next.set(time + intervalMs);
    context.register(PROCESSING, time + intervalMs);
    return FIRE;
  },
  onMerge(context) {
    const next = context.mergeNumber('every', Math.min);
    if (next !== undefined) context.register(PROCESSING, next);
  },
  clear(context) {
    const next = context.number('every');
    const time = next.get();
    if (time !== undefined) context.unregister(PROCESSING, time);
    next.clear();
  },
});
