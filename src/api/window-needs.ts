/** What follows from a window and its settings: the columns of its results, and whether it needs event time. */
import { UserError } from '../base/errors.ts';
import { type Field, requireColumn, type TableSchema } from '../data/schema.ts';
import { describeType } from '../data/types.ts';
import type { TriggerSpec, WindowSpec } from '../plan/logical.ts';
import { boundColumnsOf } from '../plan/window-choice.ts';

const FIELDS: { readonly [bounds in ReturnType<typeof boundColumnsOf>]: readonly Field[] } = {
  'start and end': [
    { name: 'windowStart', type: { kind: 'timestamp', nullable: false } },
    { name: 'windowEnd', type: { kind: 'timestamp', nullable: false } },
  ],
  number: [{ name: 'windowId', type: { kind: 'int64', nullable: false } }],
  none: [],
};

/** Columns that say which window a result is of. */
export const boundFieldsOf = (window: WindowSpec): readonly Field[] => FIELDS[boundColumnsOf(window)];

/** The column that names the zone of each row must be there, as text. E1203, E1204. */
export function requireZoneColumn(window: WindowSpec, schema: TableSchema): void {
  if (!('zone' in window) || window.zone?.kind !== 'column') return;
  const { column } = window.zone;
  const type = schema.fields[requireColumn(schema, column, 'the zone of window')]?.type;
  if (type === undefined || type.kind === 'utf8') return;
  throw new UserError('E1204', { column, type: describeType(type), where: 'the zone of window', needs: 'text' });
}

/** Whether its windows end by event time, so that their results have event time too. */
export const hasEnds = (window: WindowSpec): boolean =>
  window.kind !== 'count' && window.kind !== 'global' && window.clock === 'event time';

export const needsEventTime = (
  window: WindowSpec,
  { trigger }: { readonly trigger: TriggerSpec | undefined },
): boolean => hasEnds(window) || (trigger !== undefined && isOfEventTime(trigger));

function isOfEventTime(trigger: TriggerSpec): boolean {
  switch (trigger.kind) {
    case 'end':
    case 'continuous':
      return trigger.clock === 'event time';
    case 'endOfWindow':
      return true;
    case 'purging':
    case 'timeout':
      return isOfEventTime(trigger.inner);
    default:
      return false;
  }
}

export const neverFires = (): UserError =>
  new UserError(
    'E1006',
    { what: 'a global window', needs: 'given a trigger, because it has no end', got: 'given none' },
    { hint: 'such as { trigger: countTrigger(100) }' },
  );
