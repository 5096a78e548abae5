/** `millrace infer` end to end: what it prints is a program that runs on the file it was made from. */
import { gzipSync } from 'node:zlib';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JobFolder } from '../../support/cli.ts';

let folder: JobFolder;
beforeEach(() => {
  folder = new JobFolder();
});
afterEach(() => folder.remove());

const FLIGHTS = `scheduled;origin;Delay, minutes;on time
2001-01-01T00:10Z;SFO;5;true
2001-01-01T00:40Z;"JFK";;FALSE
2001-01-01T00:02Z;SFO;-3;true
`;

it('proposes types, absence, event time and disorder, as TypeScript', async () => {
  folder.write('flights.csv', FLIGHTS);
  const { code, out } = await folder.millrace('infer', 'flights.csv');
  expect(code).toBe(0);
  expect(out).toBe(`// A proposal, from 3 records of flights.csv.
// What those records did not hold it cannot know: look at it before you rely on it.
import { from, schema, bool, int32, timestamp, utf8, boundedOutOfOrderness } from 'millrace';
import { csvFiles } from 'millrace/node';

const Row = schema({
  scheduled: timestamp(), // 2001-01-01T00:02Z to 2001-01-01T00:40Z, 1 out of order, at most 38 minutes behind
  origin: utf8(),
  'Delay, minutes': int32().nullable(), // absent in 1 of 3
  'on time': bool(),
});

export const rows = from(csvFiles('flights.csv', Row, { separator: ';' }))
  .watermark('scheduled', boundedOutOfOrderness('1 hour'));
`);
});

it('prints a program that runs on its file, in each format and through gzip', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({
    "it's": `a "b" \\ ${i}`,
    at: new Date(Date.UTC(2026, 0, 1) + i * 1000 - (i % 7) * 1500).toISOString(),
    n: i % 9 === 0 ? null : i,
  }));
  writeFileSync(join(folder.path, 'a.ndjson.gz'), gzipSync(rows.map((row) => JSON.stringify(row)).join('\n')));
  folder.write(
    'a.csv',
    ["it's,at,n", ...rows.map((row) => `"a ""b"" \\ ${row.n}",${row.at},${row.n ?? ''}`)].join('\n'),
  );
  folder.write('b.csv', rows.map(({ at, n }) => `${n ?? ''}\t${at}`).join('\n'));
  for (const file of ['a.ndjson.gz', 'a.csv', 'b.csv']) {
    const { out } = await folder.millrace('infer', file);
    expect(out).toMatch(/at most [\d.]+ (?:s|ms) behind/);
    const text = out
      .replace('export const rows = ', 'const rows = ')
      .replace(/import \{ (\w+) \} from 'millrace\/node'/, "import { $1, ndjsonSink } from 'millrace/node'");
    folder.write('job.ts', `${text}\nexport default rows.to(ndjsonSink('out-${file}'));\n`);
    const ran = await folder.millrace('run', 'job.ts', '--state', `state-${file}`);
    expect(ran.code, ran.err).toBe(0);
    expect(folder.output(`out-${file}`).trim().split('\n')).toHaveLength(300);
  }
});

it('looks at as many records as it is told, and prints JSON when asked', async () => {
  folder.write('a.ndjson', '{"a":1}\n{"a":2}\n{"a":"x"}\n{"a":');
  expect((await folder.millrace('infer', 'a.ndjson', '--rows', '2')).out).toContain('a: int32(),');
  const { out } = await folder.millrace('infer', 'a.ndjson', '--json');
  expect(JSON.parse(out)).toMatchObject({ records: 3, broken: 1, columns: [{ name: 'a', type: { kind: 'json' } }] });
  expect((await folder.millrace('infer', 'a.ndjson')).out).toContain('beside 1 that could not be read');
  expect((await folder.millrace('infer', 'a.ndjson')).out).toContain('No column is an instant in every record');
});

it('says what is wrong with its words and its file', async () => {
  folder.write('empty.csv', '');
  const problem = async (...args: readonly string[]): Promise<string> => {
    const { code, err } = await folder.millrace('infer', ...args);
    expect(code).toBe(2);
    return err;
  };
  expect(await problem('empty.csv')).toContain('empty.csv begins with no record that can be read');
  expect(await problem('none.csv')).toContain("no file matches 'none.csv'");
  expect(await problem('empty.csv', '--rows', 'all')).toContain("--rows must be a whole number above 0, but is 'all'");
  expect(await problem()).toContain('millrace infer <file>');
  expect((await folder.millrace('infer', '--help')).out).toContain('It is a proposal');
});
