/** CSV files as sources: splits, offsets behind a header, dead letters; the option errors of the public function. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { csvFiles } from '../../../node/connectors/csv-files.ts';
import { csvFiles as publicCsvFiles } from '../../../node/sources.ts';
import type { Json } from '../../../src/base/json.ts';
import type { DeadLetter, ReaderContext, SourceConnector, SplitReader } from '../../../src/connector/source.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import { type Row, readRows, RowView } from '../../../src/format/row-view.ts';
import { int32, schema } from '../../../src/index.ts';
import { newKernels } from '../../support/kernels.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'n', type: { kind: 'int32', nullable: false } },
    { name: 'text', type: { kind: 'utf8', nullable: true } },
  ],
};
const OPTIONS = { header: true, separator: ',' } as const;
const kernels = await newKernels(1 << 30);
const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-csv-'));
  folders.push(folder);
  return folder;
}
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const rowOf = (n: number): Row => ({ n, text: n % 3 === 0 ? null : `text "${n}",\n${'é'.repeat(n % 20)}` });
const recordOf = (n: number): string => `${n},x,${n % 3 === 0 ? '' : `"text ""${n}"",\n${'é'.repeat(n % 20)}"`}`;
const fileOf = (count: number, end = '\n'): string =>
  `n,other,text${end}${Array.from({ length: count }, (_, n) => recordOf(n)).join(end)}`;

function context(options: Partial<ReaderContext> = {}): ReaderContext {
  kernels.reset();
  return {
    kernels,
    source: 'flights',
    splitIndex: 0,
    columns: new Set(['n', 'text']),
    batchRows: 100,
    chunkBytes: 1 << 20,
    deadLetter: () => undefined,
    ...options,
  };
}

async function open(
  source: SourceConnector,
  options: Partial<ReaderContext> = {},
  offset?: Json,
): Promise<SplitReader> {
  const [split] = await source.splits();
  if (split === undefined) throw new Error('no split');
  return source.open(split, offset, context(options));
}

async function readUntil(reader: SplitReader, quantumEnd = Number.POSITIVE_INFINITY): Promise<Row[]> {
  const view = new RowView(kernels.memory, SCHEMA);
  const rows: Row[] = [];
  while (true) {
    const answer = reader.poll(quantumEnd);
    if (answer === 'wait') await reader.ready();
    else if (answer === 'end' || answer === 'quantum end') return rows;
    else rows.push(...readRows(view, answer));
  }
}

describe('CSV files', () => {
  test('are read alike whatever the chunks and batches, with and without a byte order mark', async () => {
    const path = join(await newFolder(), 'a.csv');
    for (const text of [fileOf(500), `\ufeff${fileOf(500, '\r\n')}\r\n`]) {
      await writeFile(path, text);
      for (const [chunkBytes, batchRows] of [
        [1, 7],
        [100, 3],
        [1 << 20, 4096],
      ] as const) {
        const reader = await open(csvFiles(path, SCHEMA, OPTIONS), { chunkBytes, batchRows });
        expect(await readUntil(reader)).toEqual(Array.from({ length: 500 }, (_, n) => rowOf(n)));
        await reader.close();
      }
    }
  });

  test('go on at any offset with exactly the rows that followed, header and all', async () => {
    const path = join(await newFolder(), 'a.csv');
    for (const text of [fileOf(60), `\ufeff${fileOf(60)}`]) {
      await writeFile(path, text);
      const source = csvFiles(path, SCHEMA, OPTIONS);
      for (let quantum = 1; quantum < 2500; quantum += 97) {
        const first = await open(source, { chunkBytes: 64, batchRows: 4 });
        const before = await readUntil(first, quantum);
        const offset = first.offset();
        await first.close();
        const second = await open(source, { chunkBytes: 50 }, offset);
        const after = await readUntil(second);
        await second.close();
        expect([...before, ...after], `quantum ${quantum}`).toEqual(Array.from({ length: 60 }, (_, n) => rowOf(n)));
      }
      const nothingYet = await open(source);
      const again = await open(source, {}, nothingYet.offset());
      expect(await readUntil(again)).toHaveLength(60);
      await Promise.all([nothingYet.close(), again.close()]);
    }
  });

  test('each have a header of their own', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'a.csv'), 'n,text\n1,a\n');
    await writeFile(join(folder, 'b.csv'), 'text,z,n\nb,,2\n');
    const source = csvFiles(join(folder, '*.csv'), SCHEMA, OPTIONS);
    const rows: Row[] = [];
    for (const split of await source.splits()) {
      const reader = await source.open(split, undefined, context());
      rows.push(...(await readUntil(reader)));
      await reader.close();
    }
    expect(rows).toEqual([
      { n: 1, text: 'a' },
      { n: 2, text: 'b' },
    ]);
  });

  test('hand bad records to the dead letters with their offset in the file', async () => {
    const path = join(await newFolder(), 'a.csv');
    await writeFile(path, 'n;text\n1;a\nnot;one;of us\n2;b\n');
    const letters: DeadLetter[] = [];
    const source = csvFiles(path, SCHEMA, { header: true, separator: ';' });
    const reader = await open(source, { deadLetter: (letter) => letters.push(letter) });
    expect((await readUntil(reader)).map((row) => row['n'])).toEqual([1, 2]);
    expect(letters).toMatchObject([{ source: 'flights', split: 'a.csv', offset: 11, position: 8 }]);
    await reader.close();
  });

  test('with a header of another schema are an error that names the file, at the start and on going on', async () => {
    const path = join(await newFolder(), 'a.csv');
    await writeFile(path, fileOf(10));
    const reader = await open(csvFiles(path, SCHEMA, OPTIONS));
    await readUntil(reader, 30);
    const offset = reader.offset();
    await reader.close();
    await writeFile(path, fileOf(10).replace('n,other,text', 'm,other,text'));
    await expect(open(csvFiles(path, SCHEMA, OPTIONS), {}, offset)).rejects.toMatchObject({
      code: 'E1521',
      message: expect.stringContaining(path),
    });
    const anew = await open(csvFiles(path, SCHEMA, OPTIONS));
    await expect(readUntil(anew)).rejects.toMatchObject({ code: 'E1521' });
    await anew.close();
  });
});

describe('csvFiles', () => {
  const Row = schema({ n: int32() });
  // As JavaScript users may call it.
  const untyped = publicCsvFiles as (...args: unknown[]) => unknown;
  test('refuses options that it does not know, and values that are none', () => {
    expect(() => untyped('a.csv', Row, { seperator: ';' })).toThrow("unknown option 'seperator' of csvFiles('a.csv')");
    expect(() => untyped('a.csv', Row, { separator: ':' })).toThrow("'separator' of csvFiles('a.csv') must be");
    expect(() => untyped('a.csv', Row, { header: 'no' })).toThrow(
      "'header' of csvFiles('a.csv') must be true or false",
    );
  });
});
