/**
 * Chunks through a decoder: the reader of a split of records, wherever its bytes come from.
 *
 * Not here: chunks of files (chunks.ts), of files that grow (followed-split.ts), of dead letters (content-chunks.ts).
 */
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, ReaderCounters, SplitReader } from '../../src/connector/source.ts';
import type { DecoderOptions, RecordDecoder } from '../../src/format/record-decoder.ts';
import type { Chunks } from './chunks.ts';

/** The content of a file from somewhere on: the decoder's options, and what a format may need to know of the rest. */
export interface ContentPart extends DecoderOptions {
  /** The file as messages name it. */
  readonly path: string;
  /** The content from its beginning (byte `start` of the file), for formats that say there what follows. */
  readonly beginning: () => Promise<Content>;
}

export interface Content {
  readonly chunks: Chunks;
  readonly start: number;
}

/** Makes the decoder of one part of a file. */
export type RecordFormat = (part: ContentPart) => RecordDecoder | Promise<RecordDecoder>;

/** What a decoder needs to know of the reader that it works for. */
export function decoderOptions(
  place: Pick<DecoderOptions, 'schema' | 'split' | 'chunkBytes'> & { readonly offset: number },
  context: ReaderContext,
): DecoderOptions {
  const { kernels, columns, batchRows, source, splitIndex } = context;
  return {
    ...place,
    kernels,
    columns,
    batchRows,
    source,
    origin: { source, split: splitIndex },
    deadLetter: (letter) => context.deadLetter(letter),
  };
}

/** Chunks through a decoder. */
export class RecordReader implements SplitReader {
  readonly #chunks: Chunks;
  readonly #decoder: RecordDecoder;

  constructor(chunks: Chunks, decoder: RecordDecoder) {
    this.#chunks = chunks;
    this.#decoder = decoder;
  }

  get position(): number {
    return this.#decoder.position;
  }

  get counters(): ReaderCounters {
    const { filesLost } = this.#chunks;
    return filesLost === undefined ? this.#decoder.counters : { ...this.#decoder.counters, filesLost };
  }

  offset(): Json {
    return this.#chunks.offsetAt?.(this.#decoder.position) ?? this.#decoder.position;
  }

  poll(quantumEnd: number): Poll {
    while (true) {
      const answer = this.#decoder.next(quantumEnd);
      if (answer === 'limit') return 'quantum end';
      if (answer !== 'need input') return answer;
      const given = this.#chunks.next(this.#decoder);
      if (given === 'wait') return 'wait';
      if (given === 'part end') this.#decoder.endPart();
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
