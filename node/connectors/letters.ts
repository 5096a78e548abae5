/**
 * Dead letters fed back: splits of the source that refused them, beside those that it has.
 *
 *   <state>/dead-letters/part-0000000003.ndjson            as they were refused
 *   <state>/dead-letters/repaired/part-0000000003.ndjson   the same file with records that were put right; read in its place
 *
 * Invariants
 *  1. A part's letters of one split are a split that is read once: checkpoints remember it, so that asking again feeds back
 *     only what was refused since.
 *  2. Records are read by the decoder of their source, as if they stood in the split that they came from; what is refused
 *     again is a dead letter again.
 * Not here: which letters there are (letter-files.ts).
 */
import type { Json } from '../../src/base/json.ts';
import type {
  KeptRecords,
  ReaderContext,
  SourceConnector,
  SourceSplit,
  SplitReader,
} from '../../src/connector/source.ts';
import { assert } from '../../src/base/assert.ts';
import { UserError } from '../../src/base/errors.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { ContentChunks } from './content-chunks.ts';
import { type Content, decoderOptions, type RecordFormat, RecordReader } from './record-reader.ts';
import { contentOf, type LetterFiles, letterSplit, originOf, PREFIX } from '../letter-files.ts';

const CHUNK_BYTES = 65_536;
/** The connector with the letters of its source; new ones are listed when they are to be fed back. */
export function withLetters(
  connector: SourceConnector,
  uid: string,
  files: LetterFiles,
  isFedBack: boolean,
): SourceConnector {
  const { openLetters } = connector;
  if (openLetters === undefined) return isFedBack ? refusing(connector, uid, files) : connector;
  return {
    ...connector,
    async splits() {
      const own = await connector.splits();
      return isFedBack ? [...own, ...(await lettersOf(uid, files))] : own;
    },
    async open(split, offset, context) {
      const letters = letterSplit(split.id);
      if (letters === undefined) return connector.open(split, offset, context);
      const content = contentOf(await files.read(letters.part), uid, letters.split);
      return openLetters({ id: split.id, split: letters.split, content }, offset, context);
    },
  };
}

/** For a source that cannot take its letters back: asked for it, it says so instead of passing them over. */
const refusing = (connector: SourceConnector, uid: string, files: LetterFiles): SourceConnector => ({
  ...connector,
  async splits() {
    const letters = await lettersOf(uid, files);
    if (letters.length === 0) return connector.splits();
    throw new UserError('E1511', { problem: `source '${uid}' cannot read records once more; sources of files can` });
  },
});

async function lettersOf(uid: string, files: LetterFiles): Promise<readonly SourceSplit[]> {
  const splits: SourceSplit[] = [];
  for (const part of await files.parts()) {
    const letters = (await files.read(part)).filter(({ operator, split }) => operator === uid && split !== null);
    const origins = new Set(letters.map(({ split }) => originOf(split ?? '')));
    for (const split of [...origins].sort()) splits.push({ id: `${PREFIX}${part}/${split}`, once: true });
  }
  return splits;
}

/** What a source needs to read letters: its format, and the beginning of the split that they came from. */
export interface LetterFormat {
  readonly schema: TableSchema;
  readonly format: RecordFormat;
  readonly beginning: (split: string) => Promise<Content>;
}

/** A reader of `content`, whose first byte is a line break: so a record never stands where a header would. */
export async function openKept(
  { schema, format, beginning }: LetterFormat,
  { id, split, content }: KeptRecords,
  offset: Json | undefined,
  context: ReaderContext,
): Promise<SplitReader> {
  assert(offset === undefined || typeof offset === 'number', 'the offset of letters is a number of bytes');
  const start = offset ?? 1;
  const chunkBytes = Math.min(CHUNK_BYTES, Math.max(1, content.length));
  const part = decoderOptions({ schema, split: id, offset: start, chunkBytes }, context);
  const decoder = await format({ ...part, path: split, beginning: () => beginning(split) });
  return new RecordReader(new ContentChunks(content, start, chunkBytes), decoder);
}
