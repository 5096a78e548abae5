/** How a value that is not what it must be is reported: E1006, with the value as a person would write it. */
import { UserError } from './errors.ts';

/** The error for `what` given `got` instead of what it needs. */
export const mistake = (what: string, needs: string, got: unknown, hint?: string): UserError =>
  new UserError('E1006', { what, needs, got: describe(got) }, hint === undefined ? {} : { hint });

/** The error for nothing where at least one is needed. */
export const nothingGiven = (where: string, what: string): UserError =>
  new UserError('E1006', { what: where, needs: `given at least one ${what}`, got: 'given none' });

export const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as an error message shows it. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  return Array.isArray(value) ? 'an array' : 'an object';
}
