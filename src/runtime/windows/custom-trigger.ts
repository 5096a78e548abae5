/**
 * A user's trigger: functions over rows, timers and numbers that it keeps for each window.
 */

import { UserError } from '../../base/errors.ts';
import type { Row } from '../../format/row-view.ts';
import type { WindowClock } from '../../plan/logical.ts';
import {
  type Answer,
  CONTINUE,
  FIRE,
  FIRE_AND_PURGE,
  type MergeContext,
  PURGE,
  type Trigger,
  type TriggerContext,
} from './trigger.ts';

export type TriggerAnswer = 'continue' | 'fire' | 'purge' | 'fireAndPurge';

const ANSWERS: { readonly [answer: string]: Answer } = {
  continue: CONTINUE,
  fire: FIRE,
  purge: PURGE,
  fireAndPurge: FIRE_AND_PURGE,
};

/** What a user writes. */
export interface CustomTrigger {
  onRow(row: Row, context: TriggerContext): TriggerAnswer;
  onEventTime?(time: number, context: TriggerContext): TriggerAnswer;
  onProcessingTime?(time: number, context: TriggerContext): TriggerAnswer;
  onMerge?(context: MergeContext): void;
  clear?(context: TriggerContext): void;
  readonly usesProcessingTime?: boolean;
}

export function customTrigger(custom: CustomTrigger): Trigger {
  const answerOf = (made: TriggerAnswer | undefined, where: string): Answer => {
    const answer = made === undefined ? CONTINUE : Object.hasOwn(ANSWERS, made) ? ANSWERS[made] : undefined;
    if (answer !== undefined) return answer;
    throw new UserError('E1006', {
      what: `the answer of a trigger's ${where}`,
      needs: `one of ${Object.keys(ANSWERS).join(', ')}`,
      got: `'${String(made)}'`,
    });
  };
  const { onMerge } = custom;
  return {
    usesClock: custom.usesProcessingTime === true || custom.onProcessingTime !== undefined,
    onRow: ({ row }, context) => answerOf(custom.onRow(row, context), 'onRow'),
    onTime(clock: WindowClock, time, context) {
      return clock === 'event time'
        ? answerOf(custom.onEventTime?.(time, context), 'onEventTime')
        : answerOf(custom.onProcessingTime?.(time, context), 'onProcessingTime');
    },
    onMerge: onMerge === undefined ? undefined : (context) => onMerge.call(custom, context),
    clear: (context) => custom.clear?.(context),
  };
}
