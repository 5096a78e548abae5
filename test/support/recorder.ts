/** Runs one operator by hand and remembers what it emits. */
import type { RecordBatch } from '../../src/data/record-batch.ts';
import type { Output } from '../../src/runtime/operator.ts';

/** Batches as they were emitted (borrowed: look at them before the next call), the rest by name. */
export function recorder() {
  const batches: RecordBatch[] = [];
  const events: string[] = [];
  const letters: string[] = [];
  const output: Output = {
    batch: (batch) => void batches.push(batch),
    watermark: (watermark) => void events.push(`watermark ${watermark}`),
    status: (status) => void events.push(status),
    end: () => void events.push('end'),
  };
  const deadLetter = (_: RecordBatch, row: number, reason: string): void => void letters.push(`${row}: ${reason}`);
  return { batches, events, letters, deadLetter, output };
}
