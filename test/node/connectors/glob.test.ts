/** Which files a pattern names. */
import { execFileSync } from 'node:child_process';
import { link as fileLink, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandBraces, expandGlobs, findFiles } from '../../../node/connectors/glob.ts';

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
    ['*/a.ndjson', ['x/a.ndjson', 'z+(1)/a.ndjson']],
    ['link/*.ndjson', ['a.ndjson']],
    ['z+(1)/*', ['a.ndjson']],
    ['a.ndjson', ['a.ndjson']],
  ])('%s names %j', async (pattern, expected) => {
    expect(await ids(pattern)).toEqual(expected);
  });

  test('names files relative to the folder that all patterns share, each once', async () => {
    expect(await ids('x/*.ndjson', 'x/y/*.ndjson', 'x/y/deep.ndjson')).toEqual(['a.ndjson', 'y/deep.ndjson']);
    expect(await ids('x/y/*', '*.txt')).toEqual(['c.txt', 'x/y/deep.ndjson']);
  });

  test('finds a file with several names once: under its own, else under the first', async () => {
    const folder = await mkdtemp(join(root, 'names-'));
    await writeFile(join(folder, 'b-1.log'), 'b');
    await symlink('b-1.log', join(folder, 'a-current.log'));
    await writeFile(join(folder, 'c.log'), 'c');
    await fileLink(join(folder, 'c.log'), join(folder, 'd.log'));
    await symlink('c.log', join(folder, 'e.log'));
    const found = async (...names: string[]): Promise<string[]> =>
      (await expandGlobs(names.map((name) => join(folder, name)))).map(({ id }) => id);
    expect(await found('*.log')).toEqual(['b-1.log', 'c.log']);
    expect(await found('{a,d,e}*.log')).toEqual(['a-current.log', 'd.log']);
    expect(await found('a-current.log', 'b-1.log')).toEqual(['b-1.log']);
    expect((await findFiles([join(folder, 'a-current.log'), join(folder, 'b-1.log')])).missing).toEqual([]);
  });

  test('follows no links to folders below **, so links that lead in circles do no harm', async () => {
    const folder = await mkdtemp(join(root, 'links-'));
    await mkdir(join(folder, 'x/y'), { recursive: true });
    await writeFile(join(folder, 'x/y/a.log'), 'a');
    for (const name of ['loop', 'x/loop']) await symlink('.', join(folder, name));
    await symlink('itself', join(folder, 'x/itself'));
    await symlink('x', join(folder, 'latest'));
    const found = async (name: string): Promise<string[]> =>
      (await expandGlobs([join(folder, name)])).map(({ id }) => id);
    expect(await found('**/*.log')).toEqual(['x/y/a.log']);
    expect(await found('latest/**/*.log')).toEqual(['y/a.log']);
    expect(await found('*/y/*.log')).toEqual(['x/y/a.log']);
    expect(await found('l*/**/*.log')).toEqual(['latest/y/a.log']);
  });

  test('passes over what is no file, as a pipe that nobody writes to', async () => {
    const folder = await mkdtemp(join(root, 'pipes-'));
    execFileSync('mkfifo', [join(folder, 'pipe.log')]);
    await expect(expandGlobs([join(folder, '*.log')])).rejects.toMatchObject({ code: 'E1504' });
    await writeFile(join(folder, 'a.log'), 'a');
    expect((await expandGlobs([join(folder, '*.log')])).map(({ id }) => id)).toEqual(['a.log']);
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
