/**
 * What the sinks of benches share: they read every row, and keep nothing that a restart would need.
 *
 * Not here: what a bench does with the rows it reads.
 */
import type { Json } from '../../src/base/json.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';

export interface Reading {
  /** Reads every column of every row; the batch is borrowed. */
  write(batch: RecordBatch, memory: LinearMemory): void;
  /** Read so far. */
  bytes(): number;
  /** What there is to commit with a checkpoint; nothing unless said otherwise. */
  prepared?(): Json;
}

const nothing = async (): Promise<undefined> => undefined;

export function readingSink({ write, bytes, prepared }: Reading): SinkConnector {
  return {
    accepts: 'inserts',
    open: async ({ kernels: { memory } }) => ({
      fence: nothing,
      recover: nothing,
      prepare: async () => prepared?.(),
      commit: nothing,
      close: nothing,
      ready: () => undefined,
      get bytesWritten() {
        return bytes();
      },
      write: (batch) => write(batch, memory),
    }),
  };
}
