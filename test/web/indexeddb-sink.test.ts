/** The results sink over an IndexedDB in memory: commits, recoveries and owners in every order that matters. */
import 'fake-indexeddb/auto';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import type { SinkWriter } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { RowKind } from '../../src/data/row-kind.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { BatchBuilder } from '../../src/format/batch-builder.ts';
import { indexedDbSink } from '../../web/connectors/indexeddb-sink.ts';
import { openResults, Results, type ResultsChange } from '../../web/results.ts';
import { newKernels } from '../support/kernels.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };
const kernels = await newKernels();
let names = 0;
const newName = (): string => `results-${names++}`;

function batch(...numbers: number[]): RecordBatch {
  const builder = new BatchBuilder(kernels, SCHEMA, 4096);
  for (const n of numbers) builder.append({ n }, n < 0 ? RowKind.DELETE : RowKind.INSERT);
  return builder.finish();
}

async function open(name: string, committables: readonly Json[] = [], changelog = false): Promise<SinkWriter> {
  const writer = await indexedDbSink(name, { changelog }).open({
    kernels,
    schema: SCHEMA,
    uid: 'out',
    job: 'job',
    epoch: 1,
  });
  await writer.fence();
  await writer.recover(committables);
  return writer;
}

/** Writes rows and prepares them; fails when there is nothing to commit. */
async function prepared(writer: SinkWriter, ...numbers: number[]): Promise<Json> {
  writer.write(batch(...numbers));
  const committable = await writer.prepare(1);
  if (committable === undefined) throw new Error('nothing was prepared');
  return committable;
}

async function committed(name: string): Promise<readonly unknown[]> {
  using results = await openResults(name);
  return (await results.rows()).map(({ n }) => n);
}

const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'no error',
    (error: { readonly code?: string }) => error.code,
  );

describe('results in IndexedDB', () => {
  test('show rows when their checkpoint is committed, and once, whatever is committed again', async () => {
    const name = newName();
    const writer = await open(name);
    const first = await prepared(writer, 1, 2);
    const second = await prepared(writer, 3);
    expect(await committed(name)).toEqual([]);
    await writer.commit([first]);
    expect(await committed(name)).toEqual([1, 2]);
    await writer.commit([first, second]);
    await writer.commit([first]);
    expect(await committed(name)).toEqual([1, 2, 3]);
    await writer.close();
  });

  test('prepare nothing where nothing was written', async () => {
    const writer = await open(newName());
    expect(await writer.prepare(1)).toBeUndefined();
    await prepared(writer, 1);
    expect(await writer.prepare(3)).toBeUndefined();
    await writer.close();
  });

  test('leave rows that are written during a prepare to the next checkpoint', async () => {
    const name = newName();
    const writer = await open(name);
    writer.write(batch(1));
    const preparing = writer.prepare(1);
    writer.write(batch(2));
    const first = (await preparing) ?? null;
    await writer.commit([first]);
    expect(await committed(name)).toEqual([1]);
    await writer.commit([(await writer.prepare(2)) ?? null]);
    expect(await committed(name)).toEqual([1, 2]);
    await writer.close();
  });

  test('write out what is too much for memory before the checkpoint, and commit it with it', async () => {
    const name = newName();
    const writer = await open(name);
    const numbers = Array.from({ length: 4096 }, (_, i) => 1_000_000_000 + i);
    let rows = 0;
    for (; writer.ready() === undefined; rows += numbers.length) writer.write(batch(...numbers));
    await writer.ready();
    expect(await committed(name)).toEqual([]);
    const committable = (await writer.prepare(1)) ?? null;
    await writer.commit([committable]);
    expect(await committed(name)).toHaveLength(rows);
    await writer.close();
  });

  test('roll forward what the restored checkpoint holds, and forget what came after it', async () => {
    const name = newName();
    const before = await open(name);
    const first = await prepared(before, 1);
    await prepared(before, 2);
    const after = await open(name, [first]);
    expect(await committed(name)).toEqual([1]);
    await after.commit([await prepared(after, 3)]);
    expect(await committed(name)).toEqual([1, 3]);
    await after.close();
  });

  test('take committed rows back when an earlier checkpoint is restored, and tell those who follow to begin again', async () => {
    const name = newName();
    const before = await open(name);
    const first = await prepared(before, 1);
    await before.commit([first]);
    await before.commit([await prepared(before, 2)]);
    using results = await openResults(name);
    const told: ResultsChange[] = [];
    let wake = (): void => {};
    const until = async (count: number): Promise<void> => {
      while (told.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    results.follow((change) => {
      told.push(change);
      wake();
    });
    await until(1);
    const after = await open(name, [first]);
    expect(await committed(name)).toEqual([1]);
    await until(2);
    await after.commit([await prepared(after, 2, 3)]);
    await until(3);
    expect(told).toEqual([
      { rows: [{ n: 1 }, { n: 2 }], begins: true },
      { rows: [{ n: 1 }], begins: true },
      { rows: [{ n: 2 }, { n: 3 }], begins: false },
    ]);
    await after.close();
  });

  test('begin anew with a job that begins anew', async () => {
    const name = newName();
    const before = await open(name);
    await before.commit([await prepared(before, 1)]);
    await (await open(name)).close();
    expect(await committed(name)).toEqual([]);
  });

  test('take nothing from an owner that another took over from', async () => {
    const name = newName();
    const zombie = await open(name);
    const pending = await prepared(zombie, 1);
    const owner = await open(name, [pending]);
    expect(await codeOf(zombie.commit([pending]))).toBe('E1404');
    zombie.write(batch(2));
    expect(await codeOf(zombie.prepare(2))).toBe('E1404');
    await owner.commit([await prepared(owner, 3)]);
    expect(await committed(name)).toEqual([1, 3]);
    await owner.close();
  });

  test('fail the job when rows that its checkpoint holds are gone', async () => {
    const name = newName();
    const before = await open(name);
    const pending = await prepared(before, 1);
    await before.close();
    await Results.forget(name);
    expect(await codeOf(open(name, [pending]))).toBe('E1505');
  });

  test('carry what a change does on changelogs', async () => {
    const name = newName();
    const writer = await open(name, [], true);
    await writer.commit([await prepared(writer, 1, -1)]);
    using results = await openResults(name);
    expect(await results.text()).toBe('{"op":"+I","n":1}\n{"op":"-D","n":-1}\n');
    await writer.close();
  });
});
