/**
 * Checks of parsed JSON against a shape: small functions from unknown to a type. What does not fit is refused with its path,
 * so that nothing read from outside is trusted by a cast.
 */
import type { Json } from '../base/json.ts';

export type Shape<T> = (value: unknown, path?: string) => T;

export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

function expected(what: string, path: string | undefined): never {
  throw new ShapeError(`${path ?? 'the value'} is not ${what}`);
}

const number: Shape<number> = (value, path) => (typeof value === 'number' ? value : expected('a number', path));
const text: Shape<string> = (value, path) => (typeof value === 'string' ? value : expected('a text', path));
const flag: Shape<boolean> = (value, path) => (typeof value === 'boolean' ? value : expected('true or false', path));
/** What JSON.parse returns is JSON; undefined means that the key is missing. */
const json: Shape<Json> = (value, path) => (value === undefined ? expected('there', path) : (value as Json));

const list =
  <T>(of: Shape<T>): Shape<readonly T[]> =>
  (value, path) =>
    Array.isArray(value) ? value.map((item, i) => of(item, `${path ?? ''}[${i}]`)) : expected('a list', path);

function entries(value: unknown, path: string | undefined): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : expected('an object', path);
}

/** An object of any keys without a prototype, so that a key like __proto__ is a key. */
const record =
  <T>(of: Shape<T>): Shape<{ readonly [key: string]: T }> =>
  (value, path) => {
    const result: { [key: string]: T } = Object.create(null);
    for (const [key, item] of entries(value, path)) result[key] = of(item, `${path ?? ''}.${key}`);
    return result;
  };

const object =
  <T extends object>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> =>
  (value, path) => {
    const from = new Map(entries(value, path));
    const result = Object.fromEntries(
      Object.entries<Shape<unknown>>(fields).map(([key, shape]) => [key, shape(from.get(key), `${path ?? ''}.${key}`)]),
    );
    // Every field of T was made by its own shape.
    return result as T;
  };

export const z = { number, text, flag, json, list, record, object };

export const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
