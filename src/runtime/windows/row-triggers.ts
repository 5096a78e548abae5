/** Triggers by rows: by their number, and each row. Triggers of triggers: purging, and firing after a time of quiet. */
import type { WindowClock } from '../../plan/logical.ts';
import { CONTINUE, FIRE, FIRE_AND_PURGE, type Trigger, type TriggerContext } from './trigger.ts';

/** Fires at every `rows`th row of the window. */
export const countTrigger = (rows: number): Trigger => ({
  usesClock: false,
  onRow(_row, context) {
    const count = context.number('count');
    const seen = (count.get() ?? 0) + 1;
    if (seen < rows) {
      count.set(seen);
      return CONTINUE;
    }
    count.clear();
    return FIRE;
  },
  onTime: () => CONTINUE,
  onMerge: (context) => void context.mergeNumber('count', (a, b) => a + b),
  clear: (context) => context.number('count').clear(),
});

/** Fires at every row. */
export const eachRowTrigger = (): Trigger => ({
  usesClock: false,
  onRow: () => FIRE,
  onTime: () => CONTINUE,
  onMerge: () => undefined,
  clear: () => undefined,
});

/** The contents go whenever the inner trigger fires. */
export const purgingTrigger = (inner: Trigger): Trigger => ({
  usesClock: inner.usesClock,
  onRow: (row, context) => (inner.onRow(row, context).fire ? FIRE_AND_PURGE : CONTINUE),
  onTime: (clock, time, context) => (inner.onTime(clock, time, context).fire ? FIRE_AND_PURGE : CONTINUE),
  onMerge: inner.onMerge,
  clear: (context) => inner.clear(context),
});

export interface TimeoutOptions {
  readonly timeoutMs: number;
  /** Each row starts the time anew; otherwise it runs from the first row since the last firing. */
  readonly resetByRows: boolean;
  /** The inner trigger forgets what it has counted when the time is out. */
  readonly clearOnTimeout: boolean;
}

/** Fires as the inner trigger does, and also when this long on the machine's clock has passed without it. */
export function timeoutTrigger(inner: Trigger, options: TimeoutOptions): Trigger {
  const clock: WindowClock = 'processing time';
  const clear = (context: TriggerContext): void => {
    const timeout = context.number('timeout');
    const time = timeout.get();
    if (time !== undefined) context.unregister(clock, time);
    timeout.clear();
    inner.clear(context);
  };
  return {
    usesClock: true,
    onRow(row, context) {
      const answer = inner.onRow(row, context);
      if (answer.fire) {
        clear(context);
        return answer;
      }
      const timeout = context.number('timeout');
      const running = timeout.get();
      if (running !== undefined && !options.resetByRows) return answer;
      if (running !== undefined) context.unregister(clock, running);
      timeout.set(context.now + options.timeoutMs);
      context.register(clock, context.now + options.timeoutMs);
      return answer;
    },
    onTime(told, time, context) {
      const answer = inner.onTime(told, time, context);
      if (options.clearOnTimeout) clear(context);
      return answer.purge ? FIRE_AND_PURGE : FIRE;
    },
    onMerge: undefined,
    clear,
  };
}
