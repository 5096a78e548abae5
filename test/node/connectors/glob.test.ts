/** Which files a pattern names. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandBraces, expandGlobs } from '../../../node/connectors/glob.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-glob-'));
  for (const name of [
    'a.ndjson',
    'b.ndjson',
    'c.txt',
    '.hidden.ndjson',
    'x/a.ndjson',
    'x/y/deep.ndjson',
    '.pending/p.ndjson',
    'z+(1)/a.ndjson',
  ]) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), name);
  }
  await symlink(join(root, 'x'), join(root, 'link'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const ids = async (...patterns: string[]): Promise<string[]> =>
  (await expandGlobs(patterns.map((pattern) => join(root, pattern)))).map(({ id }) => id);

describe('a glob', () => {
  test.each<[string, string[]]>([
    ['*.ndjson', ['a.ndjson', 'b.ndjson']],
    ['?.*', ['a.ndjson', 'b.ndjson', 'c.txt']],
    ['{b,a}.{ndjson,txt}', ['a.ndjson', 'b.ndjson']],
    ['x/**/*.ndjson', ['a.ndjson', 'y/deep.ndjson']],
    ['x/**', ['a.ndjson', 'y/deep.ndjson']],
    ['.*.ndjson', ['.hidden.ndjson']],
    ['*/a.ndjson', ['link/a.ndjson', 'x/a.ndjson', 'z+(1)/a.ndjson']],
    ['z+(1)/*', ['a.ndjson']],
    ['a.ndjson', ['a.ndjson']],
  ])('%s names %j', async (pattern, expected) => {
    expect(await ids(pattern)).toEqual(expected);
  });

  test('names files relative to the folder that all patterns share, each once', async () => {
    expect(await ids('x/*.ndjson', 'x/y/*.ndjson', 'x/y/deep.ndjson')).toEqual(['a.ndjson', 'y/deep.ndjson']);
    expect(await ids('x/y/*', '*.txt')).toEqual(['c.txt', 'x/y/deep.ndjson']);
  });

  test('that names no file is told with its pattern', async () => {
    await expect(ids('a.ndjson', '*.csv')).rejects.toMatchObject({ code: 'E1504' });
    await expect(ids('none/*.ndjson')).rejects.toThrow('none/*.ndjson');
    await expect(ids('x')).rejects.toMatchObject({ code: 'E1504' });
  });

  test('takes braces inside braces', () => {
    expect(expandBraces('a{b,c{d,e}}f')).toEqual(['abf', 'acdf', 'abf', 'acef']);
  });
});
