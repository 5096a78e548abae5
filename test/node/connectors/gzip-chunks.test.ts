/** Gzip files: read as their text, from every offset; every way to be broken; a bomb in bounded memory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChunkTarget } from '../../../node/connectors/chunks.ts';
import { csvFiles } from '../../../node/connectors/csv-files.ts';
import { GzipChunks, isGzip } from '../../../node/connectors/gzip-chunks.ts';
import { ndjsonFiles } from '../../../node/connectors/ndjson-files.ts';
import { below, seededRandom } from '../../../src/base/random.ts';
import type { Json } from '../../../src/base/json.ts';
import type { SourceConnector } from '../../../src/connector/source.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
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
async function newFile(name: string, bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-gzip-'));
  folders.push(folder);
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const random = seededRandom(7);
const rowOf = (n: number): Row => ({ n, text: `${n}:${'é'.repeat(n % 9)}` });
const rowsTo = (count: number): Row[] => Array.from({ length: count }, (_, n) => rowOf(n));
const ndjson = (count: number): string =>
  rowsTo(count)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('');
const csv = (count: number): string =>
  `text,n\n${rowsTo(count)
    .map(({ n, text }) => `"${text}",${n}\n`)
    .join('')}`;

/** `bytes` as `count` members, cut anywhere. */
function members(bytes: Uint8Array, count: number): Buffer {
  const cuts = Array.from({ length: count - 1 }, () => below(random, bytes.length)).sort((a, b) => a - b);
  const ends = [...cuts, bytes.length];
  return Buffer.concat(ends.map((end, i) => gzipSync(bytes.subarray(i === 0 ? 0 : ends[i - 1], end))));
}

async function rowsOf(
  source: SourceConnector,
  options: { readonly chunkBytes?: number; readonly quantumEnd?: number } = {},
  offset?: Json,
): Promise<{ readonly rows: Row[]; readonly offset: Json }> {
  kernels.reset();
  const [split] = await source.splits();
  const reader = await source.open(split ?? { id: '' }, offset, {
    kernels,
    source: 'flights',
    splitIndex: 0,
    columns: new Set(['n', 'text']),
    batchRows: 50,
    chunkBytes: options.chunkBytes ?? 4096,
    deadLetter: ({ reason }) => {
      throw new Error(reason);
    },
  });
  const view = new RowView(kernels.memory, SCHEMA);
  const rows: Row[] = [];
  try {
    while (true) {
      const answer = reader.poll(options.quantumEnd ?? Number.POSITIVE_INFINITY);
      if (answer === 'wait') await reader.ready();
      else if (answer === 'end' || answer === 'quantum end') return { rows, offset: reader.offset() };
      else rows.push(...readRows(view, answer));
    }
  } finally {
    await reader.close();
  }
}

const bothFormats = [
  ['NDJSON', ndjson, (path: string) => ndjsonFiles(path, SCHEMA)],
  ['CSV', csv, (path: string) => csvFiles(path, SCHEMA, { header: true, separator: ',' })],
] as const;

describe.each(bothFormats)('gzip files of %s', (_, textOf, sourceOf) => {
  test('are read as their text, whatever their name, of one member or several, with a byte order mark', async () => {
    const text = Buffer.from(textOf(3000));
    for (const [name, bytes] of [
      ['a.gz', gzipSync(text)],
      ['a.data', members(text, 1)],
      ['a.gz', members(text, 40)],
      ['a.gz', Buffer.concat([gzipSync(''), members(Buffer.concat([Buffer.from('\ufeff'), text]), 3), gzipSync('')])],
      ['a.gz', Buffer.concat([members(text, 2), Buffer.alloc(70_000)])],
    ] as const) {
      const { rows } = await rowsOf(sourceOf(await newFile(name, bytes)));
      expect(rows).toEqual(rowsTo(3000));
    }
  });

  test('go on at any offset with exactly the rows that followed; offsets are those of the text', async () => {
    const text = Buffer.from(`\ufeff${textOf(400)}`);
    const path = await newFile('a.gz', members(text, 3));
    const plain = sourceOf(await newFile('a.txt', text));
    for (let quantumEnd = 1; quantumEnd < text.length; quantumEnd += 997) {
      const before = await rowsOf(sourceOf(path), { quantumEnd });
      expect(before.offset).toBe((await rowsOf(plain, { quantumEnd })).offset);
      const after = await rowsOf(sourceOf(path), { chunkBytes: 100 }, before.offset);
      expect([...before.rows, ...after.rows]).toEqual(rowsTo(400));
    }
    await expect(rowsOf(sourceOf(path), {}, text.length + 1)).rejects.toThrow(`its text ends at byte ${text.length}`);
    expect((await rowsOf(sourceOf(path), {}, text.length)).rows).toEqual([]);
  });
});

