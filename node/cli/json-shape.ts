/** The parts of a JSON job, checked: what is wrong is told with its path (E1603). */
import { UserError } from '../../src/base/errors.ts';
import { isRecord } from '../../src/state/shape.ts';

/** An object with these keys and no others; any keys when none are given. */
export function object(
  value: unknown,
  path: string,
  at: string,
  keys?: readonly string[],
): { readonly [key: string]: unknown } {
  if (!isRecord(value)) throw wrong(path, at, 'it must be an object');
  const unknown = keys === undefined ? undefined : Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw wrong(path, at === '' ? unknown : `${at}.${unknown}`, `there is no such key; there are ${keys?.join(', ')}`);
  return value;
}

/** What a table has under its own names: 'constructor' is none of them. */
export const named = <T>(table: { readonly [name: string]: T }, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

export const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** The mistake at a place of the file, such as 'window.tumbling'. */
export const wrong = (path: string, at: string, problem: string): UserError =>
  new UserError('E1603', { path, at, problem });
