import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const runner = fileURLToPath(new URL('run.mjs', import.meta.url));
const TARGET = 'src/base/bytes.ts';
const target = readFileSync(fileURLToPath(new URL(`../../${TARGET}`, import.meta.url)), 'utf8');

/** A patch that replaces the whole of TARGET, which it takes to read `before`. */
function patch(before: string, after: string): string {
  const lines = (text: string, sign: string): string[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => `${sign}${line}`);
  const [removed, added] = [lines(before, '-'), lines(after, '+')];
  return [
    'Bug: a trial',
    'Caught by: test/src/base/bytes.test.ts',
    `--- a/${TARGET}`,
    `+++ b/${TARGET}`,
    `@@ -1,${removed.length} +1,${added.length} @@`,
    ...removed,
    ...added,
    '',
  ].join('\n');
}

function runMutants(patches: Record<string, string>): Promise<{ code: number; printed: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-patches-'));
  for (const [name, text] of Object.entries(patches)) writeFileSync(join(folder, `${name}.patch`), text);
  return new Promise((done) => {
    execFile(process.execPath, [runner, '--patches', folder], (error, stdout, stderr) => {
      rmSync(folder, { recursive: true });
      done({ code: error === null ? 0 : 1, printed: stdout + stderr });
    });
  });
}

it('reports a bug that is none as a survivor, and a patch that does not apply', async () => {
  const { code, printed } = await runMutants({
    canary: patch(target, `${target}// Nothing is wrong.\n`),
    stale: patch(target.replace('KB: 1024', 'KB: 1'), target),
    units: patch(target, target.replace('KB: 1024', 'KB: 1000')),
  });
  expect(printed).toMatch(/SURVIVED: canary/);
  expect(printed).toMatch(/does not apply: stale/);
  expect(printed).toMatch(/^caught +units/m);
  expect(printed).toContain('1 of 3 planted bugs caught');
  expect(code).toBe(1);
});

it('refuses a patch that does not say which test must catch it', async () => {
  const { code, printed } = await runMutants({ nameless: patch(target, '').replace('Caught by', 'Perhaps') });
  expect(printed).toContain("nameless.patch must begin with 'Bug: …' and 'Caught by: …'");
  expect(code).toBe(1);
});
