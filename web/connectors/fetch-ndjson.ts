/**
 * NDJSON over fetch: each URL is a split, its body is read as it streams in.
 *
 * Invariants
 *  1. Positions are byte offsets of the body without content coding. A reader that continues asks for the rest with a
 *     range; a server that answers with the whole body is read from the front and skipped forward.
 *  2. A body that is another one than when the offset was made (by its ETag) is an error, never a different replay.
 *  3. At most `bufferBytes` are read ahead (and the part that crosses it); the connection is left to wait meanwhile.
 *  4. A broken connection rejects `ready` with a retry hint: the job goes on from its last checkpoint.
 * Not here: what a line means (the decoder), requests (fetch-body.ts).
 */
import { ExternalError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import {
  type DeadLetter,
  type Poll,
  QUANTUM_BYTES,
  type ReaderContext,
  type SourceConnector,
  type SourceSplit,
  type SplitReader,
} from '../../src/connector/source.ts';
import type { BatchOrigin, RecordBatch } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { NdjsonDecoder } from '../../src/format/ndjson.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { type BodyPlace, FetchBody } from './fetch-body.ts';

/** Bytes in, batches out: what this source needs of a decoder of lines. */
export interface LineDecoder {
  readonly position: number;
  push(bytes: Uint8Array): void;
  end(): void;
  next(limitOffset: number): RecordBatch | 'need input' | 'limit' | 'end';
}

export interface LineDecoderOptions {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  readonly columns: ReadonlySet<string>;
  readonly batchRows: number;
  readonly chunkBytes: number;
  readonly offset: number;
  readonly source: string;
  readonly split: string;
  readonly origin: BatchOrigin;
  deadLetter(letter: DeadLetter): void;
}

export interface FetchNdjsonOptions {
  /** Makes the decoder of one split, for tests; otherwise that of NDJSON. */
  readonly decoder?: (options: LineDecoderOptions) => LineDecoder;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes read ahead of the engine, for each split. 4 MB unless said otherwise. */
  readonly bufferBytes?: number;
  readonly fetch?: typeof fetch;
}

const BUFFER_BYTES = 4 << 20;

/** A source over URLs by their logical names: `{ january: 'https://…/2024-01.ndjson' }`. */
export function fetchNdjson(
  urls: Readonly<Record<string, string>>,
  schema: TableSchema,
  options: FetchNdjsonOptions = {},
): SourceConnector {
  const ids = Object.keys(urls).sort();
  const makeDecoder = options.decoder ?? ((given): LineDecoder => new NdjsonDecoder(given));
  return {
    schema,
    live: false,
    quantum: QUANTUM_BYTES,
    splits: async () => ids.map((id) => ({ id })),
    open: async ({ id }: SourceSplit, offset: Json | undefined, context: ReaderContext) => {
      const url = urls[id];
      if (url === undefined)
        throw new ExternalError('E1501', { path: `split ${id}`, problem: 'the source has no such split' });
      const place = placeOf(offset, url);
      const decoder = makeDecoder({
        kernels: context.kernels,
        schema,
        columns: context.columns,
        batchRows: context.batchRows,
        chunkBytes: context.chunkBytes,
        offset: place.position,
        source: context.source,
        split: id,
        origin: { source: context.source, split: context.splitIndex },
        deadLetter: (letter) => context.deadLetter(letter),
      });
      const { headers = {}, bufferBytes = BUFFER_BYTES, fetch = globalThis.fetch } = options;
      const body = new FetchBody({
        url,
        place,
        headers,
        bufferBytes,
        chunkBytes: context.chunkBytes,
        fetch: (...args) => fetch(...args),
      });
      return new FetchReader(decoder, body);
    },
  };
}

class FetchReader implements SplitReader {
  readonly #decoder: LineDecoder;
  readonly #body: FetchBody;

  constructor(decoder: LineDecoder, body: FetchBody) {
    this.#decoder = decoder;
    this.#body = body;
  }

  get position(): number {
    return this.#decoder.position;
  }

  poll(quantumEnd: number): Poll {
    for (;;) {
      const answer = this.#decoder.next(quantumEnd);
      if (answer === 'limit') return 'quantum end';
      if (answer !== 'need input') return answer;
      const bytes = this.#body.take();
      if (bytes === 'wait') return 'wait';
      if (bytes === 'end') this.#decoder.end();
      else this.#decoder.push(bytes);
    }
  }

  ready(): Promise<void> {
    return this.#body.ready();
  }

  offset(): Json {
    const { etag } = this.#body;
    return etag === undefined ? { position: this.position } : { position: this.position, etag };
  }

  close(): Promise<void> {
    return this.#body.close();
  }
}

function placeOf(offset: Json | undefined, url: string): BodyPlace {
  if (offset === undefined) return { position: 0, etag: undefined };
  if (typeof offset === 'object' && offset !== null && 'position' in offset && typeof offset.position === 'number') {
    const etag = 'etag' in offset && typeof offset.etag === 'string' ? offset.etag : undefined;
    return { position: offset.position, etag };
  }
  throw new ExternalError('E1501', { path: url, problem: `${JSON.stringify(offset)} is not an offset in it` });
}
