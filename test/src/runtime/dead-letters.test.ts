import { describe, expect, test } from 'vitest';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import { readRows, type Row, RowView } from '../../../src/format/row-view.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import type { SinkWriter } from '../../../src/connector/sink.ts';
import { DEAD_LETTER_SCHEMA, DeadLetterOffice } from '../../../src/runtime/dead-letters.ts';
import { SinkOperator } from '../../../src/runtime/operators/sink.ts';
import { newKernels } from '../../support/kernels.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'id', type: { kind: 'int64', nullable: false, bigint: true } },
    { name: 'text', type: { kind: 'utf8', nullable: true } },
  ],
};

function rowsSink(kernels: KernelInstance): { readonly rows: Row[]; readonly operator: SinkOperator } {
  const rows: Row[] = [];
  const view = new RowView(kernels.memory, DEAD_LETTER_SCHEMA);
  const never = async (): Promise<never> => {
    throw new Error('not called');
  };
  const writer: SinkWriter = {
    fence: never,
    recover: never,
    prepare: never,
    commit: never,
    close: never,
    ready: () => undefined,
    bytesWritten: 0,
    write: (batch) => void rows.push(...readRows(view, batch)),
  };
  return { rows, operator: new SinkOperator('dead-letters', writer) };
}

const letterOf = (line: string, offset: number) => ({
  source: 's',
  split: 'a.ndjson',
  offset,
  reason: 'not JSON',
  bytes: new TextEncoder().encode(line),
});

function batchOf(kernels: KernelInstance, rows: readonly Row[]): RecordBatch {
  const builder = new BatchBuilder(kernels, SCHEMA, 8);
  for (const row of rows) builder.append(row);
  return builder.finish();
}

describe('dead letters', () => {
  test('are sampled: the first hundred are kept', async () => {
    const office = new DeadLetterOffice((await newKernels()).memory);
    for (let i = 0; i < 250; i++) office.letter('source', letterOf(`line ${i}`, i));
    expect(office.sample).toHaveLength(100);
    expect(office.sample[99]).toEqual({
      operator: 'source',
      split: 'a.ndjson',
      offset: 99,
      reason: 'not JSON',
      record: 'line 99',
    });
  });

  test('are cut to a thousand characters', async () => {
    const kernels = await newKernels();
    const office = new DeadLetterOffice(kernels.memory);
    office.letter('source', letterOf('x'.repeat(5_000), 0));
    office.row('filter', batchOf(kernels, [{ id: 1n, text: 'y'.repeat(5_000) }]), 0, 'overflow');
    expect(office.sample.map(({ record }) => record.length)).toEqual([1_000, 1_000]);
  });

  test('of operators show the row by its number, also when no selection means it', async () => {
    const kernels = await newKernels();
    const office = new DeadLetterOffice(kernels.memory);
    const batch = batchOf(kernels, [
      { id: 1n, text: 'a' },
      { id: 2n ** 62n, text: null },
    ]);
    const selection = kernels.memory.allocate(4);
    office.row('filter', { ...batch, selection, selected: 1 }, 1, 'division by zero');
    expect(office.sample).toEqual([
      { operator: 'filter', reason: 'division by zero', record: '{"id":"4611686018427387904","text":null}' },
    ]);
  });

  test('reach their sink each once and in order, at the latest when they are flushed', async () => {
    const kernels = await newKernels();
    const office = new DeadLetterOffice(kernels.memory);
    const { rows, operator } = rowsSink(kernels);
    office.writeTo(kernels, operator);
    for (let i = 0; i < 1_000; i++) office.letter('source', letterOf(`line ${i}`, i));
    office.flush();
    office.flush();
    expect(rows.map(({ offset }) => offset)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(rows[7]).toEqual({
      operator: 'source',
      split: 'a.ndjson',
      offset: 7,
      position: null,
      reason: 'not JSON',
      record: 'line 7',
      base64: null,
      whole: true,
    });
    expect(operator.ledger).toMatchObject({ in: 1_000, out: 1_000 });
  });
});
