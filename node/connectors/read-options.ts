/** How sources are read, as users say it, checked: what a source cannot do is refused before anything is opened. */
import { didYouMean, UserError } from '../../src/base/errors.ts';
import { type Duration, durationMs, formatTime, instantMs, positiveDurationMs } from '../../src/base/time.ts';
import type { IntakeSpec } from '../../src/connector/intake.ts';
import { isRecord } from '../../src/state/shape.ts';

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

/** So many rows in a unit of time: '1000 rows/s'. */
export type Rate = `${number} rows/${'s' | 'minute' | 'hour'}`;

/** Which rows of a source go on, and how fast. Rows that do not are counted: `filtered` in the ledger, and metrics of their own. */
export interface ReadOptions {
  /**
   * Where a first start begins; a job that goes on from a checkpoint keeps what it began with, and says so. `timestamp`: rows with
   * an earlier event time do not go on (metric `beforeStart`), which takes a watermark on this source.
   */
  readonly startAt?: { readonly timestamp: string | Date };
  /** Not more rows than this, over all of the source. What waits is not idle. */
  readonly rate?: Rate;
  /**
   * The share of rows that go on, above 0 and at most 1, chosen by a hash of the split's id and the row's number in it: the same
   * rows in every run from the same start (metric `sampledOut`). A checkpoint keeps the share that it was begun with.
   */
  readonly sample?: number;
}

/** How the files of a source are read. */
export interface FileReadOptions extends Omit<ReadOptions, 'startAt'> {
  /**
   * Files are read to their end and then waited on, like `tail -F`; new files that match are read too. The source is live: it
   * ends with `drain`. Default: false.
   */
  readonly follow?: boolean | FollowOptions;
  /**
   * Where a first start begins; a job that goes on from a checkpoint is told that this was passed over. `timestamp`: as of any
   * source. `offset`: the first line that begins at this byte or after it, of one file. 'end': what comes from then on, of
   * files that are followed.
   */
  readonly startAt?: { readonly timestamp: string | Date } | { readonly offset: number } | 'end';
}

/** How files are followed, in numbers. */
export interface FollowSettings {
  readonly pollMs: number;
  readonly waitMs: number;
  readonly onLoss: 'fail' | 'continue';
}

/** Where reading a file begins on a first start. */
export type StartPosition = number | 'end' | undefined;

export interface Reading {
  readonly intake: IntakeSpec;
  readonly position: StartPosition;
  /** As messages say it. */
  readonly startsAt: string | undefined;
}

export const FILE_READ_OPTIONS = ['follow', 'startAt', 'rate', 'sample'] as const;
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

/** What startAt, rate and sample mean; which of them fit together with the rest is the source's to say. */
export function readingOf({ startAt, rate, sample }: Omit<FileReadOptions, 'follow'>, where: string): Reading {
  const rowsPerSecond = rate === undefined ? undefined : rateOf(rate, where);
  if (sample !== undefined && !(typeof sample === 'number' && sample > 0 && sample <= 1))
    throw wrong(`sample of ${where}`, 'a share of rows, above 0 and at most 1', sample);
  const { fromMs, position, text } = startFrom(startAt, where);
  const asked = [text, sample === undefined ? undefined : `sample ${sample}`].filter((each) => each !== undefined);
  return {
    intake: { rowsPerSecond, sample, fromMs },
    position,
    startsAt: asked.length === 0 ? undefined : asked.join(', '),
  };
}

interface Start {
  readonly fromMs?: number;
  readonly position?: StartPosition;
  readonly text?: string;
}

function startFrom(startAt: FileReadOptions['startAt'], where: string): Start {
  if (startAt === undefined) return {};
  if (startAt === 'end') return { position: 'end', text: "startAt 'end'" };
  const given: { readonly timestamp?: string | Date; readonly offset?: number } = isRecord(startAt) ? startAt : {};
  const { timestamp, offset } = given;
  if (offset !== undefined && timestamp === undefined && Number.isSafeInteger(offset) && offset >= 0)
    return { position: offset, text: `startAt byte ${offset}` };
  if (timestamp === undefined || offset !== undefined || !(typeof timestamp === 'string' || timestamp instanceof Date))
    throw wrong(
      `startAt of ${where}`,
      "{ timestamp: '2001-01-03T10:00Z' }, { offset: a number of bytes } or 'end'",
      startAt,
    );
  const fromMs = instantMs(timestamp);
  return { fromMs, text: `startAt ${formatTime(fromMs)}` };
}

function rateOf(rate: string, where: string): number {
  const parts = /^(\d+(?:\.\d+)?) rows\/(s|minute|hour)$/.exec(String(rate));
  const rows = Number(parts?.[1]);
  if (parts === null || !(rows > 0)) throw wrong(`rate of ${where}`, "above zero, such as '1000 rows/s'", rate);
  return rows / { s: 1, minute: 60, hour: 3600 }[parts[2] as 's' | 'minute' | 'hour']; // what the expression lets through
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
