/**
 * The end of a pipeline: hands rows to a sink writer and remembers what checkpoints have to commit.
 *
 * Invariants
 *  1. Rows written before a barrier belong to that checkpoint's committable, later ones to the next.
 *  2. A committable is committed only after its checkpoint's manifest is durable, in checkpoint order.
 */
import type { Json } from '../../base/json.ts';
import type { SinkWriter } from '../../connector/sink.ts';
import type { RecordBatch } from '../../data/record-batch.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { Operator } from '../operator.ts';

export class SinkOperator implements Operator {
  // configuration
  readonly uid: string;
  readonly writer: SinkWriter;
  readonly more = false;
  // transient
  readonly ledger = emptyLedger();

  constructor(uid: string, writer: SinkWriter) {
    this.uid = uid;
    this.writer = writer;
  }

  resume(): void {}

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    this.writer.write(batch);
    this.ledger.out += batch.selected;
  }

  processWatermark(): void {}
  processStatus(): void {}
  endOfInput(): void {}

  /** The committables are in the manifest's own section: they are made while the checkpoint is written. */
  snapshot(): Json {
    return null;
  }

  restore(): void {}
}
