/**
 * Growing files as a live source: a split for each name, with as many files as the name has had.
 *
 * Invariants
 *  1. All splits are found while the job runs, those of the start in the first round: only then is known which files an
 *     earlier run has read under other names.
 *  2. Nothing that matches yet is nothing wrong; a folder that is not there is (E1504).
 * Not here: rounds (lookout.ts), files (followed-split.ts), bytes to rows (src/format).
 */
import { stat } from 'node:fs/promises';
import { assert } from '../../src/base/assert.ts';
import { UserError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import { NewSplits } from '../../src/connector/new-splits.ts';
import {
  QUANTUM_BYTES,
  type ReaderContext,
  type SourceConnector,
  type SourceSplit,
  type SplitReader,
} from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { type FileWatch, systemFileWatch } from './file-watch.ts';
import { foldersOf } from './glob.ts';
import type { LineRules } from './line-start.ts';
import { Lookout } from './lookout.ts';
import type { FollowSettings, StartPosition } from './read-options.ts';
import { type Content, decoderOptions, type RecordFormat, RecordReader } from './record-reader.ts';

/** Many files may be followed by one job, most of them silent. */
const CHUNK_BYTES_MAX = 65_536;

export interface FollowedSource {
  readonly patterns: readonly string[];
  readonly schema: TableSchema;
  readonly format: RecordFormat;
  readonly follow: FollowSettings;
  /** Where files that are there at a first start are begun: at a byte, or behind their last line. */
  readonly startAt?: StartPosition;
  readonly lines: LineRules;
  /** The system's unless a test brings its own. */
  readonly watch?: FileWatch;
}

export function followedSource(source: FollowedSource): SourceConnector {
  const { patterns, schema, follow, lines, watch = systemFileWatch } = source;
  let lookout: Lookout | undefined;
  return {
    schema,
    live: true,
    quantum: QUANTUM_BYTES,
    async splits() {
      await requireFolders(patterns);
      return [];
    },
    discover(clock) {
      lookout = new Lookout(patterns, { ...follow, lines }, { clock, watch });
      return new NewSplits(lookout);
    },
    open(split, offset, context) {
      assert(lookout !== undefined, 'followed files are opened after discovery has begun');
      return openSplit(source, lookout, split, offset, context);
    },
  };
}

async function openSplit(
  { schema, format, startAt }: FollowedSource,
  lookout: Lookout,
  { id }: SourceSplit,
  offset: Json | undefined,
  context: ReaderContext,
): Promise<SplitReader> {
  const chunkBytes = Math.min(context.chunkBytes, CHUNK_BYTES_MAX);
  const chunks = await lookout.open(id, offset, chunkBytes, context.isFirstStart === true ? startAt : undefined);
  try {
    const part = decoderOptions({ schema, split: id, offset: chunks.position, chunkBytes }, context);
    const beginning = (): Promise<Content> => chunks.beginning(chunkBytes);
    return new RecordReader(chunks, await format({ ...part, path: id, beginning }));
  } catch (error) {
    await chunks.close();
    throw error;
  }
}

async function requireFolders(patterns: readonly string[]): Promise<void> {
  for (const folder of foldersOf(patterns)) {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() === true) continue;
    const hint = `files that are not there yet are waited for, but their folder must be there: ${folder}`;
    throw new UserError('E1504', { pattern: patterns.join(', ') }, { hint });
  }
}
