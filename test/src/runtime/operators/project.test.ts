import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import { tableSchema } from '../../../../src/data/schema.ts';
import type { ColumnType } from '../../../../src/data/types.ts';
import type { KernelInstance } from '../../../../src/kernel/instance.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import type { Expression } from '../../../../src/plan/expression.ts';
import { Project } from '../../../../src/runtime/operators/project.ts';
import { columnBatch, kernelInstance, readColumn, readSelection } from '../../../support/column-batch.ts';
import { recorder } from '../../../support/recorder.ts';

const INT: ColumnType = { kind: 'int32', nullable: true };
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

describe('a projection', () => {
  const openProjection = () => {
    kernels.reset();
    const seen = recorder();
    const columns = [
      { name: 'rest', expression: remainder },
      { name: 'twice', expression: { op: 'times', left: a, right: int(2), type: INT } as const },
      { name: 'b', expression: b },
    ];
    const out = tableSchema(columns.map(({ name }) => ({ name, type: INT })));
    const { output, deadLetter } = seen;
    const project = new Project({ uid: 'p', kernels, output, inputSchema: schema, schema: out, columns, deadLetter });
    return { ...seen, project, out };
  };

  test('makes its columns in order, under its own schema, and keeps what else the batch holds', () => {
    const { project, batches, out } = openProjection();
    const batch = {
      ...columnBatch(
        kernels,
        schema,
        [
          [7n, null, 9n],
          [4n, 2n, 5n],
        ],
        [0, 1],
      ),
      rowKinds: 64,
      timestamps: 256,
      watermarks: 128,
      origin: { source: 's', split: 4 },
    };
    project.processBatch(batch);
    const [made] = batches;
    expect(made).toMatchObject({
      schema: out,
      rows: 3,
      selected: 2,
      rowKinds: 64,
      timestamps: 256,
      watermarks: 128,
      origin: { source: 's', split: 4 },
    });
    expect(made?.columns.map((column) => readColumn(kernels.memory, 'int32', column, [0, 1]))).toEqual([
      [3n, null],
      [14n, null],
      [4n, 2n],
    ]);
    expect(made?.columns[2]).toEqual(batch.columns[1]);
  });

  test('makes one dead letter of a row in which several columns fail, and the ledger balances', () => {
    const { project, batches, letters } = openProjection();
    project.processBatch(
      columnBatch(kernels, schema, [
        [2147483647n, 5n, 2147483647n, 6n],
        [0n, 0n, 3n, 4n],
      ]),
    );
    expect(letters).toEqual([
      '0: division by zero in (a % b)',
      '1: division by zero in (a % b)',
      '2: integer overflow in (a * 2)',
    ]);
    expect(rowsOf(batches[0])).toEqual([3]);
    expect(project.ledger).toMatchObject({ in: 4, out: 1, deadLetters: 3 });
    expect(imbalance(project.ledger)).toBe(0);
  });

  test('passes on nothing when every row is a dead letter', () => {
    const { project, batches, letters } = openProjection();
    project.processBatch(
      columnBatch(kernels, schema, [
        [1n, 2n],
        [0n, 0n],
      ]),
    );
    expect([batches.length, letters.length]).toEqual([0, 2]);
  });
});
