/** NDJSON files read back against JSON.parse, from every offset, in every cut; files that misbehave; standard input. */
import { appendFile, mkdtemp, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ndjsonFiles, stdin } from '../../../node/connectors/ndjson-files.ts';
import { ndjsonSink } from '../../../node/connectors/ndjson-sink.ts';
import type { Json } from '../../../src/base/json.ts';
import type { DeadLetter, ReaderContext, SourceConnector, SplitReader } from '../../../src/connector/source.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import { type Row, readRows, RowView } from '../../../src/format/row-view.ts';
import { newKernels } from '../../support/kernels.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'n', type: { kind: 'int32', nullable: false } },
    { name: 'text', type: { kind: 'utf8', nullable: true } },
  ],
};
const kernels = await newKernels(1 << 30);
const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-files-'));
  folders.push(folder);
  return folder;
}
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const rowOf = (n: number): Row => ({ n, text: n % 3 === 0 ? null : `text ${'é'.repeat(n % 50)} "${n}"` });
const linesOf = (count: number): string[] => Array.from({ length: count }, (_, n) => JSON.stringify(rowOf(n)));

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

/** All rows below `quantumEnd`; ends at 'quantum end' or 'end'. */
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

describe('NDJSON files', () => {
  test('are read alike whatever the chunks and batches', async () => {
    const path = join(await newFolder(), 'a.ndjson');
    await writeFile(path, linesOf(700).join('\n'));
    for (const [chunkBytes, batchRows] of [
      [7, 1],
      [100, 3],
      [4096, 100],
      [1 << 20, 4096],
    ] as const) {
      const reader = await open(ndjsonFiles(path, SCHEMA), { chunkBytes, batchRows });
      expect(await readUntil(reader)).toEqual(Array.from({ length: 700 }, (_, n) => rowOf(n)));
      await reader.close();
    }
  });

  test('go on at any offset with exactly the rows that followed', async () => {
    const path = join(await newFolder(), 'a.ndjson');
    await writeFile(path, `\ufeff${linesOf(60).join('\r\n')}\n`);
    const source = ndjsonFiles(path, SCHEMA);
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
  });

  test('have one split each, in order of their logical names, with sizes', async () => {
    const folder = await newFolder();
    for (const name of ['b', 'a', 'c']) await writeFile(join(folder, `${name}.ndjson`), name.repeat(3));
    expect(await ndjsonFiles(join(folder, '*.ndjson'), SCHEMA).splits()).toEqual(
      ['a.ndjson', 'b.ndjson', 'c.ndjson'].map((id) => ({ id, size: 3 })),
    );
  });

  test('hand bad lines to the dead letters with their offset in the file', async () => {
    const path = join(await newFolder(), 'a.ndjson');
    await writeFile(path, '{"n":1,"text":"a"}\nnot json\n{"n":2,"text":"b"}\n');
    const letters: DeadLetter[] = [];
    const reader = await open(ndjsonFiles(path, SCHEMA), { deadLetter: (letter) => letters.push(letter) });
    expect((await readUntil(reader)).map((row) => row['n'])).toEqual([1, 2]);
    expect(letters).toMatchObject([{ source: 'flights', split: 'a.ndjson', offset: 19 }]);
    await reader.close();
  });

  test('that are gone, shrunk or grown: the first two are errors, growth is left for the next run', async () => {
    const folder = await newFolder();
    const path = join(folder, 'a.ndjson');
    const text = linesOf(3000).join('\n');
    await writeFile(path, text);
    const source = ndjsonFiles(join(folder, '*.ndjson'), SCHEMA);
    const growing = await open(source, { chunkBytes: 1000 });
    await appendFile(path, '\n{"n":-1}');
    expect(await readUntil(growing)).toHaveLength(3000);
    await growing.close();
    const shrinking = await open(source, { chunkBytes: 1000 });
    await truncate(path, 50_000);
    await expect(readUntil(shrinking)).rejects.toMatchObject({ code: 'E1501' });
    await shrinking.close();
    await expect(open(source, {}, 60_000)).rejects.toThrow('ends at byte 50000');
    const [split] = await source.splits();
    await unlink(path);
    await expect(source.open(split ?? { id: '' }, undefined, context())).rejects.toMatchObject({ code: 'E1501' });
    await writeFile(join(folder, 'b.ndjson'), '');
    await expect(ndjsonFiles(join(folder, '*.ndjson'), SCHEMA).open({ id: 'a.ndjson' }, 0, context())).rejects.toThrow(
      'the file is gone',
    );
  });

  test('that are empty end at once', async () => {
    const path = join(await newFolder(), 'a.ndjson');
    await writeFile(path, '');
    const reader = await open(ndjsonFiles(path, SCHEMA));
    expect(reader.poll(1)).toBe('end');
    await reader.close();
  });

  test('written by the sink are read back as they were', async () => {
    const folder = await newFolder();
    const sink = await ndjsonSink(folder).open({ kernels, schema: SCHEMA, uid: 'out', job: 'job', epoch: 1 });
    kernels.reset();
    await sink.fence();
    await sink.recover([]);
    for (let part = 0; part < 3; part++) {
      const builder = new BatchBuilder(kernels, SCHEMA, 100);
      for (let n = 0; n < 100; n++) builder.append(rowOf(part * 100 + n));
      sink.write(builder.finish());
      await sink.commit([(await sink.prepare(part)) ?? null]);
    }
    await sink.close();
    const source = ndjsonFiles(join(folder, '**'), SCHEMA);
    const splits = await source.splits();
    expect(splits.map(({ id }) => id)).toEqual([
      'part-0000000000.ndjson',
      'part-0000000001.ndjson',
      'part-0000000002.ndjson',
    ]);
    const rows: Row[] = [];
    for (const split of splits) {
      const reader = await source.open(split, undefined, context());
      rows.push(...(await readUntil(reader)));
      await reader.close();
    }
    expect(rows).toEqual(Array.from({ length: 300 }, (_, n) => rowOf(n)));
  });
});

describe('standard input', () => {
  test('is read once, whatever the chunks, and refuses to be read again', async () => {
    const bytes = new TextEncoder().encode(`\ufeff${linesOf(50).join('\n')}`);
    const input = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 33) yield bytes.slice(at, at + 33);
    };
    const source = stdin(SCHEMA, input());
    expect(source.live).toBe(true);
    const reader = await open(source);
    expect(await readUntil(reader)).toEqual(Array.from({ length: 50 }, (_, n) => rowOf(n)));
    const offset = reader.offset();
    await reader.close();
    await expect(open(stdin(SCHEMA, input()), {}, offset)).rejects.toMatchObject({ code: 'E1506' });
  });

  test('that breaks off is an error', async () => {
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('{"n":1}\n');
      throw Object.assign(new Error('read EIO'), { code: 'EIO' });
    };
    const reader = await open(stdin(SCHEMA, input()));
    await expect(readUntil(reader)).rejects.toThrow('cannot read standard input: input/output error (EIO)');
    await reader.close();
  });
});
