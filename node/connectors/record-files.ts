/** Files of records, read to their end or followed: which reader an option asks for, and what does not go together. */
import type { SourceConnector } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { fileSource, type RecordFormat } from './file-source.ts';
import { followedSource } from './followed-source.ts';
import { type FileReadOptions, followSettings, requireKnown } from './read-options.ts';

export interface RecordFiles {
  readonly patterns: string | readonly string[];
  readonly schema: TableSchema;
  readonly format: RecordFormat;
  /** What messages call the source. */
  readonly where: string;
}

const OPTIONS = ['follow'];

/** Throws E1009 and E1006 for options that are none or do not fit. */
export function recordFiles(files: RecordFiles, options: FileReadOptions): SourceConnector {
  const { patterns, schema, format, where } = files;
  requireKnown(options, OPTIONS, where);
  const follow = followSettings(options.follow, where);
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  const connector =
    follow === undefined
      ? fileSource(list, schema, format)
      : followedSource({ patterns: list, schema, format, follow });
  return { ...connector, withReading: (more) => recordFiles(files, { ...options, ...more }) };
}
