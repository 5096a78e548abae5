/** Rows handed to the program: collected, called back, iterated over. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/base/json.ts';
import type { SinkConnector, SinkWriter } from '../../../src/connector/sink.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import { RowKind } from '../../../src/data/row-kind.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import { callbackSink, iteratorSink } from '../../../src/format/callback-sink.ts';
import { collectSink } from '../../../src/format/collect-sink.ts';
import type { Row } from '../../../src/format/row-view.ts';
import { newKernels } from '../../support/kernels.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };
const kernels = await newKernels();

function batch(...numbers: number[]): RecordBatch {
  const builder = new BatchBuilder(kernels, SCHEMA, 20_000);
  for (const n of numbers) builder.append({ n }, n < 0 ? RowKind.DELETE : RowKind.INSERT);
  return builder.finish();
}

async function open(sink: SinkConnector, epoch = 1): Promise<SinkWriter> {
  const writer = await sink.open({ kernels, schema: SCHEMA, uid: 'out', job: 'job', epoch });
  await writer.fence();
  return writer;
}

const prepared = async (writer: SinkWriter, checkpoint: number): Promise<Json> =>
  (await writer.prepare(checkpoint)) ?? null;

describe('a collecting sink', () => {
  test('shows rows when their checkpoint is committed, once, whatever is committed again', async () => {
    const sink = collectSink();
    const writer = await open(sink);
    await writer.recover([]);
    writer.write(batch(1, 2));
    const first = await prepared(writer, 1);
    writer.write(batch(3));
    const second = await prepared(writer, 2);
    expect(sink.rows).toEqual([]);
    await writer.commit([first]);
    expect(sink.rows).toEqual([{ n: 1 }, { n: 2 }]);
    await writer.commit([first, second]);
    await writer.commit([second]);
    expect(sink.rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test('takes hundreds of thousands of rows in one checkpoint', async () => {
    const sink = collectSink();
    const writer = await open(sink);
    const many = batch(...Array.from({ length: 20_000 }, (_, n) => n));
    for (let i = 0; i < 15; i++) writer.write(many);
    await writer.commit([await prepared(writer, 1)]);
    expect(sink.rows).toHaveLength(300_000);
  });

  test('after a restart has what the restored checkpoint holds and nothing of what came after', async () => {
    const sink = collectSink();
    const old = await open(sink, 1);
    await old.recover([]);
    old.write(batch(1));
    const first = await prepared(old, 1);
    old.write(batch(2));
    const lost = await prepared(old, 2);
    const writer = await open(sink, 2);
    await expect(old.commit([lost])).rejects.toThrow('epoch 2 took over');
    await writer.recover([first]);
    expect(sink.rows).toEqual([{ n: 1 }]);
    writer.write(batch(2));
    await writer.commit([await prepared(writer, 2)]);
    expect(sink.rows).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('tells what a row does to the result, when it takes changes', async () => {
    const sink = collectSink({ changelog: true });
    const writer = await open(sink);
    writer.write(batch(1, -1));
    await writer.commit([await prepared(writer, 1)]);
    expect(sink.rows).toEqual([
      { op: '+I', n: 1 },
      { op: '-D', n: -1 },
    ]);
    expect([sink.accepts, collectSink().accepts]).toEqual(['changelog', 'inserts']);
  });
});

describe('a callback sink', () => {
  test('calls with rows in order, one call at a time, and prepares only when all is handed over', async () => {
    const seen: Row[] = [];
    let running = 0;
    const sink = callbackSink(async (rows) => {
      expect(++running).toBe(1);
      await Promise.resolve();
      seen.push(...rows);
      running--;
    });
    const writer = await open(sink);
    for (let n = 0; n < 10; n++) writer.write(batch(n));
    expect(seen.length).toBeLessThan(10);
    expect(await writer.prepare(1)).toBeUndefined();
    expect(seen.map((row) => row['n'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('fails the job with what the function throws, and calls it no more', async () => {
    let calls = 0;
    const writer = await open(
      callbackSink(() => {
        calls++;
        throw new Error('no more');
      }),
    );
    writer.write(batch(1));
    writer.write(batch(2));
    await expect(writer.prepare(1)).rejects.toThrow("cannot write the rows of 'out': no more");
    await expect(writer.ready()).rejects.toThrow('no more');
    expect(calls).toBe(1);
  });

  test('asks the job to wait while too many rows are not handed over', async () => {
    let open1 = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open1 = resolve;
    });
    const writer = await open(callbackSink(() => gate));
    writer.write(batch(1));
    expect(writer.ready()).toBeUndefined();
    writer.write(batch(...Array.from({ length: 17_000 }, (_, n) => n)));
    const waiting = writer.ready();
    expect(waiting).toBeInstanceOf(Promise);
    open1();
    await waiting;
    expect(writer.ready()).toBeUndefined();
  });
});

describe('an iterator sink', () => {
  test('gives every row to the loop, in order, until it ends', async () => {
    const sink = iteratorSink();
    const writer = await open(sink);
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const row of sink) seen.push(row['n']);
    })();
    for (let n = 0; n < 5; n++) writer.write(batch(n, n + 100));
    await writer.prepare(1);
    sink.end();
    await loop;
    expect(seen).toEqual([0, 100, 1, 101, 2, 102, 3, 103, 4, 104]);
  });

  test('does not hold the job when the loop is left', async () => {
    const sink = iteratorSink();
    const writer = await open(sink);
    for (let n = 0; n < 5; n++) writer.write(batch(n));
    for await (const row of sink) if (row['n'] === 2) break;
    await writer.prepare(1);
    await writer.close();
  });
});
