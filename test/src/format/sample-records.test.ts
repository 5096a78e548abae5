import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DeadLetter } from '../../../src/connector/source.ts';
import { inferSchema } from '../../../src/format/infer-schema.ts';
import { sampleRecords } from '../../../src/format/sample-records.ts';
import { openCsv } from '../../support/csv-differential.ts';
import { decodeWith, openKernels } from '../../support/ndjson.ts';
import { root } from '../../support/packed-project.ts';

const sample = (text: string): ReturnType<typeof sampleRecords> => sampleRecords(Buffer.from(text), 100);

test('what begins with a brace is NDJSON, everything else CSV', () => {
  expect(sample('\n {"a":1}\n').format).toEqual({ kind: 'ndjson' });
  expect(sample('a,b\n').format.kind).toBe('csv');
  expect(sample('[1]\n').format.kind).toBe('csv');
});

test('the separator is the one that cuts most records into the same number of fields, most of them', () => {
  const separatorOf = (text: string): string => {
    const { format } = sample(text);
    return format.kind === 'csv' ? format.separator : 'none';
  };
  expect(separatorOf('a;b,c;d\n1;2,3;4\n')).toBe(';');
  expect(separatorOf('a\tb\n"x, y, z"\t2\n"u, v, w"\t3\n')).toBe('\t');
  expect(separatorOf('a|b|c\n1|2|3\n')).toBe('|');
  expect(separatorOf('note\nhello; you\nx, y, z\n')).toBe(',');
});

test('a header is names that differ; numbers, truth values and nothing are none', () => {
  const names = (text: string): readonly string[] => {
    const { format } = sample(text);
    return format.kind === 'csv' ? format.names : [];
  };
  expect(names('a,b\nx,y\n')).toEqual(['a', 'b']);
  for (const first of ['a,1', 'a,', 'a,a', 'true,b', '-1,b', '2026-01-01,b']) {
    expect(names(`${first}\nx,y\n`), first).toEqual(['column1', 'column2']);
  }
});

test('values are null, bool, number, text or nested', () => {
  const { records } = sample('{"a":null,"b":true,"c":1.5,"d":"1","e":[1]}\n');
  expect([...(records[0] ?? [])]).toEqual([
    ['b', { kind: 'bool' }],
    ['c', { kind: 'number', value: 1.5 }],
    ['d', { kind: 'text', text: '1' }],
    ['e', { kind: 'nested' }],
  ]);
  expect([...(sample('a,b,c,d\n"1",TRUE,,"x\n""y"""\n').records[0] ?? [])]).toEqual([
    ['a', { kind: 'number', value: 1 }],
    ['b', { kind: 'bool' }],
    ['d', { kind: 'text', text: 'x\n"y"' }],
  ]);
});

test('real CSV files are read whole by the schema that is proposed for them', async () => {
  const kernels = await openKernels(256 << 20);
  const folder = join(root, 'node_modules', 'vega-datasets', 'data');
  const files = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  expect(files.length).toBeGreaterThan(20);
  for (const name of files) {
    const input = readFileSync(join(folder, name));
    const content = input[0] === 0xef ? input.subarray(3) : input;
    const proposal = inferSchema(content, 1_000_000);
    const { format, records, broken } = proposal;
    if (format.kind !== 'csv') throw new Error(`${name} is taken for NDJSON`);
    const refused: DeadLetter[] = [];
    const { rows } = decodeWith(kernels, content, 65_536, () =>
      openCsv(kernels, { fields: proposal.columns }, refused, { separator: format.separator, header: format.header }),
    );
    expect([name, refused.map(({ reason }) => reason).slice(0, 3), broken]).toEqual([name, [], 0]);
    expect(rows.length, name).toBe(records);
  }
}, 60_000);
