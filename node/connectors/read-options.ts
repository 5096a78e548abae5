/** How files are read, as users say it, checked: what a source cannot do is refused before anything is opened. */
import { didYouMean, UserError } from '../../src/base/errors.ts';
import { type Duration, durationMs, positiveDurationMs } from '../../src/base/time.ts';
import { isRecord } from '../../src/state/shape.ts';
import type { FollowSettings } from './lookout.ts';

/** How growing files are followed. */
export interface FollowOptions {
  /** Files are looked at when the system tells of a change, and at least so often. Default: '1 s'. */
  readonly pollEvery?: Duration;
  /** A file that was renamed or removed is over when nothing came for so long. Default: '5 s'. */
  readonly rotateWait?: Duration;
  /**
   * When a file was cut, or is gone, before it was read to its end: 'fail' with E1507, which is the default, or 'continue'
   * with what is there, counted as `filesLost`.
   */
  readonly onLoss?: 'fail' | 'continue';
}

/** How the files of a source are read. */
export interface FileReadOptions {
  /**
   * Files are read to their end and then waited on, like `tail -F`; new files that match are read too. The source is live: it
   * ends with `drain`. Default: false.
   */
  readonly follow?: boolean | FollowOptions;
}

const FOLLOW = ['pollEvery', 'rotateWait', 'onLoss'];

export function followSettings(follow: FileReadOptions['follow'], where: string): FollowSettings | undefined {
  if (follow === undefined || follow === false) return undefined;
  if (follow !== true) requireKnown(follow, FOLLOW, `follow of ${where}`);
  const { pollEvery = '1 s', rotateWait = '5 s', onLoss = 'fail' } = follow === true ? {} : follow;
  if (onLoss !== 'fail' && onLoss !== 'continue') throw wrong(`onLoss of ${where}`, "'fail' or 'continue'", onLoss);
  return {
    pollMs: positiveDurationMs(pollEvery, `pollEvery of ${where}`),
    waitMs: durationMs(rotateWait, `rotateWait of ${where}`),
    onLoss,
  };
}

/** Throws E1009 for an option that is none, E1006 when there are no options. */
export function requireKnown(options: unknown, known: readonly string[], where: string): void {
  if (!isRecord(options)) throw wrong(`the options of ${where}`, 'an object', options);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = didYouMean(unknown, known);
  const list = `it takes: ${known.join(', ')}.`;
  throw new UserError(
    'E1009',
    { option: unknown, where },
    { hint: meant === undefined ? list : `${list} Did you mean '${meant}'?` },
  );
}

export const wrong = (what: string, needs: string, got: unknown): UserError =>
  new UserError('E1006', {
    what,
    needs,
    got: typeof got === 'string' ? `'${got}'` : (JSON.stringify(got) ?? String(got)),
  });
