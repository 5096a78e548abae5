/** Functions with state as text, for explanations and derived uids. */
import { shortDuration } from '../base/time.ts';
import { describeSchema } from '../data/schema.ts';
import { describeType } from '../data/types.ts';
import type { ProcessNode } from './logical.ts';
import type { StateSpec } from './process.ts';

/** 'by card, state: last value(at timestamp; amount float64) for 1 day of event time; timers: quiet; sides: odd' */
export function describeProcess(node: ProcessNode): string {
  const list = (title: string, items: readonly string[]): readonly string[] =>
    items.length === 0 ? [] : [`${title}: ${items.join(', ')}`];
  return [
    node.inputs.map(({ keys }) => (keys === undefined ? 'broadcast' : `by ${keys.join(', ')}`)).join(' with '),
    ...list('state', node.states.map(describeState)),
    ...list('broadcast state', node.broadcast.map(describeState)),
    ...list('timers', node.timers),
    ...list(
      'sides',
      node.sides.map(({ name }) => name),
    ),
    ...(node.onError === 'fail' ? [] : ['errors: dead letters']),
  ].join('; ');
}

export function describeState({ name, kind, type, isColumn, key, expiry }: StateSpec): string {
  const [only] = type.fields;
  const held = isColumn && only !== undefined ? describeType(only.type) : describeSchema(type);
  const of = key === undefined ? held : `${describeType(key)} to ${held}`;
  const lives =
    expiry === undefined ? '' : ` for ${shortDuration(expiry.ttlMs)} of ${expiry.clock} after ${expiry.refresh}`;
  return `${name} ${kind}(${of})${lives}`;
}
