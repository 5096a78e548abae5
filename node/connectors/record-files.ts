/** Files of records, read to their end or followed: which reader the options ask for, and what does not go together. */
import { ExternalError, UserError } from '../../src/base/errors.ts';
import type { SourceConnector } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { CHUNK_BYTES_MIN, fileSource, findRecordFiles, openContent } from './file-source.ts';
import { followedSource } from './followed-source.ts';
import { isCompressed, isPattern } from './glob.ts';
import type { LineRules } from './line-start.ts';
import {
  FILE_READ_OPTIONS,
  type FileReadOptions,
  followSettings,
  type Reading,
  readingOf,
  requireKnown,
} from './read-options.ts';
import { openKept } from './letters.ts';
import type { Content, RecordFormat } from './record-reader.ts';
import { withIntake } from './with-intake.ts';

export interface RecordFiles {
  readonly patterns: string | readonly string[];
  readonly schema: TableSchema;
  readonly format: RecordFormat;
  /** What messages call the source. */
  readonly where: string;
  readonly lines: LineRules;
}

/** Throws E1009, E1006 and E1510 for options that are none, are wrong, or do not fit. */
export function recordFiles(files: RecordFiles, options: FileReadOptions): SourceConnector {
  const { patterns, schema, format, where, lines } = files;
  requireKnown(options, FILE_READ_OPTIONS, where);
  const follow = followSettings(options.follow, where);
  const reading = readingOf(options, where);
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  checkPosition(reading, list, follow !== undefined, where);
  if (follow !== undefined) checkFollowed(list, where);
  const startAt = reading.position;
  const connector =
    follow === undefined
      ? fileSource(
          list,
          schema,
          format,
          startAt === 'end' || startAt === undefined ? undefined : { at: startAt, lines },
        )
      : followedSource({ patterns: list, schema, format, follow, startAt, lines });
  return {
    ...withIntake(connector, reading, where),
    openLetters: (kept, offset, context) =>
      openKept({ schema, format, beginning: () => beginningOf(kept.split, list) }, kept, offset, context),
    withReading: (more) => recordFiles(files, { ...options, ...more }),
  };
}

/** For records that a header names: it stands in the file that they came from. */
async function beginningOf(split: string, patterns: readonly string[]): Promise<Content> {
  const file = (await findRecordFiles(patterns)).find(({ id }) => id === split);
  if (file !== undefined) return openContent(file, undefined, CHUNK_BYTES_MIN);
  throw new ExternalError('E1501', { path: split, problem: 'the file that its dead letters came from is gone' });
}

/** Compressed files are written once, not line by line. */
function checkFollowed(patterns: readonly string[], where: string): void {
  const compressed = patterns.find((pattern) => !isPattern(pattern) && isCompressed(pattern));
  if (compressed === undefined) return;
  const problem = `${compressed} is compressed, and such files do not grow line by line`;
  throw new UserError('E1510', { source: where, option: 'follow', problem }, { hint: 'read it without follow' });
}

function checkPosition({ position }: Reading, patterns: readonly string[], isFollowed: boolean, where: string): void {
  if (position === undefined) return;
  const refuse = (option: string, problem: string, hint: string): UserError =>
    new UserError('E1510', { source: where, option, problem }, { hint });
  if (position === 'end' && !isFollowed)
    throw refuse("startAt 'end'", 'there is nothing to read behind the end', 'say follow: true as well');
  if (position !== 'end' && (patterns.length !== 1 || patterns.some(isPattern))) {
    const option = `startAt { offset: ${position} }`;
    throw refuse(option, 'an offset is a byte of one file', 'name one file, or start at a timestamp');
  }
}
