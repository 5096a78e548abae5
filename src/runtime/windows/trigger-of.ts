/** Triggers and evictors from what the plan says of them. */
import { assertNever } from '../../base/assert.ts';
import type { Row } from '../../format/row-view.ts';
import type { EvictorSpec, TriggerSpec, WindowClock } from '../../plan/logical.ts';
import { customTrigger, type CustomTrigger } from './custom-trigger.ts';
import { endOfWindowTrigger } from './end-of-window-trigger.ts';
import { countEvictor, customEvictor, deltaEvictor, type Evictor, timeEvictor } from './evictor.ts';
import { countTrigger, eachRowTrigger, purgingTrigger, timeoutTrigger } from './row-triggers.ts';
import { continuousTrigger, eventTimeTrigger, everyTrigger, processingTimeTrigger } from './time-triggers.ts';
import { CONTINUE, type Trigger } from './trigger.ts';

export function triggerOf(spec: TriggerSpec): Trigger {
  switch (spec.kind) {
    case 'end':
      return spec.clock === 'event time' ? eventTimeTrigger() : processingTimeTrigger();
    case 'endOfWindow':
      return endOfWindowTrigger({
        early: spec.early === undefined ? undefined : triggerOf(spec.early),
        late: spec.late === undefined ? undefined : triggerOf(spec.late),
      });
    case 'count':
      return countTrigger(spec.rows);
    case 'eachRow':
      return eachRowTrigger();
    case 'continuous':
      return continuousTrigger(spec.clock, spec.intervalMs);
    case 'every':
      return everyTrigger(spec.intervalMs);
    case 'purging':
      return purgingTrigger(triggerOf(spec.inner));
    case 'timeout':
      return timeoutTrigger(triggerOf(spec.inner), spec);
    case 'custom':
      // The API checked that it has the functions of a trigger.
      return customTrigger(spec.trigger as CustomTrigger);
    default:
      return assertNever(spec);
  }
}

/** The trigger of windows that were given none: at their end on their clock; never for windows without an end. */
export function defaultTrigger(clock: WindowClock | undefined): Trigger {
  if (clock !== undefined) return triggerOf({ kind: 'end', clock });
  return {
    usesClock: false,
    onRow: () => CONTINUE,
    onTime: () => CONTINUE,
    onMerge: () => undefined,
    clear: () => undefined,
  };
}

export function evictorOf(spec: EvictorSpec): Evictor {
  switch (spec.kind) {
    case 'count':
      return countEvictor(spec.rows, spec.when);
    case 'time':
      return timeEvictor(spec.keepMs, spec.when);
    case 'delta':
      // The API ties the functions to the rows of the window's input; the plan holds them without.
      return deltaEvictor(spec.threshold, spec.delta as (row: Row, last: Row) => number, spec.when);
    case 'custom':
      // As above.
      return customEvictor(spec.keep as (row: Row, index: number, count: number) => boolean, spec.when);
    default:
      return assertNever(spec);
  }
}
