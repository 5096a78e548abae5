/** Options of JavaScript users, checked: a mistyped one must not be ignored silently. The compiler does this for TypeScript. */
import { didYouMean, UserError } from '../base/errors.ts';
import { describe, isRecord } from './schema.ts';

/** Throws E1009 for an option that is not in `known`, E1006 when `options` is no object. */
export function requireKnownOptions(options: unknown, known: readonly string[], where: string): void {
  if (!isRecord(options)) throw new UserError('E1006', { what: `the options of ${where}`, needs: 'an object', got: describe(options) });
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = didYouMean(unknown, known);
  const list = known.length === 0 ? 'it takes none.' : `it takes: ${known.join(', ')}.`;
  throw new UserError('E1009', { option: unknown, where }, { hint: `${list}${meant === undefined ? '' : ` Did you mean '${meant}'?`}` });
}

/** The uid in options, checked: text that is not empty. */
export function uidOf(options: { readonly uid?: string } | undefined, where: string, known: readonly string[] = ['uid']): string | undefined {
  if (options === undefined) return undefined;
  requireKnownOptions(options, known, where);
  const uid: unknown = options.uid;
  if (uid === undefined) return undefined;
  if (typeof uid !== 'string' || uid === '') throw new UserError('E1006', { what: `the uid of ${where}`, needs: 'a name', got: describe(uid) });
  return uid;
}
