/**
 * The sink port: two-phase commit tied to checkpoints.
 *
 *   write … write  prepare(n)  write … write  prepare(n+1) …
 *                     |  committable, stored in the manifest of checkpoint n
 *                     +------ manifest published ------> commit(n)
 *
 * Invariants
 *  1. What was written before prepare(n) becomes visible by commit of n's committable, and only then.
 *  2. commit is idempotent: recovery repeats it with what the restored manifest holds. When a committable cannot be
 *     committed, it throws, and the job fails; it is never dropped.
 *  3. fence(epoch) happens before the checkpoint to restore is chosen: afterwards no earlier owner can commit anything.
 *  4. recover(committables) commits what the restored checkpoint holds and removes every other pending trace.
 */
import type { Json } from '../base/json.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import type { KernelInstance } from '../kernel/instance.ts';

export interface SinkContext {
  readonly kernels: KernelInstance;
  readonly schema: TableSchema;
  readonly uid: string;
  readonly job: string;
  /** Epoch of this owner of the state; greater than any before. */
  readonly epoch: number;
}

export interface SinkWriter {
  fence(): Promise<void>;
  recover(committables: readonly Json[]): Promise<void>;
  /** Takes the rows before it returns (the batch is borrowed). Never waits: what is not yet out is buffered. */
  write(batch: RecordBatch): void;
  /** Resolves when the buffered bytes are few enough to go on; the task waits for it between batches. */
  ready(): Promise<void> | undefined;
  /** Seals what was written since the last prepare. Undefined: nothing was. Rows written during the wait belong to the next. */
  prepare(checkpoint: number): Promise<Json | undefined>;
  commit(committables: readonly Json[]): Promise<void>;
  /** Whether what is written is out only with the commit; otherwise it is as soon as it was written. */
  readonly commits?: boolean;
  /** Of a sink that does not commit: resolves when all that was written so far is out; undefined: it is. Never rejects. */
  written?(): Promise<void> | undefined;
  /** Bytes handed over so far, for the metrics. */
  readonly bytesWritten: number;
  close(): Promise<void>;
}

export interface SinkConnector {
  /** Whether it takes updates and deletes, or inserts only. */
  readonly accepts: 'inserts' | 'changelog';
  /** The folder that it writes to and shares with no other sink; undefined: it writes to none. */
  readonly folder?: string;
  open(context: SinkContext): Promise<SinkWriter>;
}
