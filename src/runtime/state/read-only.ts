/** States that may be read but not changed: broadcast state, as the keyed input sees it. */
import { UserError } from '../../base/errors.ts';
import type { StateHandle } from './states.ts';

type Handles = { readonly [name: string]: StateHandle };

const CHANGES = ['set', 'add', 'delete', 'clear'] as const;

/** The same states under the same names; what would change one throws E1334. */
export const readOnly = (handles: Handles): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(handles).map(([name, handle]) => [name, readOnlyHandle(name, handle)]));

function readOnlyHandle(name: string, handle: StateHandle): object {
  const refuse = (): never => {
    throw new UserError('E1334', { state: name });
  };
  const hidden = Object.fromEntries(CHANGES.map((change) => [change, refuse]));
  return new Proxy(handle, {
    get(target, property) {
      if (typeof property === 'string' && property in hidden) return hidden[property];
      const member: unknown = Reflect.get(target, property);
      // Methods reach private fields of the handle itself.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
