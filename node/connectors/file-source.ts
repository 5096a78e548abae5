/**
 * Files of records as a source: replayable, one split each, whatever the format.
 *
 * Invariants
 *  1. Splits are the files sorted by id, and an id is a path inside the folder that the patterns share: the order and
 *     the names in checkpoints are the same on every machine.
 *  2. Offsets are bytes of the content: of the file, or of the text of a gzip file, whose size nobody knows before it is
 *     read. What is read depends on them alone, not on chunks.
 * Not here: chunks through a decoder (record-reader.ts), bytes to rows (src/format), reading ahead (chunks.ts), patterns
 * (glob.ts).
 */
import { assert } from '../../src/base/assert.ts';
import { ExternalError, UserError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import {
  QUANTUM_BYTES,
  type ReaderContext,
  type SourceConnector,
  type SourceSplit,
  type SplitReader,
} from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { FileChunks } from './chunks.ts';
import { expandGlobs, type FoundFile } from './glob.ts';
import { GzipChunks, isGzip } from './gzip-chunks.ts';
import { type LineRules, recordAt } from './line-start.ts';
import { type Content, decoderOptions, type RecordFormat, RecordReader } from './record-reader.ts';

/** Small files do not need a whole chunk of memory each. */
export const CHUNK_BYTES_MIN = 16_384;

interface StartAt {
  readonly at: number;
  readonly lines: LineRules;
}

/** Records of the files that a glob, or several, name. */
export function fileSource(
  patterns: string | readonly string[],
  schema: TableSchema,
  format: RecordFormat,
  /** A first start begins with the first record at or after this byte of the only file. */
  startAt?: StartAt,
): SourceConnector {
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  let files: readonly RecordFile[] = [];
  return {
    schema,
    live: false,
    quantum: QUANTUM_BYTES,
    async splits() {
      files = await findRecordFiles(list);
      return files.map(({ id, bytes, isCompressed }): SourceSplit => (isCompressed ? { id } : { id, size: bytes }));
    },
    async open(split, offset, context) {
      if (files.length === 0) files = await findRecordFiles(list);
      const file = files.find(({ id }) => id === split.id);
      if (file === undefined) {
        throw new ExternalError(
          'E1501',
          { path: split.id, problem: 'the file is gone' },
          { hint: `no file of this name matches ${list.join(', ')}` },
        );
      }
      const start = startAt !== undefined && context.isFirstStart === true ? startByteOf(file, startAt) : undefined;
      try {
        return await openFile(file, offset ?? start, context, schema, format);
      } catch (error) {
        throw hasRoom(context) ? error : tooMany(list, files.length, context.splitIndex, error);
      }
    },
  };
}

/** Less than a reader needs at least. */
const ROOM_BYTES_MIN = 1 << 20;

const hasRoom = ({ kernels }: ReaderContext): boolean => kernels.maxBytes - kernels.takenBytes() >= ROOM_BYTES_MIN;

/** All files are open from the start, so that event time decides which of them is read on. */
const tooMany = (patterns: readonly string[], files: number, opened: number, cause: unknown): UserError =>
  new UserError(
    'E1501',
    {
      path: patterns.join(', '),
      problem: `all of its ${files} files are read side by side, and memory has room for ${opened}`,
    },
    { hint: "allow more memory (such as '1 GB'), or put files that belong together into one", cause },
  );

function startByteOf({ path, isCompressed }: RecordFile, { at, lines }: StartAt): number | undefined {
  if (!isCompressed) return recordAt(path, at, lines);
  const problem = 'it is compressed: its bytes are not those of its records';
  const hint = 'decompress it, or start at a timestamp';
  throw new UserError('E1510', { source: path, option: `startAt { offset: ${at} }`, problem }, { hint });
}

/** A file, and whether it is gzip. */
export interface RecordFile extends FoundFile {
  readonly isCompressed: boolean;
}

/** The files of all patterns. E1504 for a pattern that names none, E1501 for one that cannot be read. */
export async function findRecordFiles(patterns: readonly string[]): Promise<readonly RecordFile[]> {
  const found: RecordFile[] = [];
  for (const file of await expandGlobs(patterns)) found.push({ ...file, isCompressed: await isGzip(file.path) });
  return found;
}

/** The content of a file from byte `from` on, or from its beginning. */
export const openContent = (
  { path, isCompressed }: RecordFile,
  from: number | undefined,
  chunkBytes: number,
): Promise<Content> => (isCompressed ? GzipChunks.open(path, from) : FileChunks.open(path, from, chunkBytes));

async function openFile(
  file: RecordFile,
  offset: Json | undefined,
  context: ReaderContext,
  schema: TableSchema,
  format: RecordFormat,
): Promise<SplitReader> {
  assert(offset === undefined || typeof offset === 'number', 'the offset of a file is a number of bytes');
  const { id, path, bytes, isCompressed } = file;
  const chunkBytes = isCompressed ? context.chunkBytes : Math.min(context.chunkBytes, Math.max(CHUNK_BYTES_MIN, bytes));
  const { chunks, start } = await openContent(file, offset, chunkBytes);
  try {
    const decoder = await format({
      ...decoderOptions({ schema, split: id, offset: start, chunkBytes }, context),
      path,
      beginning: () => openContent(file, undefined, CHUNK_BYTES_MIN),
    });
    return new RecordReader(chunks, decoder);
  } catch (error) {
    await chunks.close();
    throw error;
  }
}
