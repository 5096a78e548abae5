/**
 * A file of bids read again and again, as if its event time went on: each lap's timestamps are shifted behind those of the
 * lap before. The reading and parsing are those of ndjsonFiles; what is added is one addition per row.
 *
 * Invariants
 *  1. Positions go on from lap to lap, so quanta and checkpoints see one long split.
 *  2. `lapMs` is a multiple of the window, so windows of a lap are those of the first, shifted.
 * Not here: what a peer reads as laps (peers/plain-js.ts).
 */
import { ndjsonFiles } from '../../node/connectors/ndjson-files.ts';
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SourceSplit, SplitReader } from '../../src/connector/source.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { requireColumn, type TableSchema } from '../../src/data/schema.ts';

export interface Laps {
  readonly path: string;
  readonly laps: number;
  /** Instead of `laps`: the lap in which so many checkpoints have been cut is the last. */
  readonly untilCuts?: number | undefined;
  /** Told how many laps were read, when it was not known before. */
  readonly onEnd?: (laps: number) => void;
  readonly lapMs: number;
  /** The column to shift, int64 or a timestamp in ms. */
  readonly column: string;
}

export function lapSource(schema: TableSchema, options: Laps): SourceConnector {
  const files = ndjsonFiles(options.path, schema);
  let one: SourceSplit = { id: 'none' };
  return {
    schema,
    live: false,
    quantum: files.quantum,
    async splits() {
      [one = one] = await files.splits();
      return [options.untilCuts === undefined ? { id: 'laps', size: (one.size ?? 0) * options.laps } : { id: 'laps' }];
    },
    async open(_split, offset, context) {
      if (offset !== undefined) throw new Error('a bench starts from the beginning');
      const reader = await files.open(one, undefined, context);
      const open = (): Promise<SplitReader> => files.open(one, undefined, context);
      return new LapReader(
        reader,
        open,
        one.size ?? 0,
        options,
        context,
        requireColumn(schema, options.column, 'laps'),
      );
    },
  };
}

class LapReader implements SplitReader {
  #reader: SplitReader;
  readonly #open: () => Promise<SplitReader>;
  readonly #size: number;
  readonly #options: Laps;
  readonly #context: ReaderContext;
  readonly #column: number;
  #lap = 0;
  /** The reader of the next lap, opened ahead. */
  #next: SplitReader | undefined;
  #opening: Promise<void> = Promise.resolve();
  /** This lap is at its end, and the next one's reader is not there yet. */
  #isBetween = false;
  #fastRows = 0;
  #generalRows = 0;
  /** The engine asks for the offset at a cut, and at no other time while it runs. */
  #cuts = 0;

  constructor(
    reader: SplitReader,
    open: () => Promise<SplitReader>,
    size: number,
    options: Laps,
    context: ReaderContext,
    column: number,
  ) {
    this.#reader = reader;
    this.#open = open;
    this.#size = size;
    this.#options = options;
    this.#context = context;
    this.#column = column;
    this.#openNext();
  }

  #openNext(): void {
    if (this.#options.untilCuts === undefined && this.#lap + 1 >= this.#options.laps) return;
    this.#opening = this.#open().then((reader) => {
      this.#next = reader;
    });
  }

  get position(): number {
    return this.#lap * this.#size + this.#reader.position;
  }

  get counters(): { readonly fastRows: number; readonly generalRows: number } {
    const { fastRows = 0, generalRows = 0 } = this.#reader.counters ?? {};
    return { fastRows: this.#fastRows + fastRows, generalRows: this.#generalRows + generalRows };
  }

  poll(quantumEnd: number): Poll {
    const polled = this.#reader.poll(quantumEnd - this.#lap * this.#size);
    if (polled !== 'end') return typeof polled === 'string' ? polled : this.#shifted(polled);
    if (this.#isLast) {
      this.#options.onEnd?.(this.#lap + 1);
      return 'end';
    }
    this.#isBetween = this.#next === undefined;
    if (this.#next === undefined) return 'wait';
    ({ fastRows: this.#fastRows, generalRows: this.#generalRows } = this.counters);
    void this.#reader.close();
    this.#reader = this.#next;
    this.#next = undefined;
    this.#lap++;
    this.#openNext();
    return this.poll(quantumEnd);
  }

  get #isLast(): boolean {
    const { laps, untilCuts } = this.#options;
    return untilCuts === undefined ? this.#lap + 1 === laps : this.#cuts >= untilCuts;
  }

  #shifted(batch: RecordBatch): RecordBatch {
    const { u32, i32 } = this.#context.kernels.memory;
    const from = (batch.columns[this.#column]?.values ?? 0) >>> 2;
    const shift = this.#lap * this.#options.lapMs;
    for (let at = from; shift !== 0 && at < from + batch.rows * 2; at += 2) {
      const low = (u32[at] ?? 0) + shift;
      u32[at] = low;
      if (low >= 2 ** 32) i32[at + 1] = (i32[at + 1] ?? 0) + 1;
    }
    return batch;
  }

  async ready(): Promise<void> {
    if (this.#isBetween) await this.#opening;
    else await this.#reader.ready();
  }

  offset(): Json {
    this.#cuts++;
    return this.position;
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#next?.close();
    await this.#reader.close();
  }
}
