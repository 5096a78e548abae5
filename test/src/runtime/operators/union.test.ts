import { describe, expect, test } from 'vitest';
import { eventTimeMs, MIN_TIME } from '../../../../src/base/time.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import { BatchBuilder } from '../../../../src/format/batch-builder.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import { Union } from '../../../../src/runtime/operators/union.ts';
import { newKernels } from '../../../support/kernels.ts';
import { RecordingOutput } from '../../../support/recording-output.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };

async function setup(inputs: number) {
  const kernels = await newKernels();
  const output = new RecordingOutput(kernels.memory);
  const builder = new BatchBuilder(kernels, SCHEMA, 16);
  const watermarksPtr = kernels.memory.allocate(16 * 8);
  const make = (): Union => new Union({ uid: 'u', kernels, output, inputs });
  return {
    output,
    make,
    operator: make(),
    /** Rows that carry these watermarks; without any, a batch of a stream without event time. */
    batch(...watermarks: number[]): RecordBatch {
      builder.reset();
      watermarks.forEach((_, n) => builder.append({ n }));
      kernels.memory.i64.set(watermarks.map(BigInt), watermarksPtr >>> 3);
      return { ...builder.finish(), watermarks: watermarksPtr };
    },
    plain(rows: number): RecordBatch {
      builder.reset();
      for (let n = 0; n < rows; n++) builder.append({ n });
      return builder.finish();
    },
  };
}

describe('a union', () => {
  test('holds rows to the watermark of the inputs that they did not come from', async () => {
    const { operator, output, batch } = await setup(2);
    operator.processBatch(batch(5, 50), 0);
    operator.processWatermark(eventTimeMs(20), 1);
    operator.processBatch(batch(5, 50), 0);
    expect(output.rows.map(({ watermark }) => watermark)).toEqual([MIN_TIME, MIN_TIME, 5, 20]);
    expect(operator.ledger).toMatchObject({ in: 4, out: 4 });
    expect(imbalance(operator.ledger)).toBe(0);
  });

  test('passes on the smallest watermark, once, when it moves', async () => {
    const { operator, output } = await setup(3);
    for (const [watermark, input] of [
      [10, 0],
      [30, 1],
      [20, 2],
      [15, 0],
      [15, 0],
      [40, 0],
    ] as const) {
      operator.processWatermark(eventTimeMs(watermark), input);
    }
    expect(output.watermarks).toEqual([10, 15, 20]);
  });

  test('passes rows without event time as they are', async () => {
    const { operator, output, plain } = await setup(2);
    operator.processBatch(plain(3), 1);
    expect(output.rows.map(({ watermark }) => watermark)).toEqual([undefined, undefined, undefined]);
  });

  test('ends when all of its inputs have ended; ends of splits pass', async () => {
    const { operator, output } = await setup(2);
    operator.endOfInput(0, { source: 's', split: 1 });
    operator.endOfInput(0);
    expect(output.take()).toEqual([{ kind: 'end', split: { source: 's', split: 1 } }]);
    operator.endOfInput(1);
    expect(output.take()).toEqual([{ kind: 'end' }]);
  });

  test('does not wait for an idle input, and is idle when all are', async () => {
    const { operator, output } = await setup(2);
    operator.processWatermark(eventTimeMs(10), 0);
    operator.processStatus('idle', 1);
    operator.processStatus('idle', 0);
    operator.processStatus('active', 1);
    expect(output.take()).toEqual([
      { kind: 'watermark', watermark: 10 },
      { kind: 'status', status: 'idle' },
      { kind: 'status', status: 'active' },
    ]);
  });

  test('passes on what a waking input raises behind its rows, and once more where it woke itself', async () => {
    const { operator, output, batch } = await setup(3);
    for (const [watermark, input] of [
      [20, 1],
      [30, 2],
      [20, 0],
    ] as const) {
      operator.processWatermark(eventTimeMs(watermark), input);
    }
    for (const input of [0, 1, 2]) operator.processStatus('idle', input);
    operator.processStatus('active', 0);
    operator.processStatus('idle', 0);
    expect(output.watermarks).toEqual([20, 30]);
    output.take();
    operator.processStatus('active', 2);
    operator.processBatch(batch(30), 2);
    operator.processWatermark(eventTimeMs(30), 2);
    operator.processWatermark(eventTimeMs(30), 2);
    expect(output.take().map((element) => (element.kind === 'watermark' ? element.watermark : element.kind))).toEqual([
      'status',
      'batch',
      30,
    ]);
    // For an operator with several inputs below, which may have to hear where this one stands.
    const second = await setup(2);
    for (const input of [0, 1]) second.operator.processWatermark(eventTimeMs(10), input);
    for (const input of [0, 1]) second.operator.processStatus('idle', input);
    second.operator.processStatus('active', 0);
    second.output.take();
    second.operator.processWatermark(eventTimeMs(10), 0);
    second.operator.processWatermark(eventTimeMs(10), 0);
    expect(second.output.watermarks).toEqual([10]);
  });

  test('knows the watermark of each input after a restore', async () => {
    const { operator, make, output } = await setup(2);
    operator.processWatermark(eventTimeMs(10), 0);
    operator.processWatermark(eventTimeMs(30), 1);
    const after = make();
    after.restore(JSON.parse(JSON.stringify(operator.snapshot())));
    output.take();
    after.processWatermark(eventTimeMs(20), 0);
    expect(output.watermarks).toEqual([20]);
  });
});
