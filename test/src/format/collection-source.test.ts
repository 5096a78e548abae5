/** Arrays and async iterables as sources. */
import { describe, expect, test } from 'vitest';
import type { ReaderContext, SplitReader } from '../../../src/connector/source.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import { collectionSource, iterableSource } from '../../../src/format/collection-source.ts';
import { type Row, readRows, RowView } from '../../../src/format/row-view.ts';
import { keptOf } from '../../support/kept.ts';
import { newKernels } from '../../support/kernels.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };
const kernels = await newKernels();
const rowsOf = (count: number): Row[] => Array.from({ length: count }, (_, n) => ({ n }));

function context(batchRows: number): ReaderContext {
  kernels.reset();
  return {
    kernels,
    source: 'rows',
    splitIndex: 0,
    columns: new Set(['n']),
    batchRows,
    chunkBytes: 1024,
    deadLetter: () => undefined,
  };
}

async function read(reader: SplitReader, quantumEnd = Number.POSITIVE_INFINITY): Promise<Row[]> {
  const rows: Row[] = [];
  const view = new RowView(kernels.memory, SCHEMA);
  while (true) {
    const answer = reader.poll(quantumEnd);
    if (answer === 'wait') await reader.ready();
    else if (typeof answer === 'string') return rows;
    else rows.push(...readRows(view, answer));
  }
}

async function* slowly(rows: readonly Row[]): AsyncGenerator<Row> {
  for (const row of rows) yield row;
}

describe('a collection', () => {
  test('gives its rows in quanta and again from any offset', async () => {
    const rows = rowsOf(50);
    for (const source of [
      collectionSource(SCHEMA, rows),
      iterableSource(SCHEMA, () => slowly(rows), { replayable: true }),
    ]) {
      expect(source.live).toBe(false);
      for (let quantum = 0; quantum <= 50; quantum += 7) {
        const first = await source.open({ id: 'rows' }, undefined, context(4));
        const before = await read(first, quantum);
        expect(before).toEqual(rows.slice(0, quantum));
        const offset = first.offset();
        await first.close();
        const second = await source.open({ id: 'rows' }, offset, context(9));
        expect(await read(second)).toEqual(rows.slice(quantum));
        await second.close();
      }
    }
  });

  test('fails on a row that the schema cannot hold', async () => {
    const reader = await collectionSource(SCHEMA, [{ n: 'one' }]).open({ id: 'rows' }, undefined, context(4));
    expect(() => reader.poll(10)).toThrow(`column 'n' is int32 and cannot hold "one"`);
  });
});

describe('an async iterable', () => {
  test('is pulled at most a batch ahead', async () => {
    let pulled = 0;
    const endless = async function* (): AsyncGenerator<Row> {
      while (true) yield { n: pulled++ };
    };
    const reader = await iterableSource(SCHEMA, endless).open({ id: 'rows' }, undefined, context(8));
    await read(reader, 24);
    expect(pulled).toBeLessThanOrEqual(24 + 2 * 8);
    await reader.close();
  });

  test('that is silent keeps nothing of those that ask it again and again', async () => {
    const silent = async function* (): AsyncGenerator<Row> {
      await new Promise(() => undefined);
      yield { n: 1 };
    };
    const reader = await iterableSource(SCHEMA, silent).open({ id: 'rows' }, undefined, context(4));
    expect(await keptOf(1000, () => reader.ready())).toBeLessThanOrEqual(1);
    await reader.close();
  });

  test('that is not replayable refuses to go on from a checkpoint', async () => {
    const source = iterableSource(SCHEMA, () => slowly([]));
    expect(source.live).toBe(true);
    await expect(source.open({ id: 'rows' }, 3, context(4))).rejects.toMatchObject({ code: 'E1506' });
  });

  test('that throws fails the job after the rows before', async () => {
    const broken = async function* (): AsyncGenerator<Row> {
      yield { n: 1 };
      throw new Error('the line is cut');
    };
    const reader = await iterableSource(SCHEMA, broken).open({ id: 'rows' }, undefined, context(4));
    await reader.ready();
    expect(reader.poll(10)).toMatchObject({ rows: 1 });
    await expect(read(reader)).rejects.toThrow('the line is cut');
  });

  test('that never yields can be closed', async () => {
    const silent = async function* (): AsyncGenerator<Row> {
      await new Promise(() => undefined);
      yield { n: 1 };
    };
    const reader = await iterableSource(SCHEMA, silent).open({ id: 'rows' }, undefined, context(4));
    expect(reader.poll(1)).toBe('wait');
    const waiting = reader.ready();
    await reader.close();
    await waiting;
    expect(reader.poll(1)).toBe('end');
  });
});
