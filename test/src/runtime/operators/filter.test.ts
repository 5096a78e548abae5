import { beforeAll, describe, expect, test } from 'vitest';
import { eventTimeMs } from '../../../../src/base/time.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import { tableSchema } from '../../../../src/data/schema.ts';
import type { ColumnType } from '../../../../src/data/types.ts';
import type { KernelInstance } from '../../../../src/kernel/instance.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import type { Expression } from '../../../../src/plan/expression.ts';
import { Filter } from '../../../../src/runtime/operators/filter.ts';
import { columnBatch, kernelInstance, readSelection } from '../../../support/column-batch.ts';
import { recorder } from '../../../support/recorder.ts';

const INT: ColumnType = { kind: 'int32', nullable: true };
const BOOL: ColumnType = { kind: 'bool', nullable: true };
const schema = tableSchema([
  { name: 'a', type: INT },
  { name: 'b', type: INT },
]);
const a: Expression = { op: 'column', name: 'a', type: INT };
const b: Expression = { op: 'column', name: 'b', type: INT };
const int = (value: number): Expression => ({ op: 'literal', value, type: INT });
const remainder: Expression = { op: 'mod', left: a, right: b, type: INT };

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(16);
});

const rowsOf = (batch: RecordBatch | undefined): number[] =>
  batch === undefined ? [] : readSelection(kernels.memory, batch.selection, batch.selected);

const open = (condition: Expression) => {
  kernels.reset();
  const seen = recorder();
  return {
    ...seen,
    filter: new Filter({ uid: 'f', kernels, output: seen.output, schema, condition, deadLetter: seen.deadLetter }),
  };
};

describe('a filter', () => {
  test('keeps the rows for which its condition is true, and counts false and null ones as filtered', () => {
    const { filter, batches } = open({ op: 'gt', left: a, right: int(1), type: BOOL });
    filter.processBatch(
      columnBatch(kernels, schema, [
        [1n, 2n, null, 3n],
        [0n, 0n, 0n, 0n],
      ]),
    );
    expect(rowsOf(batches[0])).toEqual([1, 3]);
    expect(filter.ledger).toMatchObject({ in: 4, out: 2, filtered: 2, deadLetters: 0 });
  });

  test('narrows the selection that it is given, and keeps columns, row kinds, timestamps, watermarks and origin', () => {
    const { filter, batches } = open({ op: 'lt', left: a, right: int(3), type: BOOL });
    const batch = {
      ...columnBatch(
        kernels,
        schema,
        [
          [1n, 2n, 1n, 9n],
          [0n, 0n, 0n, 0n],
        ],
        [1, 2, 3],
      ),
      rowKinds: 64,
      timestamps: 256,
      watermarks: 128,
      origin: { source: 's', split: 4 },
    };
    filter.processBatch(batch);
    expect(rowsOf(batches[0])).toEqual([1, 2]);
    expect(batches[0]).toMatchObject({
      columns: batch.columns,
      rowKinds: 64,
      timestamps: 256,
      watermarks: 128,
      origin: { source: 's', split: 4 },
      rows: 4,
    });
  });

  test('makes a dead letter of a row whose condition fails, and the ledger balances', () => {
    const { filter, batches, letters } = open({ op: 'eq', left: remainder, right: int(1), type: BOOL });
    filter.processBatch(
      columnBatch(
        kernels,
        schema,
        [
          [7n, 7n, null, 8n, 7n],
          [2n, 0n, 0n, 2n, 0n],
        ],
        [0, 1, 2, 3],
      ),
    );
    expect(rowsOf(batches[0])).toEqual([0]);
    expect(letters).toEqual(['1: division by zero in ((a % b) = 1)']);
    expect(filter.ledger).toMatchObject({ in: 4, out: 1, filtered: 2, deadLetters: 1 });
    expect(imbalance(filter.ledger)).toBe(0);
  });

  test('does not fail a row that another operand of and decides', () => {
    const guarded: Expression = {
      op: 'and',
      left: { op: 'ne', left: b, right: int(0), type: BOOL },
      right: { op: 'eq', left: remainder, right: int(1), type: BOOL },
      type: BOOL,
    };
    const { filter, batches, letters } = open(guarded);
    filter.processBatch(
      columnBatch(kernels, schema, [
        [7n, 7n],
        [2n, 0n],
      ]),
    );
    expect([rowsOf(batches[0]), letters]).toEqual([[0], []]);
  });

  test('passes on the very batch when all of it remains, and nothing when none does', () => {
    const { filter, batches } = open({ op: 'ge', left: a, right: int(0), type: BOOL });
    const batch = columnBatch(kernels, schema, [
      [1n, 2n],
      [0n, 0n],
    ]);
    filter.processBatch(batch);
    filter.processBatch(columnBatch(kernels, schema, [[-1n], [0n]]));
    expect(batches).toHaveLength(1);
    expect(batches[0]).toBe(batch);
  });

  test('passes on watermarks, statuses and the end', () => {
    const { filter, events } = open({ op: 'isNull', of: a, type: BOOL });
    filter.processWatermark(eventTimeMs(5));
    filter.processStatus('idle', 0);
    filter.endOfInput(0);
    expect(events).toEqual(['watermark 5', 'idle', 'end']);
  });

  test('refuses a condition that is not one', () => {
    expect(() => open(a)).toThrow(/a in the condition of 'f': int32, nullable is not a condition/);
  });
});
