/**
 * Options of JavaScript users, checked: a mistyped one must not be ignored silently. The compiler does this for
 * TypeScript.
 */
import { didYouMean, UserError } from '../base/errors.ts';
import { isRecord, mistake } from '../base/mistake.ts';

/** Throws E1009 for an option that is not in `known`, E1006 when `options` is no object. */
export function requireKnownOptions(options: unknown, known: readonly string[], where: string): void {
  if (!isRecord(options)) throw mistake(`the options of ${where}`, 'an object', options);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = didYouMean(unknown, known);
  const list = known.length === 0 ? 'it takes none.' : `it takes: ${known.join(', ')}.`;
  throw new UserError(
    'E1009',
    { option: unknown, where },
    { hint: `${list}${meant === undefined ? '' : ` Did you mean '${meant}'?`}` },
  );
}

/** Names of states begin with the uid and a slash; the sink of dead letters has the other one. */
const UID = /^(?!dead-letters$)[^/]+$/;

/** The uid in options, checked. */
export function uidOf(
  options: { readonly uid?: string } | undefined,
  where: string,
  known: readonly string[] = ['uid'],
): string | undefined {
  if (options === undefined) return undefined;
  requireKnownOptions(options, known, where);
  const uid: unknown = options.uid;
  if (uid === undefined) return undefined;
  if (typeof uid !== 'string' || !UID.test(uid))
    throw mistake(`the uid of ${where}`, "a name without '/', other than 'dead-letters'", uid);
  return uid;
}
