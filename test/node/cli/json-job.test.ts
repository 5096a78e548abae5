/** Jobs as JSON over files of each format, run by the command line. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JobFolder } from '../../support/cli.ts';

let folder: JobFolder;
beforeEach(() => {
  folder = new JobFolder();
});
afterEach(() => folder.remove());

const jobOver = (from: object, into = 'out'): string =>
  JSON.stringify({
    name: 'visits',
    from: { ...from, schema: { at: 'timestamp', page: 'utf8', ms: 'int32?' } },
    watermark: { column: 'at', boundedOutOfOrderness: '1 minute' },
    keyBy: ['page'],
    window: { tumbling: '1 hour' },
    aggregate: { visits: 'count', slowest: { max: 'ms' } },
    to: { ndjsonSink: into },
  });

it('CSV and NDJSON of the same rows have the same results', async () => {
  const rows = Array.from({ length: 500 }, (_, i) => ({
    at: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
    page: `page; ${i % 7}`,
    ms: i % 5 === 0 ? null : i,
  }));
  folder.write('in/a.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'));
  folder.write('csv/a.csv', `page;ms;at\n${rows.map(({ at, page, ms }) => `"${page}";${ms ?? ''};${at}`).join('\n')}`);
  folder.write('plain/a.csv', rows.map(({ at, page, ms }) => `${at}\t${page}\t${ms ?? ''}`).join('\n'));
  const outputs: string[] = [];
  for (const from of [
    { ndjsonFiles: 'in/*' },
    { csvFiles: ['csv/*.csv'], separator: ';' },
    { csvFiles: 'plain/*.csv', separator: '\t', header: false },
  ]) {
    const into = `out-${outputs.length}`;
    folder.write('job.json', jobOver(from, into));
    const { code, err } = await folder.millrace('run', 'job.json', '--state', `state-${outputs.length}`);
    expect(code, err).toBe(0);
    outputs.push(folder.output(into));
  }
  expect(outputs[0]?.split('\n').length).toBeGreaterThan(50);
  expect(outputs[1]).toBe(outputs[0]);
  expect(outputs[2]).toBe(outputs[0]);
});

it('a source of no format, or with options of another, is told with its path', async () => {
  folder.write('in/a.csv', 'at,page,ms\n');
  const problem = async (from: object): Promise<string> => {
    folder.write('job.json', jobOver(from));
    const { code, err } = await folder.millrace('run', 'job.json');
    expect(code).toBe(2);
    return err;
  };
  expect(await problem({ xmlFiles: 'in/*' })).toContain(
    'from.xmlFiles: there is no such key; there are ndjsonFiles, schema',
  );
  expect(await problem({ csvFiles: 7 })).toContain('from.csvFiles: it must be a glob, or a list of globs');
  expect(await problem({ csvFiles: 'in/*', separator: ':' })).toContain("'separator' of csvFiles('in/*') must be");
  expect(await problem({ ndjsonFiles: 'in/*', header: true })).toContain('from.header: there is no such key');
});
