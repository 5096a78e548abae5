/** A source whose splits give rows when a test lets them: for the order in which splits and sources take turns. */
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import { BatchBuilder } from '../../src/format/batch-builder.ts';
import type { TableSchema } from '../../src/data/schema.ts';

export const SCRIPTED: TableSchema = {
  fields: [
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'split', type: { kind: 'int32', nullable: false } },
  ],
};

export interface ScriptedSplit {
  /** Timestamps of its rows; each row is one unit. */
  readonly times: readonly number[];
  /** Rows that have arrived; all when left out. */
  arrived?: number;
  /** Units that follow the last row and are no rows. */
  readonly tail?: number;
}

export interface ScriptedOptions {
  readonly live?: boolean;
  readonly quantum?: number;
  readonly isSizeKnown?: boolean;
  readonly batchRows?: number;
}

export function scriptedSource(
  splits: readonly ScriptedSplit[],
  options: ScriptedOptions = {},
): SourceConnector & { readonly closed: number[] } {
  const closed: number[] = [];
  const sizeOf = ({ times, tail = 0 }: ScriptedSplit): number => times.length + tail;
  return {
    closed,
    schema: SCRIPTED,
    live: options.live ?? false,
    quantum: options.quantum ?? 10,
    splits: async () =>
      splits.map((split, i) => ({ id: String(i), ...(options.isSizeKnown === false ? {} : { size: sizeOf(split) }) })),
    async open({ id }, offset, context) {
      const split = splits[Number(id)] ?? { times: [] };
      return new ScriptedReader(split, Number(offset ?? 0), context, options.batchRows ?? 3, () =>
        closed.push(Number(id)),
      );
    },
  };
}

class ScriptedReader implements SplitReader {
  readonly #split: ScriptedSplit;
  readonly #builder: BatchBuilder;
  readonly #context: ReaderContext;
  readonly #onClose: () => void;
  position: number;

  constructor(split: ScriptedSplit, position: number, context: ReaderContext, batchRows: number, onClose: () => void) {
    this.#split = split;
    this.#context = context;
    this.#builder = new BatchBuilder(context.kernels, SCRIPTED, batchRows);
    this.#onClose = onClose;
    this.position = position;
  }

  poll(quantumEnd: number): Poll {
    const { times, tail = 0, arrived = times.length + tail } = this.#split;
    if (this.position >= quantumEnd) return 'quantum end';
    if (this.position >= times.length + tail) return 'end';
    if (this.position >= times.length) {
      this.position = Math.min(times.length + tail, quantumEnd);
      return this.position === times.length + tail ? 'end' : 'quantum end';
    }
    if (this.position >= arrived) return 'wait';
    this.#builder.reset();
    while (!this.#builder.isFull && this.position < Math.min(times.length, arrived, quantumEnd)) {
      this.#builder.append({ at: times[this.position] ?? 0, split: this.#context.splitIndex });
      this.position++;
    }
    return this.#builder.finish({ source: this.#context.source, split: this.#context.splitIndex });
  }

  async ready(): Promise<void> {
    const { times, arrived = times.length } = this.#split;
    if (this.position >= arrived && arrived < times.length) await new Promise<void>(() => undefined);
  }

  offset(): Json {
    return this.position;
  }

  async close(): Promise<void> {
    this.#onClose();
  }
}
