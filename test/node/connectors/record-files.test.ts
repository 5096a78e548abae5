/** Where files are begun, what of them goes on, and every combination that cannot work. */
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { csvFiles, ndjsonFiles, run, type RunningJob, stdin } from '../../../node/index.ts';
import type { FileReadOptions } from '../../../node/connectors/read-options.ts';
import type { CsvFilesOptions } from '../../../node/sources.ts';
import { boundedOutOfOrderness, from, int32, schema, timestamp, utf8 } from '../../../src/index.ts';
import { collectSink } from '../../../src/format/collect-sink.ts';
import { makeSink } from '../../../src/platform.ts';

const Row = schema({ at: timestamp(), n: int32(), text: utf8().nullable() });
const rowsOf = (path: string, options: FileReadOptions = {}) => ndjsonFiles(path, Row, options);
type Rows = ReturnType<typeof rowsOf>;
const EPOCH = Date.UTC(2024, 0, 1);
const FOLLOW = { pollEvery: '5 ms', rotateWait: '5 ms' } as const;

let folder: string;
const running: RunningJob[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-reading-'));
});
afterEach(async () => {
  // One that failed has told its test.
  for (const job of running.splice(0)) await job.cancel().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const json = (n: number): string => `${JSON.stringify({ at: EPOCH + n * 1000, n, text: null })}\n`;
const csv = (n: number): string => `${new Date(EPOCH + n * 1000).toISOString()},"line\nof ${n}",${n}\n`;
const numbers = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i);
const text = (of: (n: number) => string, start: number, end: number): string => numbers(start, end).map(of).join('');

interface Started {
  readonly job: RunningJob;
  readonly seen: () => unknown[];
}

async function start(
  source: Rows,
  options: { readonly state?: string; readonly hasTime?: boolean } = {},
): Promise<Started> {
  const results = collectSink();
  const rows = from(source, { uid: 'rows' });
  const timed = options.hasTime === false ? rows : rows.watermark('at', boundedOutOfOrderness('1 s'));
  const made = timed.to(makeSink('inserts only', results, 'results'), { uid: 'out' });
  const state = options.state === undefined ? {} : { state: options.state };
  const job = await run(made, { name: 'reading', checkpointEvery: '10 ms', ...state });
  running.push(job);
  return { job, seen: () => results.rows.map((row) => row['n']) };
}

async function whole(source: Rows): Promise<unknown[]> {
  const { job, seen } = await start(source);
  await job.done;
  return seen();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

describe('a start at an offset', () => {
  test('begins with the first record at or after it, also where line breaks stand in quotes', async () => {
    const lines = text(json, 0, 20);
    writeFileSync(at('a.ndjson'), lines);
    const header = 'at,text,n\n';
    const records = header + text(csv, 0, 20);
    writeFileSync(at('a.csv'), records);
    for (const [offset, first] of [
      [0, 0],
      [1, 1],
      [json(0).length - 1, 1],
      [json(0).length, 1],
      [text(json, 0, 7).length + 3, 8],
      [lines.length, 20],
    ] as const)
      expect(await whole(rowsOf(at('a.ndjson'), { startAt: { offset } })), `byte ${offset}`).toEqual(
        numbers(first, 20),
      );
    const inQuotes = header.length + text(csv, 0, 7).length + csv(7).indexOf('\n');
    for (const [offset, first] of [
      [1, 0],
      [header.length, 0],
      [inQuotes, 8],
      [inQuotes + 1, 8],
    ] as const)
      expect(await whole(csvFiles(at('a.csv'), Row, { startAt: { offset } })), `byte ${offset}`).toEqual(
        numbers(first, 20),
      );
  });

  test('is for a first start: a checkpoint goes before it, and says so', async () => {
    writeFileSync(at('a.ndjson'), text(json, 0, 10));
    const source = rowsOf(at('a.ndjson'), { follow: FOLLOW, startAt: { offset: text(json, 0, 5).length } });
    const first = await start(source, { state: at('state') });
    await until(() => first.seen().length === 5);
    expect(first.job.restored.overruled).toEqual([]);
    await first.job.suspend();
    appendFileSync(at('a.ndjson'), text(json, 10, 12));
    const second = await start(source, { state: at('state') });
    await until(() => second.seen().length === 2);
    expect(second.seen()).toEqual([10, 11]);
    expect(second.job.restored.overruled).toEqual([
      `source 'rows' goes on as its checkpoint says: startAt byte ${text(json, 0, 5).length} is for a first start`,
    ]);
  });
});

describe('a start at the end', () => {
  test('passes over what is there, not over what comes, nor over files that come', async () => {
    writeFileSync(at('a.ndjson'), `${text(json, 0, 10)}${json(10).slice(0, 9)}`);
    const { job, seen } = await start(rowsOf(at('*.ndjson'), { follow: FOLLOW, startAt: 'end' }));
    await until(() => job.watermarks().splits.length === 1);
    appendFileSync(at('a.ndjson'), json(10).slice(9) + json(11));
    writeFileSync(at('b.ndjson'), text(json, 20, 22));
    await until(() => seen().length === 4);
    expect([...seen()].sort()).toEqual([10, 11, 20, 21]);
  });
});

describe('CSV that is followed', () => {
  const record = (n: number): string => csv(n);
  const header = 'at,text,n\n';

  test('has a header in every file that rotation brings, and goes on after a restart with what it named', async () => {
    writeFileSync(at('a.csv'), header + text(record, 0, 5));
    const source = csvFiles(at('a.csv*'), Row, { follow: FOLLOW });
    const first = await start(source, { state: at('state') });
    await until(() => first.seen().length === 5);
    renameSync(at('a.csv'), at('a.csv.1'));
    writeFileSync(at('a.csv'), `\ufeff${header}${text(record, 5, 8)}`);
    await until(() => first.seen().length === 8);
    await first.job.suspend();
    appendFileSync(at('a.csv'), text(record, 8, 10));
    const second = await start(source, { state: at('state') });
    await until(() => first.seen().length + second.seen().length === 10);
    expect([...first.seen(), ...second.seen()]).toEqual(numbers(0, 10));
    expect(second.job.deadLetters()).toEqual([]);
  });

  test('ends with an error when the next file has other columns', async () => {
    writeFileSync(at('a.csv'), header + text(record, 0, 5));
    const { job, seen } = await start(csvFiles(at('a.csv'), Row, { follow: FOLLOW }));
    await until(() => seen().length === 5);
    renameSync(at('a.csv'), at('old'));
    writeFileSync(at('a.csv'), `n,text,at\n5,,2024-01-01T00:00:00Z\n`);
    await expect(job.done).rejects.toMatchObject({ code: 'E1521' });
  });
});

test('files by the hundred leave each other and state the memory that they need', async () => {
  for (let i = 0; i < 800; i++) {
    writeFileSync(at(`${i}.ndjson`), json(i));
    truncateSync(at(`${i}.ndjson`), 300_000);
  }
  const { job } = await start(rowsOf(at('*.ndjson')));
  await job.cancel();
  expect(job.status).toBe('cancelled');
});

describe('options that cannot work', () => {
  test.each<[string, () => unknown, string]>([
    [
      'an offset of several files',
      () => rowsOf(at('*.x'), { startAt: { offset: 5 } }),
      'an offset is a byte of one file',
    ],
    [
      'the end of what is not followed',
      () => rowsOf(at('a'), { startAt: 'end' }),
      'there is nothing to read behind the end',
    ],
    // Users of JavaScript.
    [
      'a start that is none',
      () => rowsOf(at('a'), { startAt: { at: 5 } } as unknown as FileReadOptions),
      'startAt of ndjsonFiles',
    ],
    ['a negative offset', () => rowsOf(at('a'), { startAt: { offset: -1 } }), 'startAt of ndjsonFiles must be'],
    [
      'an instant without a zone',
      () => rowsOf(at('a'), { startAt: { timestamp: '2024-01-01T00:00' } }),
      'is not an instant',
    ],
    [
      'a rate without a unit',
      () => rowsOf(at('a'), { rate: '1000' as '1000 rows/s' }),
      'rate of ndjsonFiles must be above zero',
    ],
    ['a rate of nothing', () => rowsOf(at('a'), { rate: '0 rows/s' }), "but is '0 rows/s'"],
    ['a sample of nothing', () => rowsOf(at('a'), { sample: 0 }), 'above 0 and at most 1, but is 0'],
    ['a sample of more than all', () => rowsOf(at('a'), { sample: 2 }), 'but is 2'],
    [
      'an offset of standard input',
      () => stdin(Row, { startAt: { offset: 1 } } as unknown as object),
      'startAt of stdin',
    ], // likewise
    [
      'standard input that is followed',
      () => stdin(Row, { follow: true } as unknown as object),
      "unknown option 'follow'",
    ], // likewise
    [
      'CSV with an unknown option',
      () => csvFiles(at('a'), Row, { sampel: 1 } as unknown as CsvFilesOptions),
      "Did you mean 'sample'",
    ], // likewise
  ])('%s', (_what, make, message) => {
    let told = '';
    try {
      make();
    } catch (error) {
      told =
        error instanceof Error && 'format' in error && typeof error.format === 'function'
          ? error.format()
          : String(error);
    }
    expect(told).toContain(message);
  });

  test('a start at an instant in a job without event time', async () => {
    writeFileSync(at('a'), json(1));
    const source = rowsOf(at('a'), { startAt: { timestamp: new Date(EPOCH) } });
    await expect(start(source, { hasTime: false })).rejects.toThrow(
      'ndjsonFiles cannot be read with startAt { timestamp }: the job does not say which column is its event time',
    );
  });

  test('compressed files that are followed, or begun at an offset', async () => {
    expect(() => rowsOf(at('a.ndjson.gz'), { follow: true })).toThrow('is compressed, and such files do not grow');
    writeFileSync(at('a.ndjson'), gzipSync(text(json, 0, 10)));
    await expect(start(rowsOf(at('a.ndjson'), { startAt: { offset: 5 } }))).rejects.toThrow('it is compressed');
    const { job } = await start(rowsOf(at('a.ndjson'), { follow: FOLLOW }));
    await expect(job.done).rejects.toThrow('it is compressed (gzip)');
  });

  test('an offset behind the end of the file', async () => {
    writeFileSync(at('a'), json(1));
    await expect(start(rowsOf(at('a'), { startAt: { offset: 500 } }))).rejects.toThrow(
      `it has ${json(1).length} bytes`,
    );
  });
});

describe('a start at an instant, a sample and a rate', () => {
  test('of files are what the options say', async () => {
    writeFileSync(at('a'), text(json, 0, 1000));
    const startAt = { timestamp: new Date(EPOCH + 400_000) };
    expect(await whole(rowsOf(at('a'), { startAt, rate: '100000 rows/s' }))).toEqual(numbers(400, 1000));
    const sampled = await whole(rowsOf(at('a'), { sample: 0.1 }));
    expect(sampled.length).toBeGreaterThan(40);
    expect(sampled.length).toBeLessThan(200);
    expect(await whole(rowsOf(at('a'), { sample: 0.1 }))).toEqual(sampled);
  });
});
