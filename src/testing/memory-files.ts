/**
 * NDJSON files in memory as a replayable source: each name is a split, its bytes arrive in chunks on the clock of the test.
 *
 *   bytes of a file   |chunk|chunk|chunk|chunk|chunk|
 *   arrivals          <-- one sleep --> <-- next -->        `chunksPerArrival` chunks become readable at once
 *
 * Invariants
 *  1. Splits are the files sorted by name, offsets are bytes: the same rows follow an offset, however the bytes arrive.
 *  2. Rows come through the decoder that reads real files; only where the bytes come from is different.
 *  3. Nothing arrives before the clock says so; the chunk size is that of the job's settings.
 * Not here: real files (the host's), rows as objects (format/collection-source.ts).
 */
import { makeSource, type Source } from '../api/port.ts';
import type { Columns } from '../api/kind.ts';
import { type Schema, tableOf } from '../api/schema.ts';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { ExternalError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../connector/source.ts';
import type { TableSchema } from '../data/schema.ts';
import { NdjsonDecoder } from '../format/ndjson.ts';

/** As of real files. */
const QUANTUM_BYTES = 262_144;

/** What the files in memory may fail of. */
export interface MemoryFilesOptions {
  /** Bytes of a turn; as for real files unless said otherwise. */
  readonly quantumBytes?: number;
  /** When chunks arrive; without a clock all of a file is there at once. */
  readonly clock?: Clock;
  /** Virtual time until the next chunks of a file arrive. 1 ms unless said otherwise. */
  readonly delayMs?: () => number;
  readonly chunksPerArrival?: number;
  /** Reading this file fails at this byte (E1501), each time. */
  readonly failAt?: { readonly file: string; readonly offset: number };
}

/** Files in memory, with the semantics of the disk port. */
export type MemoryFiles = Readonly<Record<string, Uint8Array>>;

/** The lines of several named files as a source for `from`. */
export const memoryFiles = <C extends Columns>(
  files: MemoryFiles,
  schema: Schema<C>,
  options: MemoryFilesOptions = {},
): Source<C> => {
  const table = tableOf(schema, 'the schema of memoryFiles');
  return makeSource(
    schema,
    memoryFilesConnector(files, table, options),
    `memoryFiles(${Object.keys(files).join(', ')})`,
  );
};

export function memoryFilesConnector(
  files: MemoryFiles,
  schema: TableSchema,
  options: MemoryFilesOptions = {},
): SourceConnector {
  const names = Object.keys(files).sort();
  return {
    schema,
    live: false,
    quantum: options.quantumBytes ?? QUANTUM_BYTES,
    splits: async () => names.map((id) => ({ id, size: files[id]?.length ?? 0 })),
    async open(split, offset, context) {
      const bytes = files[split.id];
      if (bytes === undefined) throw new ExternalError('E1501', { path: split.id, problem: 'the file is gone' });
      assert(offset === undefined || typeof offset === 'number', 'the offset of a file is a number of bytes');
      return new MemoryFileReader(split.id, bytes, offset ?? 0, schema, context, options);
    },
  };
}

class MemoryFileReader implements SplitReader {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  readonly #chunkBytes: number;
  readonly #options: MemoryFilesOptions;
  readonly #decoder: NdjsonDecoder;
  /** Bytes before this have arrived. */
  #arrived: number;
  #taken: number;
  #arriving: Promise<void> | undefined;

  constructor(
    name: string,
    bytes: Uint8Array,
    offset: number,
    schema: TableSchema,
    context: ReaderContext,
    options: MemoryFilesOptions,
  ) {
    this.#name = name;
    this.#bytes = bytes;
    this.#chunkBytes = Math.max(1, Math.min(context.chunkBytes, bytes.length));
    this.#options = options;
    this.#arrived = this.#taken = offset;
    const { kernels, columns, batchRows, source, splitIndex } = context;
    this.#decoder = new NdjsonDecoder({
      kernels,
      schema,
      columns,
      batchRows,
      chunkBytes: this.#chunkBytes,
      offset,
      source,
      split: name,
      origin: { source, split: splitIndex },
      deadLetter: (letter) => context.deadLetter(letter),
    });
    this.#awaitMore();
  }

  get position(): number {
    return this.#decoder.position;
  }

  offset(): Json {
    return this.#decoder.position;
  }

  poll(quantumEnd: number): Poll {
    while (true) {
      const answer = this.#decoder.next(quantumEnd);
      if (answer === 'limit') return 'quantum end';
      if (answer !== 'need input') return answer;
      if (this.#taken === this.#bytes.length) this.#decoder.end();
      else if (this.#taken < this.#arrived) this.#push();
      else return 'wait';
    }
  }

  async ready(): Promise<void> {
    await this.#arriving;
    this.#requireReadable(this.#taken);
  }

  async close(): Promise<void> {}

  #push(): void {
    const end = Math.min(this.#taken + this.#chunkBytes, this.#arrived);
    this.#requireReadable(end - 1);
    this.#decoder.push(this.#bytes.subarray(this.#taken, end));
    this.#taken = end;
    if (this.#taken === this.#arrived) this.#awaitMore();
  }

  #requireReadable(offset: number): void {
    const { failAt } = this.#options;
    if (failAt === undefined || failAt.file !== this.#name || offset < failAt.offset) return;
    throw new ExternalError('E1501', { path: this.#name, problem: `byte ${failAt.offset} cannot be read` });
  }

  #awaitMore(): void {
    const { clock, delayMs = () => 1, chunksPerArrival = 1 } = this.#options;
    if (clock === undefined) {
      this.#arrived = this.#bytes.length;
      return;
    }
    const next = Math.min(this.#bytes.length, this.#arrived + this.#chunkBytes * chunksPerArrival);
    if (next === this.#arrived) return;
    this.#arriving = clock.sleep(delayMs()).then(() => {
      this.#arrived = next;
    });
  }
}
