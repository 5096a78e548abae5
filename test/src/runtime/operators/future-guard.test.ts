/** One row dated a year ahead among a million: none of the honest ones becomes late by it. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import type { Output } from '../../../../src/runtime/operator.ts';
import { AssignWatermarks } from '../../../../src/runtime/operators/assign-watermarks.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import { newKernels } from '../../../support/kernels.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'at', type: { kind: 'timestamp', nullable: false } }] };
const ROWS = 1_000_000;
const BATCH = 4096;
const YEAR_MS = 365 * 86_400_000;
const DAY_MS = 86_400_000;
const BOUND_MS = 5_000;

/** Late honest rows, and rows that went aside, when the row `wrong` is dated a year ahead. */
async function run(wrong: number, skewMs: number | undefined): Promise<{ late: number; aside: number; off: number }> {
  const kernels = await newKernels(8 << 20);
  const { memory } = kernels;
  const values = memory.allocate(BATCH * 8);
  const random = seededRandom(wrong + 1);
  let late = 0;
  let aside = 0;
  const to = (take: (batch: RecordBatch) => void): Output => ({
    batch: take,
    watermark: () => undefined,
    status: () => undefined,
    end: () => undefined,
  });
  const operator = new AssignWatermarks({
    uid: 'w',
    kernels,
    output: to(({ timestamps, watermarks, selection, selected }) => {
      const { i64, u32 } = memory;
      for (let k = 0; k < selected; k++) {
        const row = selection === 0 ? k : (u32[(selection >>> 2) + k] ?? 0);
        if ((i64[(timestamps >>> 3) + row] ?? 0n) <= (i64[(watermarks >>> 3) + row] ?? 0n)) late++;
      }
    }),
    future: to(({ selected }) => {
      aside += selected;
    }),
    column: 0,
    type: { kind: 'timestamp', nullable: false },
    rule: { delayMs: BOUND_MS },
    skewMs,
    splits: ['a'],
    splitOf: () => 0,
    deadLetter: () => undefined,
  });
  for (let from = 0; from < ROWS; from += BATCH) {
    const rows = Math.min(BATCH, ROWS - from);
    for (let i = 0; i < rows; i++) {
      const row = from + i;
      const at = row * 10 - below(random, BOUND_MS) + (row === wrong ? YEAR_MS : 0);
      memory.i64[(values >>> 3) + i] = BigInt(at);
    }
    operator.processBatch({
      schema: SCHEMA,
      rows,
      columns: [{ values, validity: 0 }],
      selection: 0,
      selected: rows,
      rowKinds: 0,
      timestamps: 0,
      watermarks: 0,
      origin: { source: 's', split: 0 },
    });
    while (operator.more) operator.resume();
  }
  expect(operator.ledger.future).toBe(aside);
  return { late, aside, off: imbalance(operator.ledger) };
}

test('a row a year ahead makes no honest row late, wherever it stands, and goes aside', async () => {
  for (const skewMs of [31 * DAY_MS, DAY_MS]) {
    expect(await run(500_000, skewMs)).toEqual({ late: 0, aside: 1, off: 0 });
    expect(await run(ROWS - 1, skewMs)).toEqual({ late: 0, aside: 1, off: 0 });
    // The first row has no peers yet: it passes, and moves nothing once its peers tell.
    expect(await run(0, skewMs)).toEqual({ late: 0, aside: 0, off: 0 });
  }
});

test('without the guard all that follow it are late', async () => {
  expect(await run(500_000, undefined)).toEqual({ late: ROWS - 500_001, aside: 0, off: 0 });
});
