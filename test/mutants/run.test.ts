import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const runner = fileURLToPath(new URL('run.mjs', import.meta.url));
const TARGET = 'src/base/bytes.ts';

/** A bug that replaces `before` in TARGET. */
const bug = (before: string, after: string): string =>
  `Bug: a trial\nCaught by: test/src/base/bytes.test.ts\nFile: ${TARGET}\nReplace:\n${before}\nWith:\n${after}\n`;

function runMutants(bugs: Record<string, string>, ...words: string[]): Promise<{ code: number; printed: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bugs-'));
  for (const [name, text] of Object.entries(bugs)) writeFileSync(join(folder, `${name}.bug`), text);
  return new Promise((done) => {
    execFile(process.execPath, [runner, '--bugs', folder, ...words], (error, stdout, stderr) => {
      rmSync(folder, { recursive: true });
      done({ code: error === null ? 0 : 1, printed: stdout + stderr });
    });
  });
}

it('reports a bug that is none as a survivor, and code that is not there once', async () => {
  const { code, printed } = await runMutants({
    canary: bug(' KB:\n1024 ', 'KB: 1024'),
    stale: bug('KB: 1025', 'KB: 2'),
    twice: bug('1024', '1000'),
    nowhere: bug('KB: 1024', 'KB: 1000').replace(TARGET, 'src/base/nowhere.ts'),
    units: bug(' KB:\n1024 ', 'KB: 1000'),
  });
  expect(printed).toMatch(/SURVIVED: canary/);
  for (const name of ['stale', 'twice', 'nowhere']) expect(printed).toMatch(new RegExp(`does not apply: ${name}`));
  expect(printed).toMatch(/^caught +units/m);
  expect(printed).toContain('1 of 5 planted bugs caught');
  expect(code).toBe(1);
});

it('finds bugs that cannot be planted without running a test', async () => {
  const stale = bug('KB: 1025', 'KB: 2');
  const units = bug('KB: 1024', 'KB: 1000');
  const lost = await runMutants({ stale, units }, '--find');
  expect(lost.printed).toContain('the code that these replace is not there, or there twice: stale');
  const found = await runMutants({ units }, '--find');
  expect(found.printed).toBe('1 bugs can be planted\n');
  expect([lost.code, found.code]).toEqual([1, 0]);
});

it('refuses a bug that does not say which test must catch it, or where it is', async () => {
  const nameless = await runMutants({ nameless: bug('KB: 1024', '').replace('Caught by', 'Perhaps') });
  expect(nameless.printed).toContain("nameless.bug must begin with 'Bug: …' and 'Caught by: …'");
  const placeless = await runMutants({ placeless: bug('KB: 1024', '').replace('Replace:', 'Perhaps:') });
  expect(placeless.printed).toContain("placeless.bug must say 'File: …', 'Replace:' and 'With:'");
  expect(nameless.code + placeless.code).toBe(2);
});
