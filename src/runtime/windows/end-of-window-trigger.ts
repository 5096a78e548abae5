/**
 * A result on time, with results before it (early) and after it (late) by triggers of their own.
 *
 *   row, timer -> early trigger     | end of window: fires | row, timer -> late trigger
 *
 * Invariants
 *  1. The early trigger is asked until the window has fired on time, the late trigger from then on.
 *  2. Without a late trigger every late row fires, as it does without either (time-triggers.ts).
 *  3. A window that others were joined into has not fired on time yet.
 */
import { CONTINUE, FIRE, type MergeContext, type Trigger, type TriggerContext } from './trigger.ts';
import { lastInstant } from './window.ts';

export interface EarlyAndLate {
  readonly early: Trigger | undefined;
  readonly late: Trigger | undefined;
}

const ON_TIME = 'on time';

/** Names of inner numbers stand apart: both triggers may be of one kind. */
const inside = (context: TriggerContext, phase: 'early' | 'late'): TriggerContext => ({
  window: context.window,
  watermark: context.watermark,
  now: context.now,
  number: (name) => context.number(`${phase} ${name}`),
  register: (clock, time) => context.register(clock, time),
  unregister: (clock, time) => context.unregister(clock, time),
});

const merging = (context: MergeContext, phase: 'early' | 'late'): MergeContext => ({
  ...inside(context, phase),
  mergeNumber: (name, combine) => context.mergeNumber(`${phase} ${name}`, combine),
});

export function endOfWindowTrigger({ early, late }: EarlyAndLate): Trigger {
  const hasFired = (context: TriggerContext): boolean => context.number(ON_TIME).get() === 1;
  const canMerge = [early, late].every((trigger) => trigger === undefined || trigger.onMerge !== undefined);
  return {
    usesClock: early?.usesClock === true || late?.usesClock === true,
    onRow(row, context) {
      if (late !== undefined && hasFired(context)) return late.onRow(row, inside(context, 'late'));
      const last = lastInstant(context.window);
      if (last <= context.watermark) return FIRE;
      context.register('event time', last);
      return early?.onRow(row, inside(context, 'early')) ?? CONTINUE;
    },
    onTime(clock, time, context) {
      if (late !== undefined && hasFired(context)) return late.onTime(clock, time, inside(context, 'late'));
      if (clock === 'event time' && time === lastInstant(context.window)) {
        context.number(ON_TIME).set(1);
        return FIRE;
      }
      if (hasFired(context)) return CONTINUE;
      return early?.onTime(clock, time, inside(context, 'early')) ?? CONTINUE;
    },
    onMerge: canMerge
      ? (context) => {
          early?.onMerge?.(merging(context, 'early'));
          late?.onMerge?.(merging(context, 'late'));
          context.number(ON_TIME).clear();
          if (lastInstant(context.window) > context.watermark) {
            context.register('event time', lastInstant(context.window));
          }
        }
      : undefined,
    clear(context) {
      early?.clear(inside(context, 'early'));
      late?.clear(inside(context, 'late'));
      context.number(ON_TIME).clear();
      context.unregister('event time', lastInstant(context.window));
    },
  };
}