describe('gzip files that are broken', () => {
  const text = Buffer.from(ndjson(60));
  const whole = gzipSync(text);
  const read = async (bytes: Uint8Array): Promise<Row[]> =>
    (await rowsOf(ndjsonFiles(await newFile('a.gz', bytes), SCHEMA))).rows;

  test('are an error wherever they are cut off', async () => {
    for (let end = 2; end < whole.length; end += 1 + below(random, 12)) {
      await expect(read(whole.subarray(0, end)), `cut at ${end}`).rejects.toThrow(
        `it ends at byte ${end}, inside its gzip data`,
      );
    }
    await expect(read(Buffer.concat([whole, whole.subarray(0, 30)]))).rejects.toMatchObject({ code: 'E1501' });
  });

  test('are an error wherever a byte is another, or are read as if it were not', async () => {
    let errors = 0;
    // Behind the ten bytes of the header, of which some say nothing about the text.
    for (let at = 10; at < whole.length; at += 1 + below(random, 6)) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
      const outcome = await read(bytes).catch((error: unknown) => error);
      if (Array.isArray(outcome)) expect(outcome).toEqual(rowsTo(60));
      else errors++;
    }
    expect(errors).toBeGreaterThan(20);
    const bytes = Buffer.from(whole);
    bytes[whole.length - 6] = (bytes[whole.length - 6] ?? 0) ^ 1;
    const path = await newFile('b.gz', bytes);
    const failure = rowsOf(ndjsonFiles(path, SCHEMA));
    await expect(failure).rejects.toMatchObject({
      code: 'E1501',
      message: expect.stringMatching(
        /b\.gz: its gzip data is damaged before byte \d+ \(incorrect data check\), behind byte \d+ of its text/,
      ),
      hint: expect.stringContaining('goes on from its last checkpoint'),
    });
  });

  test('are an error when something else follows, also behind zeros', async () => {
    await expect(read(Buffer.concat([whole, Buffer.from('{"n":1}\n')]))).rejects.toThrow('its gzip data is damaged');
    await expect(read(Buffer.concat([whole, Buffer.alloc(10), whole]))).rejects.toThrow(
      `something that is not gzip follows its gzip data, at byte ${whole.length + 10}`,
    );
  });

  test('by name alone are an error that says so', async () => {
    const path = await newFile('a.ndjson.gz', Buffer.from(ndjson(2)));
    await expect(ndjsonFiles(path, SCHEMA).splits()).rejects.toMatchObject({
      code: 'E1501',
      message: expect.stringContaining('does not begin as gzip does'),
    });
    await expect(isGzip(await newFile('empty.gz', new Uint8Array(0)))).rejects.toMatchObject({ code: 'E1501' });
    expect(await isGzip(await newFile('empty', new Uint8Array(0)))).toBe(false);
  });
});

describe('a gzip bomb', () => {
  /** 256 MB of one byte in a quarter of one: about a thousand to one. */
  const bomb = (byte: string): Buffer => {
    const member = gzipSync(Buffer.alloc(4 << 20, byte));
    return Buffer.concat(Array.from({ length: 64 }, () => member));
  };

  test('is held a few chunks at a time, and no more is decompressed than is taken', async () => {
    const path = await newFile('a.gz', bomb(' '));
    const { chunks } = await GzipChunks.open(path, undefined);
    const target = { largest: 0, total: 0 };
    const taker: ChunkTarget = {
      space: (bytes) => new Uint8Array(bytes),
      pushed: () => undefined,
      push: ({ length }) => {
        target.largest = Math.max(target.largest, length);
        target.total += length;
      },
    };
    let buffered = 0;
    for (let i = 0; ; i++) {
      const given = chunks.next(taker);
      if (given === 'end') break;
      if (given === 'wait') await chunks.ready();
      if (i % 200 === 0) buffered = Math.max(buffered, process.memoryUsage().arrayBuffers);
    }
    expect(target.total).toBe(256 << 20);
    expect(target.largest).toBeLessThanOrEqual(131_072);
    // The file itself is a quarter of a megabyte, and garbage waits to be collected.
    expect(buffered).toBeLessThan(128 << 20);
    await chunks.close();
  });

  test('of one endless line is one dead letter, and memory stays as it was', async () => {
    const path = await newFile('a.gz', Buffer.concat([bomb('x'), gzipSync(`\n${ndjson(3)}`)]));
    kernels.reset();
    const source = ndjsonFiles(path, SCHEMA);
    const letters: number[] = [];
    const reader = await source.open({ id: 'a.gz' }, undefined, {
      kernels,
      source: 'flights',
      splitIndex: 0,
      columns: new Set(['n', 'text']),
      batchRows: 50,
      chunkBytes: 4096,
      deadLetter: ({ bytes }) => letters.push(bytes.length),
    });
    const before = kernels.memory.u8.length;
    let rows = 0;
    for (
      let answer = reader.poll(Number.POSITIVE_INFINITY);
      answer !== 'end';
      answer = reader.poll(Number.POSITIVE_INFINITY)
    ) {
      if (answer === 'wait') await reader.ready();
      else if (typeof answer === 'object') rows += answer.rows;
    }
    expect([letters, rows]).toEqual([[65_536], 3]);
    // A line of 16 MB is what the decoder takes; its buffer doubles on the way there.
    expect(kernels.memory.u8.length - before).toBeLessThan(100 << 20);
    await reader.close();
  });
});

test('a reader that is closed at work leaves nothing open', async () => {
  const path = await newFile('a.gz', gzipSync(Buffer.alloc(8 << 20, ' ')));
  for (let i = 0; i < 20; i++) {
    const { chunks } = await GzipChunks.open(path, i * 1000);
    if (i % 2 === 0) await chunks.ready();
    await chunks.close();
  }
  const handles = process.getActiveResourcesInfo().filter((name) => /FSReqPromise|Zlib/i.test(name));
  expect(handles).toEqual([]);
});
