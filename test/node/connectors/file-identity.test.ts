/** Whether a file is the one that was read before: by its inode, its edges and its birth. */
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isFile, type Print, printOf } from '../../../node/connectors/file-identity.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-identity-'));
  path = join(folder, 'a.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is known of the file at `path` of which `bytes` bytes were read, without its birth. */
function known(bytes: number): { readonly key: string; readonly print: Print } {
  const fd = openSync(path, 'r');
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    const { hash } = printOf(fd, bytes);
    return { key: `${dev}:${ino}`, print: { bytes, hash } };
  } finally {
    closeSync(fd);
  }
}

const banner = 'x'.repeat(1000);

test('a file that grew since is the same', () => {
  writeFileSync(path, `${banner}1`);
  const { key, print } = known(1001);
  appendFileSync(path, '2');
  expect(isFile(path, key, print)).toBe(true);
  expect(isFile(path, '1:1', print)).toBe(false);
});

test.each([
  ['ends before', banner],
  ['differs in the last byte that was read', `${banner}2`],
  ['differs in the first', `y${banner.slice(1)}1`],
])('a file of the same inode that %s is another', (_what, text) => {
  writeFileSync(path, `${banner}1`);
  const { key, print } = known(1001);
  writeFileSync(path, text);
  expect(isFile(path, key, print)).toBe(false);
});

test('a file of the same inode and text that was made at another time is another, when both times are known', () => {
  writeFileSync(path, banner);
  const { key, print } = known(1000);
  expect(isFile(path, key, { ...print, born: '1' })).toBe(false);
  expect(isFile(path, key, { ...print, born: String(statSync(path, { bigint: true }).birthtimeNs) })).toBe(true);
});
