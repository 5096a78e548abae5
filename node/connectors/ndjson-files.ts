/**
 * NDJSON from files (replayable, one split each) and from standard input (read once).
 *
 * Invariants
 *  1. Splits are the files sorted by id, and an id is a path inside the folder that the patterns share: the order and
 *     the names in checkpoints are the same on every machine.
 *  2. Offsets are bytes of the file. What is read depends on them alone, not on chunks.
 * Not here: bytes to rows (src/format/ndjson.ts), reading ahead (chunks.ts), patterns (glob.ts).
 */
import { assert } from '../../src/base/assert.ts';
import { ExternalError, UserError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import type {
  Poll,
  ReaderContext,
  ReaderCounters,
  SourceConnector,
  SourceSplit,
  SplitReader,
} from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { NdjsonDecoder } from '../../src/format/ndjson.ts';
import { type Chunks, FileChunks, StreamChunks } from './chunks.ts';
import { expandGlobs, type FoundFile } from './glob.ts';

const QUANTUM_BYTES = 262_144;
/** Small files do not need a whole chunk of memory each. */
const CHUNK_BYTES_MIN = 16_384;

/** Lines of the files that a glob, or several, name. */
export function ndjsonFiles(patterns: string | readonly string[], schema: TableSchema): SourceConnector {
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  let files: readonly FoundFile[] = [];
  return {
    schema,
    live: false,
    quantum: QUANTUM_BYTES,
    async splits() {
      files = await expandGlobs(list);
      return files.map(({ id, bytes }): SourceSplit => ({ id, size: bytes }));
    },
    async open(split, offset, context) {
      if (files.length === 0) files = await expandGlobs(list);
      const file = files.find(({ id }) => id === split.id);
      if (file === undefined) {
        throw new ExternalError(
          'E1501',
          { path: split.id, problem: 'the file is gone' },
          { hint: `no file of this name matches ${list.join(', ')}` },
        );
      }
      return openFile(file, split, offset, context, schema);
    },
  };
}

async function openFile(
  file: FoundFile,
  split: SourceSplit,
  offset: Json | undefined,
  context: ReaderContext,
  schema: TableSchema,
): Promise<SplitReader> {
  assert(offset === undefined || typeof offset === 'number', 'the offset of a file is a number of bytes');
  const chunkBytes = Math.min(context.chunkBytes, Math.max(CHUNK_BYTES_MIN, file.bytes));
  const { chunks, start } = await FileChunks.open(file.path, offset, chunkBytes);
  return new NdjsonSplitReader(chunks, decoderOf(schema, split, start, chunkBytes, context));
}

/** Lines of standard input. They cannot be read again: after a crash a job starts on whatever follows, and says so. */
export function stdin(schema: TableSchema, input: AsyncIterable<Uint8Array> = process.stdin): SourceConnector {
  return {
    schema,
    live: true,
    quantum: QUANTUM_BYTES,
    splits: async () => [{ id: 'stdin' }],
    async open(split, offset, context) {
      if (offset !== undefined && offset !== 0) {
        throw new UserError(
          'E1506',
          { source: 'standard input' },
          { hint: 'read from files, or start without the earlier state' },
        );
      }
      return new NdjsonSplitReader(
        new StreamChunks(input, 'standard input'),
        decoderOf(schema, split, 0, context.chunkBytes, context),
      );
    },
  };
}

function decoderOf(
  schema: TableSchema,
  split: SourceSplit,
  offset: number,
  chunkBytes: number,
  context: ReaderContext,
): NdjsonDecoder {
  const { kernels, columns, batchRows, source, splitIndex } = context;
  return new NdjsonDecoder({
    kernels,
    schema,
    columns,
    batchRows,
    chunkBytes,
    offset,
    source,
    split: split.id,
    origin: { source, split: splitIndex },
    deadLetter: (letter) => context.deadLetter(letter),
  });
}

class NdjsonSplitReader implements SplitReader {
  readonly #chunks: Chunks;
  readonly #decoder: NdjsonDecoder;

  constructor(chunks: Chunks, decoder: NdjsonDecoder) {
    this.#chunks = chunks;
    this.#decoder = decoder;
  }

  get position(): number {
    return this.#decoder.position;
  }

  get counters(): ReaderCounters {
    return this.#decoder.counters;
  }

  offset(): Json {
    return this.#decoder.position;
  }

  poll(quantumEnd: number): Poll {
    while (true) {
      const answer = this.#decoder.next(quantumEnd);
      if (answer === 'limit') return 'quantum end';
      if (answer !== 'need input') return answer;
      const given = this.#chunks.next(this.#decoder);
      if (given === 'wait') return 'wait';
      if (given === 'end') this.#decoder.end();
    }
  }

  ready(): Promise<void> {
    return this.#chunks.ready();
  }

  close(): Promise<void> {
    return this.#chunks.close();
  }
}
