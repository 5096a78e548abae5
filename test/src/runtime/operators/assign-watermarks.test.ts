import { describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import { MAX_TIME, MIN_TIME } from '../../../../src/base/time.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import { BatchBuilder } from '../../../../src/format/batch-builder.ts';
import { AssignWatermarks } from '../../../../src/runtime/operators/assign-watermarks.ts';
import {
  type OracleQuery,
  type OracleSplit,
  type ProcessedRow,
  processingOrder,
} from '../../../oracle/batch-engine.ts';
import { newKernels } from '../../../support/kernels.ts';
import { RecordingOutput } from '../../../support/recording-output.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'at', type: { kind: 'timestamp', nullable: true } }] };
const DELAY_MS = 50;

const QUERY: OracleQuery = {
  schema: SCHEMA,
  timestamp: 'at',
  disorderMs: DELAY_MS,
  window: { kind: 'tumbling', sizeMs: 100, offsetMs: 0 },
  keys: [],
  aggregates: [],
  where: [],
  quantumBytes: 100,
};

function splitsOf(random: Random): OracleSplit[] {
  return Array.from({ length: 1 + below(random, 4) }, (_, split) => ({
    name: String(split),
    rows: Array.from({ length: below(random, 40) }, (__, i) => ({
      row: { at: i * 10 + below(random, 120) - 300 },
      offset: i * 10,
    })),
  }));
}

interface Setup {
  readonly output: RecordingOutput;
  readonly future: RecordingOutput;
  readonly letters: string[];
  make(splits: readonly string[]): AssignWatermarks;
  batch(split: number, times: readonly (number | null)[]): RecordBatch;
}

async function setup(): Promise<Setup> {
  const kernels = await newKernels();
  const output = new RecordingOutput(kernels.memory);
  const future = new RecordingOutput(kernels.memory);
  const builder = new BatchBuilder(kernels, SCHEMA);
  const letters: string[] = [];
  return {
    output,
    future,
    letters,
    make: (splits) =>
      new AssignWatermarks({
        uid: 'w',
        kernels,
        output,
        column: 0,
        type: { kind: 'timestamp', nullable: true },
        rule: { delayMs: DELAY_MS },
        skewMs: 31 * 86_400_000,
        future,
        splits,
        splitOf: ({ split }) => split,
        deadLetter: (_batch, row, reason) => letters.push(`${row}: ${reason}`),
      }),
    batch(split, times) {
      builder.reset();
      for (const at of times) builder.append({ at });
      return builder.finish({ source: 's', split });
    },
  };
}

function finish(operator: AssignWatermarks): void {
  while (operator.more) operator.resume();
}

/** Rows of one split that follow each other, in batches of random size. */
function batchesOf(order: readonly ProcessedRow[], random: Random): ProcessedRow[][] {
  const batches: ProcessedRow[][] = [];
  for (const row of order) {
    const last = batches.at(-1);
    if (last !== undefined && last[0]?.split === row.split && below(random, 4) > 0) last.push(row);
    else batches.push([row]);
  }
  return batches;
}

describe('watermarks made from rows', () => {
  test('are those of the oracle before every row, however rows are batched and wherever the operator is restored', async () => {
    for (let seed = 0; seed < 80; seed++) {
      const random = seededRandom(seed);
      const splits = splitsOf(random);
      const names = splits.map(({ name }) => name);
      const { output, make, batch } = await setup();
      let operator = make(names);
      splits.forEach(({ rows }, split) => {
        if (rows.length === 0) operator.endOfInput(0, { source: 's', split });
      });
      const order = processingOrder(splits, QUERY);
      for (const rows of batchesOf(order, random)) {
        const split = Number(rows[0]?.split);
        operator.processBatch(
          batch(
            split,
            rows.map(({ timestamp }) => timestamp),
          ),
        );
        if (rows.at(-1)?.index === (splits[split]?.rows.length ?? 0) - 1)
          operator.endOfInput(0, { source: 's', split });
        finish(operator);
        if (below(random, 5) > 0) continue;
        const state = operator.snapshot();
        operator = make(names);
        operator.restore(state);
      }
      const expected = order.map(({ watermark }) => Math.max(MIN_TIME, watermark));
      // The kernel writes the least i64 where a split has had no row: below every instant, as MIN_TIME is.
      const got = output.rows.map(({ watermark }) => Math.max(MIN_TIME, watermark ?? Number.NaN));
      expect(got, `seed ${seed}`).toEqual(expected);
      expect(
        output.rows.map(({ timestamp }) => timestamp),
        `seed ${seed}`,
      ).toEqual(order.map(({ timestamp }) => timestamp));
      expect(output.watermarks, `seed ${seed}`).toEqual([...new Set(output.watermarks)].sort((a, b) => a - b));
      if (order.length > 0) expect(output.watermarks.at(-1), `seed ${seed}`).toBe(MAX_TIME);
    }
  });

  test('follow the batch that moved them, and the end follows the last of them', async () => {
    const { output, make, batch } = await setup();
    const operator = make(['a']);
    operator.processBatch(batch(0, [100, 300]));
    expect(operator.more).toBe(true);
    finish(operator);
    operator.endOfInput(0, { source: 's', split: 0 });
    operator.endOfInput(0);
    finish(operator);
    const kinds = output.elements.map((element) => (element.kind === 'watermark' ? element.watermark : element.kind));
    expect(kinds).toEqual(['batch', 249, MAX_TIME, 'end']);
  });

  test('are not held back by a split that is idle, and do not go back when it wakes', async () => {
    const { output, make, batch } = await setup();
    const operator = make(['a', 'b']);
    operator.processBatch(batch(0, [900, 1000]));
    finish(operator);
    expect(output.watermarks).toEqual([]);
    operator.processStatus('idle', 0, { source: 's', split: 1 });
    finish(operator);
    expect(output.watermarks).toEqual([949]);
    operator.processStatus('active', 0, { source: 's', split: 1 });
    operator.processBatch(batch(1, [10, 20]));
    finish(operator);
    expect(output.watermarks).toEqual([949]);
  });

  test('all splits idle make the edge idle, one active one makes it active', async () => {
    const { output, make } = await setup();
    const operator = make(['a', 'b']);
    for (const split of [0, 1]) operator.processStatus('idle', 0, { source: 's', split });
    finish(operator);
    operator.processStatus('active', 0, { source: 's', split: 1 });
    expect(output.elements).toEqual([
      { kind: 'status', status: 'idle' },
      { kind: 'status', status: 'active' },
    ]);
  });

  test('go out again behind the row that ends the silence of all, though they have not moved', async () => {
    const { output, make, batch } = await setup();
    const operator = make(['a']);
    operator.processBatch(batch(0, [900, 1000]));
    finish(operator);
    operator.processStatus('idle', 0, { source: 's', split: 0 });
    finish(operator);
    operator.processBatch(batch(0, [950]));
    finish(operator);
    const kinds = output.elements.map((element) => (element.kind === 'watermark' ? element.watermark : element.kind));
    expect(kinds).toEqual(['batch', 949, 'status', 'status', 'batch', 949]);
  });

  test('leave out rows without a timestamp, which become dead letters', async () => {
    const { output, letters, make, batch } = await setup();
    const operator = make(['a']);
    operator.processBatch(batch(0, [null, 5, null, 7]));
    expect(output.rows.map(({ row }) => row['at'])).toEqual([5, 7]);
    expect(letters).toEqual(['0: the event time is null', '2: the event time is null']);
    expect(operator.ledger).toMatchObject({ in: 4, out: 2, deadLetters: 2 });
  });

  test('wait for a split that comes into being, until it has rows or is idle, and never go back', async () => {
    const { output, make, batch } = await setup();
    const operator = make(['s/0']);
    const give = (split: number, at: number): void => {
      operator.processBatch(batch(split, [at - 10, at]));
      finish(operator);
    };
    give(0, 1000);
    operator.addSplit('s/1');
    give(0, 2000);
    expect(output.watermarks).toEqual([949]);
    give(1, 1500);
    operator.addSplit('s/2');
    give(1, 3000);
    expect(output.watermarks).toEqual([949, 1449]);
    operator.processStatus('idle', 0, { source: 's', split: 2 });
    finish(operator);
    expect(output.watermarks).toEqual([949, 1449, 1949]);
    const restored = make(['s/1', 's/0']);
    restored.restore(operator.snapshot());
    expect(restored.splits().map(({ id, max }) => [id, max])).toEqual([
      ['s/1', 3000],
      ['s/0', 2000],
    ]);
  });

  test('keep what they know of a split when splits are added before it', async () => {
    const { output, make, batch } = await setup();
    const before = make(['b']);
    before.processBatch(batch(0, [900, 1000]));
    const after = make(['a', 'b']);
    after.restore(before.snapshot());
    expect(after.splits().map(({ id, max }) => [id, max])).toEqual([
      ['a', MIN_TIME],
      ['b', 1000],
    ]);
    after.endOfInput(0, { source: 's', split: 0 });
    finish(after);
    expect(after.watermark).toBe(949);
    expect(output.rows).toHaveLength(2);
  });
});
